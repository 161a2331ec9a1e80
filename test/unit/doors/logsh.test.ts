import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../../src/core/json.ts';
import { decode, encode, formerSlugOf, slugOf } from '../../../src/doors/logsh/translate.ts';
import { logshEvent, messageOf, plainEvent } from '../../../src/doors/logsh/wire.ts';
import { stored } from './stored.ts';

const text = (maxLength: number) =>
  fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: Math.ceil(maxLength / 4) })
    .filter(each => each.trim() !== '' && each.length < maxLength && !each.includes('\0'));
const metadata = fc.dictionary(
  fc
    .string({ minLength: 1, maxLength: 60 })
    .filter(key => key !== '__proto__' && !key.includes('\0')),
  fc.oneof(
    text(500),
    fc.boolean(),
    fc.integer(),
    fc.double({ noNaN: true, min: -9e9, max: 9e9 }).filter(n => !Object.is(n, -0)),
  ),
);
const body = fc.record(
  {
    workspace: text(35),
    event: text(250),
    description: fc.option(fc.oneof(text(250), fc.constant(''))),
    icon: fc.option(fc.constantFrom('🔥', 'heart', ':heart:', '👍🏽', '🇦🇹', '👨‍👩‍👧‍👦', '❤', '+1')),
    notify: fc.option(fc.boolean()),
    metadata: fc.option(fc.oneof(metadata, fc.constant([]))),
  },
  { requiredKeys: ['workspace', 'event'] },
);

const FIELDS = ['workspace', 'event', 'description', 'icon', 'notify', 'metadata'] as const;

function decoded(sent: unknown) {
  return decode(logshEvent.parse(sent), sent as JsonObject);
}

function faultOf(sent: object): string | null {
  const { error } = logshEvent.safeParse({ workspace: 'w', event: 'e', ...sent });
  return error === undefined ? null : messageOf(error);
}

describe('the translation of Logsh', () => {
  test('LSH-T-1 gives every event back as it came', () => {
    fc.assert(
      fc.property(body, sent => {
        const workspace = sent.workspace.trim().toLowerCase();
        expect(encode(stored(decoded(sent), 'LOGSH'), workspace)).toEqual(sent);
      }),
      { numRuns: 300 },
    );
  });

  test('takes a plain body at once for what the schema takes it for, and leaves the others to it', () => {
    const odd = fc.oneof(fc.jsonValue(), fc.constantFrom('', ' x', 'x'.repeat(251), [], {}));
    const any = fc
      .tuple(body, fc.dictionary(fc.constantFrom(...FIELDS, 'color', '__proto__'), odd))
      .map(([sent, others]) => JSON.stringify({ ...sent, ...others }));
    let plain = 0;
    fc.assert(
      fc.property(
        fc.oneof(
          body.map(sent => JSON.stringify(sent)),
          any,
          fc.json(),
        ),
        text => {
          const sent = JSON.parse(text) as unknown;
          const taken = plainEvent(sent);
          if (taken === null) return;
          plain += 1;
          expect(taken).toEqual(logshEvent.parse(sent));
        },
      ),
      { numRuns: 1_000 },
    );
    expect(plain).toBeGreaterThan(100);
    const most = { workspace: 'w', event: 'e', description: 'd', icon: '🔥', notify: true };
    expect(plainEvent({ ...most, metadata: { plan: 'pro' } })).not.toBeNull();
  });

  test.each([
    ['heart', '❤️'],
    [':fire:', '🔥'],
    ['👍🏽', '👍🏽'],
  ])('takes the icon %s as %s', (icon, emoji) => {
    expect(decoded({ workspace: 'w', event: 'e', icon })).toMatchObject({ icon: emoji });
  });

  test.each([
    [{ event: ' ' }, 'Event is required.'],
    [{ event: undefined }, 'Event is required.'],
    [{ event: 'e'.repeat(251) }, 'Event must be 250 characters or fewer.'],
    [{ workspace: '' }, 'Name is required.'],
    [{ workspace: 'w'.repeat(36) }, 'Workspace name must be 35 characters or fewer.'],
    [{ description: 'd'.repeat(251) }, 'Description must be 250 characters or fewer.'],
    [{ notify: 'yes' }, 'Notify must be a boolean value.'],
    [{ metadata: { a: {} } }, 'Metadata value must be string, number or boolean.'],
    [{ metadata: { a: 'x'.repeat(501) } }, 'Metadata value must be 500 characters or fewer.'],
    [{ metadata: { ['k'.repeat(101)]: 1 } }, 'Metadata key must be 1 to 100 characters.'],
    [{ color: '#fff' }, 'Invalid ["color"] keys in request body'],
  ])('says what is wrong with %j', (sent, message) => {
    expect(faultOf(sent)).toBe(message);
  });

  test.each([
    ['My App', 'my-app'],
    ['  acme', 'acme'],
    ['-x-', 'x-'],
    ['a_b', 'a-b'],
    ['C++', 'c--'],
    [`${'x'.repeat(34)}!`, `${'x'.repeat(34)}-`],
  ])('finds the workspace of %j at %s', (name, slug) => {
    expect(slugOf(name.trim())).toBe(slug);
  });

  test('adds a digest to a name with characters beyond ASCII', () => {
    expect(slugOf('Größe_1')).toMatch(/^gr--e-1-[0-9a-f]{12}$/);
    expect(slugOf('🚀 launch')).toMatch(/^launch-[0-9a-f]{12}$/);
    expect(slugOf('日'.repeat(17) + 'x'.repeat(18)).length).toBeLessThanOrEqual(63);
    expect(formerSlugOf('Größe_1')).toBe('gr--e-1');
    expect(formerSlugOf('Web Shop')).toBeNull();
  });

  test('gives names without a letter of a slug workspaces of their own, whatever their case', () => {
    expect(slugOf('日志')).toMatch(/^logsh-[0-9a-f]{12}$/);
    expect(slugOf('日志')).not.toBe(slugOf('日誌'));
    expect(slugOf('ЖУРНАЛ')).toBe(slugOf('журнал'));
  });
});
