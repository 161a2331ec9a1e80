import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readConfig, type Config } from '../../src/config/config.ts';
import { createDatabase, type Database } from '../../src/db/client.ts';
import { startGateway, type Gateway } from '../../src/gateway/gateway.ts';
import { createLog } from '../../src/observability/log.ts';
import { createTestDatabase, ofGateways } from './database.ts';
import { ADMIN_KEY } from './key.ts';

export { ADMIN_KEY };

export interface GraphqlResult<Data> {
  readonly data?: Data;
  readonly errors?: readonly { message: string; extensions: Record<string, unknown> }[];
}

export interface TestGateway extends AsyncDisposable {
  readonly gateway: Gateway;
  readonly url: string;
  readonly databaseUrl: string;
  /** For looking behind the scenes. */
  readonly db: Database;
  /** Posts an operation with the admin key, or another. */
  graphql<Data = Record<string, unknown>>(
    query: string,
    variables?: Record<string, unknown>,
    key?: string | null,
  ): Promise<GraphqlResult<Data>>;
  /** The same, and throws when there are errors. */
  data<Data = Record<string, never>>(
    query: string,
    variables?: Record<string, unknown>,
    key?: string,
  ): Promise<Data>;
  /** Makes a workspace by a slug nobody else has, with a key of its own. */
  workspace(): Promise<{ slug: string; key: string }>;
}

/** A gateway on a port of its own and a database of its own, or on another gateway's. */
export async function startTestGateway(
  options: { databaseUrl?: string; config?: Partial<Config> } = {},
): Promise<TestGateway> {
  const database = options.databaseUrl === undefined ? await createTestDatabase() : null;
  const databaseUrl = options.databaseUrl ?? (database?.url as string);
  const dataDir = mkdtempSync(join(tmpdir(), 'sluice-test-'));
  // Tests of refusals send more wrong keys from one address than an attacker may.
  const wrongKeysPerMinute = 1_000_000;
  // A machine under load is slow. Where a statement must end in time, its test sets the limit.
  const readTimeoutMs = 30_000;
  const config = readConfig({ LOG_LEVEL: process.env['TEST_LOG_LEVEL'] ?? 'fatal' });
  const gateway = await startGateway(
    {
      ...config,
      ...{ port: 0, dataDir, adminKey: ADMIN_KEY, wrongKeysPerMinute },
      databaseUrl: ofGateways(databaseUrl),
      readTimeoutMs,
      ...options.config,
    },
    createLog(config.logLevel),
  );
  const db = createDatabase({ url: databaseUrl });
  let workspaces = 0;

  async function graphql<Data>(
    query: string,
    variables: Record<string, unknown> = {},
    key: string | null = ADMIN_KEY,
  ): Promise<GraphqlResult<Data>> {
    const response = await fetch(`${gateway.url}/graphql`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(key === null ? {} : { authorization: `Bearer ${key}` }),
      },
      body: JSON.stringify({ query, variables }),
    });
    return (await response.json()) as GraphqlResult<Data>;
  }

  async function data<Data>(query: string, variables = {}, key = ADMIN_KEY): Promise<Data> {
    const result = await graphql<Data>(query, variables, key);
    if (result.errors !== undefined) throw new Error(JSON.stringify(result.errors));
    return result.data as Data;
  }

  return {
    gateway,
    url: gateway.url,
    databaseUrl,
    db,
    graphql,
    data,
    async workspace() {
      const slug = `w${process.pid}-${(workspaces += 1)}`;
      const made = await data<{ createApiKey: { secret: string } }>(
        `mutation($slug: String!) {
          createWorkspace(input: { slug: $slug }) { workspace { id } }
          createApiKey(input: {
            name: "test", workspace: $slug, scopes: [EVENTS_READ, EVENTS_WRITE, DEFINITIONS_WRITE]
          }) { secret }
        }`,
        { slug },
      );
      return { slug, key: made.createApiKey.secret };
    },
    async [Symbol.asyncDispose]() {
      await gateway.stop();
      await db.stop();
      await database?.[Symbol.asyncDispose]();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}
