/**
 * The arguments of a field, read from variables and literals without looking at the document again.
 * Null where that can't be told beforehand.
 */
import {
  BREAK,
  getNamedType,
  getNullableType,
  isInputObjectType,
  isNonNullType,
  isScalarType,
  Kind,
  valueFromAST,
  visit,
  type FieldNode,
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputType,
  type OperationDefinitionNode,
  type ValueNode,
  type VariableDefinitionNode,
} from 'graphql';
import { declaredType } from '../../graphql/refused-value.ts';
import { coercerOf, NotDirect } from './coerce.ts';

export type Variables = Readonly<Record<string, unknown>>;
export type Arguments = Record<string, unknown>;
/** @throws NotDirect for variables that graphql-js is to judge */
export type ReadArguments = (variables: Variables) => Arguments;

export function argumentsOf(
  { variableDefinitions = [] }: OperationDefinitionNode,
  node: FieldNode,
  field: GraphQLField<unknown, unknown>,
): ReadArguments | null {
  const required = requiredOf(variableDefinitions);
  const readers = field.args.map(argument => argumentReader(argument, node));
  if (required === null || !readers.every(read => read !== null)) return null;
  return variables => {
    if (required.some(name => variables[name] == null)) throw new NotDirect();
    const given: Arguments = {};
    field.args.forEach(({ name }, index) => {
      const value = readers[index]?.(variables);
      if (value !== undefined) given[name] = value;
    });
    return given;
  };
}

/** Names of those that may not be null; null where one has a default or a directive. */
function requiredOf(definitions: readonly VariableDefinitionNode[]): string[] | null {
  const required: string[] = [];
  for (const { variable, type, defaultValue, directives } of definitions) {
    if (defaultValue !== undefined || directives?.length) return null;
    if (type.kind === Kind.NON_NULL_TYPE) required.push(variable.name.value);
  }
  return required;
}

/**
 * Reads a value as it came: a variable, or what is written in the document. Undefined: not given.
 * An argument is then coerced as a whole, by its own type: a valid document declares its variables
 * by types that differ from those of their places in nothing but that null is refused.
 */
type Read = (variables: Variables) => unknown;

function argumentReader(
  { name, type, defaultValue }: GraphQLArgument,
  node: FieldNode,
): Read | null {
  const value = node.arguments?.find(given => given.name.value === name)?.value;
  if (value === undefined) return () => defaultValue;
  if (!hasVariable(value)) {
    const constant: unknown = valueFromAST(value, type);
    return constant === undefined ? null : () => constant;
  }
  const read = readerOf(value, type);
  if (read === null) return null;
  const coerce = coercerOf(type);
  const isRequired = isNonNullType(type) && defaultValue === undefined;
  return variables => {
    const given = read(variables);
    return given === undefined && !isRequired ? defaultValue : coerce(given);
  };
}

function hasVariable(node: ValueNode): boolean {
  let found = false;
  visit(node, {
    Variable() {
      found = true;
      return BREAK;
    },
  });
  return found;
}

function variableReader(name: string, type: GraphQLInputType): Read {
  const read: Read = variables => (Object.hasOwn(variables, name) ? variables[name] : undefined);
  const declared = declaredType(type);
  if (getNamedType(declared) === getNamedType(type)) return read;
  // The place takes any value, and the variable does not.
  const check = coercerOf(declared);
  return variables => {
    const value = read(variables);
    if (value !== undefined) check(value);
    return value;
  };
}

function readerOf(node: ValueNode, type: GraphQLInputType): Read | null {
  const nullable = getNullableType(type);
  if (node.kind === Kind.VARIABLE) {
    return variableReader(node.name.value, type);
  }
  // By name, as the scalars of events are copies.
  const scalar = isScalarType(nullable) ? nullable.name : null;
  if (node.kind === Kind.STRING) return scalar === 'String' ? () => node.value : null;
  if (node.kind === Kind.BOOLEAN) return scalar === 'Boolean' ? () => node.value : null;
  if (node.kind !== Kind.OBJECT || !isInputObjectType(nullable)) return null;
  const members: [string, Read][] = [];
  for (const { name, value } of node.fields) {
    const field = nullable.getFields()[name.value];
    const read = field === undefined ? null : readerOf(value, field.type);
    if (read === null) return null;
    members.push([name.value, read]);
  }
  // A member whose variable was not given is left out, so that its default holds.
  return variables => {
    const value: Record<string, unknown> = {};
    for (const [name, read] of members) {
      const given = read(variables);
      if (given !== undefined) value[name] = given;
    }
    return value;
  };
}
