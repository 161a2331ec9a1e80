/**
 * The selection of a page of events, where Postgres can write all of it: fields of the events
 * themselves, and how the page lies in its list. Null for any other selection.
 */
import {
  getNamedType,
  isObjectType,
  Kind,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type SelectionSetNode,
} from 'graphql';
import type { EventPageJson } from '../graphql/event-pages.ts';
import { isEventJsonField, type EventJsonShape, type EventJsonValue } from '../read/event-json.ts';
import type { EventJsonPageShape } from '../read/event-reader.ts';

export interface PageSelection {
  readonly shape: EventJsonPageShape;
  /** The connection as JSON. */
  readonly write: (page: EventPageJson) => string;
}

export type Fragments = Readonly<Record<string, FragmentDefinitionNode>>;

/** Postgres takes no more arguments of a function than a hundred: a member takes two. */
const MEMBERS_MAX = 40;

/** The JSON of a member, but for its key. */
type Write = (page: EventPageJson) => string;

export function pageSelectionOf(
  type: GraphQLObjectType,
  set: SelectionSetNode,
  fragments: Fragments,
): PageSelection | null {
  const members = membersOf(type, set, fragments);
  if (members === null) return null;
  const lists: EventJsonShape[] = [];
  const writers: [string, Write][] = [];
  for (const [key, node] of members) {
    const write = writerOf(type, node, { fragments, lists });
    if (write === null) return null;
    writers.push([`${JSON.stringify(key)}:`, write]);
  }
  if (lists.some(list => sizeOf(list) > MEMBERS_MAX)) return null;
  const names = [...members.values()].map(({ name }) => name.value);
  return {
    shape: { lists, ends: names.includes('pageInfo'), head: names.includes('liveCursor') },
    write: page => `{${writers.map(([key, write]) => key + write(page)).join(',')}}`,
  };
}

interface Compiling {
  readonly fragments: Fragments;
  /** Grows as lists are met. */
  readonly lists: EventJsonShape[];
}

function writerOf(
  type: GraphQLObjectType,
  { name, selectionSet }: FieldNode,
  { fragments, lists }: Compiling,
): Write | null {
  const inner = getNamedType(type.getFields()[name.value]?.type);
  switch (name.value) {
    case '__typename':
      return () => JSON.stringify(type.name);
    case 'liveCursor':
      return ({ liveCursor }) => JSON.stringify(liveCursor);
    case 'nodes':
    case 'edges': {
      const list = name.value === 'nodes' ? eventShape : edgeShape;
      const shape = selectionSet && list(inner, selectionSet, fragments);
      if (!shape) return null;
      const index = lists.push(shape) - 1;
      return ({ page }) => `[${page.lists[index] ?? ''}]`;
    }
    case 'pageInfo':
      return selectionSet ? pageInfoWriter(inner, selectionSet, fragments) : null;
    default:
      return null;
  }
}

type ShapeOf = (
  type: GraphQLNamedType | undefined,
  set: SelectionSetNode,
  fragments: Fragments,
) => EventJsonShape | null;

const eventShape: ShapeOf = (type, set, fragments) =>
  shapeOf(type, membersOf(type, set, fragments), ({ name, arguments: given, selectionSet }) =>
    isEventJsonField(name.value) && !given?.length && !selectionSet ? name.value : null,
  );

const edgeShape: ShapeOf = (type, set, fragments) =>
  shapeOf(type, membersOf(type, set, fragments), ({ name, selectionSet }) => {
    if (name.value === 'cursor') return 'placeInList';
    if (name.value !== 'node' || !selectionSet || !isObjectType(type)) return null;
    return eventShape(getNamedType(type.getFields()['node']?.type), selectionSet, fragments);
  });

function shapeOf(
  type: GraphQLNamedType | undefined,
  members: ReadonlyMap<string, FieldNode> | null,
  valueOf: (node: FieldNode) => EventJsonValue | null,
): EventJsonShape | null {
  if (members === null || type === undefined) return null;
  const shape = new Map<string, EventJsonValue>();
  for (const [key, node] of members) {
    const value = node.name.value === '__typename' ? { text: type.name } : valueOf(node);
    if (value === null) return null;
    shape.set(key, value);
  }
  return shape;
}

function sizeOf(shape: EventJsonShape): number {
  return [...shape.values()].reduce(
    (sum, value) => sum + 1 + (value instanceof Map ? sizeOf(value as EventJsonShape) : 0),
    0,
  );
}

const PAGE_INFO = ['hasNextPage', 'hasPreviousPage', 'startCursor', 'endCursor'] as const;

function pageInfoWriter(
  type: GraphQLNamedType | undefined,
  set: SelectionSetNode,
  fragments: Fragments,
): Write | null {
  const members = membersOf(type, set, fragments);
  if (members === null || type === undefined) return null;
  const writers: Write[] = [];
  for (const [key, { name }] of members) {
    const field = PAGE_INFO.find(each => each === name.value);
    if (field === undefined && name.value !== '__typename') return null;
    const before = `${JSON.stringify(key)}:`;
    writers.push(
      ({ page }) => before + JSON.stringify(field === undefined ? type.name : page.ends?.[field]),
    );
  }
  return page => `{${writers.map(write => write(page)).join(',')}}`;
}

/**
 * The fields of a selection by their keys in the answer, those in fragments too. Null where there
 * is a directive, a fragment on another type, or a key twice: graphql-js knows how to merge.
 */
function membersOf(
  type: GraphQLNamedType | undefined,
  { selections }: SelectionSetNode,
  fragments: Fragments,
): ReadonlyMap<string, FieldNode> | null {
  const members = new Map<string, FieldNode>();
  for (const selection of selections) {
    if (selection.directives?.length) return null;
    if (selection.kind === Kind.FIELD) {
      const key = (selection.alias ?? selection.name).value;
      if (members.has(key)) return null;
      members.set(key, selection);
      continue;
    }
    const fragment =
      selection.kind === Kind.INLINE_FRAGMENT ? selection : fragments[selection.name.value];
    const condition = fragment?.typeCondition?.name.value;
    if (fragment === undefined || fragment.directives?.length) return null;
    if (condition !== undefined && condition !== type?.name) return null;
    const inner = membersOf(type, fragment.selectionSet, fragments);
    if (inner === null) return null;
    for (const [key, node] of inner) {
      if (members.has(key)) return null;
      members.set(key, node);
    }
  }
  return members;
}
