/** Reading events: pages with a mark to go on at, and the stream of all. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { StoredEvent } from '../../core/event.ts';
import type { Workspace } from '../../core/workspace.ts';
import type { TimelineCondition } from '../../read/timeline-filter.ts';
import {
  TIMELINE_OFFSET_MAX,
  type TimelinePage,
  type TimelineReader,
} from '../../read/timeline.ts';
import type { DoorAnswer, DoorContext, DoorRequest } from '../door.ts';
import { shown } from '../events-body.ts';
import { readShape } from './body.ts';
import { encodeEvent, FORMS, type Form } from './encode.ts';
import { invalidParameter } from './errors.ts';
import { eventFilter, toConditions } from './filter.ts';
import { wholeParameter } from './query.ts';

const COUNT = { byDefault: 10, min: 0, max: 1_000 };
const STREAM_COUNT = { byDefault: 10, min: 0, max: 2_147_483_647 };
const STREAM_OFFSET = { byDefault: 0, min: 0, max: TIMELINE_OFFSET_MAX };
/** Events of the stream that are in memory at once. */
const STREAM_PAGE = 500;
/** The first mark, as Solr has it. */
const START = '*';

export async function retrieveEvents(
  request: DoorRequest,
  context: DoorContext,
  timeline: TimelineReader,
): Promise<DoorAnswer> {
  const { workspace, conditions, form } = await readQuestion(request, context);
  const limit = wholeParameter(request.query, 'count', COUNT);
  const mark = request.query.get('cursor') ?? START;
  const after = mark === START || mark === '' ? null : mark;
  const [page, total] = await Promise.all([
    timeline.page(workspace.id, { conditions, limit, after }),
    // Of everything the log knows the number without counting; redacted events are in it.
    conditions.length === 0
      ? context.services.events.count(workspace.id)
      : timeline.count(workspace.id, conditions),
  ]);
  const before = `{"totalCount":${total ?? -1},`;
  const markOf = ({ cursor }: TimelinePage) =>
    `"nextCursorMark":${JSON.stringify(cursor ?? START)}`;
  if (!page.isCut) {
    const events = encodeAll(page.events, form);
    return { status: 200, body: `${before}${markOf(page)},"events":[${events}]}` };
  }

  /** The page that was asked for, in parts. Its mark is known at the end. */
  async function* parts() {
    let part = page;
    yield `${before}"events":[${encodeAll(part.events, form)}`;
    for (let left = limit - part.events.length; part.isCut && !context.signal.aborted;) {
      part = await timeline.page(workspace.id, { conditions, limit: left, after: part.cursor });
      if (part.events.length > 0) yield `,${encodeAll(part.events, form)}`;
      left -= part.events.length;
    }
    yield `],${markOf(part)}}`;
  }
  return { status: 200, body: parts() };
}

/** A bare array. The first page is read before the answer begins, so that its faults are told. */
export async function streamEvents(
  request: DoorRequest,
  context: DoorContext,
  timeline: TimelineReader,
): Promise<DoorAnswer> {
  const { workspace, conditions, form } = await readQuestion(request, context);
  const offset = wholeParameter(request.query, 'offset', STREAM_OFFSET);
  const count = wholeParameter(request.query, 'count', STREAM_COUNT);
  const read = (after: string | null, left: number) => {
    const limit = Math.min(left, STREAM_PAGE);
    return timeline.page(workspace.id, {
      conditions,
      limit,
      after,
      ...(after === null ? { offset } : {}),
    });
  };
  const first = await read(null, count);

  async function* chunks() {
    let left = count;
    let page = first;
    let separator = '[';
    while (page.events.length > 0) {
      yield separator + encodeAll(page.events, form);
      separator = ',';
      left -= page.events.length;
      if (left <= 0 || context.signal.aborted) break;
      page = await read(page.cursor, left);
      await nextTurn();
    }
    yield separator === '[' ? '[]' : ']';
  }
  return { status: 200, body: chunks() };
}

interface Question {
  readonly workspace: Workspace;
  readonly conditions: readonly TimelineCondition[];
  readonly form: Form;
}

async function readQuestion({ query, body }: DoorRequest, context: DoorContext): Promise<Question> {
  const workspace = await context.access(null, 'EVENTS_READ');
  const conditions = toConditions(readShape(body, eventFilter), { slug: workspace.slug });
  const name = query.get('form') ?? FORMS[0];
  const form = FORMS.find(each => each === name);
  if (form === undefined) {
    throw invalidParameter('form', name, `It is one of ${FORMS.join(' and ')}.`);
  }
  return { workspace, conditions, form };
}

function encodeAll(events: readonly StoredEvent[], form: Form): string {
  return events.map(event => shown(event, each => encodeEvent(each, form))).join(',');
}
