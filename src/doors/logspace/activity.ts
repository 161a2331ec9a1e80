import { EVENT_OFFSET_MAX } from '../../read/event-reader.ts';
import type { ActivityQuery } from '../../read/origins.ts';
import { json } from '../answer.ts';
import type { DoorAnswer, DoorContext, DoorRequest } from '../door.ts';
import { invalidParameter } from './errors.ts';
import { wholeParameter } from './query.ts';

const START = { byDefault: 0, min: 0, max: EVENT_OFFSET_MAX };
const COUNT = { byDefault: 25, min: 1, max: 1_000 };
const DURATION_S = { byDefault: 900, min: 60, max: 30 * 86_400 };
const STEPS = { byDefault: 50, min: 1, max: 1_000 };

/** In the words of Solr, which HQ hands on. */
const ORDERS: Readonly<Record<string, ActivityQuery['order']>> = {
  'count desc': 'MOST',
  'count asc': 'LEAST',
  'index asc': 'NAME',
  'index desc': 'NAME_DESC',
};

/** The most active agents of the last minutes. */
export async function agentActivity(
  { query }: DoorRequest,
  context: DoorContext,
): Promise<DoorAnswer> {
  const workspace = await context.access(null, 'EVENTS_READ');
  const offset = wholeParameter(query, 'start', START);
  const limit = wholeParameter(query, 'count', COUNT);
  const duration = wholeParameter(query, 'duration', DURATION_S);
  const stepsMax = Math.min(duration, STEPS.max);
  const slots = wholeParameter(query, 'steps', { ...STEPS, max: stepsMax });
  const to = new Date();
  const { total, origins } = await context.services.statistics.activity(workspace.id, {
    from: new Date(to.getTime() - duration * 1_000),
    to,
    slots,
    offset,
    limit,
    order: orderOf(query.get('sort') ?? 'count desc'),
  });
  const agentActivities = origins.map(({ source, subject, count, history }) => ({
    globalAgentId: `${workspace.slug}|${source}|${subject}`,
    eventCount: count,
    history,
  }));
  const maxHistoryValue = origins.reduce((max, { history }) => Math.max(max, ...history), 0);
  return json(200, { offset, totalCount: total, maxHistoryValue, agentActivities });
}

function orderOf(sort: string): ActivityQuery['order'] {
  const order = Object.hasOwn(ORDERS, sort) ? ORDERS[sort] : undefined;
  if (order !== undefined) return order;
  throw invalidParameter('sort', sort, `It is one of ${Object.keys(ORDERS).join(', ')}.`);
}
