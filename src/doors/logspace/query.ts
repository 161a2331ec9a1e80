import { invalidParameter, unparsable } from './errors.ts';

export interface WholeRange {
  readonly byDefault: number;
  readonly min: number;
  readonly max: number;
}

/**
 * A whole number of the query.
 * @throws GatewayError BAD_USER_INPUT, in HQ's words
 */
export function wholeParameter(
  query: URLSearchParams,
  name: string,
  { byDefault, min, max }: WholeRange,
): number {
  const text = query.get(name);
  if (text === null || text.trim() === '') return byDefault;
  if (!/^[+-]?\d{1,10}$/.test(text.trim())) throw unparsable(name, text);
  const value = Number(text);
  if (value < min) {
    throw invalidParameter(name, text, `It is below the allowed minimum of ${min}`);
  }
  if (value > max) {
    throw invalidParameter(name, text, `It is above the allowed maximum of ${max}`);
  }
  return value;
}
