/**
 * The way of a request: prepare → resolve types → judge → write → receipts. One receipt for
 * each event, in the order given; a refused event names every problem, and nothing of it is
 * kept. An atomic request with a refused event stores nothing.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Door, EventInput, EventProblem, Receipt } from '../core/event.ts';
import { prepareEvent, type PrepareContext, type Prepared } from '../core/prepare-event.ts';
import { unauthenticated, type Actor } from '../core/principal.ts';
import type { Workspace } from '../core/workspace.ts';
import type { Pool } from '../db/client.ts';
import { toGatewayError } from '../db/sqlstate.ts';
import type { SchemaChecker } from '../json-schema/checker.ts';
import type { JobTime } from '../json-schema/schema-thread.ts';
import {
  applyDefinitionPolicy,
  applyUnknownTypePolicy,
  type Verdict,
} from './definition-policy.ts';
import type { DefinitionCache, KnownDefinition } from './definitions.ts';
import {
  ATOMIC_REFUSED,
  drafts,
  quarantined,
  receiptOf,
  refusal,
  settleRepeats,
  type Draft,
} from './draft.ts';
import { eventProblems, timeFor } from './payload-schema.ts';
import { quarantine, type QuarantineItem } from './quarantine.ts';
import { findKnown } from './refused-retries.ts';
import { Submission, unknownOutcome, type ResolvedEvent } from './submission.ts';
import type { Writers } from './writers.ts';

export interface RecordRequest {
  readonly workspace: Workspace;
  readonly door: Door;
  readonly events: readonly EventInput[];
  /** All or nothing: one refused event refuses the batch. */
  readonly atomic: boolean;
  /** Who records. Absent: the gateway itself. */
  readonly actor?: Actor | null;
}

/**
 * @throws GatewayError OVERLOADED, SERVICE_UNAVAILABLE, GOING_AWAY; QUOTA_EXCEEDED where the key
 * has recorded too much; UNAUTHENTICATED where it was revoked or has expired before the commit
 */
export type RecordEvents = (request: RecordRequest) => Promise<readonly Receipt[]>;

export interface RecordOptions extends Omit<PrepareContext, 'door'> {
  readonly write: Pool;
  readonly writers: Writers;
  readonly definitions: DefinitionCache;
  readonly schemas: SchemaChecker;
  readonly nowMs: () => number;
}

/** Preparing this many takes some 2 ms: the event loop turns in between. */
const PREPARED_PER_TURN = 100;
/**
 * How often what is left of a request is judged: again when a definition has changed meanwhile,
 * and when an id stands in it several times with other content and the first was refused.
 */
const JUDGED_MAX = 8;

export function createRecordEvents(options: RecordOptions): RecordEvents {
  return async request => {
    const all = drafts(request.events, await prepareAll(request, options));
    try {
      await settleAll(request, options, all);
    } catch (error) {
      // Once some are stored, no error may leave that says that nothing is.
      throw all.some(isStored) ? unknownOutcome(error) : toGatewayError(error, 'write');
    }
    return all.map(draft => draft.receipt ?? refusal(draft, [UNSETTLED]));
  };
}

async function settleAll(
  request: RecordRequest,
  options: RecordOptions,
  all: readonly Draft[],
): Promise<void> {
  const kept: QuarantineItem[] = [];
  const time = timeFor(all.length);
  for (let judged = 0; judged < JUDGED_MAX; judged++) {
    settleRepeats(all);
    const pending = all.filter(draft => draft.receipt === null && draft.repeats === null);
    if (pending.length === 0) break;
    await judgeAndWrite(request, options, { all, pending, kept, time });
  }
  const { workspace, door, actor = null } = request;
  await quarantine(options.write, { workspaceId: workspace.id, door, actor }, kept);
  settleRepeats(all);
}

function isStored({ receipt }: Draft): boolean {
  return receipt?.status === 'RECORDED' || receipt?.status === 'DUPLICATE';
}

async function prepareAll(
  { events, door }: RecordRequest,
  { now, newId }: RecordOptions,
): Promise<Prepared[]> {
  const prepared: Prepared[] = [];
  for (const input of events) {
    if (prepared.length % PREPARED_PER_TURN === PREPARED_PER_TURN - 1) await nextTurn();
    prepared.push(prepareEvent(input, { door, now, newId }));
  }
  return prepared;
}

interface Checks {
  readonly pending: readonly Draft[];
  readonly definitions: ReadonlyMap<string, KnownDefinition>;
  readonly time: JobTime;
}

/** What is wrong with payloads by the schemas of their definitions; nothing where none is given. */
async function checkPayloads(
  { workspace }: RecordRequest,
  { schemas }: RecordOptions,
  { pending, definitions, time }: Checks,
): Promise<Map<Draft, readonly EventProblem[]>> {
  const problems = new Map<Draft, readonly EventProblem[]>();
  for (const draft of pending) {
    const { type, payload } = draft.event as NonNullable<Draft['event']>;
    const definition = definitions.get(type);
    if (definition == null || definition.schema === null || definition.status === 'BLOCKED') {
      continue;
    }
    const job = { workspaceId: workspace.id, schema: definition.schema, payload, time };
    const checked = schemas.check(job);
    // Nearly all are checked at once, and need no turn of the event loop.
    const answer = checked instanceof Promise ? await checked : checked;
    const found = eventProblems(answer);
    if (found.length > 0) problems.set(draft, found);
  }
  return problems;
}

interface Round {
  /** Of the request, for all its rounds. */
  readonly time: JobTime;
  readonly all: readonly Draft[];
  readonly pending: readonly Draft[];
  readonly kept: QuarantineItem[];
}

async function judgeAndWrite(
  request: RecordRequest,
  options: RecordOptions,
  { all, pending, kept, time }: Round,
): Promise<void> {
  const definitions = await resolve(request, options.definitions, pending);
  const problems = await checkPayloads(request, options, { pending, definitions, time });
  const events: ResolvedEvent[] = [];
  const written: Draft[] = [];
  const refused = new Map<Draft, Verdict>();
  for (const draft of pending) {
    const event = draft.event as NonNullable<Draft['event']>;
    const definition = definitions.get(event.type);
    const verdict =
      definition === undefined
        ? applyUnknownTypePolicy(request.workspace)
        : applyDefinitionPolicy(definition, problems.get(draft) ?? []);
    draft.warnings = verdict.problems;
    if (verdict.fate === 'RECORD' && definition !== undefined) {
      // Its own object, made for this request: a copy costs more than all the rest here.
      const { id: definitionId, category, revision } = definition;
      events.push(Object.assign(event, { definitionId, category, revision }));
      written.push(draft);
    } else {
      refused.set(draft, verdict);
    }
  }
  await refuse(request, options, { refused, kept });
  if (request.atomic && refuseTogether(all, kept)) return;
  if (events.length === 0) return;
  const outcomes = await options.writers.write(
    new Submission({
      workspaceId: request.workspace.id,
      events,
      atomic: request.atomic,
      actor: request.actor ?? null,
      arrivedMs: options.nowMs(),
    }),
  );
  written.forEach((draft, index) => {
    draft.receipt = receiptOf(draft, outcomes[index] as (typeof outcomes)[number]);
  });
  if (outcomes.some(({ status }) => status === 'UNAUTHENTICATED')) throw unauthenticated();
}

interface Refused {
  readonly refused: ReadonlyMap<Draft, Verdict>;
  readonly kept: QuarantineItem[];
}

async function refuse(
  { workspace }: RecordRequest,
  { write }: RecordOptions,
  { refused, kept }: Refused,
): Promise<void> {
  const known = await findKnown(write, workspace.id, [...refused.keys()]);
  for (const [draft, { fate, problems }] of refused) {
    const outcome = known.get(draft);
    if (outcome !== undefined) {
      draft.warnings = [];
      draft.receipt = receiptOf(draft, outcome);
    } else if (fate === 'QUARANTINE') {
      draft.receipt = quarantined(draft, problems);
      kept.push({ input: draft.input, problems, madeId: draft.event?.eventId });
    } else {
      draft.receipt = refusal(draft, problems);
    }
  }
}

async function resolve(
  { workspace, actor = null }: RecordRequest,
  cache: DefinitionCache,
  pending: readonly Draft[],
): Promise<Map<string, KnownDefinition>> {
  const names = new Set(pending.map(({ input }) => input.type));
  const definitions = await cache.resolve(workspace.id, names);
  if (workspace.unknownTypes !== 'DISCOVER' || definitions.size === names.size) return definitions;
  const unknown = [...names].filter(name => !definitions.has(name));
  for (const definition of await cache.discover(workspace.id, unknown, actor)) {
    definitions.set(definition.name, definition);
  }
  return definitions;
}

/** Of an atomic request with a refused event, nothing is written or kept. */
function refuseTogether(all: readonly Draft[], kept: QuarantineItem[]): boolean {
  const isRefused = all.some(isRefusedDraft) || all.some(isRepeatConflict);
  if (!isRefused) return false;
  kept.length = 0;
  for (const draft of all) {
    if (draft.receipt === null) draft.receipt = refusal(draft, [ATOMIC_REFUSED]);
    else if (isRefusedDraft(draft)) draft.receipt = { ...draft.receipt, status: 'REJECTED' };
  }
  return true;
}

function isRefusedDraft({ receipt }: Draft): boolean {
  return receipt !== null && receipt.status !== 'DUPLICATE';
}

function isRepeatConflict({ event, repeats }: Draft): boolean {
  return repeats !== null && repeats.event?.hash !== event?.hash;
}

const UNSETTLED: EventProblem = {
  severity: 'ERROR',
  code: 'UNSETTLED',
  message:
    'The event could not be recorded, because its definition is changing or its id is in ' +
    'this request too often. Send the event alone.',
  pointer: '',
};
