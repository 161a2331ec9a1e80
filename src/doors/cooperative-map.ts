import { setImmediate as nextTurn } from 'node:timers/promises';

/** What one request does before others have their turn. */
const AT_ONCE_MS = 10;

/** Translates one by one, and lets others have their turn in between. */
export async function mapCooperatively<Item, Made>(
  items: Iterable<Item>,
  translate: (item: Item) => Made,
): Promise<readonly Made[]> {
  const made: Made[] = [];
  let untilMs = performance.now() + AT_ONCE_MS;
  for (const item of items) {
    made.push(translate(item));
    if (performance.now() < untilMs) continue;
    await nextTurn();
    untilMs = performance.now() + AT_ONCE_MS;
  }
  return made;
}
