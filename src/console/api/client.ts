import { cacheExchange, Client, fetchExchange, mapExchange } from 'urql';
import { problemOf } from './problem.ts';
import { currentKey, endSession } from './session.ts';

/** Codes after which no request with this key succeeds. */
const KEY_IS_OVER = new Set(['UNAUTHENTICATED', 'KEY_REVOKED']);

/** A client for one key: another key gets another one, so that nothing cached is shared. */
export function createClient(key: string): Client {
  return new Client({
    url: '/graphql',
    preferGetMethod: false,
    requestPolicy: 'cache-and-network',
    fetchOptions: { headers: authorization(key), credentials: 'omit' },
    exchanges: [
      mapExchange({
        onError(error) {
          const { code, title } = problemOf(error);
          if (KEY_IS_OVER.has(code) && key === currentKey()) {
            endSession(`${title}. Sign in with another one.`);
          }
        },
      }),
      cacheExchange,
      fetchExchange,
    ],
  });
}

export function authorization(key: string): Record<string, string> {
  return { authorization: `Bearer ${key}` };
}
