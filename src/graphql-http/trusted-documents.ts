/**
 * Trusted documents, also known as persisted operations: where a gateway has a list of them, it
 * executes no other. A client names one by its id or its SHA-256, or sends its text.
 * @see https://github.com/graphql/graphql-over-http/blob/main/rfcs/PersistedOperations.md
 */
import { parse, type GraphQLSchema } from 'graphql';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { ConfigError } from '../config/config.ts';
import { GatewayError } from '../core/errors.ts';
import type { TrustedDocuments } from '../http/settings.ts';
import { faultsOf } from './documents.ts';

/** By id; or as Apollo's tools write it. */
const FILE = z.union([
  z.object({ operations: z.array(z.object({ id: z.string().min(1), body: z.string() })) }),
  z.record(z.string().min(1), z.string()),
]);

/**
 * Reads the file, and holds each document against the schema. Those of the gateway's own console
 * are trusted as well: whoever runs the one runs the other.
 * @throws ConfigError naming every document that is none.
 */
export function readTrustedDocuments(
  path: string,
  schema: GraphQLSchema,
  own: readonly string[] = consoleDocuments(),
): TrustedDocuments {
  const documents = documentsOf(path);
  const faults = [...documents].flatMap(([id, text]) => {
    const fault = faultOf(text, schema);
    return fault === null ? [] : [`"${id}": ${fault}`];
  });
  if (faults.length > 0) throw unusable(path, faults.join('\n  '));
  const texts = new Set([...documents.values(), ...own]);
  const byHash = new Map([...texts].map(text => [sha256(text), text]));
  return {
    byId: id => documents.get(id) ?? byHash.get(id.replace(/^sha256:/, '')),
    has: text => texts.has(text),
  };
}

export interface DocumentGiven {
  readonly query?: unknown;
  readonly documentId?: unknown;
  readonly extensions?: unknown;
}

/**
 * The document that is meant; what is given as `query` where any is executed.
 *
 * Clients with automatic persisted queries send a hash first, and the text once they hear that the
 * hash is not known. Texts of callers are not kept here: clients are told that they need not try, and
 * send the text from then on. A hash beside its text says nothing.
 * @throws GatewayError DOCUMENT_NOT_TRUSTED, PERSISTED_QUERY_NOT_SUPPORTED
 * @see https://www.apollographql.com/docs/apollo-server/performance/apq
 */
export function documentOf(given: DocumentGiven, trusted: TrustedDocuments | null): unknown {
  const { query, documentId } = given;
  if (trusted !== null && typeof documentId === 'string') {
    return trustedText(trusted.byId(documentId), trusted);
  }
  const hash = query == null || query === '' ? hashOf(given) : null;
  if (hash === null) {
    return trusted !== null && typeof query === 'string' ? trustedText(query, trusted) : query;
  }
  const text = trusted?.byId(hash);
  if (text !== undefined) return text;
  // Clients know it by this very message.
  throw new GatewayError('PERSISTED_QUERY_NOT_SUPPORTED', 'PersistedQueryNotSupported');
}

function trustedText(text: string | undefined, trusted: TrustedDocuments): string {
  if (text !== undefined && trusted.has(text)) return text;
  throw new GatewayError(
    'DOCUMENT_NOT_TRUSTED',
    'This gateway executes only trusted documents, and this is not one.',
  );
}

/** What `extensions.persistedQuery` names; null where it is not there. */
function hashOf({ extensions }: DocumentGiven): string | null {
  const { persistedQuery } = (extensions ?? {}) as { persistedQuery?: unknown };
  if (persistedQuery == null) return null;
  if (typeof persistedQuery === 'string') return persistedQuery;
  const { sha256Hash } = persistedQuery as { sha256Hash?: unknown };
  return typeof sha256Hash === 'string' ? sha256Hash : '';
}

function documentsOf(path: string): Map<string, string> {
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw unusable(path, error instanceof Error ? error.message : String(error));
  }
  const { success, data } = FILE.safeParse(json);
  if (!success) throw unusable(path, 'an object of texts by their ids is expected');
  if (!Array.isArray(data['operations'])) return new Map(Object.entries(data as object));
  return new Map(data['operations'].map(({ id, body }) => [id, body]));
}

function faultOf(text: string, schema: GraphQLSchema): string | null {
  try {
    return faultsOf(schema, parse(text))[0]?.message ?? null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function unusable(path: string, why: string): ConfigError {
  return new ConfigError(`SLUICE_TRUSTED_DOCUMENTS names ${path}, which is not usable:\n  ${why}`);
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Written by the build of the console; the same from `src/graphql-http` and from `dist/graphql-http`. */
const BUILT = new URL('../../dist/console/documents.json', import.meta.url);

/** The documents of the console that is served from here; none where it is not built. */
function consoleDocuments(file: URL = BUILT): string[] {
  try {
    return Object.values(JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>);
  } catch {
    return [];
  }
}
