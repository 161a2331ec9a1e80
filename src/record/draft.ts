/** One event of a request on its way to a receipt. Pure: what is decided, in values. */
import type { EventInput, EventProblem, PreparedEvent, Receipt } from '../core/event.ts';
import type { Outcome } from './submission.ts';

export interface Draft {
  readonly index: number;
  readonly input: EventInput;
  readonly event: PreparedEvent | null;
  /** The draft of the same request that has the same id and is answered before it. */
  repeats: Draft | null;
  warnings: readonly EventProblem[];
  receipt: Receipt | null;
}

/** Events that share an id with an earlier one of the request are answered from that one. */
export function drafts(
  inputs: readonly EventInput[],
  prepared: readonly { event: PreparedEvent | null; problems: readonly EventProblem[] }[],
): Draft[] {
  const firstByKey = new Map<string, Draft>();
  return prepared.map(({ event, problems }, index) => {
    const repeats = event === null ? null : (firstByKey.get(event.key) ?? null);
    const input = inputs[index] as EventInput;
    const draft: Draft = { index, input, event, repeats, warnings: [], receipt: null };
    if (event === null) draft.receipt = refusal(draft, problems);
    else if (repeats === null) firstByKey.set(event.key, draft);
    return draft;
  });
}

export function refusal(draft: Draft, problems: readonly EventProblem[]): Receipt {
  return {
    index: draft.index,
    status: 'REJECTED',
    eventId: draft.event?.eventId ?? draft.input.id ?? null,
    position: null,
    recordedAt: null,
    problems,
  };
}

export function quarantined(draft: Draft, problems: readonly EventProblem[]): Receipt {
  return { ...refusal(draft, problems), status: 'QUARANTINED' };
}

/** The receipt for what a flush made of an event; null when it must be validated again. */
export function receiptOf(draft: Draft, outcome: Outcome): Receipt | null {
  switch (outcome.status) {
    case 'RECORDED':
    case 'DUPLICATE':
    case 'CONFLICT':
      return {
        ...refusal(draft, outcome.status === 'CONFLICT' ? [CONFLICT] : draft.warnings),
        status: outcome.status,
        position: outcome.position,
        recordedAt: outcome.recordedAt,
      };
    case 'LEFT_OUT':
      return refusal(draft, [ATOMIC_REFUSED]);
    case 'UNSTORABLE':
      return refusal(draft, [outcome.isAlone ? UNSTORABLE : UNSTORABLE_TOGETHER]);
    case 'GONE':
    case 'POSTPONED':
      return refusal(draft, [GONE]);
    case 'STALE':
    case 'UNAUTHENTICATED':
      return null;
  }
}

/**
 * Answers events whose id stands in the request before them, as far as that one is answered: from
 * it, where they are the same or it is stored. Where it is not, the next one with other content
 * stands for itself, and those behind it wait for that one.
 */
export function settleRepeats(all: readonly Draft[]): void {
  const promoted = new Map<Draft, Draft>();
  for (const draft of all) {
    const first = draft.repeats;
    if (draft.receipt !== null || first === null) continue;
    draft.receipt = repeatReceipt(draft, first);
    if (draft.receipt !== null || first.receipt === null) continue;
    draft.repeats = promoted.get(first) ?? null;
    if (draft.repeats === null) promoted.set(first, draft);
  }
}

function repeatReceipt(draft: Draft, { event, receipt }: Draft): Receipt | null {
  if (receipt === null) return null;
  const isStored = receipt.status === 'RECORDED' || receipt.status === 'DUPLICATE';
  const isSame = draft.event?.hash === event?.hash;
  if (!isSame && !isStored) return null;
  if (!isSame) return { ...receipt, index: draft.index, status: 'CONFLICT', problems: [CONFLICT] };
  const status = isStored ? 'DUPLICATE' : receipt.status;
  return { ...receipt, index: draft.index, status, problems: isStored ? [] : receipt.problems };
}

const CONFLICT: EventProblem = {
  severity: 'ERROR',
  code: 'ID_CONFLICT',
  message: 'This id belongs to an event with other content, at the given position.',
  pointer: '/id',
};

export const ATOMIC_REFUSED: EventProblem = {
  severity: 'ERROR',
  code: 'ATOMIC_REFUSED',
  message: 'The batch is atomic, and another of its events was refused. Nothing was stored.',
  pointer: '',
};

const UNSTORABLE: EventProblem = {
  severity: 'ERROR',
  code: 'UNSTORABLE',
  message:
    'The database refuses this event even alone: one of its values cannot be stored. ' +
    'Change the event.',
  pointer: '',
};

const UNSTORABLE_TOGETHER: EventProblem = {
  ...UNSTORABLE,
  message: 'The database refuses this event, or another one in the same statement. Send it alone.',
};

const GONE: EventProblem = {
  severity: 'ERROR',
  code: 'WORKSPACE_DELETED',
  message: 'The workspace was deleted in the meantime.',
  pointer: '',
};
