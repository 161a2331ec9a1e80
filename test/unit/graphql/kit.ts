/** The schema over services that keep everything in memory and note what they were asked. */
import { graphql, parse, subscribe, type ExecutionResult } from 'graphql';
import type { ApiKeyInfo } from '../../../src/core/api-key.ts';
import type { EventDefinition } from '../../../src/core/definition.ts';
import type { EventInput, Receipt, StoredEvent } from '../../../src/core/event.ts';
import type { Principal, Scope } from '../../../src/core/principal.ts';
import type { Workspace } from '../../../src/core/workspace.ts';
import { createContext, type GraphQLContext } from '../../../src/graphql/context.ts';
import { schema } from '../../../src/graphql/schema.ts';
import type { Services } from '../../../src/graphql/services.ts';
import type { Delivery, LiveStream, SubscribeOptions } from '../../../src/live/stream.ts';
import type { EventParentField } from '../../../src/read/event-reader.ts';
import { createAccess } from '../../../src/security/access.ts';

export const AT = new Date('2026-03-01T00:00:00.000Z');

export function key(workspaceId: number | null, ...scopes: Scope[]): Principal {
  return { keyId: 7, workspaceId, scopes };
}
export const READER = key(1, 'EVENTS_READ');
export const ROOT = key(null, 'ADMIN');

const WORKSPACES: readonly Workspace[] = ['acme', 'other'].map((slug, at) => ({
  id: at + 1,
  slug,
  name: slug,
  createdAt: AT,
  retentionDays: null,
  dedupeDays: 30,
  timeZone: 'UTC',
  unknownTypes: 'DISCOVER',
  evidence: false,
  searchIndex: false,
}));

export function event(position: number, given: Partial<StoredEvent> = {}): StoredEvent {
  return {
    workspaceId: 1,
    position,
    eventId: `e${position}`,
    recordedAt: new Date(AT.getTime() + position),
    occurredAt: AT,
    expiresAt: null,
    redactedAt: null,
    definitionId: 1 + (position % 2),
    type: 'user.signup',
    category: null,
    door: 'GRAPHQL',
    source: null,
    subject: null,
    actor: null,
    description: null,
    icon: null,
    notify: false,
    success: null,
    clientIp: null,
    parentId: null,
    groupId: null,
    payload: '{}',
    propertyTypes: null,
    wire: null,
    ...given,
  };
}

function definition(workspaceId: number, id: number): EventDefinition {
  return {
    workspaceId,
    id,
    name: `type-${id}`,
    title: null,
    description: null,
    category: null,
    status: 'ACTIVE',
    payloadSchema: null,
    validation: 'OFF',
    compatibility: 'NONE',
    version: 1,
    revision: 1,
    measures: [],
    createdAt: AT,
    updatedAt: AT,
    eventCount: 0,
    firstRecordedAt: null,
    lastRecordedAt: null,
  };
}

export function apiKey(id: number, workspaceId: number | null): ApiKeyInfo {
  return {
    id,
    name: `key ${id}`,
    prefix: 'slc_x',
    scopes: ['EVENTS_READ'],
    workspaceId,
    createdAt: AT,
    lastUsedAt: null,
    expiresAt: null,
    revokedAt: null,
    createdBy: null,
    addresses: null,
    quota: { eventsPerDay: null, eventsPerMonth: null },
  };
}

interface Api {
  /** The names of the services' methods, in the order of their calls. */
  readonly calls: string[];
  readonly recorded: EventInput[];
  readonly subscribed: SubscribeOptions[];
  context(principal: Principal | null, services?: Partial<Services>): GraphQLContext;
  run(
    source: string,
    principal: Principal | null,
    variables?: Record<string, unknown>,
  ): Promise<ExecutionResult<Record<string, never>>>;
  open(source: string, variables?: Record<string, unknown>): ReturnType<typeof subscribe>;
}

interface Given {
  readonly events?: readonly StoredEvent[];
  readonly keys?: readonly ApiKeyInfo[];
  readonly receipt?: (input: EventInput, index: number) => Partial<Receipt>;
  /** What a stream hands out; an error ends it. */
  readonly deliveries?: readonly (Delivery | Error)[];
}

export function createApi(given: Given = {}): Api {
  const calls: string[] = [];
  const recorded: EventInput[] = [];
  const subscribed: SubscribeOptions[] = [];
  const services = noting(calls, fakeServices(given, recorded, subscribed));
  const context: Api['context'] = (principal, changed = {}) =>
    createContext({
      principal,
      services: { ...services, ...changed },
      access: createAccess(services.workspaces, () => 0).access,
      call: new AbortController(),
    });
  return {
    calls,
    recorded,
    subscribed,
    context,
    run: (source, principal, variableValues) =>
      graphql({
        schema,
        source,
        contextValue: context(principal),
        variableValues: variableValues ?? {},
      }) as Promise<ExecutionResult<Record<string, never>>>,
    open: (source, variableValues) =>
      subscribe({
        schema,
        document: parse(source),
        contextValue: context(READER),
        variableValues: variableValues ?? {},
      }),
  };
}

/** Calls of readers are noted as `events.byEventIds`, those of other services by their name. */
function noting(calls: string[], services: object): Services {
  const wrap = (target: object, path: string): object =>
    Object.fromEntries(
      Object.entries(target).map(([name, member]: [string, unknown]) => {
        const full = path + name;
        if (typeof member === 'object' && member !== null) return [name, wrap(member, `${full}.`)];
        if (typeof member !== 'function') return [name, member];
        return [
          name,
          (...args: unknown[]) => {
            calls.push(full);
            return (member as (...args: unknown[]) => unknown)(...args);
          },
        ];
      }),
    );
  return wrap(services, '') as Services;
}

function fakeServices(given: Given, recorded: EventInput[], subscribed: SubscribeOptions[]) {
  const events = given.events ?? [];
  const keys = given.keys ?? [];
  const head = { position: 9, recordedAt: AT };
  const within = (workspaceId: number) => events.filter(e => e.workspaceId === workspaceId);
  const page = <T>(items: readonly T[]) => ({ items, hasNextPage: false, hasPreviousPage: false });
  const none = { ...page([]), head };
  return {
    epoch: 'epoch',
    events: {
      page: async (id: number) => ({ ...page(within(id)), head }),
      pagesBy: async (id: number, field: EventParentField, values: string[]) =>
        values.map(value => ({
          ...page(within(id).filter(e => String(e[field]) === value)),
          head,
        })),
      countBy: async (id: number, field: EventParentField, values: string[]) =>
        values.map(value => within(id).filter(e => String(e[field]) === value).length),
      byEventIds: async (id: number, ids: string[]) =>
        ids.map(eventId => within(id).find(e => e.eventId === eventId) ?? null),
      byPlaces: async (id: number, places: { position: number }[]) =>
        places.map(({ position }) => within(id).find(e => e.position === position) ?? null),
      count: async (id: number) => within(id).length,
      head: async () => head,
    },
    definitions: {
      page: async () => none,
      count: async () => 0,
      byNames: async (id: number, names: string[]) => names.map(() => definition(id, 1)),
      byIds: async (id: number, ids: number[]) => ids.map(each => definition(id, each)),
    },
    workspaces: {
      page: async (only: number | null) =>
        page(WORKSPACES.filter(({ id }) => only === null || id === only)),
      byIds: async (ids: number[]) => ids.map(id => WORKSPACES[id - 1] ?? null),
      bySlugs: async (slugs: string[]) =>
        slugs.map(slug => WORKSPACES.find(each => each.slug === slug) ?? null),
      first: async (count: number) => WORKSPACES.slice(0, count),
      heads: async (ids: number[]) => new Map(ids.map(id => [id, head])),
      tails: async (ids: number[]) => new Map(ids.map(id => [id, 1])),
    },
    apiKeys: {
      page: async (only: number | null) =>
        page(keys.filter(({ workspaceId }) => only === null || workspaceId === only)),
      byIds: async (ids: number[]) => ids.map(id => keys.find(each => each.id === id) ?? null),
    },
    quarantine: {
      page: async () => none,
      byIds: async (workspaceId: number, ids: string[]) =>
        ids.map(id => ({
          ...{ workspaceId, id, receivedAt: AT, door: 'GRAPHQL', problems: [] },
          event: '{"type":"t","n":9007199254740993}',
        })),
    },
    aggregates: { page: async () => ({ ...none, totalCount: 0, asOf: head, source: 'ROLLUP' }) },
    rateLimits: { countEvents: async () => undefined },
    record: async ({ events: inputs }: { events: readonly EventInput[] }) => {
      recorded.push(...inputs);
      return inputs.map((input, index) => ({
        ...{ index, status: 'RECORDED', eventId: input.id ?? 'made', position: index + 1 },
        ...{ recordedAt: AT, problems: [], ...given.receipt?.(input, index) },
      }));
    },
    live: {
      subscribe: (options: SubscribeOptions) => {
        subscribed.push(options);
        return liveStream(handOut(given.deliveries ?? []));
      },
    },
    workspaceAdmin: {
      create: async () => WORKSPACES[0],
      update: async () => WORKSPACES[0],
      remove: async () => undefined,
    },
    status: {
      gateway: () => ({
        ...{ version: '1.2.3', startedAt: AT, waitingEvents: 0 },
        streams: { open: 0, catchingUp: 0, lagEvents: 0, lagMs: 0 },
      }),
      storage: async () => ({ usedBytes: 10_000_000, bytesPerDay: 1_000, freeBytes: null }),
      upkeep: async () => ({ faults: [], setAsideMeasures: [] }),
      refusals: async () => ({ requests: 0, rejectedEvents: 0, conflictingEvents: 0 }),
      recordings: async () => ({ lastHour: [], uncountedEvents: 0 }),
    },
    keyAdmin: {
      create: async ({ workspaceId }: ApiKeyInfo) => ({
        key: apiKey(9, workspaceId),
        secret: 'slc_x_secret',
      }),
      rotate: async (id: number) => ({
        ...{ key: apiKey(9, null), secret: 'slc_x_secret', previous: apiKey(id, null) },
      }),
      revoke: async (id: number) => ({ ...keys.find(each => each.id === id), revokedAt: AT }),
    },
    definitionAdmin: { define: async () => 1, remove: async () => {} },
    quarantineAdmin: {
      resubmit: async (_workspace: Workspace, ids: string[]) =>
        new Map(
          ids.map((id, index) => [
            id,
            { index, status: 'RECORDED', eventId: id, position: 1, recordedAt: AT, problems: [] },
          ]),
        ),
      discard: async (_workspaceId: number, ids: string[]) => ids.length,
    },
    redact: async () => 3,
    createStreamTicket: async () => ({ ticket: 'ticket', expiresAt: AT }),
    liveAggregates: () => handOut([]),
  };
}

function liveStream(deliveries: AsyncGenerator<Delivery>): LiveStream {
  return {
    ready: Promise.resolve(),
    async nextBatch() {
      const { done, value } = await deliveries.next();
      return done === true ? [] : [value];
    },
    return: async () => void (await deliveries.return(undefined)),
  };
}

async function* handOut<T>(steps: readonly (T | Error)[]): AsyncGenerator<T> {
  for (const step of steps) {
    if (step instanceof Error) throw step;
    yield step;
  }
}
