/** Which lines of a text are new, and which are gone. */
export interface LineChange {
  readonly kind: 'SAME' | 'NEW' | 'GONE';
  readonly text: string;
}

/** More cells of the table would hold up the page. */
const CELLS_MAX = 4_000_000;

/** By the longest list of lines that both have in the same order. */
export function lineChanges(before: readonly string[], after: readonly string[]): LineChange[] {
  const as = (kind: LineChange['kind']) => (text: string) => ({ kind, text });
  if (before.length * after.length > CELLS_MAX) {
    return [...before.map(as('GONE')), ...after.map(as('NEW'))];
  }
  const width = after.length + 1;
  const common = new Uint16Array((before.length + 1) * width);
  const at = (i: number, j: number) => common[i * width + j] ?? 0;
  for (let i = before.length - 1; i >= 0; i--) {
    for (let j = after.length - 1; j >= 0; j--) {
      common[i * width + j] =
        before[i] === after[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const changes: LineChange[] = [];
  for (let i = 0, j = 0; i < before.length || j < after.length;) {
    const isSame = i < before.length && j < after.length && before[i] === after[j];
    if (isSame) {
      changes.push({ kind: 'SAME', text: after[j] as string });
      i += 1;
      j += 1;
    } else if (i < before.length && (j >= after.length || at(i + 1, j) >= at(i, j + 1))) {
      changes.push({ kind: 'GONE', text: before[i++] as string });
    } else {
      changes.push({ kind: 'NEW', text: after[j++] as string });
    }
  }
  return changes;
}

/** Lines in a row that did not change, and are not shown. */
export interface Fold {
  readonly kind: 'FOLDED';
  readonly count: number;
}

/** So many lines before and after a change are shown, for people to see where they are. */
const AROUND = 3;

/** The changes with what is around them. Fewer lines than two are not worth folding. */
export function folded(changes: readonly LineChange[]): (LineChange | Fold)[] {
  const parts: (LineChange | Fold)[] = [];
  for (let at = 0; at < changes.length;) {
    const end = endOfSame(changes, at);
    const first = at === 0 ? at : Math.min(at + AROUND, end);
    const last = end === changes.length ? end : Math.max(end - AROUND, first);
    if (last - first < 2) {
      parts.push(...changes.slice(at, Math.max(end, at + 1)));
    } else {
      parts.push(...changes.slice(at, first));
      parts.push({ kind: 'FOLDED', count: last - first });
      parts.push(...changes.slice(last, end));
    }
    at = Math.max(end, at + 1);
  }
  return parts;
}

/** Where a run of lines that did not change ends; where it begins if there is none. */
function endOfSame(changes: readonly LineChange[], from: number): number {
  let end = from;
  while (changes[end]?.kind === 'SAME') end += 1;
  return end;
}
