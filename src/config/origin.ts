/**
 * The origin that somebody means, as browsers write it. Null where it is none: a path, a wildcard or
 * a name without a scheme would never equal what a browser sends.
 */
export function readOrigin(text: string): string | null {
  if (!/^[a-z][a-z\d+.-]*:\/\/[^/?#@*\s]+\/?$/i.test(text) || !URL.canParse(text)) return null;
  const { protocol, host } = new URL(text);
  return host === '' ? null : `${protocol}//${host}`;
}
