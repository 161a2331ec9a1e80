import { GatewayError } from '../core/errors.ts';
import { unauthenticated, type Principal } from '../core/principal.ts';
import { exceeds, readBody, type Sender } from '../http/body.ts';
import type { OperationParams } from '../http/call.ts';
import { isObject, kindOf, readJson, readJsonText } from '../http/json.ts';
import { readSearch, TICKET_PARAMETER } from '../http/query-string.ts';
import type { ServerSettings } from '../http/settings.ts';
import { documentOf } from './trusted-documents.ts';

const NAMES: readonly string[] = ['query', 'operationName', 'variables', 'extensions'];

/** Who sends a body. */
export interface Poster extends Sender {
  /** Null or undefined: of a caller without a key only a small body is read. */
  readonly principal: Principal | null | undefined;
}

/**
 * The parameters of a POST.
 * @throws GatewayError UNSUPPORTED_MEDIA_TYPE for anything but JSON in UTF-8 (a browser sends forms
 * and plain text across sites without asking first), BAD_REQUEST, PAYLOAD_TOO_LARGE, UNAUTHENTICATED.
 * @see https://graphql.github.io/graphql-over-http/draft/#sec-POST
 */
export async function readPostParams(
  sender: Poster,
  settings: ServerSettings,
): Promise<OperationParams> {
  requireJson(sender.req.headers['content-type']);
  const bytes =
    sender.principal == null
      ? await readAnonymous(sender, settings)
      : await readBody(sender, settings.bodyBytesMax);
  const body = readJson(bytes, settings.jsonDepthMax);
  if (Array.isArray(body)) {
    throw new GatewayError('BAD_REQUEST', 'A request may have one operation, not a list.');
  }
  if (!isObject(body)) {
    throw new GatewayError('BAD_REQUEST', `Expected a JSON object, but got ${kindOf(body)}.`);
  }
  return checkParams(body, settings);
}

/**
 * The parameters of a GET.
 * @throws GatewayError BAD_REQUEST, also for escapes that are not UTF-8 and for repeated names.
 * @see https://graphql.github.io/graphql-over-http/draft/#sec-GET
 */
export function readGetParams(url: string, settings: ServerSettings): OperationParams {
  const given = Object.create(null) as Record<string, unknown>;
  for (const [name, text] of readSearch(url)) {
    const isJson = name === 'variables' || name === 'extensions';
    // Forms and clients write what is not given as an empty text.
    if (name === TICKET_PARAMETER || (text === '' && name !== 'query')) continue;
    given[name] = isJson ? readJsonText(text, `"${name}"`, settings.jsonDepthMax) : text;
  }
  return checkParams(given, settings);
}

/** What is too large only for want of a key says so. */
async function readAnonymous(
  sender: Sender,
  { bodyBytesMax, anonymousBodyBytesMax }: ServerSettings,
): Promise<Buffer> {
  const isSmaller = anonymousBodyBytesMax < bodyBytesMax && !exceeds(sender.req, bodyBytesMax);
  try {
    return await readBody(sender, Math.min(anonymousBodyBytesMax, bodyBytesMax));
  } catch (error) {
    const isTooLarge = error instanceof GatewayError && error.code === 'PAYLOAD_TOO_LARGE';
    throw isTooLarge && isSmaller ? unauthenticated() : error;
  }
}

function requireJson(contentType: string | undefined): void {
  // As nearly all send it.
  if (contentType === 'application/json') return;
  const [type = '', ...parameters] = (contentType ?? '').toLowerCase().split(';');
  const charsets = parameters.map(parameter => parameter.trim()).filter(Boolean);
  const isUtf8 = charsets.every(parameter =>
    /^charset="?(utf-8|utf8)"?$|^(?!charset=)/.test(parameter),
  );
  if (type.trim() === 'application/json' && isUtf8) return;
  throw new GatewayError(
    'UNSUPPORTED_MEDIA_TYPE',
    'Send the request as JSON: "Content-Type: application/json", in UTF-8.',
  );
}

function checkParams(
  given: Record<string, unknown>,
  { trustedDocuments }: Pick<ServerSettings, 'trustedDocuments'>,
): OperationParams {
  const names = trustedDocuments === null ? NAMES : [...NAMES, 'documentId'];
  for (const name of Object.keys(given)) {
    if (!names.includes(name)) {
      const shown = JSON.stringify(name.slice(0, 40));
      const expected = names.join(', ');
      throw new GatewayError('BAD_REQUEST', `Parameters are ${expected}, but got ${shown}.`);
    }
  }
  const { operationName, variables, extensions } = given;
  const query = documentOf(given, trustedDocuments);
  if (typeof query !== 'string') throw unexpected('query', 'a string', query);
  if (operationName != null && typeof operationName !== 'string') {
    throw unexpected('operationName', 'a string', operationName);
  }
  if (variables != null && !isObject(variables)) {
    throw unexpected('variables', 'an object', variables);
  }
  if (extensions != null && !isObject(extensions)) {
    throw unexpected('extensions', 'an object', extensions);
  }
  const params: OperationParams = { query };
  if (operationName != null) params.operationName = operationName;
  if (variables != null) params.variables = variables;
  if (extensions != null) params.extensions = extensions;
  return params;
}

function unexpected(name: string, expected: string, got: unknown): GatewayError {
  const what = got === undefined ? 'nothing' : kindOf(got);
  return new GatewayError(
    'BAD_REQUEST',
    `"${name}" is expected to be ${expected}, but got ${what}.`,
  );
}
