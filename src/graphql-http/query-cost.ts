/**
 * What answering an operation can cost: the number of values in the largest answer it may have,
 * every page full. Told from the document and its variables alone, before anything is resolved.
 */
import {
  getNamedType,
  getNullableType,
  isAbstractType,
  isListType,
  isObjectType,
  Kind,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type SelectionSetNode,
  type ValueNode,
} from 'graphql';
import { LIMITS } from '../core/limits.ts';
import { fragmentsOf } from './measure.ts';

type Variables = Readonly<Record<string, unknown>>;

/** What lies in one workspace is read by a statement of its own: it takes as long as so many values. */
const WORKSPACE_PAGE_COST = 500;

export interface CostedOperation {
  readonly schema: GraphQLSchema;
  readonly document: DocumentNode;
  readonly operation: OperationDefinitionNode;
  /** As they came, not coerced. */
  readonly variables: Variables;
}

/**
 * A field with `first` and `last` is a page; a field whose extensions name an argument as its
 * `sizedBy` answers with as many items as that list has, or that number says. Other lists are short, and count as one.
 */
export function costOf({ schema, document, operation, variables }: CostedOperation): number {
  const root = schema.getRootType(operation.operation);
  const given = variablesOf(operation, variables);
  const counter = { schema, fragments: fragmentsOf(document), variables: given };
  return root == null ? 0 : costOfSet(counter, operation.selectionSet, root, 1);
}

interface Counter {
  readonly schema: GraphQLSchema;
  readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  readonly variables: Variables;
}

/** `size` is that of the list which the field above is about, and which is yet to come. */
function costOfSet(
  counter: Counter,
  { selections }: SelectionSetNode,
  type: GraphQLNamedType | undefined,
  size: number,
): number {
  let cost = 0;
  for (const selection of selections) {
    if (selection.kind === Kind.FIELD) {
      cost += costOfField(counter, selection, type, size);
      continue;
    }
    const fragment =
      selection.kind === Kind.INLINE_FRAGMENT
        ? selection
        : counter.fragments.get(selection.name.value);
    if (fragment === undefined) continue;
    const condition = fragment.typeCondition?.name.value;
    const inner = condition === undefined ? type : counter.schema.getType(condition);
    cost += costOfSet(counter, fragment.selectionSet, inner, size);
  }
  return cost;
}

function costOfField(
  counter: Counter,
  node: FieldNode,
  parent: GraphQLNamedType | undefined,
  size: number,
): number {
  const field = fieldOf(parent, node.name.value);
  if (field === undefined) return 1;
  const page = sizeOf(field, node, counter.variables);
  const own = page ?? size;
  if (node.selectionSet === undefined) return 1;
  const isList = isListType(getNullableType(field.type));
  const inner = getNamedType(field.type);
  const base = baseOf(field, page !== undefined && parent?.name === 'Workspace');
  if (!isList) return base + costOfSet(counter, node.selectionSet, inner, own);
  return base + own * costOfSet(counter, node.selectionSet, inner, 1);
}

type Field = GraphQLField<unknown, unknown>;

/** A field whose extensions name a `cost` takes as long as so many values. */
function baseOf({ extensions: { cost } }: Field, isPageOfWorkspace: boolean): number {
  if (typeof cost === 'number') return cost;
  return isPageOfWorkspace ? WORKSPACE_PAGE_COST : 1;
}

function fieldOf(parent: GraphQLNamedType | undefined, name: string): Field | undefined {
  if (isObjectType(parent)) return parent.getFields()[name];
  return isAbstractType(parent) && 'getFields' in parent ? parent.getFields()[name] : undefined;
}

/** Undefined for a field that says nothing of its size. */
function sizeOf(field: Field, node: FieldNode, variables: Variables): number | undefined {
  const { sizedBy, sizeByDefault } = field.extensions;
  if (Array.isArray(sizedBy)) {
    const byDefault = typeof sizeByDefault === 'number' ? sizeByDefault : 1;
    return lengthAt(node, { path: sizedBy as string[], byDefault }, variables);
  }
  if (!field.args.some(({ name }) => name === 'first')) return undefined;
  const [first, last] = ['first', 'last'].map(name => valueAt(node, [name], variables));
  const size = first ?? last ?? LIMITS.pageSizeDefault;
  // What is no size is refused when it is coerced or read.
  return typeof size === 'number' && size >= 0 ? Math.min(size, LIMITS.pageSizeMax) : 0;
}

/** Of a list its length; a number stands for itself. */
function lengthAt(
  node: FieldNode,
  { path, byDefault }: { readonly path: readonly string[]; readonly byDefault: number },
  variables: Variables,
): number {
  const value = valueAt(node, path, variables);
  if (typeof value === 'number') return Math.max(0, Math.min(value, LIMITS.pageSizeMax));
  return Array.isArray(value) ? value.length : byDefault;
}

/** What is given for an argument, or for a field of it; null and absent are the same. */
function valueAt(
  { arguments: given = [] }: FieldNode,
  [argument, ...path]: readonly string[],
  variables: Variables,
): unknown {
  let node = given.find(({ name }) => name.value === argument)?.value;
  const rest = [...path];
  while (node?.kind === Kind.OBJECT && rest.length > 0) {
    const key = rest.shift();
    node = node.fields.find(({ name }) => name.value === key)?.value;
  }
  let value = node === undefined ? null : plainValue(node, variables);
  for (const key of rest) value = (value as Record<string, unknown> | null | undefined)?.[key];
  return value ?? null;
}

/** Of a list only how many there are. */
function plainValue(node: ValueNode, variables: Variables): unknown {
  if (node.kind === Kind.VARIABLE) return variables[node.name.value];
  if (node.kind === Kind.LIST) return node.values;
  return node.kind === Kind.INT ? Number(node.value) : null;
}

/** Those that the operation speaks of: of others there may be hundreds of thousands. */
function variablesOf(
  { variableDefinitions = [] }: OperationDefinitionNode,
  given: Variables,
): Variables {
  return Object.fromEntries(
    variableDefinitions.map(({ variable, defaultValue }) => {
      const name = variable.name.value;
      if (Object.hasOwn(given, name)) return [name, given[name]];
      return [name, defaultValue === undefined ? null : plainValue(defaultValue, {})];
    }),
  );
}
