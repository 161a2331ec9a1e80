/**
 * The two mutations that come by the thousand, recognised in a document that has been found valid:
 * one of them alone, its input in variables, and of its answer what is there at once. Null for any
 * other document: nothing is lost, only slower.
 */
import {
  getNullableType,
  GraphQLBoolean,
  GraphQLString,
  isInputObjectType,
  Kind,
  type DocumentNode,
  type FieldNode,
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type ValueNode,
} from 'graphql';
import { coercerOf, NotDirect } from './coerce.ts';
import { selectorOf, type Select } from './select.ts';

type Variables = Readonly<Record<string, unknown>>;

export interface DirectPlan {
  readonly document: DocumentNode;
  readonly operation: OperationDefinitionNode;
  readonly node: FieldNode;
  /** Its resolver: that of the schema. */
  readonly resolve: (input: Record<string, unknown>, context: unknown) => unknown;
  /** Its name in the answer. */
  readonly key: string;
  /** The arguments of the field. @throws NotDirect for variables that graphql-js is to judge */
  readonly argumentsFrom: (variables: Variables) => Record<string, unknown>;
  readonly select: Select;
}

const FIELDS = new Set(['recordEvent', 'recordEvents']);

export function planOf(schema: GraphQLSchema, document: DocumentNode): DirectPlan | null {
  const [operation, ...others] = document.definitions;
  if (operation?.kind !== Kind.OPERATION_DEFINITION || others.length > 0) return null;
  const [node, ...more] = operation.selectionSet.selections;
  if (operation.operation !== 'mutation' || node?.kind !== Kind.FIELD || more.length > 0)
    return null;
  const field = schema.getMutationType()?.getFields()[node.name.value];
  if (field === undefined || !FIELDS.has(field.name)) return null;
  if (operation.directives?.length || node.directives?.length) return null;
  const argumentsFrom = argumentsOf(operation, node, field);
  const select = selectorOf(field.type, node.selectionSet);
  if (argumentsFrom === null || select === null) return null;
  const key = (node.alias ?? node.name).value;
  const { resolve } = field;
  if (resolve === undefined) return null;
  const info = { fieldName: field.name } as GraphQLResolveInfo;
  return {
    ...{ document, operation, node, key, argumentsFrom, select },
    resolve: (input, context) => resolve(undefined, input, context, info),
  };
}

/**
 * Reads a value as it came: a variable, or what is written in the document. The argument is then
 * coerced as a whole, by its own type: a valid document declares its variables by types that differ
 * from those of their places in nothing but that null is refused.
 */
type Read = (variables: Variables) => unknown;

function argumentsOf(
  { variableDefinitions = [] }: OperationDefinitionNode,
  node: FieldNode,
  field: GraphQLField<unknown, unknown>,
): DirectPlan['argumentsFrom'] | null {
  const required: string[] = [];
  for (const { variable, type, defaultValue, directives } of variableDefinitions) {
    if (defaultValue !== undefined || directives?.length) return null;
    if (type.kind === Kind.NON_NULL_TYPE) required.push(variable.name.value);
  }
  const [input, ...others] = field.args;
  if (input === undefined || others.length > 0) return null;
  const read = readerOf(node.arguments?.[0]?.value, input.type);
  if (read === null) return null;
  const coerce = coercerOf(input.type);
  return variables => {
    if (required.some(name => variables[name] == null)) throw new NotDirect();
    return { [input.name]: coerce(read(variables)) };
  };
}

function readerOf(node: ValueNode | undefined, type: GraphQLInputType): Read | null {
  const nullable = getNullableType(type);
  if (node?.kind === Kind.VARIABLE) {
    const name = node.name.value;
    return variables => variables[name];
  }
  if (node?.kind === Kind.STRING) return nullable === GraphQLString ? () => node.value : null;
  if (node?.kind === Kind.BOOLEAN) return nullable === GraphQLBoolean ? () => node.value : null;
  if (node?.kind !== Kind.OBJECT || !isInputObjectType(nullable)) return null;
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
