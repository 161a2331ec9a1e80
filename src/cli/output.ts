/** What commands print: tables for people, JSON lines for programs. */
import { once } from 'node:events';
import { styleText } from 'node:util';

export interface OutputOptions {
  /** JSON lines, also on a terminal. */
  readonly json?: boolean;
}

/** Whether a person reads the output. */
export function isForPeople({ json }: OutputOptions): boolean {
  return process.stdout.isTTY === true && json !== true;
}

/** A text in a style, where the terminal has colours and `NO_COLOR` is not set. */
export function painted(style: 'bold' | 'dim' | 'red', text: string): string {
  return process.stdout.isTTY && process.stdout.hasColors?.() ? styleText(style, text) : text;
}

/** Writes, and waits for a reader that is behind. */
export async function write(text: string): Promise<void> {
  if (!process.stdout.write(text)) await once(process.stdout, 'drain');
}

export function writeLine(value: unknown): Promise<void> {
  return write(`${printableJson(JSON.stringify(value))}\n`);
}

/** A line for people beside the output, on standard error. */
export function tell(sentence: string): void {
  process.stderr.write(`${printable(sentence)}\n`);
}

/** Whoever read has seen enough, as `head` does. */
export function endWithReader(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    process.exit(error.code === 'EPIPE' ? 0 : 1);
  });
}

/** Rows under headings, aligned; numbers to the right. */
export function table(headings: readonly string[], rows: readonly (readonly unknown[])[]): string {
  const cells = [headings, ...rows].map(row => row.map(cell => printable(textOf(cell))));
  const widths = headings.map((_, column) =>
    Math.max(...cells.map(row => widthOf(row[column] ?? ''))),
  );
  const isNumeric = headings.map((_, column) =>
    rows.every(row => row[column] == null || typeof row[column] === 'number'),
  );
  const lines = cells.map(row =>
    row
      .map((cell, column) => {
        const space = ' '.repeat((widths[column] as number) - widthOf(cell));
        return isNumeric[column] === true ? space + cell : cell + space;
      })
      .join('  ')
      .trimEnd(),
  );
  return `${lines.join('\n')}\n`;
}

function textOf(cell: unknown): string {
  if (cell == null) return '–';
  return typeof cell === 'number' ? cell.toLocaleString('en') : String(cell);
}

function widthOf(text: string): number {
  return [...text].length;
}

/**
 * A line of text that neither steers a terminal nor turns around what stands beside it: everything
 * that is stored or comes from a gateway is printed through this, or through `printableJson`.
 */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Bidi_Control}\u2028\u2029]+/gu, ' ');
}

/** The same JSON, with escapes for what JSON leaves as it is and a terminal does not. */
export function printableJson(json: string): string {
  return json.replace(/[\u007f-\u009f\p{Bidi_Control}\u2028\u2029]/gu, escaped);
}

/**
 * The same code, whose texts and comments hold stored texts: nothing of it steers a terminal, or shows
 * its reader another order than its compiler sees.
 */
export function printableCode(code: string): string {
  return printableJson(code.replace(/[\u0000-\u0008\u000b-\u001f]/g, escaped));
}

function escaped(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
