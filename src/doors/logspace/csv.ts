/** The events behind time series as a table: `;` between fields, which HQ also puts at the end. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { StoredEvent } from '../../core/event.ts';
import { storedProperties } from '../../core/stored-properties.ts';
import { instantText } from '../../core/unreadable.ts';
import type { TimelineCondition } from '../../read/timeline-filter.ts';
import type { TimelineReader } from '../../read/timeline.ts';
import type { DoorAnswer, DoorContext, DoorRequest } from '../door.ts';
import { shown, unreadableText } from '../events-body.ts';
import { notesOf } from './encode.ts';
import { propertyId } from './filter.ts';
import { readSeries, type Series } from './series.ts';

const FIELDS = ['id', 'type', 'system', 'agent-id', 'timestamp', 'pid', 'gid', 'marker', ''];
const PAGE = 500;

export async function download(
  request: DoorRequest,
  context: DoorContext,
  timeline: TimelineReader,
): Promise<DoorAnswer> {
  const workspace = await context.access(null, 'EVENTS_READ');
  const all = readSeries(request, workspace).map(conditionsOf);
  const found = await timeline.properties(workspace.id, [{ anyOf: all.map(allOf => ({ allOf })) }]);
  const columns = [...new Set(found.map(propertyId))].sort();

  const lineOf = (event: StoredEvent) => line(shown(event, each => fieldsOf(each, columns)));

  async function* lines() {
    yield line([...FIELDS, ...columns]);
    for (const conditions of all) {
      let page = await timeline.page(workspace.id, { conditions, limit: PAGE, after: null });
      while (page.events.length > 0 && !context.signal.aborted) {
        yield page.events.map(lineOf).join('');
        await nextTurn();
        page = await timeline.page(workspace.id, { conditions, limit: PAGE, after: page.cursor });
      }
    }
  }
  const headers = {
    'content-type': 'text/csv;charset=UTF-8',
    'content-disposition': 'attachment; filename=Events.csv',
  };
  return { status: 200, headers, body: lines() };
}

function conditionsOf({ conditions, property, start, end }: Series): TimelineCondition[] {
  return [...conditions, { occurredFrom: start, occurredTo: end }, { property, match: null }];
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
