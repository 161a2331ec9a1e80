import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { createConsole } from '../../../src/http/console.ts';
import { startEdge } from '../graphql-http/kit/edge.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-console-'));
const built = join(folder, 'built');
mkdirSync(join(built, 'assets'), { recursive: true });
writeFileSync(join(built, 'index.html'), '<!doctype html><title>Sluice</title>');
writeFileSync(
  join(built, 'assets', 'index-abc123.js'),
  `export const page = ${'1 + '.repeat(400)}1;`,
);
writeFileSync(join(folder, 'secret.js'), 'not to be read');

const edge = await startEdge({ handlers: [createConsole(pathToFileURL(`${built}/`))] });
afterAll(async () => {
  await edge[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

describe('the console', () => {
  test.each(['/', '/w/acme/live', '/w/acme/definitions/os%2Fcpu'])(
    'is one page, asked for anew each time: %s',
    async path => {
      const page = await edge.send(path);
      expect(page.status).toBe(200);
      expect(page.text).toContain('<title>Sluice</title>');
      expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
      expect(page.headers.get('cache-control')).toBe('no-cache');
      expect(page.headers.get('content-security-policy')).toBe(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; " +
          "font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; " +
          "frame-ancestors 'none'; manifest-src 'self'",
      );
    },
  );

  test.each(['gzip', 'identity'])('has files that never change, sent as %s', async encoding => {
    const headers = { 'accept-encoding': encoding };
    const file = await edge.send('/console/assets/index-abc123.js', { headers });
    expect(file.text).toMatch(/^export const page/);
    expect(file.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    expect(file.headers.get('content-encoding')).toBe(encoding === 'gzip' ? 'gzip' : null);
    expect(file.headers.get('content-type')).toBe('text/javascript; charset=utf-8');
  });

  test.each([
    '/console/assets/gone-abc123.js',
    '/console/assets/..%2f..%2fsecret.js',
    '/console/assets/../../secret.js',
    '/console/index.html',
    '/console/',
  ])('serves nothing else: %s', async path => {
    expect((await edge.send(path)).status).toBe(404);
  });

  test('is only read', async () => {
    const refused = await edge.send('/', { method: 'POST' });
    expect([refused.status, refused.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
  });

  test('says how to build it where that was not done', async () => {
    await using bare = await startEdge({
      handlers: [createConsole(pathToFileURL(`${folder}/nothing/`))],
    });
    const page = await bare.send('/');
    expect(page.status).toBe(404);
    expect(page.text).toContain('npm run build');
  });
});
