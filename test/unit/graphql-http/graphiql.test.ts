import { getOperationAST, parse, validate } from 'graphql';
import { once } from 'node:events';
import { afterAll, describe, expect, test } from 'vitest';
import { exceededLimit } from '../../../src/graphql-http/measure.ts';
import { schema } from '../../../src/graphql/schema.ts';
import { SERVER_DEFAULTS } from '../../../src/http/settings.ts';
import { startEdge } from './kit/edge.ts';

const edge = await startEdge();
afterAll(() => edge[Symbol.asyncDispose]());

const BROWSER = { accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' };

describe('GraphiQL', () => {
  test('comes to a browser at /graphql, without a key', async () => {
    const page = await edge.send('/graphql', { headers: BROWSER });
    expect(page.status).toBe(200);
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(page.headers.get('x-content-type-options')).toBe('nosniff');
    const policy = page.headers.get('content-security-policy');
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self';");
    expect(policy).toContain("frame-ancestors 'none'");
  });

  test('is made of files that come from here and may be kept', async () => {
    const page = await edge.send('/graphql', { headers: BROWSER });
    expect(page.text).not.toMatch(/(src|href)="(https?:)?\/\//);
    const paths = [...page.text.matchAll(/(?:src|href)="(\/[^"]+)"/g)].map(match => match[1]!);
    expect(paths).toHaveLength(3);
    const start = await edge.send(paths[2]!);
    const workers = [...start.text.matchAll(/"(\/graphql\/assets\/[^"]+)"/g)].map(
      match => match[1]!,
    );
    expect(workers).toHaveLength(3);
    for (const path of [...paths, ...workers]) {
      for (const encoding of ['gzip', 'identity', 'gzip;q=0']) {
        const asset = await edge.send(path, { headers: { 'accept-encoding': encoding } });
        expect(asset.status).toBe(200);
        expect(asset.headers.get('cache-control')).toContain('immutable');
        expect(asset.headers.get('content-encoding')).toBe(encoding === 'gzip' ? 'gzip' : null);
        expect(asset.text.length).toBeGreaterThan(100);
      }
    }
  });

  test('is sent without gzip from one copy, however many ask for it and read nothing', async () => {
    const page = await edge.send('/graphql', { headers: BROWSER });
    const [, program = ''] = /src="([^"]+\/graphiql\.js)"/.exec(page.text) ?? [];
    const plain = await edge.send(program, { headers: { 'accept-encoding': 'identity' } });
    const heldBefore = process.memoryUsage().arrayBuffers;
    const ask = `GET ${program} HTTP/1.1\r\nHost: localhost\r\n\r\n`;
    await Promise.all(
      Array.from({ length: 30 }, async () => {
        const socket = edge.socket();
        socket.write(ask);
        await once(socket, 'readable');
      }),
    );
    const held = process.memoryUsage().arrayBuffers - heldBefore;
    expect(held).toBeLessThan(3 * plain.text.length);
  });

  test('begins with documents that the schema has, each of which runs by its name', async () => {
    const page = await edge.send('/graphql', { headers: BROWSER });
    const [, start = ''] = page.text.match(/src="([^"]+\/start\.js)"/) ?? [];
    const { text } = await edge.send(start);
    const [, written = ''] = /"defaultQuery":("(?:[^"\\]|\\.)*")/.exec(text) ?? [];
    const document = parse(JSON.parse(written) as string);
    expect(validate(schema, document)).toEqual([]);
    const kinds = ['Record', 'Read', 'Count', 'Watch'].map(name => {
      return getOperationAST(document, name)?.operation;
    });
    expect(kinds).toEqual(['mutation', 'query', 'query', 'subscription']);
    expect(exceededLimit(document, SERVER_DEFAULTS)).toBeUndefined();
  });

  test('is in nobody else’s way', async () => {
    const headers = { ...BROWSER, authorization: 'Bearer slc_test_key' };
    const typed = await edge.send('/graphql?query=%7B__typename%7D', { headers });
    expect(typed.json).toEqual({ data: { __typename: 'Query' } });
    await using without = await startEdge({ graphiql: false });
    expect((await without.send('/graphql', { headers: BROWSER })).status).toBe(400);
  });
});
