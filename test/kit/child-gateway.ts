import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { GraphqlResult } from './gateway.ts';
import { ADMIN_KEY } from './key.ts';
import { sluiceProgram } from './program.ts';

/** A gateway in a process of its own, so that it can be killed. */
export interface ChildGateway extends AsyncDisposable {
  readonly url: string;
  readonly process: ChildProcess;
  /** Everything it has logged. */
  readonly log: () => string;
  graphql<Data>(
    query: string,
    variables?: Record<string, unknown>,
    headers?: Record<string, string>,
  ): Promise<GraphqlResult<Data>>;
}

const READY_WITHIN_MS = 120_000;

export async function startChildGateway(
  databaseUrl: string,
  environment: Record<string, string> = {},
): Promise<ChildGateway> {
  const dataDir = mkdtempSync(join(tmpdir(), 'sluice-child-'));
  const child = spawn(process.execPath, [...sluiceProgram(), 'serve'], {
    env: {
      ...process.env,
      ...{ PORT: '0', DATABASE_URL: databaseUrl, SLUICE_DATA_DIR: dataDir },
      ...{ SLUICE_ADMIN_KEY: ADMIN_KEY, LOG_LEVEL: 'warn' },
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = once(child, 'exit');
  let log = '';
  child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()));
  const url = await readyAt(child, () => log).catch((error: unknown) => {
    // One that comes up too late would hold the port for ever.
    child.kill('SIGKILL');
    throw error;
  });
  return {
    url,
    process: child,
    log: () => log,
    async graphql<Data>(
      query: string,
      variables: Record<string, unknown> = {},
      headers: Record<string, string> = {},
    ) {
      const response = await fetch(`${url}/graphql`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          authorization: `Bearer ${ADMIN_KEY}`,
          ...headers,
        },
        body: JSON.stringify({ query, variables }),
      });
      return (await response.json()) as GraphqlResult<Data>;
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      await ended;
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

async function readyAt(child: ChildProcess, log: () => string): Promise<string> {
  const signal = AbortSignal.timeout(READY_WITHIN_MS);
  let greeting = '';
  for await (const [chunk] of ons(child, signal)) {
    greeting += String(chunk);
    const url = /ready at (\S+)/.exec(greeting)?.[1];
    if (url !== undefined) return url;
  }
  throw new Error(`the gateway did not start: ${log()}`);
}

async function* ons(child: ChildProcess, signal: AbortSignal): AsyncGenerator<[Buffer]> {
  while (true) {
    const exited = once(child, 'exit', { signal }).then(() => null);
    const chunk = child.stdout === null ? null : once(child.stdout, 'data', { signal });
    const next = await Promise.race([chunk, exited]);
    exited.catch(() => {});
    if (next === null) return;
    yield next as [Buffer];
  }
}
