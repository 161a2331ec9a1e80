/** The events behind time series as a table: `;` between fields, which HQ also puts at the end. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { EventCondition } from '../../core/event-condition.ts';
import type { StoredEvent } from '../../core/event.ts';
import { storedProperties } from '../../core/stored-properties.ts';
import { instantText } from '../../core/unreadable.ts';
import { shown, unreadableText } from '../answer.ts';
import type { DoorAnswer, DoorContext, DoorRequest } from '../door.ts';
import { notesOf } from './encode.ts';
import { cursorAfter, TIME_ORDER } from './events.ts';
import { propertyId } from './filter.ts';
import { readSeries, type Series } from './series.ts';

const FIELDS = ['id', 'type', 'system', 'agent-id', 'timestamp', 'pid', 'gid', 'marker', ''];
const PAGE = 500;

export async function download(request: DoorRequest, context: DoorContext): Promise<DoorAnswer> {
  const workspace = await context.access(null, 'EVENTS_READ');
  const { events, statistics, epoch } = context.services;
  const all = readSeries(request, workspace).map(conditionOf);
  const found = await statistics.properties(workspace.id, { anyOf: all });
  const columns = [...new Set(found.map(propertyId))].sort();

  const lineOf = (event: StoredEvent) => line(shown(event, each => fieldsOf(each, columns)));

  async function* lines() {
    yield line([...FIELDS, ...columns]);
    for (const filter of all) {
      const args = { filter, order: TIME_ORDER, first: PAGE };
      let page = await events.page(workspace.id, args);
      while (page.items.length > 0 && !context.signal.aborted) {
        yield page.items.map(lineOf).join('');
        await nextTurn();
        page = await events.page(workspace.id, { ...args, after: cursorAfter(page, epoch) });
      }
    }
  }
  const headers = {
    'content-type': 'text/csv;charset=UTF-8',
    'content-disposition': 'attachment; filename=Events.csv',
  };
  return { status: 200, headers, body: lines() };
}

function conditionOf({ filter, property, start, end }: Series): EventCondition {
  return { allOf: [filter, { occurredAt: { from: start, to: end } }, { property, match: null }] };
}

function fieldsOf(event: StoredEvent, columns: readonly string[]): string[] {
  const { marker, typeless } = notesOf(event);
  const values = new Map(
    storedProperties(event).map(property => [propertyId(property), property.values.join(',')]),
  );
  return [
    event.eventId,
    typeless === true ? '' : event.type,
    event.source ?? '',
    event.subject ?? '',
    instantText(event.occurredAt),
    event.parentId ?? '',
    event.groupId ?? '',
    marker ?? '',
    unreadableText(event) ?? '',
    ...columns.map(column => values.get(column) ?? ''),
  ];
}

function line(fields: readonly string[]): string {
  return `${fields.map(field => `${quoted(field)};`).join('')}\r\n`;
}

function quoted(field: string): string {
  return /[;"\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}
