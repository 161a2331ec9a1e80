/** What commands print: tables for people, JSON lines for programs. */
import { once } from 'node:events';

export interface OutputOptions {
  /** JSON lines, also on a terminal. */
  readonly json?: boolean;
}

/** Whether a person reads the output. */
export function isForPeople({ json }: OutputOptions): boolean {
  return process.stdout.isTTY === true && json !== true;
}

/** Writes, and waits for a reader that is behind. */
export async function write(text: string): Promise<void> {
  if (!process.stdout.write(text)) await once(process.stdout, 'drain');
}

export function writeLine(value: unknown): Promise<void> {
  return write(`${JSON.stringify(value)}\n`);
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

/** An event must not steer the terminal. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}+/gu, ' ');
}

export function printableLines(text: string): string {
  return text.split('\n').map(printable).join('\n');
}
