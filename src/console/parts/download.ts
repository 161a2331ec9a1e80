import { withoutFormula } from '../../core/isomorphic.ts';

/** Hands a file to the browser. */
export function downloadFile(name: string, content: Blob): void {
  const url = URL.createObjectURL(content);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // The browser has opened it by then.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** By the name of its column. */
export type Row = Readonly<Record<string, string | number | null>>;

/** For spreadsheets: without formulas. @see https://www.rfc-editor.org/rfc/rfc4180 */
export function toCsv(rows: readonly Row[]): string {
  const [first] = rows;
  if (!first) return '';
  const lines = rows.map(row => Object.values(row).map(csvCell).join(','));
  return [Object.keys(first).join(','), ...lines, ''].join('\r\n');
}

function csvCell(value: string | number | null): string {
  const text = typeof value === 'string' ? withoutFormula(value) : String(value ?? '');
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
