/** Genesys Cloud operational events, for reading: every event of a workspace as one of them. */
import { eventCursors } from '../../core/cursor.ts';
import type { EventDefinition } from '../../core/definition.ts';
import { GatewayError } from '../../core/errors.ts';
import type { StoredEvent } from '../../core/event.ts';
import { LIMITS } from '../../core/limits.ts';
import { definitionCursor } from '../../read/definitions.ts';
import { eventsBody, json, shown } from '../answer.ts';
import type { Door, DoorAnswer, DoorContext, DoorRequest } from '../door.ts';
import { bearerOf } from '../request.ts';
import { encodeError, vendorError } from './errors.ts';
import { asParameter, readBody, readInterval, readPageSize } from './request.ts';
import { clientKey, isToken, type Tokens } from './token.ts';
import {
  definitionReference,
  pageUri,
  queryFilter,
  toEventDefinition,
  toOperationalEvent,
} from './translate.ts';
import {
  EventAggregatesQueryRequest,
  EventQueryRequest,
  type EventAggregatesResponse,
  type EventQueryResponse,
} from './wire.ts';

const EVENTS = '/api/v2/usage/events';
const TOKEN_PATH = '/oauth/token';

export function createGenesysDoor(tokens: Tokens): Door {
  const scope = 'EVENTS_READ';
  return {
    name: 'GENESYS',
    owns: path => path === TOKEN_PATH || path === '/api/v2' || path.startsWith('/api/v2/'),
    routes: [
      { method: 'GET', path: `${EVENTS}/definitions`, scope, handle: listDefinitions },
      { method: 'GET', path: `${EVENTS}/definitions/:id`, scope, handle: getDefinition },
      { method: 'POST', path: `${EVENTS}/query`, scope, handle: query },
      { method: 'POST', path: `${EVENTS}/aggregates/query`, scope, handle: aggregate },
      {
        method: 'POST',
        path: TOKEN_PATH,
        scope,
        handle: request => grant(request, tokens),
      },
    ],
    credential: request =>
      request.path === TOKEN_PATH ? clientKey(request) : bearer(request, tokens),
    encodeError,
  };
}

/** A token or a key itself; an expired token is an empty secret, which no key has. */
function bearer(request: DoorRequest, tokens: Tokens): string | null {
  const given = bearerOf(request);
  return given !== null && isToken(given) ? (tokens.open(given) ?? '') : given;
}

async function grant(request: DoorRequest, tokens: Tokens): Promise<DoorAnswer> {
  const type = new URLSearchParams(request.body.toString('utf8')).get('grant_type');
  if (type !== 'client_credentials') {
    const message = 'The grant type must be client_credentials, sent as a form.';
    throw new GatewayError('BAD_REQUEST', message);
  }
  const answer = {
    access_token: tokens.seal(clientKey(request) ?? ''),
    token_type: 'bearer',
    expires_in: tokens.validS,
  };
  return json(200, answer, { 'cache-control': 'no-store' });
}

async function listDefinitions(_request: DoorRequest, context: DoorContext): Promise<DoorAnswer> {
  const { id } = await context.access(null, 'EVENTS_READ');
  const entities: EventDefinition[] = [];
  let after: string | null = null;
  do {
    const page = await context.services.definitions.page(id, { first: LIMITS.pageSizeMax, after });
    entities.push(...page.items);
    const last = page.items.at(-1);
    after = page.hasNextPage && last !== undefined ? definitionCursor(last) : null;
  } while (after !== null);
  return json(200, { entities: entities.map(toEventDefinition) });
}

async function getDefinition({ params }: DoorRequest, context: DoorContext): Promise<DoorAnswer> {
  const workspace = await context.access(null, 'EVENTS_READ');
  const names = [params['id'] as string];
  const [definition = null] = await context.services.definitions.byNames(workspace.id, names);
  if (definition === null) throw vendorError('entity.not.found');
  return json(200, toEventDefinition(definition));
}

async function query(request: DoorRequest, context: DoorContext): Promise<DoorAnswer> {
  const asked = readBody(request, EventQueryRequest);
  const interval = readInterval(asked.interval);
  const pageSize = readPageSize(request.query);
  const [after, before] = [request.query.get('after'), request.query.get('before')];
  const { id } = await context.access(null, 'EVENTS_READ');
  const { services } = context;
  const size = before !== null && after === null ? { last: pageSize } : { first: pageSize };
  const { page, chunks } = await services.events
    .wholePage(id, {
      ...size,
      after,
      before,
      filter: queryFilter(asked, interval),
      order: { field: 'OCCURRED_AT', direction: asked.sortOrder ?? 'DESC' },
    })
    .catch((error: unknown) => {
      throw asParameter(error, after, before);
    });
  const cursors = eventCursors(services.epoch, id);
  const cursor = (event: StoredEvent) => cursors.encodeOccurredAt(event);
  const given = request.query;
  const [first, last] = [page.items[0], page.items.at(-1)];
  const uris: Omit<EventQueryResponse, 'entities'> = {
    selfUri: pageUri(given, after === null ? (before === null ? null : { before }) : { after }),
    ...(page.hasNextPage && last !== undefined
      ? { nextUri: pageUri(given, { after: cursor(last) }) }
      : {}),
    ...(page.hasPreviousPage && first !== undefined
      ? { previousUri: pageUri(given, { before: cursor(first) }) }
      : {}),
  };
  const body = await eventsBody(chunks, each => each.map(text), {
    before: '{"entities":[',
    after: `],${JSON.stringify(uris).slice(1)}`,
  });
  return { status: 200, body };
}

function text(event: StoredEvent): string {
  return JSON.stringify(shown(event, toOperationalEvent));
}

/** Half open, like buckets: intervals that follow one another count each event once. */
async function aggregate(request: DoorRequest, context: DoorContext): Promise<DoorAnswer> {
  const { interval } = readBody(request, EventAggregatesQueryRequest);
  const { start, end } = readInterval(interval);
  const { id } = await context.access(null, 'EVENTS_READ');
  const counts: EventAggregatesResponse['eventDefinitionAggregates'][number][] = [];
  let after: string | null = null;
  do {
    if (start.getTime() === end.getTime()) break;
    const page: Awaited<ReturnType<typeof context.services.aggregates.page>> =
      await context.services.aggregates.page(
        id,
        {
          filter: null,
          timeframe: { between: { from: start, to: end } },
          granularity: null,
          timeZone: null,
          groupBy: [{ dimension: 'TYPE' }],
          measures: [],
          fill: 'NONE',
          orderBy: 'BUCKET',
        },
        { first: LIMITS.pageSizeMax, after },
      );
    for (const { group, count } of page.items) {
      const name = group[0]?.value ?? '';
      counts.push({ eventDefinition: definitionReference(name), eventCount: count });
    }
    after = page.hasNextPage ? (page.items.at(-1)?.cursor ?? null) : null;
  } while (after !== null);
  const answer: EventAggregatesResponse = { interval, eventDefinitionAggregates: counts };
  return json(200, answer);
}
