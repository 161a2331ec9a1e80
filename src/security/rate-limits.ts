/**
 * How much of the gateway a key and an address may use. Kept in this process: with several gateways
 * each gives the whole rate.
 *
 * A rate holds on average over ten seconds, so that a burst of ten seconds' worth passes. Keys and
 * addresses have none unless it is set. Wrong keys are always limited: an address that has sent too
 * many is refused before its key is looked up, right or wrong, or guessing would go on. Only keys
 * that were right there lately pass, so that a neighbour behind the same proxy is not locked out.
 */
import { LRUCache } from 'lru-cache';
import { hash } from 'node:crypto';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { GatewayError } from '../core/errors.ts';
import type { Tenant } from '../core/fairness.ts';
import { tenantOf, type Principal } from '../core/principal.ts';
import type { LimitStanding } from '../core/quota.ts';
import { addressOf, type Origin } from './address.ts';
import { tellStandings, type Told } from './limit-headers.ts';

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
export interface Caller extends Origin, Told {
  /** Hears for whom it acts, once its key was found valid. */
  becomeKnown?(tenant: Tenant): void;
  /** What its key is known by here: made once a request, since hashing takes some microseconds. */
  knownBy?: KnownBy | undefined;
}

export interface KnownBy {
  readonly address: string;
  readonly secret: string;
  /** Of both, without the secret itself. */
  readonly name: string;
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
   * Whom a request is for, before anything is looked up: as its secret was right there lately, else
   * its address. It gives no right.
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
  const { trustedProxies: proxies } = settings;
  const addresses = rateOf('address', settings.addressRequestsPerSecond);
  const keys = rateOf('key', settings.keyRequestsPerSecond);
  const events = rateOf('events', settings.keyEventsPerSecond);
  const wrongKeys = createWrongKeys(settings.wrongKeysPerMinute);

  const admit: RateLimits['admit'] = async (caller, secret, authenticate) => {
    const tell = (standing: LimitStanding) => tellStandings(caller, [standing]);
    if (addresses !== undefined) await addresses.take(addressOf(caller, proxies), 1, tell);
    const principal =
      secret === null
        ? await authenticate()
        : await wrongKeys.admit(knownByOf(caller, secret, proxies), authenticate);
    if (principal === null) return principal;
    caller.becomeKnown?.(tenantOf(principal));
    await keys?.take(principal.keyId, 1, tell);
    return principal;
  };

  function note(error: unknown): never {
    if (error instanceof GatewayError && error.code === 'RATE_LIMITED') onLimited();
    throw error;
  }

  return {
    tenantOf(caller, secret) {
      const known = secret === null ? undefined : knownByOf(caller, secret, proxies);
      const tenant = known && wrongKeys.tenantOf(known);
      return tenant ?? `address ${known?.address ?? addressOf(caller, proxies)}`;
    },
    admit: (caller, secret, authenticate) => admit(caller, secret, authenticate).catch(note),
    countEvents: async (keyId, count) => events?.take(keyId, count).catch(note),
  };
}

/** A rate for each of many. */
export interface Rate {
  /** @throws GatewayError RATE_LIMITED */
  take(
    key: string | number,
    wanted: number,
    tell?: (standing: LimitStanding) => void,
  ): Promise<void>;
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
      tell?.({
        name,
        limit: points,
        windowS,
        left: left.remainingPoints,
        resetS: secondsOf(left.msBeforeNext),
      });
      if (left.consumedPoints > points) throw limited(`${perSecond} ${what} a second`, left);
    },
  };
}

function knownByOf(caller: Caller, secret: string, proxies: number): KnownBy {
  const { knownBy } = caller;
  if (knownBy?.secret === secret) return knownBy;
  const address = addressOf(caller, proxies);
  const name = `${address} ${hash('sha256', secret, 'base64')}`;
  return (caller.knownBy = { address, secret, name });
}

interface WrongKeys {
  admit<T extends Principal | null>(by: KnownBy, authenticate: () => Promise<T>): Promise<T>;
  tenantOf(by: KnownBy): Tenant | undefined;
}

function createWrongKeys(perMinute: number): WrongKeys {
  const limiter = new RateLimiterMemory({ points: perMinute, duration: WRONG_KEYS_WINDOW_S });
  /** Whom keys act for that were right where they came from. */
  const right = new LRUCache<string, Tenant>({ max: RIGHT_KEYS_MAX });

  function noteRight(name: string, principal: Principal | null): void {
    if (principal === null) right.delete(name);
    else right.set(name, tenantOf(principal));
  }

  return {
    tenantOf: ({ name }) => right.get(name),
    async admit({ address, name }, authenticate) {
      const isKnown = right.has(name);
      // Counted before it is known, so that many at once are no more than one after the other.
      const left = isKnown ? null : await limiter.consume(address).catch(refusedOrThrow);
      if (left !== null && left.consumedPoints > perMinute) {
        throw limited(`${perMinute} wrong keys a minute from one address`, left);
      }
      try {
        const principal = await authenticate();
        if (!isKnown) await limiter.reward(address);
        noteRight(name, principal);
        return principal;
      } catch (error) {
        const isWrong = error instanceof GatewayError && error.code === 'UNAUTHENTICATED';
        if (isWrong && isKnown) await limiter.penalty(address);
        if (isWrong) right.delete(name);
        else if (!isKnown) await limiter.reward(address);
        throw error;
      }
    },
  };
}

function refusedOrThrow(refused: unknown): RateLimiterRes {
  if (refused instanceof RateLimiterRes) return refused;
  throw refused;
}

function limited(rate: string, { msBeforeNext }: RateLimiterRes): GatewayError {
  const retryAfterS = secondsOf(msBeforeNext);
  const message = `The limit is ${rate}. Try again after ${retryAfterS} s.`;
  return new GatewayError('RATE_LIMITED', message, { retryAfterS });
}

function secondsOf(ms: number): number {
  return Math.max(1, Math.ceil(ms / 1_000));
}
