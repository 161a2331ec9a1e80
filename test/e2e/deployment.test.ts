import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { METRICS } from '../../src/observability/metric-names.ts';

const dockerfile = readFileSync('Dockerfile', 'utf8');
const operating = readFileSync('docs/operating.md', 'utf8');

/** The command of the image's health check, run here. */
async function exitOfHealthCheck(port: number): Promise<unknown> {
  const command = /^HEALTHCHECK(?:.*\\\n)?.*?CMD (\[.*\])$/m.exec(dockerfile)?.[1] ?? '[]';
  const [, ...args] = JSON.parse(command) as string[];
  const child = spawn(process.execPath, args, { env: { PORT: String(port) } });
  const [code] = (await once(child, 'exit')) as [number];
  return code;
}

/** A stand-in for the gateway that answers `/health/ready` so. */
async function withReadiness<T>(status: number, run: (port: number) => Promise<T>): Promise<T> {
  const server = createServer((req, res) => {
    res.writeHead(req.url === '/health/ready' ? status : 404).end();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  try {
    return await run((server.address() as AddressInfo).port);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

function linesOf(file: string): string[] {
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.map(line => line.replace(/\/$/, '')).filter(line => line !== '');
}

test('the health check of the image passes where the gateway is ready, and only there', async () => {
  expect(await withReadiness(200, exitOfHealthCheck)).toBe(0);
  expect(await withReadiness(503, exitOfHealthCheck)).toBe(1);
  const closed = await withReadiness(200, port => Promise.resolve(port));
  expect(await exitOfHealthCheck(closed)).toBe(1);
});

test('what git ignores, history and secrets are not sent to the build of the image', () => {
  const left = linesOf('.dockerignore').map(line => line.replace(/^\*\*\//, ''));
  const isLeftOut = (path: string): boolean =>
    left.some(pattern => path === pattern || path.startsWith(`${pattern}/`));
  const secrets = ['.env*', '.git'];
  expect([...linesOf('.gitignore'), ...secrets].filter(path => !isLeftOut(path))).toEqual([]);
});

test('what is worth an alert is a metric', () => {
  const alerts = operating.split('Worth an alert:')[1]?.split('\n\n')[1] ?? '';
  const named = [...alerts.matchAll(/\bsluice_[a-z_]+/g)].map(([name]) => name);
  expect(named.length).toBeGreaterThan(5);
  expect(named.filter(name => !(name in METRICS))).toEqual([]);
});

test('the balancer of the example tries a gateway that failed again within a second', () => {
  const servers = [...operating.matchAll(/^ *server \d[^;]*;/gm)].map(([line]) => line);
  expect(servers.length).toBeGreaterThan(1);
  expect(servers.filter(line => !line.includes(' fail_timeout=1s;'))).toEqual([]);
});
