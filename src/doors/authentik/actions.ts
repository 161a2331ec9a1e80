/** The vendor's EventAction, as of 2026.8, with the labels of its UI. */
const ACTIONS = [
  ...['login', 'login_failed', 'logout', 'user_write', 'user_offboarded', 'suspicious_request'],
  ...['password_set', 'secret_view', 'secret_rotate', 'invitation_used', 'authorize_application'],
  ...['source_linked', 'impersonation_started', 'impersonation_ended', 'flow_execution'],
  ...['policy_execution', 'policy_exception', 'property_mapping_exception'],
  ...['system_task_execution', 'system_task_exception', 'system_exception'],
  ...['configuration_error', 'configuration_warning', 'model_created', 'model_updated'],
  ...['model_deleted', 'email_sent', 'update_available', 'export_ready', 'review_initiated'],
  ...['review_overdue', 'review_attested', 'review_completed', 'access_request_created'],
  ...['access_request_approved', 'access_request_denied', 'access_request_revoked', 'custom_'],
] as const;

const KNOWN: ReadonlySet<string> = new Set(ACTIONS);

/** `custom_<name>` is what the vendor's own server makes of a custom action. */
export function isAction(text: string): boolean {
  return KNOWN.has(text) || text.startsWith('custom_');
}

/** As the vendor lists types of things: the value is the component. */
export function actionTypes(): {
  name: string;
  description: string;
  component: string;
  model_name: string;
}[] {
  return ACTIONS.map(action => ({
    name: labelOf(action),
    description: '',
    component: action,
    model_name: '',
  }));
}

function labelOf(action: string): string {
  if (action === 'custom_') return 'Custom Prefix';
  return action
    .split('_')
    .map(word => word.charAt(0).toUpperCase() + word.slice(1))
    .join(' ');
}
