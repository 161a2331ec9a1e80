/** Descriptions that stand in more than one place. */
export const WORKSPACE_ARGUMENT =
  'Slug of the workspace, in upper or lower case. Default: the workspace that the key ' +
  'covers. A key of all workspaces may omit it if there is only one.';
export const EVENT_ID_ARGUMENT = 'The event id.';
export const ID_FIELD = 'Globally unique and opaque, for `node` and for caches.';
