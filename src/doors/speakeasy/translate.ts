/** Speakeasy's event ↔ ours. Pure. */
import type { EventInput, StoredEvent } from '../../core/event.ts';
import { parseExact, type ExactJson, type ExactObject } from '../../core/exact-json.ts';
import { LIMITS } from '../../core/limits.ts';
import { isWithinBytes } from '../../core/text.ts';
import { instantText } from '../../core/unreadable.ts';
import { unreadableText } from '../answer.ts';
import { differenceOf, restored } from '../wire-difference.ts';
import { OPTIONAL_FIELDS, REQUIRED_FIELDS, TARGET_FIELDS, type CliEvent } from './wire.ts';

/** Fields with a column of their own; each is a text. */
const COLUMNS = {
  hostname: 'source',
  generate_gen_lock_id: 'subject',
  execution_id: 'groupId',
} as const;
type Column = (typeof COLUMNS)[keyof typeof COLUMNS] | 'actor';
/** The first of these that came is the actor. */
const ACTORS = ['git_user_email', 'git_user_name', 'speakeasy_api_key_name'] as const;

/** What both sides of the mapping speak of. */
interface Mapped extends Readonly<Partial<Record<Column, string | null | undefined>>> {
  readonly eventId: string;
  readonly type: string;
  readonly occurredAt: Date;
  readonly success: boolean | null;
  readonly payload: ExactObject;
}

/** A null is as good as absent; it can't be given back, since the client refuses it. */
export function decode(event: CliEvent): EventInput {
  const sent = Object.fromEntries(
    Object.entries(event).filter(([name, value]) => value !== null || !isOptional(name)),
  ) as CliEvent;
  const { id, interaction_type, created_at, success, ...others } = sent;
  const columns: Partial<Record<Column, string>> = {};
  const taken = new Set<string>();
  const place = (column: Column, name: string) => {
    const value = others[name];
    // A text that is too long for an index stays in the payload.
    if (!isIndexable(value)) return false;
    columns[column] = value;
    return taken.add(name).has(name);
  };
  for (const [name, column] of Object.entries(COLUMNS)) place(column, name);
  ACTORS.some(name => place('actor', name));
  const payload = Object.fromEntries(Object.entries(others).filter(([name]) => !taken.has(name)));
  const occurredAt = new Date(created_at);
  const mapped = { eventId: id, type: interaction_type, occurredAt, success, ...columns, payload };
  return {
    id,
    type: interaction_type,
    occurredAt,
    success,
    ...columns,
    payload,
    wire: differenceOf(sent, derive(mapped, sent.workspace_id)),
  };
}

/** Also of an event that came through another door: what is required is filled in. */
export function encode(event: StoredEvent, workspace: string): CliEvent {
  const payload = parseExact(event.payload) as ExactObject;
  const derived = derive({ ...event, payload }, workspace);
  const encoded =
    event.door === 'SPEAKEASY' ? (restored(derived, event.wire) as CliEvent) : derived;
  const error = unreadableText(event);
  return error === null ? encoded : { ...encoded, error };
}

function derive(event: Mapped, workspace: string): CliEvent {
  const created_at = instantText(event.occurredAt);
  const required = { local_started_at: created_at, speakeasy_version: '', workspace_id: workspace };
  const fields: Record<string, ExactJson> = Object.assign(
    { ...required, execution_id: '', speakeasy_api_key_name: '' },
    Object.fromEntries(Object.entries(event.payload).filter(fitsItsField)),
  );
  for (const [name, column] of Object.entries(COLUMNS)) {
    if (event[column] != null) fields[name] = event[column];
  }
  if (event.actor != null) fields[actorField(event)] = event.actor;
  return Object.assign(fields, {
    id: event.eventId,
    interaction_type: event.type as CliEvent['interaction_type'],
    created_at,
    success: event.success ?? false,
  }) as unknown as CliEvent;
}

function actorField({ actor, payload }: Mapped): (typeof ACTORS)[number] {
  if (!Object.hasOwn(payload, 'speakeasy_api_key_name')) return 'speakeasy_api_key_name';
  return actor?.includes('@') ? 'git_user_email' : 'git_user_name';
}

/** Of a payload from elsewhere, a field with a value that the client would refuse is left out. */
function fitsItsField([name, value]: [string, ExactJson]): boolean {
  const type = Object.hasOwn(REQUIRED_FIELDS, name)
    ? REQUIRED_FIELDS[name as keyof typeof REQUIRED_FIELDS]
    : isOptional(name)
      ? OPTIONAL_FIELDS[name]
      : undefined;
  return type === undefined || type.safeParse(value).success;
}

function isOptional(name: string): boolean {
  return Object.hasOwn(OPTIONAL_FIELDS, name);
}

function isIndexable(value: ExactJson | undefined): value is string {
  return typeof value === 'string' && isWithinBytes(value, LIMITS.indexedTextBytesMax);
}

/** What a target is made of: the latest event of its lock, and the latest that has what it lacks. */
export interface TargetParts {
  readonly last: CliEvent;
  readonly generated: CliEvent | undefined;
  readonly published: CliEvent | undefined;
}

export function encodeTarget({ last, generated, published }: TargetParts): ExactObject {
  const id = last['generate_gen_lock_id'] as string;
  const own = TARGET_FIELDS.filter(name => Object.hasOwn(last, name));
  const runLink = published?.['gh_action_run_link'];
  return {
    ...Object.fromEntries(own.map(name => [name, last[name] as ExactJson])),
    id,
    generate_gen_lock_id: id,
    generate_target: last['generate_target'] ?? generated?.['generate_target'] ?? '',
    last_event_id: last.id,
    last_event_created_at: last.created_at,
    last_event_interaction_type: last.interaction_type,
    ...(published === undefined ? {} : { last_publish_created_at: published.created_at }),
    ...(runLink === undefined ? {} : { last_publish_gh_action_run_link: runLink }),
  };
}
