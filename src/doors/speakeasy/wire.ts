/**
 * Speakeasy's event, field by field as its clients send and check it: those of the current SDK
 * are a superset of those of 3.0.0. A client refuses a whole answer for one null, unknown enum
 * value or fraction in it, so what is given back passes the same schemas.
 */
import { z } from 'zod';
import type { ExactObject } from '../../core/exact-json.ts';

export const INTERACTION_TYPES = [
  ...['CI_EXEC', 'CLI_EXEC', 'LINT', 'OPENAPI_DIFF', 'TARGET_GENERATE', 'TOMBSTONE'],
  ...['AUTHENTICATE', 'QUICKSTART', 'RUN', 'CONFIGURE', 'PUBLISH', 'TEST'],
] as const;

/** RFC 3339 with seconds and zone. Small letters, which it allows, are none that clients take back. */
const date = z
  .string()
  .toUpperCase()
  .pipe(z.iso.datetime({ offset: true }).regex(/T\d\d:\d\d:\d\d/));

const BUMPS = ['major', 'minor', 'patch', 'none'] as const;
const FLAGS = ['generate_output_tests', 'generate_published', 'gh_changes_committed'] as const;
const INTEGERS = [
  ...['duration_ms', 'generate_number_of_operations_ignored'],
  ...['generate_number_of_operations_used', 'generate_number_of_terraform_resources'],
  ...['lint_report_error_count', 'lint_report_info_count', 'lint_report_warning_count'],
  'openapi_diff_breaking_changes_count',
] as const;
const TEXTS = [
  ...['commit_head', 'continuous_integration_environment', 'error'],
  ...['generate_config_post_checksum', 'generate_config_post_raw', 'generate_config_post_version'],
  ...['generate_config_pre_checksum', 'generate_config_pre_raw', 'generate_config_pre_version'],
  ...['generate_eligible_features', 'generate_gen_lock_id', 'generate_gen_lock_post_features'],
  ...['generate_gen_lock_pre_blob_digest', 'generate_gen_lock_pre_doc_checksum'],
  ...['generate_gen_lock_pre_doc_version', 'generate_gen_lock_pre_features'],
  ...['generate_gen_lock_pre_namespace_name', 'generate_gen_lock_pre_revision_digest'],
  ...['generate_gen_lock_pre_version', 'generate_repo_url', 'generate_target'],
  ...['generate_target_name', 'generate_target_version', 'generate_version'],
  ...['gh_action_organization', 'gh_action_ref', 'gh_action_repository', 'gh_action_run_link'],
  ...['gh_action_version', 'gh_pull_request', 'git_relative_cwd', 'git_remote_default_owner'],
  ...['git_remote_default_repo', 'git_user_email', 'git_user_name', 'hostname', 'last_step'],
  ...['lint_report_digest', 'management_doc_checksum', 'management_doc_version'],
  ...['mermaid_diagram', 'openapi_diff_base_source_blob_digest'],
  ...['openapi_diff_base_source_namespace_name', 'openapi_diff_base_source_revision_digest'],
  ...['openapi_diff_report_digest', 'publish_package_name', 'publish_package_registry_name'],
  ...['publish_package_url', 'publish_package_version', 'raw_command', 'repo_label'],
  ...['source_blob_digest', 'source_namespace_name', 'source_revision_digest'],
  ...['test_report_raw', 'workflow_lock_post_raw', 'workflow_lock_pre_raw'],
  ...['workflow_post_raw', 'workflow_pre_raw'],
] as const;

export const REQUIRED_FIELDS = {
  created_at: date,
  execution_id: z.string(),
  id: z.string().min(1),
  interaction_type: z.enum(INTERACTION_TYPES),
  local_started_at: date,
  speakeasy_api_key_name: z.string(),
  speakeasy_version: z.string(),
  success: z.boolean(),
  workspace_id: z.string(),
} as const;

export const OPTIONAL_FIELDS: Readonly<Record<string, z.ZodType>> = {
  local_completed_at: date,
  ...Object.fromEntries(FLAGS.map(name => [name, z.boolean()])),
  ...Object.fromEntries(INTEGERS.map(name => [name, z.int()])),
  generate_bump_type: z.enum([...BUMPS, 'custom', 'graduate', 'prerelease']),
  openapi_diff_bump_type: z.enum(BUMPS),
  ...Object.fromEntries(TEXTS.map(name => [name, z.string()])),
};

const optional = Object.fromEntries(
  Object.entries(OPTIONAL_FIELDS).map(([name, type]) => [name, type.nullish()]),
);
/** Fields that are not known here, of a client of tomorrow, are kept as they are. */
export const cliEvents = z.array(z.looseObject({ ...optional, ...REQUIRED_FIELDS }));

/** Fields of a target that are its latest event's own. */
export const TARGET_FIELDS = [
  ...['generate_published', 'success', 'generate_number_of_operations_ignored'],
  ...['generate_number_of_operations_used', 'generate_number_of_terraform_resources'],
  ...['commit_head', 'continuous_integration_environment', 'error'],
  ...['generate_config_post_version', 'generate_eligible_features'],
  ...['generate_gen_lock_pre_features', 'generate_gen_lock_pre_version', 'generate_target_name'],
  ...['generate_target_version', 'gh_action_organization', 'gh_action_ref'],
  ...['gh_action_repository', 'gh_action_run_link', 'gh_action_version', 'git_relative_cwd'],
  ...['git_remote_default_owner', 'git_remote_default_repo', 'git_user_email', 'git_user_name'],
  ...['hostname', 'publish_package_name', 'publish_package_registry_name'],
  ...['publish_package_url', 'publish_package_version', 'repo_label', 'source_blob_digest'],
  ...['source_namespace_name', 'source_revision_digest', 'workflow_lock_post_raw'],
  ...['workflow_lock_pre_raw', 'workflow_post_raw', 'workflow_pre_raw'],
] as const;

export type CliEvent = ExactObject & {
  readonly [Field in keyof typeof REQUIRED_FIELDS]: z.infer<(typeof REQUIRED_FIELDS)[Field]>;
};
