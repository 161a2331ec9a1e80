/** The Model Context Protocol's own conformance suite, against a gateway's `/mcp`. */
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestGateway, type TestGateway } from '../kit/gateway.ts';

/** The program of the package, which exports nothing. */
const SUITE = 'node_modules/@modelcontextprotocol/conformance/dist/index.js';

const PASSES = 'passes';

/**
 * Every scenario of the suite for servers: it passes, or it needs something that Sluice's server
 * does not have. That is a capability, sessions, or a tool of the suite's sample server.
 */
const SCENARIOS: Readonly<Record<string, string>> = {
  'server-initialize': PASSES,
  ping: PASSES,
  'tools-list': PASSES,
  'dns-rebinding-protection': PASSES,
  'logging-set-level': 'logging',
  'completion-complete': 'completions',
  'resources-list': 'resources',
  'resources-read-text': 'resources',
  'resources-read-binary': 'resources',
  'resources-templates-read': 'resources',
  'resources-subscribe': 'resources',
  'resources-unsubscribe': 'resources',
  'prompts-list': 'prompts',
  'prompts-get-simple': 'prompts',
  'prompts-get-with-args': 'prompts',
  'prompts-get-embedded-resource': 'prompts',
  'prompts-get-with-image': 'prompts',
  'server-sse-polling': 'sessions',
  'server-sse-multiple-streams': 'sessions',
  'tools-call-simple-text': 'test_simple_text',
  'tools-call-image': 'test_image_content',
  'tools-call-audio': 'test_audio_content',
  'tools-call-embedded-resource': 'test_embedded_resource',
  'tools-call-mixed-content': 'test_multiple_content_types',
  'tools-call-with-logging': 'test_tool_with_logging',
  'tools-call-error': 'test_error_handling',
  'tools-call-with-progress': 'test_tool_with_progress',
  'tools-call-sampling': 'test_sampling',
  'tools-call-elicitation': 'test_elicitation',
  'elicitation-sep1034-defaults': 'test_elicitation_sep1034_defaults',
  'elicitation-sep1330-enums': 'test_elicitation_sep1330_enums',
  'json-schema-2020-12': 'json_schema_2020_12_tool',
};

interface Check {
  readonly id: string;
  readonly status: 'SUCCESS' | 'FAILURE' | 'WARNING' | 'INFO';
  readonly errorMessage?: string;
}

let gateway: TestGateway;
let proxy: Proxy;
/** What the suite says of each scenario. */
let results: ReadonlyMap<string, readonly Check[]>;
/** Capabilities, tools and the like of the server. */
let served: readonly string[];

beforeAll(async () => {
  gateway = await startTestGateway();
  const { key } = await gateway.workspace();
  proxy = await startProxy(gateway.url, key);
  [results, served] = await Promise.all([runSuite(`${proxy.url}/mcp`), look(`${proxy.url}/mcp`)]);
});
afterAll(async () => {
  await proxy[Symbol.asyncDispose]();
  await gateway[Symbol.asyncDispose]();
});

interface Proxy extends AsyncDisposable {
  readonly url: string;
}

/** Adds the key, which the suite does not send, and changes nothing else. */
async function startProxy(target: string, key: string): Promise<Proxy> {
  const server = createServer((asked, answer) => {
    const headers = { ...asked.headers, authorization: `Bearer ${key}` };
    const { method = 'GET', url = '/' } = asked;
    const onward = request(new URL(url, target), { method, headers }, got => {
      answer.writeHead(got.statusCode ?? 502, got.headers);
      got.pipe(answer);
    });
    onward.on('error', () => answer.destroy());
    asked.pipe(onward);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise(resolve => server.close(resolve));
    },
  };
}

async function runSuite(url: string): Promise<Map<string, Check[]>> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-mcp-'));
  try {
    const args = [SUITE, 'server', '--suite', 'all', '--url', url, '--output-dir', folder];
    const suite = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    const trouble = text(suite.stderr);
    await once(suite, 'close');
    const found = readdirSync(folder).map(name => {
      const [, scenario = name] = /^server-(.+)-\d{4}-\d\d-\d\dT[\d-]+Z$/.exec(name) ?? [];
      const checks = JSON.parse(readFileSync(join(folder, name, 'checks.json'), 'utf8')) as Check[];
      return [scenario, checks] as const;
    });
    if (found.length === 0) throw new Error(`the suite did not run: ${await trouble}`);
    return new Map(found);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What the server has, as the protocol's client sees it. */
async function look(url: string): Promise<string[]> {
  const transport = new StreamableHTTPClientTransport(new URL(url));
  const client = new Client({ name: 'test', version: '1' });
  await client.connect(transport as Transport);
  const { tools } = await client.listTools();
  const capabilities = Object.keys(client.getServerCapabilities() ?? {});
  const sessions = transport.sessionId === undefined ? [] : ['sessions'];
  await client.close();
  return [...capabilities, ...sessions, ...tools.map(({ name }) => name)];
}

test('the list has every scenario of the suite', () => {
  expect([...results.keys()].toSorted()).toEqual(Object.keys(SCENARIOS).toSorted());
  expect(served).toEqual(expect.arrayContaining(['tools', 'query_events']));
});

const scenarios = Object.entries(SCENARIOS);

test.each(scenarios.filter(([, needs]) => needs === PASSES))('%s passes', scenario => {
  const checks = results.get(scenario) ?? [];
  expect(checks.filter(({ status }) => status !== 'SUCCESS')).toEqual([]);
  expect(checks).not.toEqual([]);
});

test.each(scenarios.filter(([, needs]) => needs !== PASSES))(
  '%s needs %s, which the server does not have',
  (_, needs) => {
    expect(served).not.toContain(needs);
  },
);
