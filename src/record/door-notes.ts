/**
 * What a vendor's client says of itself and is asked for again, by a name of its own: kept in the
 * database, so that every gateway knows it. Bounded: a workspace has so many notes of a door, and
 * those that nobody has noted for the longest time go.
 */
import { DOORS, type Door } from '../core/event.ts';
import type { Actor } from '../core/principal.ts';
import { storableJson } from '../core/text.ts';
import type { Connection } from '../db/client.ts';
import { columnsOf, sqlText, type Row } from '../db/columns.ts';
import { doorNotes } from '../db/schema.ts';
import { toGatewayError } from '../db/sqlstate.ts';

const n = columnsOf(doorNotes, 'n');
const NOTE = columnsOf(doorNotes);

export interface DoorNote<Value = unknown> {
  readonly name: string;
  readonly value: Value;
  /** In whole seconds, and later with each change: HTTP dates have no more. */
  readonly changedAt: Date;
}

/** All reject with BAD_USER_INPUT for text that Postgres can't hold, and SERVICE_UNAVAILABLE. */
export interface DoorNotes<Value = unknown> {
  get(workspaceId: number, name: string): Promise<DoorNote<Value> | null>;
  /** In the order of their names. */
  all(workspaceId: number): Promise<readonly DoorNote<Value>[]>;
  /** @throws GatewayError also UNAUTHENTICATED, where the key was revoked or has expired meanwhile */
  put(workspaceId: number, note: { name: string; value: Value }, actor: Actor): Promise<void>;
}

/** Of one door; what its notes hold is its own affair. */
export type NotesOf = <Value>(door: Door) => DoorNotes<Value>;

const NOTES_MAX = 1_000;

type NoteRow = Row<typeof doorNotes, 'name' | 'value' | 'changed_at'>;

export function createNotesOf(read: Connection, write: Connection): NotesOf {
  return <Value>(door: Door): DoorNotes<Value> => ({
    async get(workspaceId, name) {
      const params = [workspaceId, DOORS[door], name];
      const [row] = await read.query<NoteRow>(`${SELECT} and name = $3`, params, {
        tenant: workspaceId,
      });
      return row === undefined ? null : toNote<Value>(row);
    },
    async all(workspaceId) {
      const params = [workspaceId, DOORS[door]];
      const found = await read.query<NoteRow>(sqlText`${SELECT} order by ${NOTE.name}`, params, {
        tenant: workspaceId,
      });
      return found.map(row => toNote<Value>(row));
    },
    async put(workspaceId, { name, value }, { keyId, scope }) {
      try {
        const note = [workspaceId, DOORS[door], name, storableJson(value)];
        const options = { tenant: workspaceId };
        await write.query(PUT, [...note, keyId, scope], options);
        await write.query(TRIM, [workspaceId, DOORS[door], NOTES_MAX], options);
      } catch (error) {
        throw toGatewayError(error, 'write');
      }
    },
  });
}

const SELECT = sqlText`select ${NOTE.name}, ${NOTE.value}::text as value, ${NOTE.changed_at} from door_notes where ${NOTE.workspace_id} = $1 and ${NOTE.door} = $2`;

const PUT = sqlText`
  with allowed as materialized (select require_key($5::int, $6::text))
  insert into door_notes as n (${NOTE.workspace_id}, ${NOTE.door}, ${NOTE.name}, ${NOTE.value}, ${NOTE.changed_at}, ${NOTE.noted_at})
  select $1, $2, $3, $4::text::jsonb, date_trunc('second', now()), now() from allowed
  on conflict (${NOTE.workspace_id}, ${NOTE.door}, ${NOTE.name}) do update set
    ${NOTE.value} = excluded.${NOTE.value},
    ${NOTE.changed_at} = case when ${n.value} = excluded.${NOTE.value} then ${n.changed_at}
      else greatest(excluded.${NOTE.changed_at}, ${n.changed_at} + interval '1 second') end,
    ${NOTE.noted_at} = excluded.${NOTE.noted_at}`;

const TRIM = sqlText`
  delete from door_notes where ${NOTE.workspace_id} = $1 and ${NOTE.door} = $2 and ${NOTE.noted_at} < (
    select ${NOTE.noted_at} from door_notes where ${NOTE.workspace_id} = $1 and ${NOTE.door} = $2
    order by ${NOTE.noted_at} desc offset $3 - 1 limit 1
  )`;

function toNote<Value>({ name, value, changed_at: changedAt }: NoteRow): DoorNote<Value> {
  return { name, value: JSON.parse(value) as Value, changedAt };
}
