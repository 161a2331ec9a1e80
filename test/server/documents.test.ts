import { buildSchema, parse, validate, type DocumentNode } from 'graphql';
import { describe, expect, test } from 'vitest';
import { preferredType, takesEventStream } from '../../src/server/accept.ts';
import { parseDocument } from '../../src/server/document.ts';
import { scanJson } from '../../src/server/json.ts';
import { useDocumentCache } from '../../src/server/plugins/use-document-cache.ts';
import { SERVER_DEFAULTS } from '../../src/server/settings.ts';

describe('the document cache', () => {
  const schema = buildSchema('type Query { hello: String }');

  /** Sends a document through the hooks as the pipeline does; says whether it was remembered. */
  function through(cache: ReturnType<typeof useDocumentCache>, query: string): boolean {
    let document: DocumentNode | undefined;
    const onParse = cache.onParse as (payload: object) => void;
    const onValidate = cache.onValidate as (
      payload: object,
    ) => ((done: object) => void) | undefined;
    onParse({
      params: { source: query },
      setParsedDocument: (known: DocumentNode) => (document = known),
    });
    const isKnown = document !== undefined;
    document ??= parse(query);
    const after = onValidate({
      params: { documentAST: document },
      setResult: () => undefined,
      context: { params: { query } },
    });
    after?.({ valid: validate(schema, document).length === 0 });
    return isKnown;
  }

  test('remembers what is valid and nothing else', () => {
    const cache = useDocumentCache({ documentsMax: 10, charsMax: 1_000 });
    expect(through(cache, '{ hello }')).toBe(false);
    expect(through(cache, '{ hello }')).toBe(true);
    expect(through(cache, '{ nothing }')).toBe(false);
    expect(through(cache, '{ nothing }')).toBe(false);
  });

  test('holds so many documents, and drops the least recently used', () => {
    const cache = useDocumentCache({ documentsMax: 2, charsMax: 1_000 });
    const [a, b, c] = ['{ hello } #a', '{ hello } #b', '{ hello } #c'] as const;
    through(cache, a);
    through(cache, b);
    through(cache, a);
    through(cache, c);
    expect([through(cache, a), through(cache, b)]).toEqual([true, false]);
  });

  test('holds so many characters', () => {
    const cache = useDocumentCache({ documentsMax: 100, charsMax: 100 });
    const queries = Array.from({ length: 5 }, (_, n) => `{ hello } #${n}${'x'.repeat(30)}`);
    for (const query of queries) through(cache, query);
    expect(queries.slice(3).map(query => through(cache, query))).toEqual([true, true]);
    expect(through(cache, queries[0]!)).toBe(false);
  });
});

test.for([
  ['[[1],[2]]', 2, false],
  ['[[1],[2]]', 1, true],
  ['{"a":"[[[["}', 1, false],
  ['{"a":"\\"[[[["}', 1, false],
  ['{"a":{"b":[]}}', 3, false],
  ['{"a":{"b":[]}}', 2, true],
] as const)('the nesting of %s is beyond %i: %s', ([text, depth, beyond]) => {
  const scan = () => scanJson(Buffer.from(text), depth);
  if (beyond) expect(scan).toThrow(`nested at most ${depth} deep`);
  else expect(scan()).toBe('PLAIN');
});

test.for([
  '{ a(b: "(((((") }',
  '{ a(b: """ " ((((( \\""" ((( """) }',
  '{ a } # ((((((',
  '# {{{{\n{ a }',
  '{ a(b: "\\"(((((") }',
])('brackets in texts and comments are not counted: %s', source => {
  expect(parseDocument(source, { ...SERVER_DEFAULTS, documentBracketsMax: 2 }).kind).toBe(
    'Document',
  );
});

test.for([
  [undefined, 'application/json'],
  ['*/*', 'application/json'],
  ['application/json', 'application/json'],
  ['application/graphql-response+json, application/json', 'application/graphql-response+json'],
  [
    'application/json;q=0.9, application/graphql-response+json',
    'application/graphql-response+json',
  ],
  ['application/graphql-response+json;q=0, application/json', 'application/json'],
  ['text/event-stream', 'text/event-stream'],
  ['application/json, text/event-stream', 'application/json'],
  ['text/html, application/xhtml+xml, */*;q=0.8', 'application/json'],
  ['image/png', 'application/json'],
  [';;;,,q=', 'application/json'],
] as const)('for Accept %s the answer is %s', ([accept, type]) => {
  expect(preferredType(accept)).toBe(type);
});

test('a stream is taken by who names it, takes all, or says nothing', () => {
  for (const accept of [undefined, '*/*', 'text/*', 'application/json, text/event-stream']) {
    expect(takesEventStream(accept)).toBe(true);
  }
  for (const accept of ['application/json', 'text/event-stream;q=0', 'text/html']) {
    expect(takesEventStream(accept)).toBe(false);
  }
});
