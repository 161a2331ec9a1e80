/** Descriptions that stand in more than one place. */
export const WORKSPACE_ARGUMENT =
  'Slug of the workspace, without regard to case. Default: the one that the key covers; for a ' +
  'key of every workspace, `default`.';
export const EVENT_ID_ARGUMENT = 'The recorder’s id of the event.';
export const ID_FIELD = 'Globally unique and opaque: for `node` and for caches.';
