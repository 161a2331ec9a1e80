/**
 * A value that a scalar does not take fails a GraphQL request as a whole. Within an event of a
 * batch that would cost every other event, so there the scalar answers with a `RefusedValue`, for
 * variables and literals alike, and the event is rejected in its receipt.
 */
import {
  getNamedType,
  GraphQLError,
  GraphQLList,
  GraphQLNonNull,
  GraphQLScalarType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isScalarType,
  type GraphQLInputObjectType,
  type GraphQLInputType,
  type GraphQLSchema,
} from 'graphql';

export class RefusedValue {
  /** What was expected, and what came. */
  readonly message: string;

  constructor(message: string) {
    this.message = message;
  }
}

/** From a scalar to the one of its name that refuses nothing, and back. */
const lenient = new Map<GraphQLScalarType, GraphQLScalarType>();
const strict = new Map<GraphQLScalarType, GraphQLScalarType>();

/** Makes the scalars of an input object lenient, and those of the objects within it. */
export function refuseByValue(schema: GraphQLSchema, name: string): void {
  makeLenient(schema.getType(name) as GraphQLInputObjectType, new Set());
}

function makeLenient(type: GraphQLInputObjectType, done: Set<GraphQLInputObjectType>): void {
  if (done.has(type)) return;
  done.add(type);
  for (const field of Object.values(type.getFields())) {
    const named = getNamedType(field.type);
    if (isInputObjectType(named)) makeLenient(named, done);
    field.type = withScalar(field.type, lenientOf);
  }
}

/** The type as the schema declares it: a variable of that type may stand in its place. */
export function declaredType<T extends GraphQLInputType | undefined>(type: T): T {
  return type && (withScalar(type, scalar => strict.get(scalar) ?? scalar) as T);
}

function withScalar(
  type: GraphQLInputType,
  replace: (scalar: GraphQLScalarType) => GraphQLScalarType,
): GraphQLInputType {
  if (isNonNullType(type)) {
    return new GraphQLNonNull(withScalar(type.ofType, replace) as typeof type.ofType);
  }
  if (isListType(type)) return new GraphQLList(withScalar(type.ofType, replace));
  return isScalarType(type) ? replace(type) : type;
}

function lenientOf(scalar: GraphQLScalarType): GraphQLScalarType {
  const known = lenient.get(scalar);
  if (known !== undefined) return known;
  const made = new GraphQLScalarType({
    ...scalar.toConfig(),
    parseValue: value => orRefused(() => scalar.parseValue(value)),
    parseLiteral: (node, variables) => orRefused(() => scalar.parseLiteral(node, variables)),
  });
  lenient.set(scalar, made);
  strict.set(made, scalar);
  return made;
}

const MESSAGE_CHARS_MAX = 300;

function orRefused(parse: () => unknown): unknown {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof GraphQLError)) throw error;
    const { message } = error;
    const isLong = message.length > MESSAGE_CHARS_MAX;
    return new RefusedValue(isLong ? `${message.slice(0, MESSAGE_CHARS_MAX - 1)}…` : message);
  }
}
