import { GatewayError } from '../core/errors.ts';
import type { LiveClock } from './clock.ts';
import type { LiveLimits } from './limits.ts';
import { Ring, type RingMemory } from './ring.ts';
import type { Delivery, HeldStream, LiveStream, StreamTag, SubscribeOptions } from './stream.ts';
import { Subscriber, type Surroundings } from './subscriber.ts';
import type { Forgotten } from './wakeup.ts';
import { Watch } from './watch.ts';

/** What streams are chosen by. */
export type Chosen = Pick<SubscribeOptions, 'tag'> & Pick<HeldStream, 'workspaceId'>;

/** The open streams of a process and the workspaces that they watch, within their bounds. */
export interface Streams {
  readonly watches: ReadonlyMap<number, Watch>;
  readonly open: ReadonlySet<Subscriber>;
  readonly tags: ReadonlyMap<StreamTag, number>;
  readonly memory: RingMemory;
  subscribe(wants: SubscribeOptions, around: Surroundings): LiveStream;
  /** @throws GatewayError TOO_MANY_STREAMS */
  hold(stream: HeldStream): () => void;
  /** Of what is open or held. */
  workspaces(): ReadonlySet<number>;
  /** To be called by each stream that closes. */
  onClose(subscriber: Subscriber): void;
  /** Closes those that are chosen; returns how many. */
  end(chosen: (stream: Chosen) => boolean, error: GatewayError): number;
  closeAll(error?: GatewayError): void;
  forget(workspaces: Forgotten): void;
}

export function createStreams(limits: LiveLimits, clock: LiveClock): Streams {
  const memory: RingMemory = { bytes: 0, rings: new Set() };
  const watches = new Map<number, Watch>();
  const open = new Set<Subscriber>();
  const held = new Set<HeldStream>();
  const refusal = ({ tag }: Pick<Chosen, 'tag'>) =>
    refusalOf(limits, open.size + held.size, tag === undefined ? 0 : (tags.get(tag) ?? 0));
  const tags = new Map<StreamTag, number>();

  function watchOf(workspaceId: number): Watch {
    const known = watches.get(workspaceId);
    if (known !== undefined) return known;
    const watch = new Watch(workspaceId, new Ring(limits, memory), clock);
    watches.set(workspaceId, watch);
    return watch;
  }

  function onClose(subscriber: Subscriber): void {
    const { watch, options } = subscriber;
    const { tag } = options;
    open.delete(subscriber);
    if (tag !== undefined) count(tags, tag, -1);
    if (watch.size > 0) return;
    watches.delete(watch.workspaceId);
    watch.ring.drop();
  }

  return {
    ...{ watches, open, tags, memory, onClose },
    subscribe(wants, around) {
      const refused = refusal(wants);
      if (refused !== null) return createRefusedStream(refused);
      if (wants.tag !== undefined) count(tags, wants.tag, 1);
      const subscriber = new Subscriber(wants, watchOf(wants.workspaceId), around);
      if (subscriber.mode !== 'CLOSED') open.add(subscriber);
      return subscriber;
    },
    hold(stream) {
      const refused = refusal(stream);
      if (refused !== null) throw refused;
      held.add(stream);
      count(tags, stream.tag, 1);
      return () => void (held.delete(stream) && count(tags, stream.tag, -1));
    },
    workspaces: () => new Set([...watches.keys(), ...workspacesOf(held)]),
    end(chosen, error) {
      const ended = [...open].filter(({ options }) => chosen(options));
      for (const subscriber of ended) subscriber.close(error);
      const cut = [...held].filter(chosen);
      for (const stream of cut) stream.end();
      return ended.length + cut.length;
    },
    closeAll(error) {
      for (const subscriber of [...open]) subscriber.close(error);
    },
    forget(workspaces) {
      const ids = workspaces === 'ALL' ? watches.keys() : workspaces;
      for (const id of ids) watches.get(id)?.forget();
    },
  };
}

function workspacesOf(held: Iterable<HeldStream>): number[] {
  return Array.from(held).flatMap(({ workspaceId }) => workspaceId ?? []);
}

/** Null where there is room for one more stream. */
function refusalOf(
  { streamsMax, streamsPerTagMax }: LiveLimits,
  openInAll: number,
  openOfTag: number,
): GatewayError | null {
  if (openInAll >= streamsMax) {
    return tooMany(`This gateway has ${streamsMax} streams open: try again later.`);
  }
  if (openOfTag < streamsPerTagMax) return null;
  return tooMany(`This key has ${streamsPerTagMax} streams open: close one first.`);
}

/** A stream that fails once and is done. */
export function createRefusedStream(error: GatewayError): LiveStream {
  const ready: Promise<void> = Promise.reject(error);
  ready.catch(() => {});
  const done = { done: true, value: undefined } as const;
  let isTold = false;

  async function tell<T>(end: T): Promise<T> {
    if (isTold) return end;
    isTold = true;
    throw error;
  }

  return {
    ready,
    next: () => tell(done),
    nextBatch: () => tell<Delivery[]>([]),
    async return() {
      isTold = true;
      return done;
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

function count(tags: Map<StreamTag, number>, tag: StreamTag, change: 1 | -1): void {
  const left = (tags.get(tag) ?? 0) + change;
  if (left === 0) tags.delete(tag);
  else tags.set(tag, left);
}

function tooMany(message: string): GatewayError {
  return new GatewayError('TOO_MANY_STREAMS', message);
}
