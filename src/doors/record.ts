/**
 * Recording for vendors whose answer can't name a single event. What such an answer acknowledges
 * is in the log or in quarantine: a client that re-sends for ever is no use to anyone.
 */
import { GatewayError } from '../core/errors.ts';
import type { EventInput, Receipt } from '../core/event.ts';
import type { Workspace } from '../core/workspace.ts';
import type { DoorContext } from './door.ts';

/**
 * Each event by itself: what is refused or in conflict is kept aside, and all is acknowledged.
 * @throws GatewayError where it could be neither recorded nor kept
 */
export async function recordEach(
  context: DoorContext,
  workspace: Workspace,
  events: readonly EventInput[],
): Promise<void> {
  if (events.length === 0) return;
  const receipts = await context.record(workspace, events, false);
  await keep(context, workspace, events, receipts.filter(isRefused));
}

/** How often conflicts are taken out of a request before it counts as overloaded with them. */
const ROUNDS_MAX = 5;

/**
 * All or nothing, but for events whose id stands for other content already: those are kept aside
 * and acknowledged, and the others recorded. A single event also keeps to a definition's or
 * workspace's wish to quarantine it; among several that is a refusal of all. Receipts come in no
 * order but that of a single event.
 * @throws GatewayError BAD_USER_INPUT with the first problem: nothing of the request was stored
 */
export async function recordTogether(
  context: DoorContext,
  workspace: Workspace,
  events: readonly EventInput[],
): Promise<readonly Receipt[]> {
  const settled: Receipt[] = [];
  let left = events;
  for (let round = 0; left.length > 0; round++) {
    const receipts = await context.record(workspace, left, left.length > 1);
    const refused = receipts.filter(isRefused);
    if (refused.length === 0) return [...settled, ...receipts];
    const conflicts = refused.filter(isConflict);
    const invalid = refused.find(each => !isConflict(each) && !isLeftOut(each));
    if (invalid !== undefined || round === ROUNDS_MAX) {
      throw refusal(invalid ?? (refused[0] as Receipt));
    }
    if (conflicts.length === 0) {
      // All are valid, and two of them are in conflict with each other: the first one holds.
      const { firsts, repeats } = apart(left);
      settled.push(...(await recordTogether(context, workspace, firsts)));
      await recordEach(context, workspace, repeats);
      return settled;
    }
    await keep(context, workspace, left, conflicts);
    const kept = new Set(conflicts.map(({ index }) => index));
    settled.push(...conflicts);
    left = left.filter((_, index) => !kept.has(index));
  }
  return settled;
}

function apart(events: readonly EventInput[]) {
  const seen = new Set<string>();
  const firsts: EventInput[] = [];
  const repeats: EventInput[] = [];
  for (const event of events) {
    const isRepeat = event.id != null && seen.has(event.id);
    (isRepeat ? repeats : firsts).push(event);
    if (event.id != null) seen.add(event.id);
  }
  return { firsts, repeats };
}

async function keep(
  context: DoorContext,
  workspace: Workspace,
  events: readonly EventInput[],
  receipts: readonly Receipt[],
): Promise<void> {
  const items = receipts.map(({ index, problems }) => {
    return { input: events[index] as EventInput, problems };
  });
  if (items.length > 0) await context.keepAside(workspace, items);
}

function isRefused({ status }: Receipt): boolean {
  return status === 'CONFLICT' || status === 'REJECTED';
}

/** An atomic request refuses a conflict with the rest: its problem tells. */
function isConflict({ problems }: Receipt): boolean {
  return problems[0]?.code === 'ID_CONFLICT';
}

function isLeftOut({ problems }: Receipt): boolean {
  return problems[0]?.code === 'ATOMIC_REFUSED';
}

function refusal({ problems, index }: Receipt): GatewayError {
  const { message = 'It was refused.', pointer = '' } = problems[0] ?? {};
  return new GatewayError('BAD_USER_INPUT', message, {
    extensions: { pointer: `/${index}${pointer}`, problems },
  });
}
