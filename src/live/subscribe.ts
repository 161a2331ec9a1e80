import { GatewayError } from '../core/errors.ts';
import { Holdings, mayHold } from '../core/fairness.ts';
import type { LiveClock } from './clock.ts';
import type { LiveLimits } from './limits.ts';
import { Looks } from './looks.ts';
import { Ring, type RingMemory } from './ring.ts';
import type { Delivery, LiveStream, StreamTag, SubscribeOptions } from './stream.ts';
import { Subscriber, type Surroundings } from './subscriber.ts';
import type { Forgotten } from './wakeup.ts';
import { Watch } from './watch.ts';

/** The open streams of a process and the workspaces that they watch, within their bounds. */
export interface Streams {
  readonly watches: ReadonlyMap<number, Watch>;
  readonly open: ReadonlySet<Subscriber>;
  readonly tags: ReadonlyMap<StreamTag, number>;
  readonly memory: RingMemory;
  subscribe(wants: SubscribeOptions, around: Surroundings): LiveStream;
  /** To be called by each stream that closes. */
  onClose(subscriber: Subscriber): void;
  /** Closes those that are chosen; returns how many. */
  end(chosen: (stream: SubscribeOptions) => boolean, error: GatewayError): number;
  closeAll(error?: GatewayError): void;
  forget(workspaces: Forgotten): void;
}

export function createStreams(limits: LiveLimits, clock: LiveClock): Streams {
  const memory: RingMemory = { bytes: 0, rings: new Set() };
  const watches = new Map<number, Watch>();
  const open = new Set<Subscriber>();
  const tags = new Map<StreamTag, number>();
  const searchedChars = new Holdings();
  const lookAround = { clock, looks: new Looks(clock) };

  function watchOf(workspaceId: number): Watch {
    const known = watches.get(workspaceId);
    if (known !== undefined) return known;
    const watch = new Watch(workspaceId, new Ring(limits, memory), lookAround);
    watches.set(workspaceId, watch);
    return watch;
  }

  function onClose(subscriber: Subscriber): void {
    const { watch, options } = subscriber;
    const { tag } = options;
    open.delete(subscriber);
    if (tag !== undefined) count(tags, tag, -1);
    if (options.search !== undefined) {
      searchedChars.add(watch.workspaceId, -watch.words.remove(options.search.words));
    }
    if (watch.size > 0) return;
    watches.delete(watch.workspaceId);
    watch.ring.drop();
  }

  function refusal({ tag, workspaceId, search }: SubscribeOptions): GatewayError | null {
    const watch = watches.get(workspaceId);
    const { streamsMax, streamsPerTagMax, searchCharsMax, searchCharsPerWorkspaceMax } = limits;
    if (open.size >= streamsMax) {
      return tooMany(`This gateway has ${streamsMax} streams open: try again later.`);
    }
    const ofTag = tag === undefined ? 0 : (tags.get(tag) ?? 0);
    if (ofTag >= streamsPerTagMax) {
      return tooMany(`This key has ${streamsPerTagMax} streams open: close one first.`);
    }
    if (!mayHold({ own: watch?.size ?? 0, all: open.size, max: streamsMax }, 1)) {
      return tooMany(
        `This gateway has few of its ${streamsMax} streams left, and this workspace has ${watch?.size} open: close one first.`,
      );
    }
    if (search === undefined) return null;
    const chars = watch?.words.newChars(search.words) ?? charsOf(search.words);
    const own = searchedChars.of(workspaceId) + chars;
    const isOver = own > searchCharsPerWorkspaceMax && chars > 0;
    if (!isOver && searchedChars.mayAdd(workspaceId, chars, searchCharsMax)) return null;
    return tooMany(
      `The streams of a workspace may search for ${searchCharsPerWorkspaceMax} characters in different words, and those of all for ${searchCharsMax}: search for fewer, or close one first.`,
    );
  }

  return {
    watches,
    open,
    tags,
    memory,
    onClose,
    subscribe(wants, around) {
      const refused = refusal(wants);
      if (refused !== null) return createRefusedStream(refused);
      if (wants.tag !== undefined) count(tags, wants.tag, 1);
      const watch = watchOf(wants.workspaceId);
      if (wants.search !== undefined) {
        searchedChars.add(wants.workspaceId, watch.words.newChars(wants.search.words));
        watch.words.add(wants.search.words);
      }
      const subscriber = new Subscriber(wants, watch, around);
      if (subscriber.mode !== 'CLOSED') open.add(subscriber);
      return subscriber;
    },
    end(chosen, error) {
      const ended = [...open].filter(({ options }) => chosen(options));
      for (const subscriber of ended) subscriber.close(error);
      return ended.length;
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

function charsOf(words: ReadonlySet<string>): number {
  let chars = 0;
  for (const word of words) chars += word.length;
  return chars;
}

function tooMany(message: string): GatewayError {
  return new GatewayError('TOO_MANY_STREAMS', message);
}
