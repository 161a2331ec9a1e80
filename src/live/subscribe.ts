import type { GatewayError } from '../core/errors.ts';
import type { Crowd } from '../core/fairness.ts';
import type { LiveClock } from './clock.ts';
import type { LiveLimits } from './limits.ts';
import { LookScheduler } from './look-scheduler.ts';
import { Ring, type RingMemory } from './ring.ts';
import { charsOf, createFound } from './searched-words.ts';
import { StreamRoom } from './stream-room.ts';
import type { HeldStream, LiveStream, StreamTag, SubscribeOptions } from './stream.ts';
import { Subscriber, type Surroundings } from './subscriber.ts';
import type { Forgotten, Wakeup } from './wakeup.ts';
import { Watch } from './watch.ts';

/** What streams are chosen by. */
export type Chosen = Pick<SubscribeOptions, 'tag' | 'scope'> & Pick<HeldStream, 'workspaceId'>;

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

interface StreamsOptions {
  readonly limits: LiveLimits;
  readonly clock: LiveClock;
  readonly crowd: Crowd | undefined;
  /** Hears which workspaces are watched. */
  readonly wakeup: Pick<Wakeup, 'watch' | 'unwatch'>;
}

export function createStreams({ limits, clock, crowd, wakeup }: StreamsOptions): Streams {
  const memory: RingMemory = { bytes: 0, rings: new Set() };
  const watches = new Map<number, Watch>();
  const open = new Set<Subscriber>();
  const room = new StreamRoom(limits);
  const { held, hold } = createDownloads(room);
  const around = { looks: new LookScheduler(clock, crowd), found: createFound() };

  function watchOf(workspaceId: number): Watch {
    const known = watches.get(workspaceId);
    if (known !== undefined) return known;
    const watch = new Watch(workspaceId, new Ring(limits, memory), around);
    watches.set(workspaceId, watch);
    wakeup.watch(workspaceId);
    return watch;
  }

  function onClose(subscriber: Subscriber): void {
    const { watch, options } = subscriber;
    open.delete(subscriber);
    room.remove(options);
    if (options.search !== undefined) {
      room.countSearched(watch.workspaceId, -watch.words.remove(options.search.words));
    }
    if (watch.size > 0) return;
    watches.delete(watch.workspaceId);
    wakeup.unwatch(watch.workspaceId);
    watch.ring.drop();
  }

  /** Of the words that a stream searches for, those that no other does. */
  function newChars({ workspaceId, search }: SubscribeOptions): number {
    if (search === undefined) return 0;
    return watches.get(workspaceId)?.words.newChars(search.words) ?? charsOf(search.words);
  }

  return {
    watches,
    open,
    tags: room.tags,
    memory,
    onClose,
    hold,
    subscribe(wants, surroundings) {
      const { workspaceId, search } = wants;
      const chars = newChars(wants);
      const refused = room.refusalOf(wants) ?? room.refusalOfSearch(workspaceId, chars);
      if (refused !== null) return createRefusedStream(refused);
      room.add(wants);
      room.countSearched(workspaceId, chars);
      const watch = watchOf(workspaceId);
      if (search !== undefined) watch.words.add(search.words);
      const subscriber = new Subscriber(wants, watch, surroundings);
      if (subscriber.mode !== 'CLOSED') open.add(subscriber);
      return subscriber;
    },
    workspaces: () => new Set([...watches.keys(), ...workspacesOf(held)]),
    end(chosen, error) {
      const ended = [...open].filter(({ options }) => chosen(options));
      for (const subscriber of ended) subscriber.close(error);
      const cut = [...held].filter(chosen);
      for (const stream of cut) stream.end();
      return ended.length + cut.length;
    },
    closeAll: error => open.forEach(subscriber => subscriber.close(error)),
    forget(workspaces) {
      const ids = workspaces === 'ALL' ? watches.keys() : workspaces;
      for (const id of ids) watches.get(id)?.forget();
    },
  };
}

/** Answers that are read for as long as a stream. */
function createDownloads(room: StreamRoom) {
  const held = new Set<HeldStream>();
  function hold(download: HeldStream): () => void {
    const refused = room.refusalOf(download) ?? room.refusalOfDownload(download);
    if (refused !== null) throw refused;
    held.add(download);
    room.add(download);
    room.countDownload(download, 1);
    return () => {
      if (!held.delete(download)) return;
      room.remove(download);
      room.countDownload(download, -1);
    };
  }
  return { held, hold };
}

function workspacesOf(held: Iterable<HeldStream>): number[] {
  return Array.from(held).flatMap(({ workspaceId }) => workspaceId ?? []);
}

/** A stream that fails once and is done. */
export function createRefusedStream(error: GatewayError): LiveStream {
  const ready: Promise<void> = Promise.reject(error);
  ready.catch(() => {});
  let isTold = false;
  return {
    ready,
    async nextBatch() {
      if (isTold) return [];
      isTold = true;
      throw error;
    },
    async return() {
      isTold = true;
    },
  };
}
