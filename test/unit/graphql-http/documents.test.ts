import { buildSchema, type DocumentNode } from 'graphql';
import { describe, expect, test } from 'vitest';
import { parseDocument } from '../../../src/graphql-http/document.ts';
import { createDocuments, type Documents } from '../../../src/graphql-http/documents.ts';
import { preferredType, takesEventStream } from '../../../src/http/accept.ts';
import { scanJson } from '../../../src/http/json.ts';
import { SERVER_DEFAULTS } from '../../../src/http/settings.ts';

describe('documents', () => {
  const open = () => createDocuments(buildSchema('type Query { hello: String }'), SERVER_DEFAULTS);

  /** Sends a document as the pipeline does. */
  function sent({ parse, validate }: Documents, query: string): DocumentNode {
    const document = parse(query);
    validate(document);
    return document;
  }

  test('are kept where they are valid, and not where they are faulty', () => {
    const documents = open();
    expect(sent(documents, '{ hello }')).toBe(sent(documents, '{ hello }'));
    expect(sent(documents, '{ nothing }')).not.toBe(sent(documents, '{ nothing }'));
  });

  test('are kept up to a number, and the least recently used leave first', () => {
    const documents = open();
    const [used, unused] = ['{ hello } #used', '{ hello } #unused'] as const;
    const kept = sent(documents, used);
    const left = sent(documents, unused);
    for (let n = 0; n < 255; n++) {
      sent(documents, `{ hello } #${n}`);
      sent(documents, used);
    }
    expect(sent(documents, used)).toBe(kept);
    expect(sent(documents, unused)).not.toBe(left);
  });

  test('are kept up to a number of characters', () => {
    const documents = open();
    const queries = Array.from({ length: 60 }, (_, n) => `{ hello } #${n}${'x'.repeat(50_000)}`);
    const first = sent(documents, queries[0]!);
    const all = queries.map(query => sent(documents, query));
    expect(sent(documents, queries[59]!)).toBe(all[59]);
    expect(sent(documents, queries[0]!)).not.toBe(first);
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
  ['text/event-stream;q=0, */*', 'application/json'],
  ['application/json;q=0, */*;q=0.5', 'application/graphql-response+json'],
  ['application/graphql-response+json; charset=utf-8', 'application/graphql-response+json'],
  ['application/json, text/event-stream', 'application/json'],
  ['text/html, application/xhtml+xml, */*;q=0.8', 'application/json'],
  ['image/png', 'application/json'],
  [';;;,,q=', 'application/json'],
] as const)('for Accept %s the answer is %s', ([accept, type]) => {
  expect(preferredType(accept)).toBe(type);
});

const NO_STREAM = 'text/event-stream;q=0, */*';

test('a stream is taken by who names it, takes all, or says nothing', () => {
  for (const accept of [undefined, '*/*', 'text/*', 'application/json, text/event-stream']) {
    expect(takesEventStream(accept)).toBe(true);
  }
  for (const accept of ['application/json', 'text/event-stream;q=0', 'text/html', NO_STREAM]) {
    expect(takesEventStream(accept)).toBe(false);
  }
});
