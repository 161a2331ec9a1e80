import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decode, encode, encodeTarget } from '../../../src/doors/speakeasy/translate.ts';
import {
  cliEvents,
  INTERACTION_TYPES,
  OPTIONAL_FIELDS,
  type CliEvent,
} from '../../../src/doors/speakeasy/wire.ts';
import { stored } from './stored.ts';

const text = fc.string({ unit: 'grapheme', maxLength: 300 }).filter(each => !each.includes('\0'));
const date = fc
  .tuple(
    fc.date({ min: new Date('2000-01-01'), max: new Date('2100-01-01'), noInvalidDate: true }),
    fc.constantFrom('', '.5', '.123', '.123456', '.123456789'),
    fc.constantFrom('Z', '+00:00', '+02:00', '-05:30'),
  )
  .map(([instant, fraction, zone]) => instant.toISOString().slice(0, 19) + fraction + zone);

/** A value that the field's own schema takes. */
function valueOf(name: string): fc.Arbitrary<unknown> {
  const type = OPTIONAL_FIELDS[name]!;
  if (type.safeParse(true).success) return fc.boolean();
  if (type.safeParse(1).success) return fc.maxSafeInteger();
  if (name === 'local_completed_at') return date;
  if (name.endsWith('bump_type')) return fc.constantFrom('major', 'minor', 'patch', 'none');
  return text;
}

const cliEvent = fc.record(
  {
    created_at: date,
    execution_id: text,
    id: fc.string({ minLength: 1, maxLength: 60 }).filter(id => !id.includes('\0')),
    interaction_type: fc.constantFrom(...INTERACTION_TYPES),
    local_started_at: date,
    speakeasy_api_key_name: text,
    speakeasy_version: text,
    success: fc.boolean(),
    workspace_id: text,
    ...Object.fromEntries(Object.keys(OPTIONAL_FIELDS).map(name => [name, valueOf(name)])),
    a_field_of_tomorrow: fc.jsonValue({ maxDepth: 3 }).filter(isStorable),
  },
  {
    requiredKeys: [
      ...(['created_at', 'execution_id', 'id', 'interaction_type', 'local_started_at'] as const),
      ...(['speakeasy_api_key_name', 'speakeasy_version', 'success', 'workspace_id'] as const),
    ],
  },
) as fc.Arbitrary<unknown> as fc.Arbitrary<CliEvent>;

function isStorable(value: unknown): boolean {
  const json = JSON.stringify(value);
  return !/\\u0000|\\ud|"":/.test(json) && !/\d{16}|e\+/.test(json) && !/-0\b/.test(json);
}

const MINIMAL: CliEvent = {
  id: 'e1',
  execution_id: 'run-1',
  interaction_type: 'CLI_EXEC',
  created_at: '2026-01-02T03:04:05.678Z',
  local_started_at: '2026-01-02T03:04:04.000Z',
  speakeasy_api_key_name: 'ci',
  speakeasy_version: '1.445.1',
  success: true,
  workspace_id: 'acme',
};

describe('the translation of Speakeasy', () => {
  test('SPK-T-1 gives every event back as it came', () => {
    fc.assert(
      fc.property(cliEvent, fc.string(), (sent, slug) => {
        const given = encode(stored(decode(sent), 'SPEAKEASY'), slug);
        expect(JSON.parse(JSON.stringify(given))).toEqual(JSON.parse(JSON.stringify(sent)));
      }),
      { numRuns: 300 },
    );
  });

  test('SPK-T-2 gives back what the client takes, whatever came through another door', () => {
    const payload = fc.dictionary(
      fc.constantFrom('duration_ms', 'success', 'created_at', 'error', 'execution_id', 'x'),
      fc.oneof(fc.constant(null), fc.string(), fc.double({ noNaN: true, max: 9, min: 0 })),
    );
    fc.assert(
      fc.property(payload, payload => {
        const event = { type: 'CLI_EXEC', id: 'e', payload: payload as never, source: 'h' };
        const given = encode(stored(event, 'GRAPHQL'), 'acme');
        expect(cliEvents.safeParse([given]).error).toBeUndefined();
        expect(
          Object.values(given).filter((_, at) => Object.keys(given)[at] !== 'x'),
        ).not.toContain(null);
      }),
    );
  });

  test('puts the fields that every door knows into the envelope, and the others into the payload', () => {
    const sent = {
      ...MINIMAL,
      hostname: 'box',
      generate_gen_lock_id: 'lock',
      git_user_name: 'Ada',
      duration_ms: 7,
    };
    const { payload, ...envelope } = decode(sent);
    expect(envelope).toMatchObject({
      ...{ id: 'e1', type: 'CLI_EXEC', source: 'box', subject: 'lock', groupId: 'run-1' },
      ...{ actor: 'Ada', success: true, occurredAt: new Date('2026-01-02T03:04:05.678Z') },
    });
    expect(payload).toEqual({
      ...{ local_started_at: MINIMAL.local_started_at, speakeasy_version: '1.445.1' },
      ...{ workspace_id: 'acme', speakeasy_api_key_name: 'ci', duration_ms: 7 },
    });
  });

  test.each([{}, { git_user_email: 'ada@example.org' }, { git_user_name: 'Ada', hostname: 'box' }])(
    'keeps nothing beside an event as clients send it: %j',
    given => {
      expect(decode({ ...MINIMAL, ...given }).wire).toBeNull();
    },
  );

  test('takes null for what is absent', () => {
    expect(decode({ ...MINIMAL, hostname: null, duration_ms: null })).toEqual(decode(MINIMAL));
  });

  test('keeps a text that is too long for an index in the payload', () => {
    const hostname = 'h'.repeat(257);
    const { source, payload } = decode({ ...MINIMAL, hostname });
    expect({ source, hostname: payload?.['hostname'] }).toEqual({ source: undefined, hostname });
  });

  test('tells a target from its latest events', () => {
    const last = { ...MINIMAL, generate_gen_lock_id: 'lock', hostname: 'box' };
    const published = { ...last, id: 'e0', gh_action_run_link: 'https://run' };
    const generated = { ...last, generate_target: 'go' };
    expect(encodeTarget({ last, generated, published })).toEqual({
      ...{ id: 'lock', generate_gen_lock_id: 'lock', generate_target: 'go', hostname: 'box' },
      ...{ last_event_id: 'e1', last_event_created_at: MINIMAL.created_at, success: true },
      last_event_interaction_type: 'CLI_EXEC',
      last_publish_created_at: MINIMAL.created_at,
      last_publish_gh_action_run_link: 'https://run',
    });
  });
});
