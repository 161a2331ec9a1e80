/**
 * Arguments of a field, prepared once. What has no variables is read once. Variables, and objects
 * that hold some, are put together for each request; whatever does not fit is left to graphql-js,
 * which says why.
 */
import {
  BREAK,
  getArgumentValues,
  isInputObjectType,
  isNonNullType,
  Kind,
  valueFromAST,
  visit,
  type ArgumentNode,
  type FieldNode,
  type GraphQLField,
  type GraphQLInputObjectType,
  type GraphQLInputType,
  type ObjectValueNode,
  type ValueNode,
} from 'graphql';
import type { Variables } from './selection.ts';

type Args = Record<string, unknown>;

/** @throws GraphQLError for a faulty argument */
export type ReadArguments = (variables: Variables) => Args;

/** @see https://spec.graphql.org/October2021/#CoerceArgumentValues() */
export function prepareArguments(
  definition: GraphQLField<unknown, unknown>,
  node: FieldNode,
): ReadArguments {
  if (definition.args.length === 0) return () => ({});
  const { arguments: all = [] } = node;
  if (!all.some(hasVariable)) {
    let constant: Args | undefined;
    return () => (constant ??= getArgumentValues(definition, node, {}));
  }
  const given = new Map(all.map(({ name, value }) => [name.value, value]));
  const members = definition.args.map(({ name, type, defaultValue }) =>
    memberOf(name, { type, defaultValue, node: given.get(name) }),
  );
  return variables => put(members, variables) ?? getArgumentValues(definition, node, variables);
}

function hasVariable(node: ArgumentNode | ValueNode): boolean {
  let found = false;
  visit(node, {
    Variable() {
      found = true;
      return BREAK;
    },
  });
  return found;
}

/** Undefined: there is none, or it does not fit. */
type Read = (variables: Variables) => unknown;

/** An argument, or a field of an input object. */
interface Member {
  readonly name: string;
  readonly read: Read;
  /** Undefined where there is no default. */
  readonly preset: unknown;
  /** Whether there is no value: nothing is given, or a variable that is not. */
  readonly isAbsent: (variables: Variables) => boolean;
  readonly isRequired: boolean;
}

interface Declared {
  readonly type: GraphQLInputType;
  readonly defaultValue?: unknown;
  readonly node: ValueNode | undefined;
}

function memberOf(name: string, { type, defaultValue, node }: Declared): Member {
  const isVariable = node?.kind === Kind.VARIABLE;
  return {
    name,
    read: node === undefined ? () => undefined : readerOf(node, type),
    preset: defaultValue,
    isAbsent: isVariable
      ? variables => !Object.hasOwn(variables, node.name.value)
      : () => node === undefined,
    isRequired: isNonNullType(type) && defaultValue === undefined,
  };
}

/** Undefined where a value does not fit. */
function put(members: readonly Member[], variables: Variables): Args | undefined {
  const values: Args = {};
  for (const { name, read, preset, isAbsent, isRequired } of members) {
    if (isAbsent(variables)) {
      if (preset !== undefined) values[name] = preset;
      else if (isRequired) return undefined;
      continue;
    }
    const value = read(variables);
    if (value === undefined) return undefined;
    values[name] = value;
  }
  return values;
}

/** As `valueFromAST` of graphql-js reads it. */
function readerOf(node: ValueNode, type: GraphQLInputType): Read {
  if (node.kind === Kind.VARIABLE) {
    const name = node.name.value;
    const takesNull = !isNonNullType(type);
    return variables => {
      const value = variables[name];
      return value === null && !takesNull ? undefined : value;
    };
  }
  if (!hasVariable(node)) {
    const constant = valueFromAST(node, type);
    return () => constant;
  }
  const nullable = isNonNullType(type) ? type.ofType : type;
  const isPlainObject = isInputObjectType(nullable) && !nullable.isOneOf;
  if (node.kind === Kind.OBJECT && isPlainObject) return readerOfObject(node, nullable);
  return variables => valueFromAST(node, type, variables);
}

function readerOfObject(node: ObjectValueNode, type: GraphQLInputObjectType): Read {
  const given = new Map(node.fields.map(({ name, value }) => [name.value, value]));
  const members = Object.values(type.getFields()).map(({ name, type: own, defaultValue }) =>
    memberOf(name, { type: own, defaultValue, node: given.get(name) }),
  );
  return variables => put(members, variables);
}
