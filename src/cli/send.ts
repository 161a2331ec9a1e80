import { randomUUID } from 'node:crypto';
import { SluiceError, type EventProblem, type Receipt } from '../client/index.ts';
import { OF_ONE_EVENT, Recorder, sendByGraphql } from '../client/recorder.ts';
import { createTransport } from '../client/transport.ts';
import { uuidV7 } from '../core/isomorphic.ts';
import { EXIT, UsageError } from './errors.ts';
import { atGateway, connectionFrom } from './gateway-connection.ts';
import { isEventField, problem } from './import/event-fields.ts';
import { jsonValue, objectText, type JsonValue } from './import/json-members.ts';
import { jsonRecord } from './import/json-records.ts';
import { lines } from './import/lines.ts';
import type { Mapping } from './import/mapping.ts';
import { refusalOf } from './import/refusals.ts';
import type { ConnectionOptions } from './options.ts';
import { isForPeople, printable, tell, write, writeLine, type OutputOptions } from './output.ts';

/** Its other options are fields of the event. */
export interface SendOptions extends ConnectionOptions, OutputOptions {
  readonly payload?: JsonValue;
  readonly timeZone?: string;
  readonly retryFor: number;
}

/** A receipt, also of a line that was never sent. UNKNOWN: no gateway said what became of it. */
interface Outcome {
  readonly status: Receipt['status'] | 'UNKNOWN';
  /** Null: the line was refused without one. */
  readonly eventId: string | null;
  readonly position: number | null;
  readonly cursor: string | null;
  readonly problems: readonly EventProblem[];
}

const BUFFER = { bufferEvents: 10_000, bufferBytes: 33_554_432 } as const;
const BATCH = { batchEvents: 1_000, batchBytes: 1_000_000, requests: 1 } as const;
const TIMEOUT_MS = 30_000;

/** One event by options, or each line of standard input as it comes. Prints the receipts. */
export async function send(type: string | undefined, options: SendOptions): Promise<void> {
  const connection = connectionFrom(options);
  const transport = createTransport({ ...connection, timeoutMs: TIMEOUT_MS });
  const recorder = new Recorder(sendByGraphql(transport, options.workspace), {
    ...BUFFER,
    ...BATCH,
    retryForMs: options.retryFor * 1_000,
    onLost: undefined,
    onRetry: ({ message }) => tell(`sluice: ${message} Trying again.`),
  });
  const fields = Object.entries(options).filter(([name]) => isEventField(name));
  await atGateway(options, async () => {
    if (type !== undefined) {
      const event = new Map(fields.map(([name, value]) => [name, valueOf(name, value)]));
      const [id, json] = withId(objectText(event.set('type', jsonValue(type))));
      await print(await recorder.recordJson(id, json), type, options);
      return;
    }
    if (process.stdin.isTTY) {
      throw new UsageError('Expected a type, or events as JSON lines on standard input.');
    }
    if (fields.length > 0)
      throw new UsageError('Options that describe an event need its type: sluice send <type> …');
    await sendLines(recorder, options);
  });
}

function valueOf(name: string, value: unknown): JsonValue {
  return name === 'payload' ? (value as JsonValue) : jsonValue(value);
}

/**
 * An event without an id gets one, and the time of now: it is one event however often it is sent.
 * Its JSON stays as it is written, so that numbers keep their digits.
 */
function withId(json: string): [id: string, json: string] {
  const event = JSON.parse(json) as { id?: string | null; occurredAt?: unknown };
  if (event.id != null) return [event.id, json];
  const now = new Date();
  const id = uuidV7(now.getTime(), randomUUID());
  const at = Object.hasOwn(event, 'occurredAt') ? '' : `"occurredAt":"${now.toISOString()}",`;
  return [id, `{"id":"${id}",${at}${json.slice(1)}`];
}

/** A receipt for each line, in their order. */
async function sendLines(recorder: Recorder, options: SendOptions): Promise<void> {
  const mapping: Mapping = {
    fields: new Map(),
    defaults: new Map(),
    restIntoPayload: false,
    asText: false,
    textOnly: false,
    timeZone: options.timeZone ?? null,
  };
  let failure = null as SluiceError | null;
  let printed: Promise<void> = Promise.resolve();
  const printNext = (outcome: Outcome | Promise<Outcome>, type: string, line: number) => {
    printed = printed.then(async () => print(await outcome, type, options, line));
    // Is thrown below.
    printed.catch(() => {});
  };
  for await (const line of lines(process.stdin)) {
    // Where no gateway answers, a later line may still be recorded.
    if (failure?.retryable === false) break;
    const record = jsonRecord(line, mapping);
    if ('problems' in record) {
      tell(`sluice: ${refusalOf(record)}`);
      printNext(refused(null, record.problems), '', record.line);
      continue;
    }
    await recorder.ready();
    const [id, json] = withId(record.json);
    const outcome = recorder.recordJson(id, json).catch((error: SluiceError) => {
      if (!OF_ONE_EVENT.has(error.code) && failure?.retryable !== false) failure = error;
      return failedOutcome(id, error);
    });
    printNext(outcome, (JSON.parse(json) as { type: string }).type, record.line);
  }
  await recorder.flush();
  await printed;
  if (failure !== null) throw failure;
}

function failedOutcome(id: string, error: SluiceError): Outcome {
  const outcome = refused(id, [problem(error.code, '', error.message)]);
  return error.retryable ? { ...outcome, status: 'UNKNOWN' } : outcome;
}

function refused(id: string | null, problems: readonly EventProblem[]): Outcome {
  return { status: 'REJECTED', eventId: id, position: null, cursor: null, problems };
}

async function print(outcome: Outcome, type: string, options: OutputOptions, line?: number) {
  const { status, position, eventId, problems } = outcome;
  if (status !== 'RECORDED' && status !== 'DUPLICATE') process.exitCode = EXIT.FAILED;
  if (!isForPeople(options)) {
    return writeLine(line === undefined ? outcome : { line, ...outcome });
  }
  const start = line === undefined ? '' : `line ${line}: `;
  const place = position === null ? '' : `#${position}  `;
  const why = problems.map(({ message, pointer }) => `\n  ${printable(`${pointer}: ${message}`)}`);
  await write(`${start}${status}  ${place}${printable(type)}  ${printable(eventId ?? '')}`);
  await write(`${why.join('')}\n`);
}
