/** What a mistyped name may have meant: those that a third of its letters make. */
export function nearest(name: string, names: readonly string[]): string[] {
  const tolerated = Math.max(1, Math.floor(name.length / 3));
  const lower = name.toLowerCase();
  return names
    .map(each => ({ each, distance: distanceOf(lower, each.toLowerCase()) }))
    .filter(({ each, distance }) => distance <= tolerated || each.toLowerCase().startsWith(lower))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, 3)
    .map(({ each }) => each);
}

/** How many letters are to be put in, taken out or changed (Levenshtein). */
function distanceOf(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, n) => n);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const changed = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(changed, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}

/** `: did you mean "a" or "b"?`, or nothing. */
export function suggestion(name: string, names: readonly string[]): string {
  const near = nearest(name, names).map(each => JSON.stringify(each));
  return near.length === 0 ? '' : `: did you mean ${near.join(' or ')}?`;
}
