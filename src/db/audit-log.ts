/** Where administrative acts are recorded, as those that do them see it: `record/audit.ts` does it. */
import type { AuditEntry } from '../core/audit.ts';
import type { Actor } from '../core/principal.ts';
import type { Connection } from './connection.ts';
import type { Holder, TransactionOptions } from './transaction.ts';

/** The audit within a transaction. */
export interface Deed {
  /**
   * Waits for the audit's turn, then fails where the acting key is no longer valid. Afterwards no
   * lock may be waited for.
   * @throws SL002 as `requireKey`
   */
  require(): Promise<void>;
  /** After `require`, which it does where that was not done. Committed with the rest, or not at all. */
  record(entry: AuditEntry): Promise<void>;
}

export interface DeedOptions extends Pick<TransactionOptions, 'tenant'> {
  /** Null: the gateway itself. */
  readonly actor: Actor | null;
  /** Whether the key must still be valid at the end. @default true */
  readonly needsKey?: boolean;
}

/**
 * A transaction in which acts are recorded. At its end the acting key was valid.
 * @throws as `transaction`
 */
export type AuditedTransaction = <T>(
  holder: Holder,
  work: (connection: Connection, deed: Deed) => Promise<T>,
  options: DeedOptions,
) => Promise<T>;
