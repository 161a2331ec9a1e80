import { expect, test } from 'vitest';
import { onBehalfOf, type Connection, type StatementOptions } from '../../../src/db/connection.ts';

test('a statement takes the turn of its workspace, even on a connection that others share', async () => {
  const seen: (StatementOptions | undefined)[] = [];
  const connection: Connection = {
    async query(_text, _params, options) {
      seen.push(options);
      return [];
    },
  };
  const shared = onBehalfOf('administration', connection);
  await shared.query('select 1');
  await onBehalfOf(7, shared).query('select 1', [], { timeoutMs: 5 });
  expect(seen).toEqual([{ tenant: 'administration' }, { tenant: 7, timeoutMs: 5 }]);
});
