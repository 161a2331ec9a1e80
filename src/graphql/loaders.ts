/**
 * Look-ups of one operation, gathered: however many objects ask, each kind of look-up costs one
 * statement a workspace. What was loaded is kept until `clear`, which a stream calls before each
 * of its deliveries, so that it neither grows nor shows what is stale.
 */
import DataLoader from 'dataloader';
import type { ApiKeyInfo } from '../core/api-key.ts';
import type { LogPlace } from '../core/cursor.ts';
import type { EventDefinition } from '../core/definition.ts';
import type { QuarantinedEvent, StoredEvent } from '../core/event.ts';
import type { InclusionProof } from '../core/evidence.ts';
import type { EventFilter } from '../core/filter.ts';
import type { PageArgs, Seen } from '../core/page.ts';
import type { SchemaPlace } from '../core/schema-version.ts';
import type { Webhook } from '../core/webhook.ts';
import type { Workspace } from '../core/workspace.ts';
import type { DefinitionCount } from '../read/aggregate-counts.ts';
import type { KeyUsage } from '../read/api-keys.ts';
import type { EventOrder, EventPage, EventParentField } from '../read/event-reader.ts';
import type { Services } from './services.ts';

/** Something in a workspace. */
interface In {
  readonly workspaceId: number;
}
interface EventIdKey extends In, WithContent {
  readonly eventId: string;
}
interface WithContent {
  /** Whether the event's payload is shown: else it is not read. */
  readonly content: boolean;
}
type EventPlaceKey = In & LogPlace & WithContent;
type ProofKey = In &
  LogPlace & {
    /** Of the tree; null is the newest. */
    readonly size: number | null;
  };
interface DefinitionKey extends In {
  readonly id: number;
}
interface ConsumerKey extends In {
  readonly id: number;
}
interface QuarantineKey extends In {
  readonly id: string;
}
/** Which of many lists: the children of an event, the events of a group or of a type. */
export interface RelatedKey extends In {
  readonly field: EventParentField;
  readonly value: string;
  readonly filter?: EventFilter | null;
}
export interface RelatedPageKey extends RelatedKey, WithContent {
  /** Name of the definition that `value` is the id of. */
  readonly type?: string;
  readonly args: PageArgs & Seen;
  readonly order: EventOrder | null;
}

export interface Loaders {
  readonly eventById: DataLoader<EventIdKey, StoredEvent | null, string>;
  readonly eventAt: DataLoader<EventPlaceKey, StoredEvent | null, string>;
  readonly relatedPage: DataLoader<RelatedPageKey, EventPage, string>;
  readonly relatedCount: DataLoader<RelatedKey, number | null, string>;
  readonly inclusionProof: DataLoader<ProofKey, InclusionProof | null, string>;
  readonly definition: DataLoader<DefinitionKey, EventDefinition | null, string>;
  readonly definitionCount: DataLoader<DefinitionKey, DefinitionCount | undefined, string>;
  /** Of the versions of a definition's schema, in their order. */
  readonly schemaPlaces: DataLoader<DefinitionKey, readonly SchemaPlace[] | undefined, string>;
  readonly webhook: DataLoader<ConsumerKey, Webhook | null, string>;
  readonly quarantined: DataLoader<QuarantineKey, QuarantinedEvent | null, string>;
  readonly workspace: DataLoader<number, Workspace | null>;
  readonly apiKey: DataLoader<number, ApiKeyInfo | null>;
  readonly keyUsage: DataLoader<number, KeyUsage>;
  /** Browsers that take Web Push of a workspace. */
  readonly pushCount: DataLoader<number, number>;
  readonly head: DataLoader<number, LogPlace>;
  readonly tail: DataLoader<number, number>;
  /** Of the newest event in the index of searches. */
  readonly indexed: DataLoader<number, number | null>;
  clear(): void;
}

type Reads = Pick<
  Services,
  | 'events'
  | 'definitions'
  | 'counts'
  | 'workspaces'
  | 'apiKeys'
  | 'quarantine'
  | 'evidence'
  | 'webhooks'
  | 'pushSubscriptions'
>;

export function createLoaders(reads: Reads): Loaders {
  const { events, definitions, counts, workspaces, apiKeys, quarantine, webhooks } = reads;
  const loaders = {
    eventById: eventsOf<EventIdKey>(
      ({ eventId }) => eventId,
      (workspaceId, keys, content) => {
        const ids = keys.map(key => key.eventId);
        return events.byEventIds(workspaceId, ids, { content });
      },
    ),
    eventAt: eventsOf<EventPlaceKey>(
      ({ position }) => String(position),
      (workspaceId, places, content) => events.byPlaces(workspaceId, places, { content }),
    ),
    inclusionProof: inclusionProofs(reads),
    relatedPage: relatedPages(reads),
    relatedCount: relatedCounts(reads),
    definition: inWorkspaces<DefinitionKey, EventDefinition | null>(
      ({ id }) => String(id),
      (workspaceId, keys) =>
        definitions.byIds(
          workspaceId,
          keys.map(({ id }) => id),
        ),
    ),
    definitionCount: inWorkspaces<DefinitionKey, DefinitionCount | undefined>(
      ({ id }) => String(id),
      async (workspaceId, keys) => {
        const ids = keys.map(({ id }) => id);
        const found = await counts.definitionCounts(workspaceId, ids);
        return ids.map(id => found.get(id));
      },
    ),
    schemaPlaces: schemaPlaces(reads),
    webhook: inWorkspaces<ConsumerKey, Webhook | null>(
      ({ id }) => String(id),
      (workspaceId, keys) =>
        webhooks.webhooksByIds(
          workspaceId,
          keys.map(({ id }) => id),
        ),
    ),
    quarantined: inWorkspaces<QuarantineKey, QuarantinedEvent | null>(
      ({ id }) => id,
      (workspaceId, keys) =>
        quarantine.byIds(
          workspaceId,
          keys.map(({ id }) => id),
        ),
    ),
    workspace: new DataLoader<number, Workspace | null>(ids => workspaces.byIds(ids)),
    apiKey: new DataLoader<number, ApiKeyInfo | null>(ids => apiKeys.byIds(ids)),
    keyUsage: new DataLoader<number, KeyUsage>(ids => apiKeys.usage(ids)),
    pushCount: new DataLoader<number, number>(ids =>
      Promise.all(ids.map(id => reads.pushSubscriptions.countIn(id))),
    ),
    head: new DataLoader<number, LogPlace>(ids => fromMap(ids, workspaces.heads(ids))),
    tail: new DataLoader<number, number>(ids => fromMap(ids, workspaces.tails(ids))),
    indexed: new DataLoader<number, number | null>(ids => fromMap(ids, workspaces.indexed(ids))),
  };
  return {
    ...loaders,
    clear: () => {
      for (const loader of Object.values(loaders)) loader.clearAll();
    },
  };
}

function inclusionProofs({ evidence }: Pick<Reads, 'evidence'>): Loaders['inclusionProof'] {
  const treeOf = ({ workspaceId, size }: ProofKey) => `${workspaceId}:${size}`;
  return grouped<ProofKey, InclusionProof | null>(
    treeOf,
    key => `${treeOf(key)}:${key.position}`,
    keys => evidence.inclusion(keys[0].workspaceId, keys, keys[0].size),
  );
}

function schemaPlaces({ definitions }: Pick<Reads, 'definitions'>): Loaders['schemaPlaces'] {
  return inWorkspaces<DefinitionKey, readonly SchemaPlace[] | undefined>(
    ({ id }) => String(id),
    async (workspaceId, keys) => {
      const ids = keys.map(({ id }) => id);
      const found = await definitions.schemaPlaces(workspaceId, ids);
      return ids.map(id => found.get(id));
    },
  );
}

function relatedPages({ events }: Pick<Reads, 'events'>): Loaders['relatedPage'] {
  const ofOneKind = ({ args, order, content, ...key }: RelatedPageKey) => {
    const { first, after, last, before, atLeast } = args;
    return JSON.stringify([listsOf(key), order, content, first, after, last, before, atLeast]);
  };
  return grouped<RelatedPageKey, EventPage>(
    ofOneKind,
    key => `${key.value}\0${ofOneKind(key)}`,
    async ([first, ...rest]) => {
      const { workspaceId, field, type, order, filter, content } = first;
      // What it is related to was read before.
      const args = { ...first.args, goesOn: true };
      if (type !== undefined && rest.length === 0) {
        // A page alone is read by windows of time, where its filter has no index.
        const ofType = { types: [type], ...(filter && { and: [filter] }) };
        return [await events.page(workspaceId, { ...args, order, content, filter: ofType })];
      }
      const values = [first, ...rest].map(({ value }) => value);
      return events.pagesBy(workspaceId, field, values, { ...args, order, content, filter });
    },
  );
}

function relatedCounts({ events }: Pick<Reads, 'events'>): Loaders['relatedCount'] {
  return grouped<RelatedKey, number | null>(
    listsOf,
    key => `${key.value}\0${listsOf(key)}`,
    ([first, ...rest]) => {
      const values = [first, ...rest].map(({ value }) => value);
      return events.countBy(first.workspaceId, first.field, values, first.filter);
    },
  );
}

function listsOf({ workspaceId, field, filter }: Omit<RelatedKey, 'value'>): string {
  return JSON.stringify([workspaceId, field, filter]);
}

function eventsOf<Key extends In & WithContent>(
  nameOf: (key: Key) => string,
  load: (
    workspaceId: number,
    keys: readonly Key[],
    content: boolean,
  ) => Promise<(StoredEvent | null)[]>,
): DataLoader<Key, StoredEvent | null, string> {
  const groupOf = ({ workspaceId, content }: Key) => `${workspaceId}:${content}`;
  return grouped<Key, StoredEvent | null>(
    groupOf,
    key => `${groupOf(key)}:${nameOf(key)}`,
    keys => load(keys[0].workspaceId, keys, keys[0].content),
  );
}

function inWorkspaces<Key extends In, Value>(
  nameOf: (key: Key) => string,
  load: (workspaceId: number, keys: readonly Key[]) => Promise<Value[]>,
): DataLoader<Key, Value, string> {
  return grouped<Key, Value>(
    ({ workspaceId }) => String(workspaceId),
    key => `${key.workspaceId}:${nameOf(key)}`,
    keys => load(keys[0].workspaceId, keys),
  );
}

/** Keys of one group are loaded together. */
function grouped<Key, Value>(
  groupOf: (key: Key) => string,
  nameOf: (key: Key) => string,
  load: (keys: readonly [Key, ...Key[]]) => Promise<Value[]>,
): DataLoader<Key, Value, string> {
  return new DataLoader<Key, Value, string>(
    async keys => {
      const groups = new Map<string, [Key, ...Key[]]>();
      for (const key of keys) {
        const group = groups.get(groupOf(key));
        if (group === undefined) groups.set(groupOf(key), [key]);
        else group.push(key);
      }
      const values = new Map<Key, Value>();
      const loads = [...groups.values()].map(async group => {
        const loaded = await load(group);
        group.forEach((key, at) => values.set(key, loaded[at] as Value));
      });
      await Promise.all(loads);
      return keys.map(key => values.get(key) as Value);
    },
    { cacheKeyFn: nameOf },
  );
}

async function fromMap<T>(
  ids: readonly number[],
  found: Promise<ReadonlyMap<number, T>>,
): Promise<T[]> {
  const values = await found;
  return ids.map(id => values.get(id) as T);
}
