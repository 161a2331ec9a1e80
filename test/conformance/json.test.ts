/**
 * JSONTestSuite against the gateway: each file is sent as the body of a CloudEvent in binary mode,
 * whose data may be any JSON value. What must be refused is sent to the other doors too.
 * @see https://github.com/nst/JSONTestSuite
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { canonicalJson } from '../../src/core/canonical-json.ts';
import { startTestGateway, type TestGateway } from '../kit/gateway.ts';

const DIRECTORY = 'test/fixtures/json-test-suite/test_parsing';
const FILES: ReadonlyMap<string, Uint8Array<ArrayBuffer>> = new Map([
  ...readdirSync(DIRECTORY).map(
    name => [name, bytesOf(readFileSync(join(DIRECTORY, name)))] as const,
  ),
  ['n_structure_100000_opening_arrays.json', bytesOf('['.repeat(100_000))] as const,
  ['n_structure_open_array_object.json', bytesOf(`${'[{"":'.repeat(50_000)}\n`)] as const,
]);

function bytesOf(content: Buffer | string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(content));
}

function named(prefix: string): string[] {
  return [...FILES.keys()].filter(name => name.startsWith(prefix)).sort();
}

/** JSON that is refused all the same: Postgres keeps no text with U+0000. */
const NOT_STORABLE: Readonly<Record<string, string>> = {
  'y_object_escaped_null_in_key.json': 'TEXT_INVALID',
  'y_string_null_escape.json': 'TEXT_INVALID',
};

/** What a reader may choose: what we do. Everything that is taken is kept exactly. */
const CHOICES: Readonly<Record<string, string>> = {
  // No 64-bit float is near to these numbers: most readers would make Infinity or 0 of them.
  'i_number_double_huge_neg_exp.json': 'NUMBER_NOT_EXACT',
  'i_number_huge_exp.json': 'NUMBER_NOT_EXACT',
  'i_number_neg_int_huge_exp.json': 'NUMBER_NOT_EXACT',
  'i_number_pos_double_huge_exp.json': 'NUMBER_NOT_EXACT',
  'i_number_real_neg_overflow.json': 'NUMBER_NOT_EXACT',
  'i_number_real_pos_overflow.json': 'NUMBER_NOT_EXACT',
  'i_number_real_underflow.json': 'NUMBER_NOT_EXACT',
  // Every digit is kept.
  'i_number_too_big_neg_int.json': 'TAKEN',
  'i_number_too_big_pos_int.json': 'TAKEN',
  'i_number_very_big_negative_int.json': 'TAKEN',
  // Half a surrogate pair is no character, and UTF-8 can't hold it.
  'i_object_key_lone_2nd_surrogate.json': 'TEXT_INVALID',
  'i_string_1st_surrogate_but_2nd_missing.json': 'TEXT_INVALID',
  'i_string_1st_valid_surrogate_2nd_invalid.json': 'TEXT_INVALID',
  'i_string_incomplete_surrogate_and_escape_valid.json': 'TEXT_INVALID',
  'i_string_incomplete_surrogate_pair.json': 'TEXT_INVALID',
  'i_string_incomplete_surrogates_escape_valid.json': 'TEXT_INVALID',
  'i_string_invalid_lonely_surrogate.json': 'TEXT_INVALID',
  'i_string_invalid_surrogate.json': 'TEXT_INVALID',
  'i_string_inverted_surrogates_U+1D11E.json': 'TEXT_INVALID',
  'i_string_lone_second_surrogate.json': 'TEXT_INVALID',
  // JSON between systems is UTF-8 (RFC 8259, 8.1): other bytes are not guessed at.
  'i_string_UTF-16LE_with_BOM.json': 'BAD_REQUEST',
  'i_string_UTF-8_invalid_sequence.json': 'BAD_REQUEST',
  'i_string_UTF8_surrogate_U+D800.json': 'BAD_REQUEST',
  'i_string_invalid_utf-8.json': 'BAD_REQUEST',
  'i_string_iso_latin_1.json': 'BAD_REQUEST',
  'i_string_lone_utf8_continuation_byte.json': 'BAD_REQUEST',
  'i_string_not_in_unicode_range.json': 'BAD_REQUEST',
  'i_string_overlong_sequence_2_bytes.json': 'BAD_REQUEST',
  'i_string_overlong_sequence_6_bytes.json': 'BAD_REQUEST',
  'i_string_overlong_sequence_6_bytes_null.json': 'BAD_REQUEST',
  'i_string_truncated-utf-8.json': 'BAD_REQUEST',
  'i_string_utf16BE_no_BOM.json': 'BAD_REQUEST',
  'i_string_utf16LE_no_BOM.json': 'BAD_REQUEST',
  // Readers that recurse would overflow their stacks: a payload has at most 32 levels.
  'i_structure_500_nested_arrays.json': 'BAD_REQUEST',
  // A byte order mark is skipped.
  'i_structure_UTF-8_BOM_empty_object.json': 'TAKEN',
};

let gateway: TestGateway;
let key: string;
let slug: string;
beforeAll(async () => {
  gateway = await startTestGateway();
  ({ key, slug } = await gateway.workspace());
});
afterAll(() => gateway[Symbol.asyncDispose]());

interface Answer {
  readonly status: number;
  readonly text: string;
}

async function post(
  path: string,
  headers: Record<string, string>,
  body: string | Uint8Array<ArrayBuffer>,
): Promise<Answer> {
  const response = await fetch(gateway.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}`, ...headers },
    body,
  });
  return { status: response.status, text: await response.text() };
}

async function send(name: string): Promise<string> {
  const ce = { specversion: '1.0', id: name, source: '/suite', type: 'suite' };
  const headers = Object.fromEntries(
    Object.entries(ce).map(([attribute, value]) => [`ce-${attribute}`, value]),
  );
  const { status, text } = await post('/cloudevents', headers, FILES.get(name)!);
  if (status === 204) return 'TAKEN';
  expect(status).toBe(400);
  const problem = JSON.parse(text) as { code: string; problems?: { code: string }[] };
  return problem.problems?.[0]?.code ?? problem.code;
}

async function stored(): Promise<Map<string, string>> {
  const rows = await gateway.db.read.query<{ event_id: string; data: string }>(
    `select e.event_id,
       case when e.payload ? 'data' then e.payload -> 'data' else e.payload end::text as data
     from events e join workspaces w on w.id = e.workspace_id where w.slug = $1`,
    [slug],
  );
  return new Map(rows.map(({ event_id, data }) => [event_id.replace('/suite ', ''), data]));
}

describe('a text that is JSON', () => {
  const names = named('y_');

  test.each(names)('%s is taken', async name => {
    expect(await send(name)).toBe(NOT_STORABLE[name] ?? 'TAKEN');
  });

  test('is stored with the value that it has', async () => {
    expect(names.length).toBeGreaterThan(90);
    const kept = await stored();
    for (const name of names.filter(each => NOT_STORABLE[each] === undefined)) {
      const sent = JSON.parse(new TextDecoder().decode(FILES.get(name))) as unknown;
      // Canonical, since Postgres orders the keys of an object, and keeps no sign of zero.
      expect(kept.get(name)).toBeDefined();
      expect(canonicalJson(JSON.parse(kept.get(name)!)), name).toBe(canonicalJson(sent));
    }
  });
});

describe('a text that JSON readers may take or refuse', () => {
  test.each(named('i_'))('%s', async name => {
    expect(await send(name)).toBe(CHOICES[name]);
  });

  test('keeps every digit where it is taken', async () => {
    const kept = await stored();
    for (const name of named('i_number').filter(each => CHOICES[each] === 'TAKEN')) {
      expect(kept.get(name)).toBe(new TextDecoder().decode(FILES.get(name)).trim());
    }
  });
});

describe('a text that is no JSON', () => {
  const names = named('n_');

  test('is nothing that was left out', () => {
    expect(names.length).toBeGreaterThan(180);
  });

  test.each(names)('%s is refused by CloudEvents', async name => {
    if (name === 'n_structure_no_data.json') {
      // Without a body, a CloudEvent in binary mode has no data: that is no JSON to be read.
      const type = { 'content-type': 'application/cloudevents+json' };
      expect((await post('/cloudevents', type, FILES.get(name)!)).status).toBe(400);
    } else expect(await send(name)).toBe('BAD_REQUEST');
  });

  test.each([
    ['GraphQL', '/graphql'],
    ['Speakeasy', () => `/v1/workspace/${slug}/events`],
    ['Logsh', '/api/event'],
    ['authentik', '/api/v3/events/events/'],
    ['Genesys', '/api/v2/usage/events/query'],
  ])('is refused by %s', async (_name, path) => {
    for (const name of names) {
      const at = typeof path === 'string' ? path : path();
      const { status, text } = await post(at, {}, FILES.get(name)!);
      // A rate limit of Logsh may come first.
      if (status !== 429) expect(status, name).toBe(400);
      expect(text, name).toMatch(/JSON|empty|UTF-8|nested|Rate limit|required|interval/);
    }
  });

  test('nor anything else of it is stored', async () => {
    expect([...(await stored()).keys()].filter(name => name.startsWith('n_'))).toEqual([]);
  });
});
