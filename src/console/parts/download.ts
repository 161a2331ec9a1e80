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

/**
 * For spreadsheets, which take a text that begins like a formula for one: it gets an apostrophe.
 * @see https://www.rfc-editor.org/rfc/rfc4180
 * @see https://owasp.org/www-community/attacks/CSV_Injection
 */
export function toCsv(rows: readonly Row[]): string {
  const [first] = rows;
  if (!first) return '';
  const lines = rows.map(row => Object.values(row).map(csvCell).join(','));
  return [Object.keys(first).join(','), ...lines, ''].join('\r\n');
}

const FORMULA = /^[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/;

function csvCell(value: string | number | null): string {
  const isFormula = typeof value === 'string' && FORMULA.test(value);
  const text = `${isFormula ? "'" : ''}${value ?? ''}`;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
