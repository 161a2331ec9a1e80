/** Reading events: pages with a mark to go on at, and the stream of all. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { eventCursors } from '../../core/cursor.ts';
import type { EventCondition } from '../../core/event-condition.ts';
import type { StoredEvent } from '../../core/event.ts';
import type { Workspace } from '../../core/workspace.ts';
import { EVENT_OFFSET_MAX, type EventIdOrder, type EventPage } from '../../read/event-reader.ts';
import { eventsBody, shown } from '../answer.ts';
import type { DoorAnswer, DoorContext, DoorRequest } from '../door.ts';
import { readShape } from './body.ts';
import { encodeEvent, FORMS, type Form } from './encode.ts';
import { invalidParameter } from './errors.ts';
import { eventFilter, toCondition } from './filter.ts';
import { wholeParameter } from './query.ts';

const COUNT = { byDefault: 10, min: 0, max: 1_000 };
const STREAM_COUNT = { byDefault: 10, min: 0, max: 2_147_483_647 };
const STREAM_OFFSET = { byDefault: 0, min: 0, max: EVENT_OFFSET_MAX };
/** Events of the stream that are in memory at once. */
const STREAM_PAGE = 500;
/** The first mark, as Solr has it. */
const START = '*';

export async function retrieveEvents(
  request: DoorRequest,
  context: DoorContext,
): Promise<DoorAnswer> {
  const { workspace, filter, form } = await readQuestion(request, context);
  const limit = wholeParameter(request.query, 'count', COUNT);
  const mark = request.query.get('cursor') ?? START;
  const after = mark === START || mark === '' ? null : mark;
  const { events, epoch } = context.services;
  const [{ page, chunks }, total] = await Promise.all([
    events.wholePage(workspace.id, { filter, order: TIME_ORDER, first: limit, after }),
    events.count(workspace.id, filter),
  ]);
  const next = cursorAfter(page, epoch) ?? after ?? START;
  const body = await eventsBody(chunks, each => each.map(event => encode(event, form)), {
    before: `{"totalCount":${total ?? -1},"nextCursorMark":${JSON.stringify(next)},"events":[`,
    after: ']}',
  });
  return { status: 200, body };
}

/** That of HQ: the earliest first, and of those at one instant by id. */
export const TIME_ORDER: EventIdOrder = { field: 'OCCURRED_AT_AND_ID', direction: 'ASC' };

/** Null where the page is empty. */
export function cursorAfter({ items }: EventPage, epoch: string): string | null {
  const last = items.at(-1);
  if (last === undefined) return null;
  return eventCursors(epoch, last.workspaceId).encodeOccurredAtAndId(last);
}

/** A bare array. The first page is read before the answer begins, so that its faults are told. */
export async function streamEvents(
  request: DoorRequest,
  context: DoorContext,
): Promise<DoorAnswer> {
  const { workspace, filter, form } = await readQuestion(request, context);
  const offset = wholeParameter(request.query, 'offset', STREAM_OFFSET);
  const count = wholeParameter(request.query, 'count', STREAM_COUNT);
  const { events, epoch } = context.services;
  const read = (after: string | null, left: number) => {
    const args = { filter, order: TIME_ORDER, first: Math.min(left, STREAM_PAGE), after };
    return events.page(workspace.id, { ...args, offset: after === null ? offset : 0 });
  };
  const first = await read(null, count);

  async function* chunks() {
    let left = count;
    let page = first;
    let separator = '[';
    while (page.items.length > 0) {
      yield separator + page.items.map(event => encode(event, form)).join(',');
      separator = ',';
      left -= page.items.length;
      if (left <= 0 || context.signal.aborted) break;
      page = await read(cursorAfter(page, epoch), left);
      await nextTurn();
    }
    yield separator === '[' ? '[]' : ']';
  }
  return { status: 200, body: chunks() };
}

interface Question {
  readonly workspace: Workspace;
  readonly filter: EventCondition;
  readonly form: Form;
}

async function readQuestion({ query, body }: DoorRequest, context: DoorContext): Promise<Question> {
  const workspace = await context.access(null, 'EVENTS_READ');
  const filter = toCondition(readShape(body, eventFilter), { slug: workspace.slug });
  const name = query.get('form') ?? FORMS[0];
  const form = FORMS.find(each => each === name);
  if (form === undefined) {
    throw invalidParameter('form', name, `It is one of ${FORMS.join(' and ')}.`);
  }
  return { workspace, filter, form };
}

function encode(event: StoredEvent, form: Form): string {
  return shown(event, each => encodeEvent(each, form));
}
