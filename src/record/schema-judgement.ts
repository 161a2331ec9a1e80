/**
 * Decides whether a new payload schema keeps what its definition promises: by rules, from the two
 * schemas alone, and against a sample of recorded events.
 */
import type { SchemaCompatibility } from '../core/definition.ts';
import { GatewayError } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';
import { LIMITS } from '../core/limits.ts';
import type { Connection } from '../db/client.ts';
import { columnsOf, sqlText, type Row } from '../db/columns.ts';
import { eventDefinitions, events } from '../db/schema.ts';
import type { SchemaChecker } from '../json-schema/checker.ts';
import { narrowings, type Finding } from '../json-schema/compatibility.ts';
import type { JobTime } from '../json-schema/schema-thread.ts';

const e = columnsOf(events, 'e');
const o = columnsOf(events, 'o');
const c = columnsOf(events, 'c');
const EVENT = columnsOf(events);
const DEFINITION = columnsOf(eventDefinitions);

export interface ProposedSchema {
  readonly workspaceId: number;
  readonly name: string;
  /** Null: any payload is valid. */
  readonly payloadSchema: JsonObject | null;
  /** Null: that of the definition. */
  readonly compatibility: SchemaCompatibility | null;
}

/** Which way is broken: see `SchemaCompatibility`. */
export interface Incompatibility extends Finding {
  readonly direction: 'BACKWARD' | 'FORWARD';
}

export interface SchemaJudgement {
  readonly compatibility: SchemaCompatibility;
  /** What the definition promises at present; null where there is none. */
  readonly promised: SchemaCompatibility | null;
  /** Of the definition that it was compared with; null where there is none. */
  readonly version: number | null;
  /** False: the change is refused. */
  readonly isCompatible: boolean;
  /** By rules, for both directions, whatever is promised. */
  readonly findings: readonly Incompatibility[];
  readonly eventsChecked: number;
  /** Of these, those that do not fit the new schema. */
  readonly eventsFailing: number;
  /** Of these, those that fit the present schema. */
  readonly eventsBroken: number;
  /** Whether the checks ended before the sample did. */
  readonly isCutShort: boolean;
  /** Positions of the first few that fail. */
  readonly failingPositions: readonly number[];
}

/** @param options whether to compare even if nothing is promised */
export type JudgeSchema = (
  proposed: ProposedSchema,
  options: { readonly evenIfNone: boolean },
) => Promise<SchemaJudgement>;

/** Time and bytes for judging one schema. */
const CHECK_MS = 1_000;
const SAMPLE_BYTES_MAX = 8_388_608;
const FAILING_SHOWN_MAX = 10;

const NAMES = {
  BACKWARD: { from: 'the present schema', to: 'the new schema' },
  FORWARD: { from: 'the new schema', to: 'the present schema' },
} as const;

export function createJudge(read: Connection, schemas: SchemaChecker): JudgeSchema {
  return async (proposed, { evenIfNone }) => {
    const { workspaceId, payloadSchema } = proposed;
    const present = await readPresent(read, proposed);
    const compatibility = proposed.compatibility ?? present?.compatibility ?? 'NONE';
    const before = present?.payload_schema ?? null;
    const isLookedAt = present !== undefined && (evenIfNone || compatibility !== 'NONE');
    const findings = isLookedAt ? findingsOf(before, payloadSchema) : [];
    const seen =
      !isLookedAt || payloadSchema === null
        ? NOTHING_SEEN
        : await checkEvents(
            { read, schemas },
            { workspaceId, definitionId: present.id, before, after: JSON.stringify(payloadSchema) },
          );
    const isKept = findings.every(
      each => !each.isCertain || !isPromised(compatibility, each.direction),
    );
    const areEventsKept = seen.eventsBroken === 0 || !isPromised(compatibility, 'BACKWARD');
    const isCompatible = isKept && areEventsKept;
    const { version = null, compatibility: promised = null } = present ?? {};
    return { compatibility, promised, version, isCompatible, findings, ...seen };
  };
}

export function isPromised(
  compatibility: SchemaCompatibility,
  direction: Incompatibility['direction'],
): boolean {
  return compatibility === 'FULL' || compatibility === direction;
}

/** @throws GatewayError SCHEMA_INCOMPATIBLE */
export function requireCompatible(judgement: SchemaJudgement): void {
  if (judgement.isCompatible) return;
  const { compatibility, eventsChecked, eventsBroken } = judgement;
  const broken = judgement.findings.filter(
    each => each.isCertain && isPromised(compatibility, each.direction),
  );
  const named = broken.slice(0, 3).map(({ pointer, message }) => `${pointer || '/'}: ${message}`);
  const events =
    eventsBroken === 0
      ? ''
      : ` Of ${eventsChecked} recorded events that were checked, ${eventsBroken} fit the ` +
        'present schema but not the new one.';
  const message =
    `The definition promises ${compatibility}, and this payloadSchema breaks it. ${named.join('; ')}`.trimEnd() +
    (named.length > 0 ? '.' : '');
  throw new GatewayError('SCHEMA_INCOMPATIBLE', `${message}${events}`.slice(0, 1_000), {
    extensions: {
      compatibility,
      incompatibilities: broken.map(each => ({
        direction: each.direction,
        pointer: `/payloadSchema${each.pointer}`,
        message: each.message,
      })),
      eventsChecked,
      eventsBroken,
    },
  });
}

type Present = Row<typeof eventDefinitions, 'id' | 'version' | 'compatibility' | 'payload_schema'>;

async function readPresent(
  read: Connection,
  { workspaceId, name }: ProposedSchema,
): Promise<Present | undefined> {
  const [row] = await read.query<Present>(
    sqlText`select ${DEFINITION.id}, ${DEFINITION.version}, ${DEFINITION.compatibility}, ${DEFINITION.payload_schema}
     from event_definitions where ${DEFINITION.workspace_id} = $1 and ${DEFINITION.name} = $2`,
    [workspaceId, name],
    { tenant: workspaceId },
  );
  return row;
}

function findingsOf(before: string | null, after: JsonObject | null): Incompatibility[] {
  const present = before === null ? true : (JSON.parse(before) as JsonObject);
  const next = after ?? true;
  const backward = narrowings(present, next, NAMES.BACKWARD);
  const forward = narrowings(next, present, NAMES.FORWARD);
  return [
    ...backward.map(each => ({ ...each, direction: 'BACKWARD' as const })),
    ...forward.map(each => ({ ...each, direction: 'FORWARD' as const })),
  ];
}

type Seen = Pick<
  SchemaJudgement,
  'eventsChecked' | 'eventsFailing' | 'eventsBroken' | 'isCutShort' | 'failingPositions'
>;

const NOTHING_SEEN: Seen = {
  eventsChecked: 0,
  eventsFailing: 0,
  eventsBroken: 0,
  isCutShort: false,
  failingPositions: [],
};

interface Check {
  readonly workspaceId: number;
  readonly definitionId: number;
  readonly before: string | null;
  readonly after: string;
}

async function checkEvents(
  { read, schemas }: { readonly read: Connection; readonly schemas: SchemaChecker },
  { workspaceId, definitionId, before, after }: Check,
): Promise<Seen> {
  const time: JobTime = { leftMs: CHECK_MS };
  const fits = async (schema: string, payload: string) => {
    const answer = await schemas.check({ workspaceId, time, schema, payload });
    return answer.kind === 'CHECKED' ? answer.mismatches.length === 0 : null;
  };
  const sample = await readSample(read, workspaceId, definitionId);
  let [eventsChecked, eventsFailing, eventsBroken] = [0, 0, 0];
  const failingPositions: number[] = [];
  for (const { position, payload } of sample.events) {
    const isFitting = await fits(after, payload);
    if (isFitting === null) continue;
    if (time.leftMs <= 0) break;
    eventsChecked += 1;
    if (isFitting) continue;
    eventsFailing += 1;
    if (failingPositions.length < FAILING_SHOWN_MAX) failingPositions.push(position);
    if (before === null || (await fits(before, payload)) === true) eventsBroken += 1;
  }
  const isCutShort = sample.isCut || eventsChecked < sample.events.length;
  return { eventsChecked, eventsFailing, eventsBroken, isCutShort, failingPositions };
}

/**
 * The newest events of a type, and as many spread evenly over the positions of its older ones. If the
 * type has no more events than the newest part, all of them.
 */
const SAMPLE_SQL = sqlText`
  with newest as materialized (
    select ${e.position}, ${e.recorded_at} from events e
    where ${e.workspace_id} = $1 and ${e.definition_id} = $2
    order by ${e.position} desc limit $3
  ), ends as materialized (
    select (select ${e.position} from events e where ${e.workspace_id} = $1 and ${e.definition_id} = $2
        order by ${e.position} limit 1) as first,
      (select min(${EVENT.position}) from newest) as upto
  ), older as (
    select ${o.position}, ${o.recorded_at} from ends
    cross join generate_series(0, $4::int - 1) as n
    cross join lateral (
      select ${e.position}, ${e.recorded_at} from events e
      where ${e.workspace_id} = $1 and ${e.definition_id} = $2
        and ${e.position} >= first + (upto - first) * n / $4::int
        and ${e.position} < first + (upto - first) * (n + 1) / $4::int
      order by ${e.position} limit $3::int / $4::int
    ) o
  ), chosen as (
    select * from newest union all select * from older
  ), sized as (
    select ${e.position}, ${e.payload},
      sum(octet_length(${e.payload}::text)) over (order by ${e.position} desc) as up_to
    from chosen c join events e on ${e.workspace_id} = $1 and ${e.position} = ${c.position}
      and ${e.recorded_at} = ${c.recorded_at}
    where ${e.redacted_at} is null and ${e.expired_at} is null
      and (${e.expires_at} is null or ${e.expires_at} > now())
  )
  select ${EVENT.position}, case when up_to <= $5 then ${EVENT.payload} end as payload from sized
  order by ${EVENT.position} desc`;

const SPREAD = 50;

async function readSample(read: Connection, workspaceId: number, definitionId: number) {
  const rows = await read.query<{ position: number; payload: string | null }>(
    SAMPLE_SQL,
    [workspaceId, definitionId, LIMITS.schemaSampleMax / 2, SPREAD, SAMPLE_BYTES_MAX],
    { tenant: workspaceId },
  );
  const kept = rows.flatMap(({ position, payload }) =>
    payload === null ? [] : [{ position, payload }],
  );
  return { events: kept, isCut: kept.length < rows.length };
}
