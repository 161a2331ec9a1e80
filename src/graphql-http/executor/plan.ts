/** The plan of an operation: which fields of each type, with which resolvers and arguments. */
/* eslint max-params: [error, 5] */
import {
  SchemaMetaFieldDef,
  TypeMetaFieldDef,
  TypeNameMetaFieldDef,
  type FieldNode,
  type GraphQLError,
  type GraphQLField,
  type GraphQLFieldResolver,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from 'graphql';
import { prepareArguments, type ReadArguments } from './arguments.ts';
import { collectFields, type FieldNodes, type Fragments, type Variables } from './selection.ts';

export type Path = GraphQLResolveInfo['path'];
export type PathAbove = Path | undefined;

export interface ExecutionInput {
  readonly rootValue?: unknown;
  readonly contextValue: unknown;
  /** Coerced, as `prepareVariables` returns them. */
  readonly variables: Variables;
}

/** What all executions of an operation share. */
export interface Shape {
  readonly schema: GraphQLSchema;
  readonly operation: OperationDefinitionNode;
  readonly fragments: Fragments;
}

/** One execution. */
export interface Run extends Shape, ExecutionInput {
  readonly errors: GraphQLError[];
}

/**
 * Makes a resolved value part of the answer. The value lies at `index` of the list at `above`, or,
 * where there is no index, at the field's key of the object at `above`.
 */
export type Complete = (
  run: Run,
  field: FieldPlan,
  above: PathAbove,
  index: number | undefined,
  value: unknown,
) => unknown;

interface PlanScope extends Shape {
  /** They decide which fields are selected, where a condition depends on one. */
  readonly variables: Variables;
  /** How values of a type become part of the answer. */
  completionOf(type: GraphQLOutputType): Complete;
}

/** The fields that are selected of an object type. */
export class ObjectPlan {
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

export class FieldPlan {
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
    this.complete = scope.completionOf(definition.type);
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
    const value = (source as Record<string, unknown>)[this.definition.name];
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
export class ResolveInfo implements GraphQLResolveInfo {
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
