/** How the list of types is sorted, as it stands in the address bar. */
import type { SearchChanges } from '../../router/router.ts';
import type { ListedDefinition } from './documents.ts';

const KEYS = {
  name: ({ name }: ListedDefinition) => name,
  category: ({ category }: ListedDefinition) => category ?? '',
  events: ({ eventCount }: ListedDefinition) => eventCount,
  seen: ({ lastRecordedAt }: ListedDefinition) => lastRecordedAt ?? '',
  status: ({ status }: ListedDefinition) => status,
} as const;
export type SortKey = keyof typeof KEYS;

/** What is asked of these first is the most and the latest. */
const IS_GREATEST_FIRST = new Set<SortKey>(['events', 'seen']);

export interface Sort {
  readonly key: SortKey;
  readonly direction: 'ascending' | 'descending';
}

export function sortOf(search: URLSearchParams): Sort {
  const given = search.get('sort') ?? '';
  const key = given.replace(/^-/, '');
  if (!Object.hasOwn(KEYS, key)) return { key: 'name', direction: 'ascending' };
  return { key: key as SortKey, direction: given.startsWith('-') ? 'descending' : 'ascending' };
}

/** By another column, or by the same the other way round. */
export function nextSort({ key: present, direction }: Sort, key: SortKey): SearchChanges {
  const isDown = present === key ? direction === 'ascending' : IS_GREATEST_FIRST.has(key);
  const isUsual = key === 'name' && !isDown;
  return { sort: isUsual ? null : `${isDown ? '-' : ''}${key}` };
}

/** Equal ones stay in the order of their names. */
export function sortedBy(
  rows: readonly ListedDefinition[],
  { key, direction }: Sort,
): readonly ListedDefinition[] {
  const valueOf = KEYS[key];
  const sign = direction === 'ascending' ? 1 : -1;
  return rows.toSorted((a, b) => {
    const [x, y] = [valueOf(a), valueOf(b)];
    return x === y ? 0 : x < y ? -sign : sign;
  });
}
