import { GatewayError } from './errors.ts';

export const UNKNOWN_TYPE_POLICIES = ['DISCOVER', 'REJECT', 'QUARANTINE'] as const;
/** What becomes of an event whose type nobody defined. */
export type UnknownTypePolicy = (typeof UNKNOWN_TYPE_POLICIES)[number];

/** Where events are recorded: a tenant. */
export interface Workspace {
  readonly id: number;
  /** Lower case; matched without regard to case. */
  readonly slug: string;
  readonly name: string;
  readonly createdAt: Date;
  /** Days an event is kept after it was recorded; null keeps for ever. */
  readonly retentionDays: number | null;
  /** Days an event id is remembered at least. */
  readonly dedupeDays: number;
  /** IANA name of the zone in which days are kept ready. */
  readonly timeZone: string;
  readonly unknownTypes: UnknownTypePolicy;
  /** Whether a Merkle tree is kept over its log. */
  readonly evidence: boolean;
  /** Whether an index of searches is kept. */
  readonly searchIndex: boolean;
}

const SHOWN_CHARS_MAX = 60;

/**
 * The one refusal of a workspace that is not there and of every one that the key does not cover;
 * without a slug of one that was there a moment ago.
 */
export function workspaceNotFound(slug?: string | null): GatewayError {
  const message =
    slug == null
      ? 'The workspace is no longer there.'
      : `There is no workspace ${JSON.stringify(slug.slice(0, SHOWN_CHARS_MAX))}, or the key does not cover it.`;
  return new GatewayError('NOT_FOUND', message);
}

/** How many workspaces a refusal names. */
const NAMED_MAX = 20;
/** How many are to be known to name them, and that there are more. */
export const WORKSPACES_KNOWN_MAX = NAMED_MAX + 1;

/** Of a key that covers all of these, and more where there are `WORKSPACES_KNOWN_MAX`. */
export function workspaceRequired(known: readonly Workspace[]): GatewayError {
  const workspaces = known.slice(0, NAMED_MAX).map(({ slug }) => slug);
  const more = known.length > NAMED_MAX ? ' and more' : '';
  const message = `The key covers several workspaces. Name one of them: ${workspaces.join(', ')}${more}.`;
  return new GatewayError('WORKSPACE_REQUIRED', message, { extensions: { workspaces } });
}

const SLUG = /^[a-z0-9][a-z0-9-]{0,62}$/;

/** @throws GatewayError BAD_USER_INPUT */
export function checkSlug(slug: string): string {
  const lower = slug.toLowerCase();
  if (SLUG.test(lower)) return lower;
  throw new GatewayError(
    'BAD_USER_INPUT',
    'A slug has 1 to 63 characters: letters a to z, digits and hyphens, no hyphen first.',
  );
}
