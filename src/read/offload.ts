/**
 * Whether a question is answered by the standby or by the primary. Where there is a standby, it
 * answers what it has replayed far enough for (see `primary-place.ts`):
 * - what this gateway wrote, or heard of, in the workspace before the question came;
 * - what the primary had committed a second before;
 * - for a question that goes on from a cursor, or says `atLeast`, all that was committed before it came.
 */
import { eventCursors, type LogPlace } from '../core/cursor.ts';
import { GatewayError } from '../core/errors.ts';
import type { Seen } from '../core/page.ts';
import { onBehalfOf, type Connection } from '../db/connection.ts';
import { readWalPlace } from '../db/standby-identity.ts';
import { NotAtStandby, type Standby, type StandbyRefusal } from '../db/standby.ts';
import { readLogHeads } from './log-heads.ts';
import { createPrimaryPlace, type Workspaces } from './primary-place.ts';

/** A question to a reader, and how each server answers it. */
export interface OffloadedQuestion<T> {
  readonly workspaceId: number;
  readonly seen: Seen;
  readonly atStandby: (connection: Connection) => Promise<T>;
  readonly atPrimary: () => Promise<T>;
}

export interface Offload {
  /** @throws GatewayError CURSOR_AHEAD, CURSOR_INVALID, CURSOR_EPOCH for `atLeast` */
  answer<T>(question: OffloadedQuestion<T>): Promise<T>;
  /** This gateway has written there, or has heard of something that must be seen. */
  note(workspaces: Workspaces): void;
}

/** Where a question was answered: at the standby, or by the primary and why. */
export type AnsweredAt = 'STANDBY' | StandbyRefusal;

export interface OffloadOptions {
  readonly standby: Standby | null;
  /** Pages and aggregates at the primary. */
  readonly read: Connection;
  /** Short reads at the primary. */
  readonly lookup: Connection;
  readonly epoch: string;
  readonly onAnswer: (at: AnsweredAt, cause: unknown) => void;
}

export function createOffload(options: OffloadOptions): Offload {
  const { standby, read, lookup, epoch, onAnswer } = options;
  const primaryPlace = createPrimaryPlace(() => readWalPlace(lookup));

  async function askStandby<T>(
    there: Standby,
    { workspaceId, seen, atStandby }: OffloadedQuestion<T>,
    place: LogPlace | null,
  ): Promise<T> {
    const isNow = place !== null || seen.goesOn === true;
    const connection = there.connection(() => primaryPlace.of(workspaceId, isNow));
    let hasEnded = false;
    // What is read when the answer has begun, such as the content of large pages, is the primary's.
    const own: Connection = {
      query: (text, params, its) => (hasEnded ? read : connection).query(text, params, its),
    };
    try {
      if (place !== null) await checkReached(own, workspaceId, place);
      return await atStandby(own);
    } finally {
      hasEnded = true;
    }
  }

  async function answer<T>(question: OffloadedQuestion<T>): Promise<T> {
    const { workspaceId, seen } = question;
    const { atLeast = null } = seen;
    const place =
      atLeast === null ? null : eventCursors(epoch, workspaceId).decodePosition(atLeast);
    if (standby !== null && standby.fault === null) {
      try {
        const answered = await askStandby(standby, question, place);
        onAnswer('STANDBY', null);
        return answered;
      } catch (error) {
        if (!(error instanceof NotAtStandby)) throw error;
        onAnswer(error.why, error);
      }
    } else if (standby !== null) {
      onAnswer('AWAY', standby.fault);
    }
    if (place !== null) await checkReached(read, workspaceId, place);
    return question.atPrimary();
  }

  return {
    answer,
    note: workspaces => {
      if (standby !== null) primaryPlace.note(workspaces);
    },
  };
}

/** @throws GatewayError CURSOR_AHEAD */
async function checkReached(
  connection: Connection,
  workspaceId: number,
  { position }: LogPlace,
): Promise<void> {
  const heads = await readLogHeads(onBehalfOf(workspaceId, connection), [workspaceId]);
  if ((heads.get(workspaceId)?.position ?? 0) >= position) return;
  throw new GatewayError('CURSOR_AHEAD', 'The cursor atLeast is beyond the newest event.');
}
