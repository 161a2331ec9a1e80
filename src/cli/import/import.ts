import type { EventProblem, Receipt, SluiceError } from '../../client/index.ts';
import { OF_ONE_EVENT, Recorder, sendByGraphql } from '../../client/recorder.ts';
import { createTransport } from '../../client/transport.ts';
import { LIMITS } from '../../core/limits.ts';
import { EXIT, UsageError } from '../errors.ts';
import { atGateway, clientFrom, connectionFrom } from '../gateway-connection.ts';
import type { ConnectionOptions } from '../options.ts';
import { isForPeople, tell, write, writeLine, type OutputOptions } from '../output.ts';
import { sendByDoor } from './cloud-events.ts';
import { checkMapped } from './csv-records.ts';
import { dryRun } from './dry-run.ts';
import { problem } from './event-fields.ts';
import type { JsonValue } from './json-members.ts';
import { lineIds, type LineIds } from './line-id.ts';
import type { ImportRecord, Mapping } from './mapping.ts';
import { isPostgresUrl, openTable } from './postgres-table.ts';
import { rateOf, showProgress } from './progress.ts';
import { readRecords, type Format } from './read.ts';
import { Refusals } from './refusals.ts';
import { openSource, type Source } from './source.ts';

export interface ImportOptions extends ConnectionOptions, OutputOptions {
  readonly format?: Format;
  readonly table?: string;
  readonly query?: string;
  readonly encoding?: string;
  readonly delimiter?: string;
  readonly timeZone?: string;
  readonly map?: ReadonlyMap<string, string>;
  readonly set?: ReadonlyMap<string, JsonValue>;
  readonly restIntoPayload?: boolean;
  readonly text?: boolean;
  readonly name?: string;
  readonly from?: number;
  readonly refused?: string;
  readonly dryRun?: boolean;
  readonly requests: number;
}

const BUFFER = { bufferEvents: 8_000, bufferBytes: 16_777_216 } as const;
const BATCH = { batchEvents: 1_000, batchBytes: 1_000_000 } as const;
/** A gateway that is away for so long ends the import. */
const RETRY_FOR_MS = 600_000;
const TIMEOUT_MS = 60_000;

export async function importFile(input: string, given: ImportOptions): Promise<void> {
  const { source, options, mapping, ...from } = await openInput(input, given);
  const { format, records, uses } = await readRecords(source.bytes, {
    ...from,
    format: options.format,
    encoding: options.encoding,
    delimiter: options.delimiter,
    mapping,
  });
  if (options.dryRun === true) return dryRun(records, { ...options, format, uses });
  // A gateway that is not there, or a key that is wrong, is told before the first line.
  await clientFrom(options).query('{ viewer { scopes } }');
  const run = new ImportRun(from.file, options, format);
  const progress = showProgress('Importing', () => run.measure(source));
  process.once('SIGINT', () => {
    progress.stop();
    tell(`sluice: ${run.brokenOff()}`);
    process.exit(130);
  });
  try {
    await atGateway(options, () => run.record(records, options.name ?? source.name));
  } finally {
    progress.stop();
  }
  await run.report(options);
}

interface Input {
  readonly source: Source;
  /** What it is called. */
  readonly file: string;
  readonly columns: readonly string[] | undefined;
  readonly options: ImportOptions;
  readonly mapping: Mapping;
}

async function openInput(input: string, options: ImportOptions): Promise<Input> {
  const { table, query, name } = options;
  if (!isPostgresUrl(input)) {
    if (table !== undefined || query !== undefined) {
      throw new UsageError('--table and --query need the URL of a Postgres database.');
    }
    const source = await openSource(input);
    return { source, file: input, columns: undefined, options, mapping: mappingOf(options) };
  }
  const source = await openTable(input, { table, query });
  const { columns, idKey } = source;
  return {
    source,
    file: source.name ?? name ?? 'query',
    columns,
    options: { ...options, format: 'ndjson' },
    mapping: tableMapping(mappingOf(options), columns, idKey),
  };
}

/**
 * Every column that is no field goes into the payload. The id of an event is made from the primary
 * key, unless a column is said to be it: ids of several tables are then different ones.
 */
function tableMapping(mapping: Mapping, columns: readonly string[], idKey: string | null): Mapping {
  checkMapped(mapping.fields, columns, 'There is no column');
  const fields = new Map(mapping.fields);
  const hasId = [...fields.values()].includes('id');
  if (!hasId && idKey === null && !columns.includes('id')) {
    throw new UsageError(
      'The rows have no primary key, so a second import could not tell what is stored. Say which column tells them apart: --map <column>=id.',
    );
  }
  if (!hasId && idKey !== null) {
    fields.set(idKey, 'id');
    for (const name of ['id', 'eventId']) {
      if (columns.includes(name) && !fields.has(name)) fields.set(name, `payload.${name}`);
    }
  }
  return { ...mapping, fields, restIntoPayload: true, asText: true };
}

function mappingOf({ map, set, restIntoPayload, text, timeZone }: ImportOptions): Mapping {
  return {
    asText: false,
    fields: map ?? new Map(),
    defaults: set ?? new Map(),
    restIntoPayload: restIntoPayload === true,
    textOnly: text === true,
    timeZone: timeZone ?? null,
  };
}

class ImportRun {
  readonly #recorder: Recorder;
  readonly #refusals: Refusals;
  readonly #from: number;
  readonly #startedMs = performance.now();
  readonly #counts = { recorded: 0, duplicates: 0, quarantined: 0 };
  /** Lines that wait for their receipts, in order. */
  readonly #pending = new Set<number>();
  #lastLine = 0;
  #failure: SluiceError | null = null;
  /** Why the input could not be read to its end. */
  #unread: unknown = null;
  #isAway = false;

  constructor(file: string, options: ImportOptions, format: Format) {
    const connection = connectionFrom(options);
    const headers = { 'sluice-door': 'IMPORT' };
    const send =
      format === 'cloudevents'
        ? sendByDoor(connection, options.workspace)
        : sendByGraphql(
            createTransport({ ...connection, headers, timeoutMs: TIMEOUT_MS }),
            options.workspace,
          );
    const { requests } = options;
    this.#recorder = new Recorder(send, {
      ...BUFFER,
      ...BATCH,
      requests,
      retryForMs: RETRY_FOR_MS,
      onLost: undefined,
      onRetry: error => this.#sayAway(error),
    });
    this.#from = options.from ?? 1;
    const sideFile = options.refused ?? `${file === '-' ? 'stdin' : file}.refused.ndjson`;
    this.#refusals = new Refusals(sideFile, this.#from > 1 ? 'a' : 'w');
  }

  async record(records: AsyncIterable<ImportRecord>, name: string | null): Promise<void> {
    try {
      await this.#recordAll(records, name);
    } catch (error) {
      // What was read before is recorded, and counted, all the same.
      this.#unread = error;
    }
    await this.#recorder.flush();
    await this.#refusals.close();
    if (this.#failure !== null) {
      tell(`sluice: ${this.brokenOff()}`);
      throw this.#failure;
    }
  }

  async #recordAll(records: AsyncIterable<ImportRecord>, name: string | null): Promise<void> {
    let ids: LineIds | null = null;
    for await (const record of records) {
      // Nobody can tell standard input again: without a name each import is one of its own.
      ids ??= lineIds(name ?? `${Date.now()} ${Math.random()}`, record.text);
      if (this.#failure !== null) break;
      this.#lastLine = record.line;
      if (record.line < this.#from) continue;
      if ('problems' in record) await this.#refuse(record, record.problems);
      else await this.#send(record, ids);
    }
  }

  measure({ size, read }: Source) {
    const { recorded, duplicates, quarantined } = this.#counts;
    const events = recorded + duplicates + quarantined + this.#refusals.count;
    return { events, part: size === null || size === 0 ? null : Math.min(1, read() / size) };
  }

  brokenOff(): string {
    const [next = this.#lastLine + 1] = this.#pending;
    return `Interrupted before line ${next}. Run the same command again: nothing is stored twice. --from ${next} skips the lines that are stored.`;
  }

  async report(options: OutputOptions): Promise<void> {
    const { recorded, duplicates, quarantined } = this.#counts;
    const refused = this.#refusals.count;
    const total = recorded + duplicates + quarantined + refused;
    const elapsedMs = performance.now() - this.#startedMs;
    const figures = { events: total, recorded, duplicates, quarantined, refused };
    const side = refused > 0 ? { refusedFile: this.#refusals.file } : {};
    if (isForPeople(options)) await write(inWords({ ...figures, ...side }, elapsedMs));
    else await writeLine({ ...figures, ...side, seconds: Math.round(elapsedMs) / 1_000 });
    if (refused > 0) process.exitCode = EXIT.FAILED;
    if (this.#unread === null) return;
    tell(`sluice: Lines after line ${this.#lastLine} were not read.`);
    throw this.#unread;
  }

  async #send(record: Exclude<ImportRecord, { problems: unknown }>, ids: LineIds): Promise<void> {
    const { line, text } = record;
    const id = record.id ?? ids.idOf(line, text);
    const json = record.id === null ? `{"id":"${id}",${record.json.slice(1)}` : record.json;
    if (json.length > EVENT_CHARS_MAX) return this.#refuse(record, [tooLarge()]);
    await this.#recorder.ready();
    this.#pending.add(line);
    this.#recorder.recordJson(id, json).then(
      receipt => this.#settled(record, receipt),
      (error: SluiceError) => this.#failed(record, error),
    );
  }

  #settled(record: { line: number; text: string }, { status, problems }: Receipt): void {
    this.#pending.delete(record.line);
    this.#isAway = false;
    if (status === 'RECORDED') this.#counts.recorded += 1;
    else if (status === 'DUPLICATE') this.#counts.duplicates += 1;
    else if (status === 'QUARANTINED') this.#counts.quarantined += 1;
    else void this.#refuse(record, status === 'CONFLICT' ? [CONFLICT, ...problems] : problems);
  }

  #failed(record: { line: number; text: string }, error: SluiceError): void {
    if (OF_ONE_EVENT.has(error.code)) {
      this.#pending.delete(record.line);
      void this.#refuse(record, [problem(error.code, '', error.message)]);
      return;
    }
    // It stays pending: nobody knows whether it is stored.
    if (this.#failure === null) {
      this.#failure = error;
      this.#recorder.abandon(error);
    }
  }

  #refuse({ line, text }: { line: number; text: string }, problems: readonly EventProblem[]) {
    return this.#refusals.add(line, text, problems);
  }

  #sayAway({ message }: SluiceError): void {
    if (!this.#isAway) tell(`sluice: ${message} Trying again.`);
    this.#isAway = true;
  }
}

/** What certainly fits no request: it need not be sent. */
const EVENT_CHARS_MAX = LIMITS.bodyBytesMax - 1_024;
/** Made when it is needed: how numbers are written takes a tenth of a start to load. */
const tooLarge = () =>
  problem(
    'PAYLOAD_TOO_LARGE',
    '',
    `An event must fit into one request of at most ${LIMITS.bodyBytesMax.toLocaleString('en')} bytes.`,
  );
const CONFLICT = problem('CONFLICT', 'id', 'Its id belongs to an event with other content.');

interface Figures {
  readonly events: number;
  readonly recorded: number;
  readonly duplicates: number;
  readonly quarantined: number;
  readonly refused: number;
  readonly refusedFile?: string;
}

function inWords(figures: Figures, elapsedMs: number): string {
  const { events, recorded, duplicates, quarantined, refused, refusedFile } = figures;
  const count = (n: number) => n.toLocaleString('en');
  const parts = [
    `${count(recorded)} recorded`,
    duplicates > 0 && `${count(duplicates)} stored before`,
    quarantined > 0 && `${count(quarantined)} in quarantine`,
    refused > 0 && `${count(refused)} refused: see ${refusedFile}`,
  ].filter(part => part !== false);
  const rate = rateOf(events, elapsedMs).toLocaleString('en');
  return `${parts.join(', ')} (${count(events)} events, ${rate}/s).\n`;
}
