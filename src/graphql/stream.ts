/** Live streams for GraphQL. `stream-resume.ts` decides where one begins, and how it resumes. */
import type { EventCursors } from '../core/cursor.ts';
import type { EventFilter } from '../core/filter.ts';
import type { Workspace } from '../core/workspace.ts';
import { compileStreamFilter } from '../live/stream-filter.ts';
import { placeOf, type Delivery, type LiveStream, type ReadMatching } from '../live/stream.ts';
import { cursorsOf, deriveContext, type GraphQLContext } from './context.ts';
import { createLoaders } from './loaders.ts';
import { resumable, startOf, type StreamPlace } from './stream-resume.ts';

export interface StreamArgs extends StreamPlace {
  readonly filter?: EventFilter | null | undefined;
  readonly checkpoints: boolean;
}

/** A delivery, and the workspace in which its place stands. */
export interface PlacedDelivery {
  readonly workspaceId: number;
  readonly delivery: Delivery;
}

/**
 * The deliveries of a workspace, for an executor that may share its work. Not a generator: one
 * that awaits can't be returned before the next value comes.
 */
export class EventStream implements AsyncIterableIterator<PlacedDelivery> {
  readonly workspaceId: number;
  /** The same for all who may see the same of an event. */
  readonly audience: string;
  readonly #context: GraphQLContext;
  readonly #stream: LiveStream;
  readonly #cursors: EventCursors;

  constructor(context: GraphQLContext, workspaceId: number, stream: LiveStream) {
    const { principal } = context;
    this.workspaceId = workspaceId;
    const scopes = principal === null ? null : [...principal.scopes].sort();
    this.audience = JSON.stringify([workspaceId, principal?.workspaceId, scopes]);
    this.#context = context;
    this.#stream = stream;
    this.#cursors = cursorsOf(context, workspaceId);
  }

  /** As many deliveries as are there now, within bounds; waits for the first. None: it is over. */
  async nextBatch(max: number): Promise<readonly Delivery[]> {
    try {
      return await this.#stream.nextBatch(max);
    } catch (error) {
      throw resumable(error, this.#cursors);
    }
  }

  placed(delivery: Delivery): PlacedDelivery {
    return { workspaceId: this.workspaceId, delivery };
  }

  /** A context for executions that others of the audience share: with loaders of its own. */
  sharedContext(): GraphQLContext {
    const { services } = this.#context;
    return deriveContext(this.#context, { loaders: createLoaders(services), signal: NEVER });
  }

  async next(): Promise<IteratorResult<PlacedDelivery, undefined>> {
    const [delivery] = await this.nextBatch(1);
    if (delivery === undefined) return { done: true, value: undefined };
    return { done: false, value: this.placed(delivery) };
  }

  async return(): Promise<IteratorResult<PlacedDelivery, undefined>> {
    await this.#stream.return();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

const NEVER = new AbortController().signal;

/**
 * The deliveries of a workspace. It is open when this resolves: what is recorded from then on is
 * seen.
 * @throws GatewayError BAD_USER_INPUT, CURSOR_INVALID, CURSOR_EPOCH, CURSOR_AHEAD, CURSOR_EXPIRED
 */
export async function openStream(
  context: GraphQLContext,
  workspace: Workspace,
  args: StreamArgs,
): Promise<EventStream> {
  const cursors = cursorsOf(context, workspace.id);
  const filter = args.filter ?? null;
  const stream = context.services.live.subscribe({
    workspaceId: workspace.id,
    start: startOf(args, context.lastEventId, cursors),
    ...(filter !== null && {
      ...compileStreamFilter(filter),
      readMatching: readMatching(context, filter),
    }),
    checkpoints: args.checkpoints,
    signal: context.signal,
    ...(context.principal !== null && { tag: context.principal.keyId }),
  });
  await stream.ready.catch((error: unknown) => {
    throw resumable(error, cursors);
  });
  return new EventStream(context, workspace.id, stream);
}

/** Pages of the log with the filter in SQL, for a stream that catches up. */
function readMatching(context: GraphQLContext, filter: EventFilter): ReadMatching {
  return async (workspaceId, place, limit) => {
    const page = await context.services.events.page(workspaceId, {
      filter,
      order: { field: 'POSITION', direction: 'ASC' },
      first: limit,
      after: cursorsOf(context, workspaceId).encodePosition(place),
    });
    const last = page.items.at(-1);
    const isFull = page.hasNextPage && last !== undefined;
    return { events: page.items, scannedTo: isFull ? placeOf(last) : page.head };
  };
}

/**
 * An iterator whose values are made from those of another. Not a generator: one that awaits can't
 * be returned before the next value comes, so every reader that leaves would leave a stream behind.
 */
export function mapped<T, U>(
  source: AsyncIterable<T>,
  map: (value: T) => U,
  translate: (error: unknown) => unknown = error => error,
): AsyncIterableIterator<U> {
  const iterator = source[Symbol.asyncIterator]();
  const self: AsyncIterableIterator<U> = {
    [Symbol.asyncIterator]: () => self,
    async next() {
      try {
        const step = await iterator.next();
        return step.done ? { done: true, value: undefined } : { value: map(step.value) };
      } catch (error) {
        throw translate(error);
      }
    },
    async return() {
      await iterator.return?.();
      return { done: true, value: undefined };
    },
  };
  return self;
}
