import { SluiceError } from './errors.ts';
import { NoJson, writeJson, type WriteOptions } from './json.ts';

/**
 * The body of a request for an operation.
 *
 * @throws SluiceError BAD_USER_INPUT with the place of a variable that is no JSON
 */
export function operationJson(
  query: string,
  variables: object | undefined,
  { rounded }: Pick<WriteOptions, 'rounded'>,
): string {
  const document = JSON.stringify(query);
  if (variables === undefined) return `{"query":${document}}`;
  try {
    return `{"query":${document},"variables":${writeJson(variables, { rounded })}}`;
  } catch (cause) {
    if (!(cause instanceof NoJson)) throw cause;
    throw new SluiceError('BAD_USER_INPUT', `Variables: ${cause.message}`, { cause });
  }
}
