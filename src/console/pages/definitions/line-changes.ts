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
