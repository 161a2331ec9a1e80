/** What the benchmark says: lines of progress on stderr, a table on stdout, JSON in a file. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const RESULTS = fileURLToPath(new URL('../results/', import.meta.url));
const startedMs = Date.now();
let lastLength = 0;

/** One line that is written over by the next; on what is no terminal, lines of their own. */
export function progress(text) {
  const seconds = String(Math.round((Date.now() - startedMs) / 1000)).padStart(4);
  if (!process.stderr.isTTY) {
    if (text !== '') process.stderr.write(`${seconds} s  ${text}\n`);
    return;
  }
  const line = text === '' ? '' : `${seconds} s  ${text}`.slice(0, process.stderr.columns - 1);
  process.stderr.write(`\r${line.padEnd(lastLength)}\r${line}`);
  lastLength = line.length;
}

export function say(text) {
  progress('');
  console.log(text);
}

/** A number as people read it: whole where it is large, three digits where it is small. */
export function shown(value) {
  if (typeof value !== 'number') return String(value ?? '');
  if (!Number.isFinite(value)) return '–';
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en');
  return String(Number(value.toPrecision(3)));
}

/**
 * A row says what was measured and, where there is one, the limit or peer beside it: `ratio` is
 * `value` over `peer`, `reach` what DESIGN asks of the ratio or, without a peer, of the value.
 */
export function isReached({ value, peer, ratio, reach }) {
  if (reach === undefined) return undefined;
  const [sign, bound] = [reach[0], Number(reach.slice(1).replace(/[^\d.]/g, ''))];
  const measured = peer === undefined ? value : (ratio ?? value / peer);
  return sign === '≥' ? measured >= bound : measured <= bound;
}

export function printTable(rows) {
  const lines = rows.map(row => {
    const { what, value, unit, beside = '', peer, reach = '' } = row;
    const ratio = peer === undefined ? '' : shown(row.ratio ?? value / peer);
    const reached = isReached(row);
    return [
      what,
      `${shown(value)} ${unit}`,
      peer === undefined ? beside : `${shown(peer)} ${beside}`,
      ratio,
      reach,
      reached === undefined ? '' : reached ? 'yes' : 'NO',
    ];
  });
  const table = [['what', 'measured', 'beside', 'ratio', 'reach', 'reached'], ...lines];
  const widths = table[0].map((_, i) => Math.max(...table.map(line => line[i].length)));
  for (const [index, line] of table.entries()) {
    console.log(
      line
        .map((cell, i) => cell.padEnd(widths[i]))
        .join('  ')
        .trimEnd(),
    );
    if (index === 0) console.log(widths.map(width => '─'.repeat(width)).join('  '));
  }
}

/** Returns the path of the file. */
export function writeResults(results) {
  mkdirSync(RESULTS, { recursive: true });
  const file = `${RESULTS}${new Date().toISOString().replace(/[:.]/g, '-')}.json`;
  writeFileSync(file, `${JSON.stringify(results, null, 2)}\n`);
  return file;
}
