/**
 * How much of the gateway a key and an address may use. Kept in this process: with several gateways
 * each gives the whole rate.
 *
 * A rate holds on average over ten seconds, so that a burst of ten seconds' worth passes. Keys and
 * addresses have none unless it is set. Wrong keys are always limited: an address that has sent too
 * many is refused before its key is looked up, right or wrong, or guessing would go on. Only keys
 * that were right there lately pass, so that a neighbour behind the same proxy is not locked out.
 */
import { createHash } from 'node:crypto';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { GatewayError } from '../core/errors.ts';
import type { Tenant } from '../core/fairness.ts';
import { tenantOf, type Principal } from '../core/principal.ts';
import { addressOf, type Origin } from './address.ts';

export interface RateSettings {
  /** 0: no limit. */
  readonly keyRequestsPerSecond: number;
  readonly keyEventsPerSecond: number;
  readonly addressRequestsPerSecond: number;
  readonly wrongKeysPerMinute: number;
  /** Proxies of ours between a caller and this process: see `addressOf`. */
  readonly trustedProxies: number;
}

/** Who asks. */
export interface Caller extends Origin {
  /** Hears what is left of its rates, where the way of the request has a place for it. */
  setHeader?(name: string, value: string): void;
  /** Hears for whom it acts, once its key was found valid. */
  becomeKnown?(tenant: Tenant): void;
}

/** The principal of a secret, null where none was sent, and one more request of its caller. */
export type AuthenticateCaller = (
  secret: string | null,
  caller: Caller,
) => Promise<Principal | null>;

export interface RateLimits {
  /**
   * Counts a request, and a wrong key as one.
   * @param secret of the key or ticket; null where none was sent.
   * @throws GatewayError RATE_LIMITED; what `authenticate` throws
   */
  admit<T extends Principal | null>(
    caller: Caller,
    secret: string | null,
    authenticate: () => Promise<T>,
  ): Promise<T>;
  /**
   * Whom a request is for, before anything is looked up: as its secret was found valid here lately,
   * else its address.
   */
  tenantOf(caller: Caller, secret: string | null): Tenant;
  /**
   * Counts events that a key is about to record. As many as the rate allows in ten seconds, and any
   * number when none came lately.
   * @throws GatewayError RATE_LIMITED
   */
  countEvents(keyId: number, events: number): Promise<void>;
}

const WINDOW_S = 10;
const WRONG_KEYS_WINDOW_S = 60;
const RIGHT_KEYS_MAX = 10_000;

export function createRateLimits(
  settings: RateSettings,
  /** Hears of each refusal. */
  onLimited: () => void = () => {},
): RateLimits {
  const addresses = rateOf('address', settings.addressRequestsPerSecond);
  const keys = rateOf('key', settings.keyRequestsPerSecond);
  const events = rateOf('events', settings.keyEventsPerSecond);
  const wrongKeys = createWrongKeys(settings.wrongKeysPerMinute);
  const tenants = createTenants();

  const admit: RateLimits['admit'] = async (caller, secret, authenticate) => {
    const address = addressOf(caller, settings.trustedProxies);
    const tell = tellingTo(caller);
    await addresses?.take(address, 1, tell);
    const principal =
      secret === null
        ? await authenticate()
        : await wrongKeys(address, hashOf(caller, secret), authenticate);
    if (principal === null) return principal;
    const tenant = tenantOf(principal);
    if (secret !== null) tenants.note(hashOf(caller, secret), tenant);
    caller.becomeKnown?.(tenant);
    await keys?.take(principal.keyId, 1, tell);
    return principal;
  };

  function note(error: unknown): never {
    if (error instanceof GatewayError && error.code === 'RATE_LIMITED') onLimited();
    throw error;
  }

  return {
    tenantOf(caller, secret) {
      const known = secret === null ? undefined : tenants.of(hashOf(caller, secret));
      return known ?? `address ${addressOf(caller, settings.trustedProxies)}`;
    },
    admit: (caller, secret, authenticate) => admit(caller, secret, authenticate).catch(note),
    countEvents: async (keyId, count) => events?.take(keyId, count).catch(note),
  };
}

interface Standing {
  readonly name: string;
  readonly points: number;
  readonly left: RateLimiterRes;
}
type Tell = (standing: Standing) => void;

/** A rate for each of many. */
export interface Rate {
  /** @throws GatewayError RATE_LIMITED */
  take(key: string | number, wanted: number, tell?: Tell): Promise<void>;
}

function rateOf(name: string, perSecond: number): Rate | undefined {
  return perSecond === 0 ? undefined : createRate(name, perSecond);
}

/** What a window of `windowS` allows may be taken at once. */
export function createRate(name: string, perSecond: number, windowS = WINDOW_S): Rate {
  const points = perSecond * windowS;
  const limiter = new RateLimiterMemory({ points, duration: windowS });
  const what = name === 'events' ? 'events' : 'requests';
  return {
    async take(key, wanted, tell) {
      const left = await limiter.consume(key, Math.min(wanted, points)).catch(refusedOrThrow);
      tell?.({ name, points, left });
      if (left.consumedPoints > points) throw limited(`${perSecond} ${what} a second`, left);
    },
  };
}

/** @see https://datatracker.ietf.org/doc/html/draft-ietf-httpapi-ratelimit-headers-11 */
function tellingTo(caller: Caller): Tell {
  const policies: string[] = [];
  const limits: string[] = [];
  return ({ name, points, left }) => {
    policies.push(`"${name}";q=${points};w=${WINDOW_S}`);
    limits.push(`"${name}";r=${left.remainingPoints};t=${secondsOf(left.msBeforeNext)}`);
    caller.setHeader?.('ratelimit-policy', policies.join(', '));
    caller.setHeader?.('ratelimit', limits.join(', '));
  };
}

/** Hashing takes some microseconds: it is done once a request. */
const hashes = new WeakMap<Caller, { readonly secret: string; readonly hash: string }>();

function hashOf(caller: Caller, secret: string): string {
  const known = hashes.get(caller);
  if (known?.secret === secret) return known.hash;
  const hash = createHash('sha256').update(secret).digest('base64');
  hashes.set(caller, { secret, hash });
  return hash;
}

/** Whom keys act for that were right lately. It gives them no right: they are looked up all the same. */
function createTenants() {
  const known = new Map<string, Tenant>();
  return {
    of: (hash: string) => known.get(hash),
    note(hash: string, tenant: Tenant): void {
      if (known.get(hash) === tenant) return;
      const [oldest] = known.size < RIGHT_KEYS_MAX ? [] : known.keys();
      if (oldest !== undefined) known.delete(oldest);
      known.set(hash, tenant);
    },
  };
}

type Admit = <T>(address: string, hash: string, authenticate: () => Promise<T>) => Promise<T>;

function createWrongKeys(perMinute: number): Admit {
  const limiter = new RateLimiterMemory({ points: perMinute, duration: WRONG_KEYS_WINDOW_S });
  /** Of keys that were right where they came from, the latest last. */
  const right = new Set<string>();

  function noteRight(key: string): void {
    right.delete(key);
    right.add(key);
    const [oldest] = right;
    if (right.size > RIGHT_KEYS_MAX && oldest !== undefined) right.delete(oldest);
  }

  return async (address, hash, authenticate) => {
    const key = `${address} ${hash}`;
    const isKnown = right.has(key);
    // Counted before it is known, so that many at once are no more than one after the other.
    const left = isKnown ? null : await limiter.consume(address).catch(refusedOrThrow);
    if (left !== null && left.consumedPoints > perMinute) {
      throw limited(`${perMinute} wrong keys a minute from one address`, left);
    }
    try {
      const principal = await authenticate();
      if (!isKnown) await limiter.reward(address);
      noteRight(key);
      return principal;
    } catch (error) {
      const isWrong = error instanceof GatewayError && error.code === 'UNAUTHENTICATED';
      if (isWrong && isKnown) await limiter.penalty(address);
      if (isWrong) right.delete(key);
      else if (!isKnown) await limiter.reward(address);
      throw error;
    }
  };
}

function refusedOrThrow(refused: unknown): RateLimiterRes {
  if (refused instanceof RateLimiterRes) return refused;
  throw refused;
}

function limited(rate: string, { msBeforeNext }: RateLimiterRes): GatewayError {
  const retryAfterS = secondsOf(msBeforeNext);
  const message = `No more than ${rate}: try again after ${retryAfterS} s.`;
  return new GatewayError('RATE_LIMITED', message, { retryAfterS });
}

function secondsOf(ms: number): number {
  return Math.max(1, Math.ceil(ms / 1_000));
}
