import type { AuditedTransaction, Deed } from '../../src/db/audit-log.ts';
import { requireKey, transaction } from '../../src/db/transaction.ts';

/** For parts that are tested without a gateway, on a database that has no workspace of the audit. */
export const unaudited: AuditedTransaction = (holder, work, options) => {
  const { actor, needsKey = true, tenant } = options;
  return transaction(
    holder,
    async connection => {
      let isRequired = false;
      const require = async () => {
        if (!isRequired) await requireKey(connection, needsKey ? actor : null);
        isRequired = true;
      };
      const deed: Deed = { require, record: require };
      const result = await work(connection, deed);
      await require();
      return result;
    },
    tenant === undefined ? {} : { tenant },
  );
};
