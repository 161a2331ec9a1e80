/** The same event as the clients of each door send it: `docs/doors/`. */
import type { Sample, Subject } from './sample.ts';
import { curl, quoted } from './shell.ts';

export function doorSamples(subject: Subject): readonly Sample[] {
  return [
    ...[cloudEvents, openTelemetry, segment, posthog, logSnag, retraced],
    ...[speakeasy, logspace, authentik, logsh],
  ].map(sampleOf => sampleOf(subject));
}

const KEYS_WORKSPACE = 'It is recorded in the workspace of the key.';

function cloudEvents({ origin, workspace, type, payload, at }: Subject): Sample {
  const event = {
    specversion: '1.0',
    id: idAt(at),
    source: '/example',
    type,
    data: payload,
  };
  return {
    id: 'cloudevents',
    title: 'CloudEvents',
    note: 'Source and id together tell an event: give each another id. The answer is 204.',
    code: curl(`${origin}/cloudevents?workspace=${encodeURIComponent(workspace)}`, {
      hasNoAnswer: true,
      contentType: 'application/cloudevents+json',
      body: quoted(event),
    }),
  };
}

function openTelemetry({ origin, workspace, type, payload, at }: Subject): Sample {
  const attributes = Object.entries(payload).map(([key, value]) => {
    return { key, value: anyValueOf(value) };
  });
  const record = { timeUnixNano: `${at.getTime()}000000`, eventName: type, attributes };
  const service = { key: 'service.name', value: { stringValue: 'example' } };
  const scopeLogs = [{ logRecords: [record] }];
  return {
    id: 'opentelemetry',
    title: 'OpenTelemetry',
    note: 'A log record with an event name. Exporters and collectors send many at once.',
    code: curl(`${origin}/v1/logs?workspace=${encodeURIComponent(workspace)}`, {
      body: quoted({ resourceLogs: [{ resource: { attributes: [service] }, scopeLogs }] }),
    }),
  };
}

function anyValueOf(value: unknown): Record<string, unknown> {
  if (value === null) return {};
  if (typeof value === 'boolean') return { boolValue: value };
  if (typeof value === 'string') return { stringValue: value };
  if (Array.isArray(value)) return { arrayValue: { values: value.map(anyValueOf) } };
  if (typeof value === 'object') {
    const values = Object.entries(value).map(([key, each]) => ({ key, value: anyValueOf(each) }));
    return { kvlistValue: { values } };
  }
  return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value };
}

/** As `src/doors/speakeasy/wire.ts` has them. */
const INTERACTIONS: readonly string[] = [
  ...['CI_EXEC', 'CLI_EXEC', 'LINT', 'OPENAPI_DIFF', 'TARGET_GENERATE', 'TOMBSTONE'],
  ...['AUTHENTICATE', 'QUICKSTART', 'RUN', 'CONFIGURE', 'PUBLISH', 'TEST'],
];

function speakeasy({ origin, workspace, type, payload, at }: Subject): Sample {
  const title = 'Speakeasy';
  if (!INTERACTIONS.includes(type)) {
    const note = `Speakeasy’s clients send these types alone: ${INTERACTIONS.join(', ')}.`;
    return { id: 'speakeasy', title, note, code: null };
  }
  const now = at.toISOString();
  const event = {
    ...payload,
    id: `speakeasy-${idAt(at)}`,
    execution_id: 'run-1',
    interaction_type: type,
    success: true,
    created_at: now,
    local_started_at: now,
    workspace_id: workspace,
    speakeasy_version: '1.445.1',
    speakeasy_api_key_name: 'example',
  };
  return {
    id: 'speakeasy',
    title,
    note: 'The payload’s values stand beside those that Speakeasy asks for. Give each event another id.',
    code: curl(`${origin}/v1/workspace/${encodeURIComponent(workspace)}/events`, {
      hasNoAnswer: true,
      keyHeader: 'x-api-key:',
      body: quoted([event]),
    }),
  };
}

function logspace({ origin, type, payload, at }: Subject): Sample {
  if (!Object.values(payload).every(isPlain)) return lacking('logspace', 'Logspace', PLAIN);
  const event = {
    id: `logspace-${idAt(at)}`,
    type,
    system: 'example',
    'agent-id': type,
    timestamp: at.toISOString(),
    ...propertyMaps(payload),
  };
  return {
    id: 'logspace',
    title: 'Logspace',
    note: `Values stand by their types. Give each event another id. ${KEYS_WORKSPACE}`,
    code: curl(`${origin}/events`, {
      method: 'PUT',
      keyHeader: 'logspace.space-token:',
      hasNoAnswer: true,
      body: quoted([event]),
    }),
  };
}

function idAt(at: Date): string {
  return `example-${at.getTime().toString(36)}`;
}

function propertyMaps(payload: Subject['payload']): Record<string, Record<string, unknown>> {
  const maps: Record<string, Record<string, unknown>> = {};
  for (const [name, value] of Object.entries(payload)) {
    const [map, written] = propertyOf(value);
    (maps[map] ??= {})[name] = written;
  }
  return maps;
}

function propertyOf(value: unknown): readonly [string, unknown] {
  if (typeof value === 'boolean') return ['boolean-properties', value];
  if (typeof value === 'number') {
    return [Number.isSafeInteger(value) ? 'long-properties' : 'double-properties', value];
  }
  return ['string-properties', value];
}

const PLAIN = 'texts, numbers and booleans';

function isPlain(value: unknown): boolean {
  return ['string', 'number', 'boolean'].includes(typeof value);
}

/** Of a door whose vendor has no form for a payload of this type. */
function lacking(id: string, title: string, values: string): Sample {
  const note = `${title} holds ${values} alone: what this type has can’t come in this way as it is.`;
  return { id, title, note, code: null };
}

/** Of authentik itself, as `src/doors/authentik/actions.ts` has them. */
const ACTIONS: readonly string[] = `login login_failed logout user_write user_offboarded
  suspicious_request password_set secret_view secret_rotate invitation_used authorize_application
  source_linked impersonation_started impersonation_ended flow_execution policy_execution
  policy_exception property_mapping_exception system_task_execution system_task_exception
  system_exception configuration_error configuration_warning model_created model_updated
  model_deleted email_sent update_available export_ready review_initiated review_overdue
  review_attested review_completed access_request_created access_request_approved
  access_request_denied access_request_revoked`.split(/\s+/);

function authentik({ origin, type, payload }: Subject): Sample {
  const title = 'authentik';
  if (!type.startsWith('custom_') && !ACTIONS.includes(type)) {
    const note =
      'authentik’s clients send its own actions, such as login, and those that begin with custom_.';
    return { id: 'authentik', title, note, code: null };
  }
  const names = Object.keys(payload);
  if (!names.every(name => ['user', 'context', 'brand'].includes(name))) {
    return lacking('authentik', title, 'user, context and brand');
  }
  const sent = names.length === 0 ? { user: { username: 'ada' }, context: {} } : payload;
  const event = { ...sent, action: type, app: 'example' };
  return {
    id: 'authentik',
    title,
    note: `The payload holds user and context, as authentik has them. ${KEYS_WORKSPACE}`,
    code: curl(`${origin}/api/v3/events/events/`, { body: quoted(event) }),
  };
}

/** What Logsh takes, in characters. */
const LOGSH = { workspace: 35, event: 250, key: 100, text: 500 } as const;

function logsh({ origin, workspace, type, payload }: Subject): Sample {
  const title = 'Logsh';
  if (workspace.length > LOGSH.workspace || type.length > LOGSH.event) {
    const note = `Logsh names workspaces with at most ${LOGSH.workspace} characters, and events with ${LOGSH.event}.`;
    return { id: 'logsh', title, note, code: null };
  }
  if (!Object.entries(payload).every(isOfLogsh)) {
    const bounds = `keys of ${LOGSH.key} characters and texts of ${LOGSH.text}`;
    return lacking('logsh', title, `${PLAIN}, with ${bounds},`);
  }
  const event = { workspace, event: type, icon: '👋', notify: false, metadata: payload };
  return {
    id: 'logsh',
    title,
    note: 'Metadata is the payload.',
    code: curl(`${origin}/api/event`, { body: quoted(event) }),
  };
}

function isOfLogsh([key, value]: [string, unknown]): boolean {
  if (key === '' || key.length > LOGSH.key || !isPlain(value)) return false;
  return typeof value !== 'string' || value.length <= LOGSH.text;
}

function segment({ origin, workspace, type, payload, at }: Subject): Sample {
  const event = {
    userId: 'ada',
    event: type,
    messageId: `segment-${idAt(at)}`,
    timestamp: at.toISOString(),
    properties: payload,
  };
  return {
    id: 'segment',
    title: 'Segment',
    note: 'Properties are the payload. Segment’s libraries send the key as their write key.',
    code: curl(`${origin}/v1/track?workspace=${encodeURIComponent(workspace)}`, {
      body: quoted(event),
    }),
  };
}

function posthog({ origin, workspace, type, payload, at }: Subject): Sample {
  const event = {
    distinct_id: 'ada',
    event: type,
    timestamp: at.toISOString(),
    properties: payload,
  };
  return {
    id: 'posthog',
    title: 'PostHog',
    note: 'Properties are the payload. PostHog’s libraries send the key in the body, as api_key.',
    code: curl(`${origin}/capture/?workspace=${encodeURIComponent(workspace)}`, {
      body: quoted(event),
    }),
  };
}

function logSnag({ origin, workspace, type, payload }: Subject): Sample {
  const title = 'LogSnag';
  if (type.length > LOGSH.event) {
    const note = `LogSnag names events with at most ${LOGSH.event} characters.`;
    return { id: 'logsnag', title, note, code: null };
  }
  if (!Object.values(payload).every(isPlain)) return lacking('logsnag', title, PLAIN);
  const event = { project: workspace, channel: 'example', event: type, icon: '👋', tags: payload };
  return {
    id: 'logsnag',
    title,
    note: 'Tags are the payload.',
    code: curl(`${origin}/v1/log`, { body: quoted(event) }),
  };
}

function retraced({ origin, workspace, type, payload, at }: Subject): Sample {
  const title = 'Retraced';
  if (!Object.values(payload).every(value => typeof value === 'string' && value !== '')) {
    return lacking('retraced', title, 'texts that are not empty');
  }
  const event = {
    action: type,
    crud: 'c',
    created: at.toISOString(),
    actor: { id: 'ada' },
    fields: payload,
  };
  const project = encodeURIComponent(workspace);
  return {
    id: 'retraced',
    title,
    note: 'Fields are the payload, and hold texts alone, which are not empty.',
    code: curl(`${origin}/publisher/v1/project/${project}/event`, { body: quoted(event) }),
  };
}
