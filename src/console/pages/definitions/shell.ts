/** Commands for a POSIX shell. */

interface Call {
  readonly method?: 'PUT';
  /** Then the status is shown. */
  readonly hasNoAnswer?: true;
  /** JSON where none is given. */
  readonly contentType?: string;
  /** How the key is sent. */
  readonly keyHeader?: string;
  /** Quoted for the shell. */
  readonly body: string;
}

export function curl(url: string, call: Call): string {
  const { method, hasNoAnswer = false, contentType = 'application/json', body } = call;
  const key = call.keyHeader ?? 'Authorization: Bearer';
  return [
    [
      'curl',
      ...(hasNoAnswer ? ['-i'] : []),
      ...(method ? ['-X', method] : []),
      quotedText(url),
    ].join(' '),
    `-H "${key} $SLUICE_KEY"`,
    `-H ${quotedText(`Content-Type: ${contentType}`)}`,
    `-d ${body}\n`,
  ].join(' \\\n  ');
}

/** A value as JSON, in quotes. */
export function quoted(value: unknown): string {
  return quotedText(JSON.stringify(value, null, 2));
}

function quotedText(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
