/**
 * This browser as one that takes Web Push. It is the gateway that knows whether it does: what a
 * browser has subscribed is saved there, for the key that is signed in.
 */
import type { Client } from 'urql';
import { graphql } from './graphql.ts';
import { createStore, useStore } from './store.ts';

const WORKER = '/console/service-worker.js';
/** Whether the user wants it in this browser: the subscription is renewed until they do not. */
const STORED_AT = 'sluice.push';

const PushKey = graphql(`
  query PushKey {
    pushPublicKey
    pushSubscriptions {
      endpoint
    }
  }
`);

const SavePush = graphql(`
  mutation SavePush($input: SavePushSubscriptionInput!) {
    savePushSubscription(input: $input) {
      subscription {
        endpoint
      }
    }
  }
`);

const DeletePush = graphql(`
  mutation DeletePush($input: DeletePushSubscriptionInput!) {
    deletePushSubscription(input: $input) {
      deleted
    }
  }
`);

export type PushState = 'on' | 'off' | 'denied' | 'unsupported' | 'unknown';

const state = createStore<PushState>('unknown');

export function usePush(): PushState {
  return useStore(state);
}

/** Whether pushed notifications tell of what a page would tell of, too. */
export function isPushed(): boolean {
  return localStorage.getItem(STORED_AT) === 'on' && state.get() === 'on';
}

function isSupported(): boolean {
  return 'serviceWorker' in navigator && 'PushManager' in window && 'Notification' in window;
}

/** After signing in: saves what the browser has, and asks nobody. */
export async function renewPush(client: Client): Promise<void> {
  if (!isSupported()) return state.set('unsupported');
  if (Notification.permission === 'denied') return state.set('denied');
  const isWanted = localStorage.getItem(STORED_AT) === 'on';
  if (!isWanted || Notification.permission !== 'granted') return state.set('off');
  state.set((await subscribe(client)) === null ? 'off' : 'on');
}

/**
 * Asks the user, where nobody has: only after a click.
 * @returns why it failed, for people; null where it did not
 */
export async function startPush(client: Client): Promise<string | null> {
  const permission = await Notification.requestPermission();
  if (permission !== 'granted') {
    state.set(permission === 'denied' ? 'denied' : 'off');
    return 'The browser does not allow notifications of this page.';
  }
  try {
    const endpoint = await subscribe(client);
    if (endpoint === null) return 'The gateway did not take the subscription.';
    localStorage.setItem(STORED_AT, 'on');
    state.set('on');
    return null;
  } catch (error) {
    return `The browser could not subscribe: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** Also in the browser: its push service takes nothing for it any more. */
export async function stopPush(client: Client): Promise<void> {
  localStorage.removeItem(STORED_AT);
  const subscription = await current();
  if (subscription !== null) {
    const { endpoint } = subscription;
    await subscription.unsubscribe();
    await client.mutation(DeletePush, { input: { endpoint } }).toPromise();
  }
  if (state.get() === 'on') state.set('off');
}

export async function pushEndpoint(): Promise<string | null> {
  return (await current())?.endpoint ?? null;
}

async function current(): Promise<PushSubscription | null> {
  if (!isSupported()) return null;
  const registration = await navigator.serviceWorker.getRegistration(WORKER);
  return (await registration?.pushManager.getSubscription()) ?? null;
}

/** Its endpoint; null where the gateway did not take it. */
async function subscribe(client: Client): Promise<string | null> {
  const { data } = await client.query(PushKey, {}, { requestPolicy: 'network-only' }).toPromise();
  if (!data) return null;
  const registration = await registered();
  const key = bytesOf(data.pushPublicKey);
  let subscription = await registration.pushManager.getSubscription();
  if (subscription && !isEqual(subscription.options.applicationServerKey, key)) {
    // That of another gateway at this address.
    await subscription.unsubscribe();
    subscription = null;
  }
  subscription ??= await registration.pushManager.subscribe({
    userVisibleOnly: true,
    applicationServerKey: key,
  });
  const { endpoint = '', keys } = subscription.toJSON();
  if (data.pushSubscriptions.some(each => each.endpoint === endpoint)) return endpoint;
  const { p256dh = '', auth = '' } = keys ?? {};
  const input = { endpoint, keys: { p256dh, auth } };
  const saved = await client.mutation(SavePush, { input }).toPromise();
  return saved.data ? endpoint : null;
}

/** Once its worker runs: `ready` is for pages within its scope, which this one is not. */
async function registered(): Promise<ServiceWorkerRegistration> {
  const registration = await navigator.serviceWorker.register(WORKER);
  const worker = registration.active ?? registration.waiting ?? registration.installing;
  if (worker && worker.state !== 'activated') {
    await new Promise<void>(resolve => {
      worker.addEventListener('statechange', () => worker.state === 'activated' && resolve());
    });
  }
  return registration;
}

function bytesOf(base64url: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64url.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(text, character => character.charCodeAt(0));
}

function isEqual(one: ArrayBuffer | null, other: Uint8Array): boolean {
  const bytes = new Uint8Array(one ?? []);
  return bytes.length === other.length && bytes.every((byte, at) => byte === other[at]);
}
