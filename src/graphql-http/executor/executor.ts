// Plans and completion call each other, and a place is passed in parts: no object for each value.
/* eslint max-lines: off, max-params: [error, 5] */
/**
 * Executes operations by the algorithms of the GraphQL specification, like `execute` of graphql-js,
 * but plans each operation once: which fields a type has, with which resolvers and arguments, and
 * how a value of each becomes part of the answer. An operation that comes again only runs its plan.
 * `test/unit/graphql-http/executor.test.ts` compares the results with those of graphql-js.
 * @see https://spec.graphql.org/October2021/#sec-Execution
 */
import {
  defaultTypeResolver,
  GraphQLError,
  isAbstractType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  locatedError,
  OperationTypeNode,
  responsePathAsArray,
  SchemaMetaFieldDef,
  TypeMetaFieldDef,
  TypeNameMetaFieldDef,
  type DocumentNode,
  type ExecutionResult,
  type FieldNode,
  type GraphQLAbstractType,
  type GraphQLField,
  type GraphQLFieldResolver,
  type GraphQLLeafType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from 'graphql';
import { prepareArguments, type ReadArguments } from './arguments.ts';
import {
  collectFields,
  fragmentsOf,
  hasVariableConditions,
  type FieldNodes,
  type Fragments,
  type Variables,
} from './selection.ts';

type MaybePromise<T> = T | Promise<T>;
type Path = GraphQLResolveInfo['path'];
type PathAbove = Path | undefined;
type Args = Record<string, unknown>;

export interface ExecutionInput {
  readonly rootValue?: unknown;
  readonly contextValue: unknown;
  /** Coerced, as `prepareVariables` returns them. */
  readonly variables: Variables;
}

/** Runs one operation. Every error of a resolver becomes part of the result. */
export type Execute = (input: ExecutionInput) => MaybePromise<ExecutionResult>;

/** Plans an operation of a valid document. Queries and mutations; of subscriptions each step. */
export function prepareExecution(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
): Execute {
  const shape: Shape = { schema, operation, fragments: fragmentsOf(document) };
  const type = schema.getRootType(operation.operation);
  if (type == null) throw new Error(`The schema has no ${operation.operation}.`);
  const planFor = (variables: Variables) =>
    new ObjectPlan({ ...shape, variables }, type, [operation.selectionSet]);
  const shared = hasVariableConditions(document) ? undefined : planFor({});
  const isSerial = operation.operation === OperationTypeNode.MUTATION;
  return input => {
    const run = runOf(shape, input);
    try {
      const plan = shared ?? planFor(input.variables);
      const fields = isSerial ? runSerially : runFields;
      const data = fields(run, plan, input.rootValue, undefined);
      if (!isPromise(data)) return resultOf(run, data);
      return data.then(
        value => resultOf(run, value),
        (error: unknown) => failedResult(run, error),
      );
    } catch (error) {
      return failedResult(run, error);
    }
  };
}

interface Shape {
  readonly schema: GraphQLSchema;
  readonly operation: OperationDefinitionNode;
  readonly fragments: Fragments;
}

/** One execution. */
interface Run extends Shape, ExecutionInput {
  readonly errors: GraphQLError[];
}

function runOf({ schema, operation, fragments }: Shape, input: ExecutionInput): Run {
  const { rootValue, contextValue, variables } = input;
  return { schema, operation, fragments, rootValue, contextValue, variables, errors: [] };
}

function resultOf({ errors }: Run, data: unknown): ExecutionResult {
  return errors.length === 0 ? { data: data as Args } : { errors, data: data as Args };
}

/** An error reached the root through types that are never null. */
function failedResult(run: Run, error: unknown): ExecutionResult {
  run.errors.push(error as GraphQLError);
  return resultOf(run, null);
}

/** An answer's object: without a prototype, since an alias may be called `__proto__`. */
const Answer = function () {} as unknown as new () => Record<string, unknown>;
Answer.prototype = Object.create(null);

function runFields(
  run: Run,
  { fields }: ObjectPlan,
  source: unknown,
  path: PathAbove,
): MaybePromise<object> {
  const answer = new Answer();
  let waiting: Promise<unknown>[] | undefined;
  try {
    for (const field of fields) {
      const value = runField(run, field, source, path);
      answer[field.key] = value;
      if (!isPromise(value)) continue;
      waiting ??= [];
      // A promise settles into the place that its field already has in the answer.
      waiting.push(value.then(settled => void (answer[field.key] = settled)));
    }
  } catch (error) {
    // The fields that run must not be left with nobody to hear their errors.
    if (waiting === undefined) throw error;
    return Promise.allSettled(waiting).then(() => {
      throw error;
    });
  }
  return waiting === undefined ? answer : Promise.all(waiting).then(() => answer);
}

async function runSerially(
  run: Run,
  { fields }: ObjectPlan,
  source: unknown,
  path: PathAbove,
): Promise<object> {
  const answer = new Answer();
  for (const field of fields) answer[field.key] = await runField(run, field, source, path);
  return answer;
}

function runField(run: Run, field: FieldPlan, source: unknown, above: PathAbove): unknown {
  try {
    const value = field.resolve(run, source, above);
    const completed = isPromise(value)
      ? value.then(settled => field.complete(run, field, above, undefined, settled))
      : field.complete(run, field, above, undefined, value);
    if (!isPromise(completed)) return completed;
    return completed.then(undefined, (error: unknown) => fieldError(run, field, above, error));
  } catch (error) {
    return fieldError(run, field, above, error);
  }
}

/** Null in place of the field where it may be null. @throws the error where it may not */
function fieldError(run: Run, field: FieldPlan, above: PathAbove, error: unknown): null {
  return handled(run, locate(error, field, field.pathBelow(above)), field.type);
}

function locate(error: unknown, { nodes }: FieldPlan, path: Path): GraphQLError {
  return locatedError(error, nodes, responsePathAsArray(path));
}

function handled(run: Run, error: GraphQLError, type: GraphQLOutputType): null {
  if (isNonNullType(type)) throw error;
  run.errors.push(error);
  return null;
}

/** The fields that are selected of an object type. */
class ObjectPlan {
  readonly fields: readonly FieldPlan[];

  constructor(scope: PlanScope, type: GraphQLObjectType, sets: readonly SelectionSetNode[]) {
    const fields: FieldPlan[] = [];
    for (const [key, nodes] of collectFields(scope, type, sets)) {
      const definition = definitionOf(scope.schema, type, nodes[0].name.value);
      if (definition !== undefined) fields.push(new FieldPlan(scope, type, definition, key, nodes));
    }
    this.fields = fields;
  }
}

interface PlanScope extends Shape {
  readonly variables: Variables;
}

function definitionOf(
  schema: GraphQLSchema,
  type: GraphQLObjectType,
  name: string,
): GraphQLField<unknown, unknown> | undefined {
  if (name === TypeNameMetaFieldDef.name) return TypeNameMetaFieldDef;
  if (type === schema.getQueryType()) {
    if (name === SchemaMetaFieldDef.name) return SchemaMetaFieldDef;
    if (name === TypeMetaFieldDef.name) return TypeMetaFieldDef;
  }
  return type.getFields()[name];
}

class FieldPlan {
  readonly key: string;
  readonly nodes: FieldNodes;
  readonly definition: GraphQLField<unknown, unknown>;
  readonly parentType: GraphQLObjectType;
  readonly complete: Complete;
  readonly #resolver: GraphQLFieldResolver<unknown, unknown> | undefined;
  readonly #argumentsOf: ReadArguments;
  readonly #scope: PlanScope;
  readonly #below = new Map<GraphQLObjectType, ObjectPlan>();

  constructor(
    scope: PlanScope,
    parentType: GraphQLObjectType,
    definition: GraphQLField<unknown, unknown>,
    key: string,
    nodes: FieldNodes,
  ) {
    this.key = key;
    this.nodes = nodes;
    this.definition = definition;
    this.parentType = parentType;
    this.complete = completionOf(definition.type);
    this.#resolver = definition.resolve;
    this.#argumentsOf = prepareArguments(definition, nodes[0]);
    this.#scope = scope;
  }

  get type(): GraphQLOutputType {
    return this.definition.type;
  }

  resolve(run: Run, source: unknown, above: PathAbove): unknown {
    const resolver = this.#resolver;
    if (resolver !== undefined) {
      const args = this.#argumentsOf(run.variables);
      return resolver(source, args, run.contextValue, new ResolveInfo(run, this, above));
    }
    if (typeof source !== 'object' || source === null) return undefined;
    const value = (source as Args)[this.definition.name];
    if (typeof value !== 'function') return value;
    const args = this.#argumentsOf(run.variables);
    // As the default resolver of graphql-js calls a method of the source.
    return (source as Record<string, (...given: unknown[]) => unknown>)[this.definition.name]?.(
      args,
      run.contextValue,
      new ResolveInfo(run, this, above),
    );
  }

  pathBelow(above: PathAbove): Path {
    return { prev: above, key: this.key, typename: this.parentType.name };
  }

  /** What is selected of an object that the field leads to. */
  planOf(type: GraphQLObjectType): ObjectPlan {
    let plan = this.#below.get(type);
    if (plan === undefined) {
      const sets = this.nodes.flatMap(({ selectionSet }) => selectionSet ?? []);
      plan = new ObjectPlan(this.#scope, type, sets);
      this.#below.set(type, plan);
    }
    return plan;
  }
}

/** What a resolver is told of its field. Made for each call, so it holds only what differs. */
class ResolveInfo implements GraphQLResolveInfo {
  private readonly run: Run;
  private readonly field: FieldPlan;
  private readonly above: PathAbove;

  constructor(run: Run, field: FieldPlan, above: PathAbove) {
    this.run = run;
    this.field = field;
    this.above = above;
  }

  get fieldName(): string {
    return this.field.definition.name;
  }
  get fieldNodes(): readonly FieldNode[] {
    return this.field.nodes;
  }
  get returnType(): GraphQLOutputType {
    return this.field.type;
  }
  get parentType(): GraphQLObjectType {
    return this.field.parentType;
  }
  get path(): Path {
    return this.field.pathBelow(this.above);
  }
  get schema(): GraphQLSchema {
    return this.run.schema;
  }
  get fragments(): Fragments {
    return this.run.fragments;
  }
  get rootValue(): unknown {
    return this.run.rootValue;
  }
  get operation(): OperationDefinitionNode {
    return this.run.operation;
  }
  get variableValues(): Record<string, unknown> {
    return this.run.variables;
  }
}

/**
 * Makes a resolved value part of the answer. The value lies at `index` of the list at `above`, or,
 * where there is no index, at the field's key of the object at `above`.
 */
type Complete = (
  run: Run,
  field: FieldPlan,
  above: PathAbove,
  index: number | undefined,
  value: unknown,
) => unknown;

const completions = new WeakMap<GraphQLOutputType, Complete>();

function completionOf(type: GraphQLOutputType): Complete {
  let complete = completions.get(type);
  if (complete === undefined) {
    complete = isNonNullType(type)
      ? nonNullCompletion(completionOf(type.ofType))
      : nullableCompletion(type);
    completions.set(type, complete);
  }
  return complete;
}

function nonNullCompletion(inner: Complete): Complete {
  return (run, field, above, index, value) => {
    const completed = inner(run, field, above, index, value);
    return isPromise(completed)
      ? completed.then(settled => requireValue(settled, field))
      : requireValue(completed, field);
  };
}

function requireValue(value: unknown, { parentType, definition }: FieldPlan): unknown {
  if (value !== null) return value;
  throw new Error(
    `Cannot return null for non-nullable field ${parentType.name}.${definition.name}.`,
  );
}

function nullableCompletion(type: GraphQLOutputType): Complete {
  const complete = completionOfKind(type);
  return (run, field, above, index, value) => {
    if (value === null || value === undefined) return null;
    if (value instanceof Error) throw value;
    return complete(run, field, above, index, value);
  };
}

function completionOfKind(type: GraphQLOutputType): Complete {
  if (isLeafType(type)) return leafCompletion(type);
  if (isListType(type)) return listCompletion(type.ofType as GraphQLOutputType);
  if (isObjectType(type)) return objectCompletion(type);
  if (isAbstractType(type)) return abstractCompletion(type);
  throw new Error(`${String(type)} is not an output type.`);
}

function leafCompletion(type: GraphQLLeafType): Complete {
  return (_run, _field, _above, _index, value) => {
    const serialized: unknown = type.serialize(value);
    if (serialized === null || serialized === undefined) {
      throw new Error(`A value of ${type.name} was serialized to ${String(serialized)}.`);
    }
    return serialized;
  };
}

function listCompletion(itemType: GraphQLOutputType): Complete {
  const complete = completionOf(itemType);

  function completeItem(run: Run, field: FieldPlan, list: Path, at: number, item: unknown) {
    const onError = (error: unknown) =>
      handled(run, locate(error, field, { prev: list, key: at, typename: undefined }), itemType);
    try {
      const completed = isPromise(item)
        ? item.then(settled => complete(run, field, list, at, settled))
        : complete(run, field, list, at, item);
      return isPromise(completed) ? completed.then(undefined, onError) : completed;
    } catch (error) {
      return onError(error);
    }
  }

  return (run, field, above, index, value) => {
    const { parentType, definition } = field;
    if (!isIterable(value)) {
      const place = `${parentType.name}.${definition.name}`;
      throw new GraphQLError(`Expected Iterable, but did not find one for field "${place}".`);
    }
    const path = pathOf(field, above, index);
    const answer: unknown[] = [];
    let isWaiting = false;
    try {
      for (const item of value) {
        const completed = completeItem(run, field, path, answer.length, item);
        isWaiting ||= isPromise(completed);
        answer.push(completed);
      }
    } catch (error) {
      if (!isWaiting) throw error;
      return Promise.allSettled(answer).then(() => {
        throw error;
      });
    }
    return isWaiting ? Promise.all(answer) : answer;
  };
}

function objectCompletion(type: GraphQLObjectType): Complete {
  return (run, field, above, index, value) => {
    const runBelow = () => runFields(run, field.planOf(type), value, pathOf(field, above, index));
    if (type.isTypeOf == null) return runBelow();
    const info = new ResolveInfo(run, field, aboveField(above, index));
    const fits = type.isTypeOf(value, run.contextValue, info);
    return isPromise(fits)
      ? fits.then(settled => requireFit(settled, type, field) && runBelow())
      : requireFit(fits, type, field) && runBelow();
  };
}

function requireFit(fits: boolean, type: GraphQLObjectType, { nodes }: FieldPlan): true {
  if (fits) return true;
  throw new GraphQLError(`Expected value of type "${type.name}", but got another.`, { nodes });
}

function abstractCompletion(type: GraphQLAbstractType): Complete {
  const resolveType = type.resolveType ?? defaultTypeResolver;
  return (run, field, above, index, value) => {
    const info = new ResolveInfo(run, field, aboveField(above, index));
    const name = resolveType(value, run.contextValue, info, type);
    const runAs = (found: string | undefined) => {
      const object = found === undefined ? undefined : run.schema.getType(found);
      if (!isObjectType(object) || !run.schema.isSubType(type, object)) {
        throw new GraphQLError(`A value of "${type.name}" was resolved to no type of it.`);
      }
      return completionOf(object)(run, field, above, index, value);
    };
    return isPromise(name) ? name.then(runAs) : runAs(name);
  };
}

/** Where a value lies. */
function pathOf(field: FieldPlan, above: PathAbove, index: number | undefined): Path {
  if (index === undefined) return field.pathBelow(above);
  return { prev: above, key: index, typename: undefined };
}

/** The path above the field that a value belongs to, also where it lies in lists. */
function aboveField(above: PathAbove, index: number | undefined): PathAbove {
  if (index === undefined) return above;
  let path = above;
  while (typeof path?.key === 'number') path = path.prev;
  return path?.prev;
}

function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.iterator in value;
}

function isPromise(value: unknown): value is Promise<unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as { then?: unknown }).then === 'function'
  );
}
