import { expect, test } from 'vitest';
import { entryJson } from '../../../src/record/entry-json.ts';
import type { ResolvedEvent } from '../../../src/record/submission.ts';

const event: ResolvedEvent = {
  ...{ eventId: 'a "quoted"\n id', key: 'k', hash: 'h', type: 't', door: 'LOGSH', notify: true },
  ...{ occurredAt: new Date(1), expiresAt: null, success: null, source: null, subject: null },
  ...{ actor: null, description: null, icon: null, clientIp: null, parentId: null, groupId: null },
  ...{ payload: '{"n":12345678901234567890}', propertyTypes: null, wire: null },
  ...{ definitionId: 3, category: null, revision: 2 },
};
const entry = { workspaceId: 7, event, request: 5, atomic: false, actor: null };

test('what is null is left out, and a payload keeps every digit', () => {
  expect(entryJson(entry)).toBe(
    '{"w":7,"k":"k","h":"h","d":3,"dr":6,"o":"1970-01-01T00:00:00.001Z","n":true,' +
      '"i":"a \\"quoted\\"\\n id","p":{"n":12345678901234567890}}',
  );
});

test('every field has its name in the record of the statement', () => {
  const full: ResolvedEvent = {
    ...event,
    ...{ expiresAt: new Date(2), success: false, source: 'sr', subject: 'su', actor: 'ac' },
    ...{ description: 'de', icon: 'ic', clientIp: 'ip', parentId: 'pa', groupId: 'gr' },
    ...{ payload: '{}', propertyTypes: { a: 'LONG' }, wire: ['x'] },
  };
  expect(JSON.parse(entryJson({ ...entry, event: full, atomic: true }))).toEqual({
    ...{ w: 7, k: 'k', h: 'h', g: 5, d: 3, dr: 6, n: true, i: 'a "quoted"\n id', s: false },
    ...{ o: '1970-01-01T00:00:00.001Z', e: '1970-01-01T00:00:00.002Z' },
    ...{ sr: 'sr', su: 'su', ac: 'ac', de: 'de', ic: 'ic', ip: 'ip', pa: 'pa', gr: 'gr' },
    ...{ p: {}, t: { a: 'LONG' }, x: ['x'] },
  });
});
