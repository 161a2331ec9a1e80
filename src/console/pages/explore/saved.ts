/** Questions that somebody gave a name. They are kept in this browser, for each workspace. */
import { createStore, type Store } from '../../api/store.ts';

export interface SavedQuestion {
  readonly name: string;
  /** What follows the question mark of its address, with its name in it. */
  readonly search: string;
}

const stores = new Map<string, Store<readonly SavedQuestion[]>>();

const keyOf = (workspace: string) => `sluice.questions.${workspace}`;

export function savedIn(workspace: string): Store<readonly SavedQuestion[]> {
  let store = stores.get(workspace);
  if (!store) stores.set(workspace, (store = createStore(read(workspace))));
  return store;
}

function read(workspace: string): readonly SavedQuestion[] {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(keyOf(workspace)) ?? '[]');
    return Array.isArray(found) ? found.filter(isQuestion) : [];
  } catch {
    return [];
  }
}

function isQuestion(value: unknown): value is SavedQuestion {
  if (typeof value !== 'object' || value === null) return false;
  const { name, search } = value as Partial<SavedQuestion>;
  return typeof name === 'string' && typeof search === 'string';
}

/** Takes the place of the one with the same name. Reads again first: other tabs save as well. */
export function save(workspace: string, question: SavedQuestion): void {
  write(workspace, [...without(workspace, question.name), question]);
}

export function forget(workspace: string, name: string): void {
  write(workspace, without(workspace, name));
}

function without(workspace: string, name: string): readonly SavedQuestion[] {
  return read(workspace).filter(each => each.name !== name);
}

function write(workspace: string, questions: readonly SavedQuestion[]): void {
  const sorted = questions.toSorted((a, b) => a.name.localeCompare(b.name));
  localStorage.setItem(keyOf(workspace), JSON.stringify(sorted));
  savedIn(workspace).set(sorted);
}
