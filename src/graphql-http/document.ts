import { GraphQLError, parse, type DocumentNode } from 'graphql';
import { GatewayError, type ErrorCode } from '../core/errors.ts';
import type { ServerSettings } from '../http/settings.ts';

export type DocumentLimits = Pick<
  ServerSettings,
  'documentCharsMax' | 'documentTokensMax' | 'documentBracketsMax'
>;

/**
 * Parses a document of a stranger. Length and nesting are looked at before the parser, which
 * recurses: some thousand nested lists overflow its stack long before its token limit.
 * @throws GatewayError QUERY_TOO_LARGE, QUERY_TOO_DEEP, GRAPHQL_PARSE_FAILED; GraphQLError with the
 * code GRAPHQL_PARSE_FAILED and the place of the fault.
 * @see https://spec.graphql.org/October2021/#sec-Language
 */
export function parseDocument(source: string, limits: DocumentLimits): DocumentNode {
  if (source.length > limits.documentCharsMax) {
    const message = `A document may have at most ${limits.documentCharsMax} characters.`;
    throw new GatewayError('QUERY_TOO_LARGE', message);
  }
  if (source.includes('\0') || !source.isWellFormed()) {
    const message = 'Syntax Error: the document has U+0000 or half of a surrogate pair.';
    throw new GatewayError('GRAPHQL_PARSE_FAILED', message);
  }
  if (bracketDepth(source) > limits.documentBracketsMax) {
    const message = `Brackets may be nested at most ${limits.documentBracketsMax} deep.`;
    throw new GatewayError('QUERY_TOO_DEEP', message);
  }
  try {
    return parse(source, { maxTokens: limits.documentTokensMax });
  } catch (error) {
    if (!(error instanceof GraphQLError)) throw error;
    if (/^Syntax Error: Document contains more tha[nt] \d+ tokens/.test(error.message)) {
      const message = `A document may have at most ${limits.documentTokensMax} tokens.`;
      throw new GatewayError('QUERY_TOO_LARGE', message);
    }
    throw withCode(error, 'GRAPHQL_PARSE_FAILED');
  }
}

/** The same fault with a code: what leaves without one is masked. */
export function withCode(error: GraphQLError, code: ErrorCode): GraphQLError {
  const { message, nodes, source, positions, path, originalError } = error;
  return new GraphQLError(message, {
    nodes: nodes ?? null,
    source: source ?? null,
    positions: positions ?? null,
    path: path ?? null,
    originalError: originalError instanceof GatewayError ? originalError : null,
    extensions: { ...error.extensions, code },
  });
}

/** How deep brackets of any kind lie within each other, those in texts and comments left out. */
function bracketDepth(source: string): number {
  let depth = 0;
  let deepest = 0;
  for (let at = 0; at < source.length; at++) {
    const char = source[at];
    if (char === '"') at = endOfText(source, at);
    else if (char === '#') at = endOfLine(source, at);
    else if (char === '{' || char === '[' || char === '(') deepest = Math.max(deepest, ++depth);
    else if (char === '}' || char === ']' || char === ')') depth--;
  }
  return deepest;
}

function endOfText(source: string, start: number): number {
  const mark = source.startsWith('"""', start) ? '"""' : '"';
  for (let at = start + mark.length; at < source.length; at++) {
    if (source[at] === '\\') at += source.startsWith('\\"""', at) ? 3 : 1;
    else if (source.startsWith(mark, at)) return at + mark.length - 1;
    // An unclosed text: what follows is counted, and the parser will tell.
    else if (mark === '"' && (source[at] === '\n' || source[at] === '\r')) return at;
  }
  return source.length;
}

function endOfLine(source: string, start: number): number {
  const end = source.slice(start).search(/[\n\r]/);
  return end === -1 ? source.length : start + end;
}
