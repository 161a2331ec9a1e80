/**
 * What expiry and redaction leave of an event: its place, type, door, times and id. For the
 * `set` of an update.
 */
export const WITHOUT_CONTENT = `payload = '{}', property_types = null, wire = null, source = null,
  subject = null, actor = null, description = null, icon = null, client_ip = null,
  parent_id = null, group_id = null, success = null, notify = false`;
