/** What the vendor counts: top applications, volume over time, and steps back from now. */
import { json } from '../answer.ts';
import type { DoorAnswer, DoorContext, DoorRequest } from '../door.ts';
import { fieldErrors } from './errors.ts';
import { readConditions, readFilter } from './filters.ts';
import { formatInstant } from './instant.ts';
import { checkActions, readInteger } from './request.ts';
import { stepKey, stepMs } from './steps.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const HISTORY_DAYS_MAX = 60;
const TOP_MAX = 1_000;
const STEPS_MAX = 50;
const USER_PATH = ['user', 'pk'];

/** The action is exact here, and `login` where none is given; every other filter holds too. */
export async function topPerUser(
  { query }: DoorRequest,
  context: DoorContext,
): Promise<DoorAnswer> {
  const { id } = await context.access(null, 'EVENTS_READ');
  await checkActions(query, context, id);
  const limit = Math.min(TOP_MAX, Math.max(0, readInteger(query, 'top_n', 15)));
  const types = [query.get('action') || 'login'];
  const filter = { allOf: [{ types }, ...readConditions(query)] };
  const path = ['context', 'authorized_application'];
  const asked = { path, distinctPath: USER_PATH, limit };
  const top = await context.services.statistics.topValues(id, filter, asked);
  const answer = top.map(({ value, count, distinct }) => ({
    application: JSON.parse(value) as unknown,
    counted_events: count,
    unique_users: distinct,
  }));
  return json(200, answer);
}

export async function volume({ query }: DoorRequest, context: DoorContext): Promise<DoorAnswer> {
  const { id } = await context.access(null, 'EVENTS_READ');
  await checkActions(query, context, id);
  const days = Math.min(HISTORY_DAYS_MAX, Math.max(0, readInteger(query, 'history_days', 7)));
  const since = new Date(Date.now() - days * DAY_MS);
  const buckets = await context.services.statistics.countByType(id, readFilter(query), {
    since,
    bucketMs: 6 * HOUR_MS,
  });
  const answer = buckets.map(({ type, start, count }) => {
    return { action: type, time: formatInstant(start), count };
  });
  return json(200, answer);
}

export async function stats({ query }: DoorRequest, context: DoorContext): Promise<DoorAnswer> {
  const { id } = await context.access(null, 'EVENTS_READ');
  await checkActions(query, context, id);
  const steps = readSteps(query);
  const now = Date.now();
  const since = steps.map(({ ms }) => new Date(Math.round(now - ms)));
  const asked = { since, distinctPath: USER_PATH };
  const { statistics } = context.services;
  const { counts, distinct } = await statistics.countSince(id, readFilter(query), asked);
  const counted = steps.map(({ text }, at) => [stepKey(text), counts[at] ?? 0] as const);
  return json(200, { unique_users: distinct, count_step: Object.fromEntries(counted) });
}

/** @throws GatewayError with the fault of each step under its index. */
function readSteps(query: URLSearchParams): { text: string; ms: number }[] {
  const texts = query.getAll('count_steps');
  if (texts.length === 0) throw fieldErrors({ count_steps: ['This field is required.'] });
  if (texts.length > STEPS_MAX) {
    const text = `Ensure this field has no more than ${STEPS_MAX} elements.`;
    throw fieldErrors({ count_steps: [text] });
  }
  const faults: Record<string, string[]> = {};
  const steps = texts.map((text, index) => {
    const ms = stepMs(text);
    if (ms === null) {
      faults[index] = [`${text} is not in the correct format of 'hours=3;minutes=1'.`];
    }
    return { text, ms: ms ?? 0 };
  });
  if (Object.keys(faults).length > 0) throw fieldErrors({ count_steps: faults });
  return steps;
}
