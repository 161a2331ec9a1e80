/**
 * The key that this browser works with. A tab keeps it in session storage, where GraphiQL, opened
 * from here, finds it. New tabs get it from the tabs that are open, so it ends with the last of
 * them; or, where the user wants to stay signed in, from local storage.
 */
import { createStore, useStore } from './store.ts';

/** In both storages. GraphiQL's page reads the same place: `src/http/graphiql.ts`. */
const STORED_AT = 'sluice.key';

export interface Session {
  readonly key: string | null;
  /** Whether it stays on this device after the last tab has closed. */
  readonly isKept: boolean;
  /** Why the last one ended, for people; null where they ended it themselves. */
  readonly endedBecause: string | null;
}

/** What tabs of one browser tell each other. */
type Message =
  | { readonly kind: 'ASKED' }
  | { readonly kind: 'STARTED'; readonly key: string; readonly isKept: boolean }
  | { readonly kind: 'ENDED'; readonly key: string; readonly because: string | null };

const kept = localStorage.getItem(STORED_AT);
const own = sessionStorage.getItem(STORED_AT) ?? kept;
const session = createStore<Session>({
  key: own,
  isKept: own !== null && own === kept,
  endedBecause: null,
});
if (own !== null) sessionStorage.setItem(STORED_AT, own);

const tabs = new BroadcastChannel('sluice.session');

function tell(message: Message): void {
  tabs.postMessage(message);
}

tabs.onmessage = ({ data }: MessageEvent<Message>) => {
  const { key, isKept } = session.get();
  if (data.kind === 'ASKED') {
    if (key !== null) tell({ kind: 'STARTED', key, isKept });
  } else if (data.kind === 'STARTED') {
    // A tab that has a key of its own keeps it.
    if (key === null) begin(data.key, data.isKept);
  } else if (data.key === key) end(data.because);
};
if (own === null) tell({ kind: 'ASKED' });

export function currentKey(): string | null {
  return session.get().key;
}

export function useSession(): Session {
  return useStore(session);
}

export function startSession(key: string, isKept: boolean): void {
  if (isKept) localStorage.setItem(STORED_AT, key);
  begin(key, isKept);
  tell({ kind: 'STARTED', key, isKept });
}

/** Ends it in every tab that works with the same key. */
export function endSession(because: string | null = null): void {
  const { key } = session.get();
  if (key === null) return;
  end(because);
  tell({ kind: 'ENDED', key, because });
}

function begin(key: string, isKept: boolean): void {
  sessionStorage.setItem(STORED_AT, key);
  session.set({ key, isKept, endedBecause: null });
}

function end(because: string | null): void {
  const { key } = session.get();
  sessionStorage.removeItem(STORED_AT);
  if (localStorage.getItem(STORED_AT) === key) localStorage.removeItem(STORED_AT);
  session.set({ key: null, isKept: false, endedBecause: because });
}
