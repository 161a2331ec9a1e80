/**
 * Which events the acts of a redaction emptied, as the audit keeps it. With it an auditor can tell a
 * redaction that somebody asked for from content that an intruder took away.
 */
import { AUDIT_WORKSPACE_ID } from './audit.ts';
import type { Envelope } from './evidence-leaf.ts';

export const REDACTION_TYPE = 'sluice.events.redacted';

/** Such as `3,7-9`. @param positions in any order, each once */
export function writePositions(positions: readonly number[]): string {
  const spans: [first: number, last: number][] = [];
  for (const position of [...positions].sort((a, b) => a - b)) {
    const span = spans.at(-1);
    if (span?.[1] === position - 1) span[1] = position;
    else spans.push([position, position]);
  }
  return spans.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join();
}

const SPANS = /^\d{1,16}(?:-\d{1,16})?(?:,\d{1,16}(?:-\d{1,16})?)*$/;

type Span = readonly [first: number, last: number];

/** Which events were emptied by acts of the audit. */
export class RedactionActs {
  /** By workspace, in the order of their last positions once they are sorted. */
  readonly #spans = new Map<number, Span[]>();
  #isSorted = true;

  /** Takes an event of the audit; any other says nothing. */
  add({ workspaceId, type }: Pick<Envelope, 'workspaceId' | 'type'>, payload: unknown): void {
    if (workspaceId !== AUDIT_WORKSPACE_ID || type !== REDACTION_TYPE) return;
    const act = payload as { readonly workspaceId?: unknown; readonly positions?: unknown } | null;
    const { workspaceId: of, positions } = act ?? {};
    if (typeof of !== 'number' || typeof positions !== 'string' || !SPANS.test(positions)) return;
    const spans = this.#spans.get(of) ?? [];
    this.#spans.set(of, spans);
    for (const span of positions.split(',')) {
      const [first = 0, last = first] = span.split('-').map(Number);
      spans.push([first, last]);
    }
    this.#isSorted = false;
  }

  /** Whether one of them emptied an event. */
  has(workspaceId: number, position: number): boolean {
    if (!this.#isSorted) this.#sort();
    const spans = this.#spans.get(workspaceId) ?? [];
    let [from, to] = [0, spans.length];
    while (from < to) {
      const middle = (from + to) >>> 1;
      if ((spans[middle] as Span)[1] < position) from = middle + 1;
      else to = middle;
    }
    const span = spans[from];
    return span !== undefined && span[0] <= position;
  }

  /** An event is emptied once: spans do not overlap. */
  #sort(): void {
    this.#isSorted = true;
    for (const spans of this.#spans.values()) spans.sort(([, a], [, b]) => a - b);
  }
}
