/** What an import would send and what it would refuse, without a gateway. */
import { EXIT } from '../errors.ts';
import {
  isForPeople,
  printable,
  printableJson,
  table,
  tell,
  write,
  type OutputOptions,
} from '../output.ts';
import type { ImportRecord } from './mapping.ts';
import type { Format } from './read.ts';
import { refusalOf } from './refusals.ts';
import type { ColumnUse } from './suggestions.ts';

export interface DryRunOptions extends OutputOptions {
  readonly format: Format;
  readonly from?: number;
  readonly uses: readonly ColumnUse[] | null;
}

/** Enough to see whether columns and keys are what they should be. */
const EVENTS_SHOWN = 3;
const REFUSALS_SHOWN = 20;

export async function dryRun(records: AsyncIterable<ImportRecord>, options: DryRunOptions) {
  const { format, uses, from = 1 } = options;
  const shown: string[] = [];
  let [good, refused] = [0, 0];
  for await (const record of records) {
    if (record.line < from) continue;
    if ('problems' in record) {
      refused += 1;
      if (refused <= REFUSALS_SHOWN) tell(`sluice: ${refusalOf(record)}`);
      continue;
    }
    good += 1;
    // As it is written: numbers keep their digits. A line end in JSON is a blank.
    const json = record.json.replace(/[\r\n]+/g, ' ');
    if (shown.length < EVENTS_SHOWN) shown.push(printableJson(json));
  }
  if (refused > 0) process.exitCode = EXIT.FAILED;
  if (!isForPeople(options)) {
    const found = uses === null ? {} : { columns: uses };
    const figures = { dryRun: true, format, events: good + refused, good, refused, ...found };
    const told = printableJson(JSON.stringify(figures)).slice(0, -1);
    return write(`${told},"first":[${shown.join(',')}]}\n`);
  }
  const count = (n: number) => n.toLocaleString('en');
  const figures = `${count(good)} would be sent, ${count(refused)} refused here (${format}). Nothing was recorded.`;
  if (uses !== null) await write(`${usesInWords(uses)}\n`);
  await write([...shown, figures, ''].join('\n'));
}

function usesInWords(uses: readonly ColumnUse[]): string {
  const options = uses.flatMap(({ column, suggestion }) =>
    suggestion === null ? [] : [`--map ${quotedForShell(`${column}=${suggestion}`)}`],
  );
  const rows = uses.map(({ column, becomes }) => [column, becomes ?? '(left out)']);
  const hint = options.length === 0 ? '' : `${printable(`Perhaps: ${options.join(' ')}`)}\n`;
  return `${table(['Column', 'Becomes'], rows)}${hint}`;
}

function quotedForShell(text: string): string {
  return /^[\w.=/-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
