/** Tools that read. */
import { z } from 'zod';
import { GatewayError } from '../core/errors.ts';
import { ANSWER_CHARS_MAX, listed, page, told, whole, type Members, type Page } from './compact.ts';
import type { Args, Tool } from './tool.ts';
import { after, filterOf, filterShape, first, from, pick, to, workspace } from './tool.ts';

const listWorkspaces: Tool<{ readonly workspaces: Page }> = {
  name: 'list_workspaces',
  title: 'List workspaces',
  description: 'The workspaces that the key covers. Each has its own events and event types.',
  scope: 'EVENTS_READ',
  input: z.strictObject({ first: first(50, 200), after }),
  document: `query McpWorkspaces($first: Int, $after: String) {
    workspaces(first: $first, after: $after) {
      edges { cursor node { slug name } } pageInfo { hasNextPage endCursor }
    }
  }`,
  variables: args => ({ ...args }),
  result: ({ workspaces }) => page('workspaces', workspaces),
};

const listEventTypes: Tool<{ readonly eventDefinitions: Page }> = {
  name: 'list_event_types',
  title: 'List event types',
  description:
    'The event types of a workspace by name, with the number of events of each and when ' +
    'the last one was recorded. Begin here.',
  scope: 'EVENTS_READ',
  input: z.strictObject({
    workspace,
    namePrefix: z.string().optional().describe('Names that begin with this text, such as "user.".'),
    search: z.string().optional().describe('Words in name, title, description or category.'),
    first: first(100, 500),
    after,
  }),
  document: `query McpEventTypes(
    $workspace: String, $filter: EventDefinitionFilter, $first: Int, $after: String
  ) {
    eventDefinitions(workspace: $workspace, filter: $filter, first: $first, after: $after) {
      edges { cursor node { name title description category eventCount lastRecordedAt } }
      pageInfo { hasNextPage endCursor }
    }
  }`,
  variables: args => ({
    ...pick(args, 'workspace', 'first', 'after'),
    filter: pick(args, 'namePrefix', 'search'),
  }),
  result: ({ eventDefinitions }) => page('eventTypes', eventDefinitions),
};

const getEventType: Tool<{ readonly eventDefinition: Members | null }> = {
  name: 'get_event_type',
  title: 'Read the definition of an event type',
  description:
    'What an event type means: its description, the JSON Schema of its payload, its measures.',
  scope: 'EVENTS_READ',
  input: z.strictObject({ workspace, name: z.string().describe('Its name, case-sensitive.') }),
  document: `query McpEventType($workspace: String, $name: String!) {
    eventDefinition(workspace: $workspace, name: $name) {
      name title description category status payloadSchema validation measures
      eventCount firstRecordedAt lastRecordedAt
    }
  }`,
  variables: args => ({ ...args }),
  result: ({ eventDefinition }) => {
    if (eventDefinition !== null) return told(eventDefinition);
    const message = 'There is no event type of this name. list_event_types has all names.';
    throw new GatewayError('NOT_FOUND', message);
  },
};

const EVENT_FIELDS = `
  eventId type occurredAt source subject actor description success groupId parentId payload
  unreadable { code message }`;

const queryEvents: Tool<{ readonly events: Page }> = {
  name: 'query_events',
  title: 'Query events',
  description:
    'Events of a workspace that match every condition, newest first. Of a long payload ' +
    'only the beginning is shown (payloadBegins): get_event shows more. To count, use ' +
    'aggregate_events.',
  scope: 'EVENTS_READ',
  input: z.strictObject({
    workspace,
    ...filterShape,
    from,
    to,
    order: z
      .enum(['newest', 'oldest'])
      .default('newest')
      .describe('The order, by when they happened.'),
    first: first(20, 100),
    after,
  }),
  document: `query McpEvents(
    $workspace: String, $filter: EventFilter, $order: EventOrder, $first: Int, $after: String
  ) {
    events(
      workspace: $workspace, filter: $filter, order: $order, first: $first, after: $after
    ) { edges { cursor node { ${EVENT_FIELDS} } } pageInfo { hasNextPage endCursor } }
  }`,
  variables: args => ({
    ...pick(args, 'workspace', 'first', 'after'),
    filter: { ...filterOf(args), occurredAt: pick(args, 'from', 'to') },
    order: { field: 'OCCURRED_AT', direction: args['order'] === 'oldest' ? 'ASC' : 'DESC' },
  }),
  result: ({ events }) => page('events', events, listed),
};

interface Family extends Members {
  readonly parent: Members | null;
  readonly children: Page;
}

const getEvent: Tool<{ readonly event: Family | null }> = {
  name: 'get_event',
  title: 'Get one event with its children',
  description:
    'One event in full, the event that caused it, and the events that it caused in the order of ' +
    'recording.',
  scope: 'EVENTS_READ',
  input: z.strictObject({
    workspace,
    eventId: z.string().describe('Its event id.'),
    children: first(20, 100).describe('The maximum number of children.'),
    childrenAfter: after,
  }),
  document: `query McpEvent(
    $workspace: String, $eventId: String!, $children: Int, $childrenAfter: String
  ) {
    event(workspace: $workspace, eventId: $eventId) {
      ${EVENT_FIELDS}
      recordedAt expiresAt redactedAt clientIp door
      parent { ${EVENT_FIELDS} }
      children(first: $children, after: $childrenAfter) {
        edges { cursor node { ${EVENT_FIELDS} } } pageInfo { hasNextPage endCursor }
      }
    }
  }`,
  variables: args => ({ ...args }),
  result: ({ event }) => {
    if (event === null) throw new GatewayError('NOT_FOUND', 'There is no event with this id.');
    const { parent, children, ...own } = event;
    const shown = { ...whole(own), ...(parent === null ? {} : { parent: listed(parent) }) };
    const left = ANSWER_CHARS_MAX - JSON.stringify(shown).length;
    const { nextAfter, ...listing } = page('children', children, listed, left);
    return {
      ...shown,
      ...listing,
      ...(nextAfter === undefined ? {} : { childrenAfter: nextAfter }),
    };
  },
};

const DIMENSIONS = ['TYPE', 'SOURCE', 'SUBJECT', 'ACTOR', 'DOOR', 'SUCCESS', 'CATEGORY'] as const;
const FUNCTIONS = [
  ...(['COUNT', 'SUM', 'MIN', 'MAX', 'AVG', 'UNIQUE', 'P50', 'P90', 'P95', 'P99'] as const),
] as const;
const path = z.array(z.string()).min(1);

const aggregateEvents: Tool<{ readonly eventAggregates: Page }> = {
  name: 'aggregate_events',
  title: 'Count and measure events',
  description:
    'How many events match, by time and group, with measures of payload values. Give either last ' +
    'or both from and to. For a top list use top, without granularity.',
  scope: 'EVENTS_READ',
  input: z.strictObject({
    workspace,
    ...filterShape,
    last: z.string().optional().describe('The time up to now, as an ISO 8601 duration: PT1H, P7D.'),
    from,
    to,
    granularity: z
      .enum(['MINUTE', 'QUARTER_HOUR', 'HOUR', 'DAY', 'WEEK', 'MONTH'])
      .optional()
      .describe('The length of a bucket. Default: one bucket for the whole time.'),
    timeZone: z
      .string()
      .optional()
      .describe('The time zone in which days begin, such as Europe/Vienna.'),
    groupBy: z
      .array(z.union([z.enum(DIMENSIONS), path]))
      .max(5)
      .optional()
      .describe('Fields of the event, or payload paths such as ["order", "currency"].'),
    measures: z
      .array(
        z.strictObject({
          function: z.enum(FUNCTIONS),
          payloadPath: path.optional().describe('Keys to the numbers, such as ["order", "total"].'),
          dimension: z.enum(DIMENSIONS).optional().describe('Only for UNIQUE.'),
        }),
      )
      .max(10)
      .optional(),
    top: z.boolean().default(false).describe('The largest counts first.'),
    first: first(50, 500),
    after,
  }),
  document: `query McpAggregate(
    $workspace: String, $input: EventAggregateInput!, $first: Int, $after: String
  ) {
    eventAggregates(workspace: $workspace, input: $input, first: $first, after: $after) {
      edges { cursor node {
        start end group { key value } count measures { function path value text }
      } }
      pageInfo { hasNextPage endCursor } totalCount
    }
  }`,
  variables: args => ({
    ...pick(args, 'workspace', 'first', 'after'),
    input: {
      ...pick(args, 'granularity', 'timeZone', 'measures'),
      filter: filterOf(args),
      timeframe: timeframeOf(args),
      groupBy: groupKeysOf(args),
      orderBy: args['top'] === true ? 'COUNT_DESC' : 'BUCKET',
    },
  }),
  result: ({ eventAggregates }) => page('rows', eventAggregates, row),
};

function timeframeOf(args: Args): Record<string, unknown> {
  return 'last' in args ? pick(args, 'last') : { between: pick(args, 'from', 'to') };
}

function groupKeysOf({ groupBy = [] }: Args): object[] {
  return (groupBy as readonly (string | readonly string[])[]).map(key =>
    typeof key === 'string' ? { dimension: key } : { payloadPath: key },
  );
}

interface Group {
  readonly key: string;
  readonly value: string | null;
}

interface Measured {
  readonly function: string;
  readonly path: readonly string[] | null;
  readonly value: number | null;
  readonly text: string | null;
}

/** `{"group": {"TYPE": "a"}, "measures": {"SUM order.total": 12}}`. */
function row({ group, measures, ...bucket }: Members): Members {
  const groups = (group as readonly Group[]).map(({ key, value }) => [key, value]);
  const measured = (measures as readonly Measured[]).map(each => {
    const name = [each.function, each.path?.join('.')].filter(Boolean).join(' ');
    const isExact = each.text === null || String(each.value) === each.text;
    return [name, isExact ? each.value : each.text];
  });
  return told({
    ...bucket,
    group: Object.fromEntries(groups) as Members,
    measures: Object.fromEntries(measured) as Members,
  });
}

export const READING_TOOLS: readonly Tool[] = [
  ...[listWorkspaces, listEventTypes, getEventType, queryEvents, getEvent, aggregateEvents],
];
