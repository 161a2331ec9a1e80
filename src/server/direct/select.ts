/**
 * The part of execution that a receipt needs, made once for a selection: fields without arguments
 * that answer at once, by the same resolvers and serialisers that graphql-js runs. Null where the
 * selection has anything else.
 */
import {
  defaultFieldResolver,
  getNullableType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  Kind,
  type FieldNode,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLResolveInfo,
  type SelectionSetNode,
} from 'graphql';

/** From what a resolver gave to what stands in the answer. */
export type Select = (source: unknown, context: unknown) => unknown;

/** Their resolvers take what is there and wait for nothing. */
const TYPES = new Set([
  ...['RecordEventPayload', 'RecordEventsPayload'],
  ...['EventReceipt', 'EventProblem'],
]);
/** The stored event itself is read from the database. */
const WAITING_FIELDS = new Set(['EventReceipt.event']);

type Field = GraphQLField<unknown, unknown>;

export function selectorOf(type: GraphQLOutputType, set?: SelectionSetNode): Select | null {
  const nullable = getNullableType(type);
  const inner = selectorOfNullable(nullable, set);
  if (inner === null) return null;
  if (!isNonNullType(type))
    return (source, context) => (source == null ? null : inner(source, context));
  return (source, context) => {
    if (source == null) throw new TypeError(`${String(type)} was resolved to null`);
    return inner(source, context);
  };
}

function selectorOfNullable(type: GraphQLOutputType, set?: SelectionSetNode): Select | null {
  if (isLeafType(type)) return set === undefined ? source => type.serialize(source) : null;
  if (isListType(type)) {
    const item = selectorOf(type.ofType as GraphQLOutputType, set);
    if (item === null) return null;
    return (source, context) => (source as unknown[]).map(each => item(each, context));
  }
  return isObjectType(type) && set !== undefined ? selectorOfObject(type, set) : null;
}

interface Member {
  readonly key: string;
  readonly name: string;
  readonly resolve: NonNullable<Field['resolve']>;
  readonly select: Select;
}

function selectorOfObject(type: GraphQLObjectType, set: SelectionSetNode): Select | null {
  if (!TYPES.has(type.name)) return null;
  const members = new Map<string, Member>();
  for (const node of set.selections) {
    const member = node.kind === Kind.FIELD ? memberOf(type, node) : null;
    // Of two that merge into one, graphql-js knows how.
    if (member === null || members.has(member.key)) return null;
    members.set(member.key, member);
  }
  const all = [...members.values()];
  return (source, context) => {
    const answer: Record<string, unknown> = {};
    for (const { key, name, resolve, select } of all) {
      const info = { fieldName: name } as GraphQLResolveInfo;
      answer[key] = select(resolve(source, {}, context, info), context);
    }
    return answer;
  };
}

function memberOf(type: GraphQLObjectType, node: FieldNode): Member | null {
  const { name, alias, directives, selectionSet } = node;
  const field = type.getFields()[name.value] as Field | undefined;
  if (field === undefined || field.args.length > 0 || (directives?.length ?? 0) > 0) return null;
  if (WAITING_FIELDS.has(`${type.name}.${name.value}`)) return null;
  const select = selectorOf(field.type, selectionSet);
  if (select === null) return null;
  const { resolve = defaultFieldResolver } = field;
  return { key: (alias ?? name).value, name: name.value, resolve, select };
}
