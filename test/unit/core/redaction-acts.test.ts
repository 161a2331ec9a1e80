import fc from 'fast-check';
import { expect, test } from 'vitest';
import { AUDIT_WORKSPACE_ID } from '../../../src/core/audit.ts';
import { REDACTION_TYPE, RedactionActs, writePositions } from '../../../src/core/redaction-acts.ts';
import '../../kit/chance.ts';

const audit = { workspaceId: AUDIT_WORKSPACE_ID, type: REDACTION_TYPE };

test('acts have the positions that were written, and no others', () => {
  expect(writePositions([9, 3, 8, 7])).toBe('3,7-9');
  const batches = fc.uniqueArray(fc.integer({ min: 1, max: 60 }), { minLength: 1 });
  fc.assert(
    fc.property(batches, fc.nat(60), (positions, at) => {
      const acts = new RedactionActs();
      for (const some of [positions.slice(0, at), positions.slice(at)]) {
        acts.add(audit, { workspaceId: 7, positions: writePositions(some) });
      }
      const all = Array.from({ length: 62 }, (_, position) => position);
      expect(all.filter(position => acts.has(7, position))).toEqual(
        positions.toSorted((a, b) => a - b),
      );
      expect(all.filter(position => acts.has(8, position))).toEqual([]);
    }),
  );
});

test('what is no act of the audit says nothing', () => {
  const acts = new RedactionActs();
  const payload = { workspaceId: 7, positions: '1-9' };
  acts.add({ ...audit, workspaceId: 7 }, payload);
  acts.add({ ...audit, type: 'sluice.key.created' }, payload);
  for (const wrong of [
    null,
    {},
    { ...payload, positions: '1-' },
    { ...payload, workspaceId: '7' },
  ]) {
    acts.add(audit, wrong);
  }
  expect(acts.has(7, 5)).toBe(false);
  acts.add(audit, payload);
  expect(acts.has(7, 5)).toBe(true);
});
