/**
 * The features of cloudevents/conformance, by which SDKs of CloudEvents are tested, run against the
 * door. A message is sent byte for byte as the feature has it, but for what says where it goes: the
 * path, the Host and a key. It is then read back as a structured event.
 *
 * What differs: messages of Kafka are not read, since the door speaks HTTP alone. Their events are
 * those of the HTTP features.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestGateway, type TestGateway } from '../../kit/gateway.ts';
import { bearer, call } from './call.ts';
import { readFeature, type Scenario } from './gherkin.ts';

const FOLDER = 'test/fixtures/cloudevents-conformance/';
const NOT_SERVED = new Set(['Kafka Protocol Binding is supported']);

const scenarios = readdirSync(FOLDER)
  .filter(name => name.endsWith('.feature'))
  .flatMap(name => readFeature(readFileSync(FOLDER + name, 'utf8')));
const isServed = ({ steps }: Scenario) => !steps.some(({ text }) => NOT_SERVED.has(text));
const served = scenarios.filter(isServed);

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway[Symbol.asyncDispose]());

interface World {
  readonly key: string;
  message: string;
  event: Record<string, unknown>;
}

type Run = (world: World, step: Scenario['steps'][number]) => Promise<void> | void;

const STEPS: Readonly<Record<string, Run>> = {
  'HTTP Protocol Binding is supported': () => {},
  'an HTTP request': (world, { docString }) => void (world.message = docString),
  'parsed as HTTP request': async world => {
    const answer = await sendRaw(addressed(world));
    expect(answer).toMatch(/^HTTP\/1.1 204 /);
    const read = await call(`${gateway.url}/cloudevents`, { headers: bearer(world.key) });
    world.event = (read.json() as Record<string, unknown>[])[0]!;
  },
  'the attributes are:': ({ event }, { table: [, ...rows] }) => {
    const { data: _data, ...attributes } = event;
    expect(attributes).toEqual(Object.fromEntries(rows));
  },
  'the data is equal to the following JSON:': ({ event }, { docString }) => {
    expect(event['data']).toEqual(JSON.parse(docString));
  },
};

function addressed({ message, key }: World): string {
  const end = message.indexOf('\n\n');
  const [line = '', ...headers] = message.slice(0, end).split('\n');
  const lines = [
    line.replace(/ \S+ /, ' /cloudevents '),
    ...headers.filter(header => !/^host:/i.test(header)),
    ...['Host: localhost', `Authorization: Bearer ${key}`],
  ];
  return `${lines.join('\r\n')}\r\n\r\n${message.slice(end + 2)}`;
}

function sendRaw(request: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(gateway.url).port), '127.0.0.1', () => {
      socket.write(request);
    });
    socket.once('error', reject).once('data', chunk => {
      socket.destroy();
      resolve(String(chunk));
    });
  });
}

describe('CE-F features of cloudevents/conformance', () => {
  test.each(served)('CE-F-1 $name', async ({ steps }) => {
    const { key } = await gateway.workspace();
    const world: World = { key, message: '', event: {} };
    for (const step of steps) {
      const run = STEPS[step.text];
      if (run === undefined) throw new Error(`no such step is known: ${step.text}`);
      await run(world, step);
    }
  });

  test('CE-F-2 all run but those of Kafka', () => {
    expect(served.map(({ name }) => name)).toEqual([
      'Binary content mode (application/json)',
      'Binary content mode (application/json; charset=utf-8)',
      'Structured content mode (application/cloudevents+json)',
      'Structured content mode (application/cloudevents+json; charset=utf-8)',
    ]);
    expect(scenarios.length - served.length).toBe(3);
  });
});
