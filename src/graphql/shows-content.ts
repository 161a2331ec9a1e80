/** Which selections show of an event what is read apart: its payload, property types and notes. */
import { Kind, type FieldNode, type GraphQLResolveInfo, type SelectionSetNode } from 'graphql';

const CONTENT_FIELDS = new Set(['payload', 'payloadProblems', 'properties', 'unreadable']);
/** From a connection to its events. */
const WAY_FIELDS = new Set(['edges', 'node', 'nodes']);

/** The nodes of a document live as long as it is cached: of many events each is looked at once. */
const counts = new WeakMap<FieldNode, number>();

/**
 * How many fields show content of the events of a field: an event, a page of them, or a `Node`. An
 * answer holds the content of each event as many times. 0: it need not be read.
 */
export function contentShown({ fieldNodes, fragments }: GraphQLResolveInfo): number {
  let shown = 0;
  for (const node of fieldNodes) {
    let count = counts.get(node);
    if (count === undefined) {
      count = countIn(node.selectionSet, fragments);
      counts.set(node, count);
    }
    shown += count;
  }
  return shown;
}

function countIn(
  set: SelectionSetNode | undefined,
  fragments: GraphQLResolveInfo['fragments'],
): number {
  let count = 0;
  for (const selection of set?.selections ?? []) {
    if (selection.kind === Kind.FIELD) {
      const name = selection.name.value;
      if (CONTENT_FIELDS.has(name)) count += 1;
      if (WAY_FIELDS.has(name)) count += countIn(selection.selectionSet, fragments);
      continue;
    }
    const fragment =
      selection.kind === Kind.INLINE_FRAGMENT ? selection : fragments[selection.name.value];
    count += countIn(fragment?.selectionSet, fragments);
  }
  return count;
}
