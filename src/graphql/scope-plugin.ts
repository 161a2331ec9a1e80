/**
 * The field option `scope`: what a key needs for a field. It is checked before the resolver runs,
 * and the description of the field says it. A resolver checks only what depends on its arguments.
 */
import SchemaBuilder, {
  BasePlugin,
  type FieldNullability,
  type InputFieldMap,
  type PothosOutputFieldConfig,
  type SchemaTypes,
  type TypeParam,
} from '@pothos/core';
import type { GraphQLFieldResolver } from 'graphql';
import { requireScopeOf, type FieldScope } from './access.ts';
import type { GraphQLContext } from './context.ts';

declare global {
  // Pothos takes the options of its plugins from this namespace.
  // eslint-disable-next-line @typescript-eslint/no-namespace
  export namespace PothosSchemaTypes {
    export interface Plugins<Types extends SchemaTypes> {
      scope: ScopePlugin<Types>;
    }
    export interface FieldOptions<
      Types extends SchemaTypes = SchemaTypes,
      ParentShape = unknown,
      Type extends TypeParam<Types> = TypeParam<Types>,
      Nullable extends FieldNullability<Type> = FieldNullability<Type>,
      Args extends InputFieldMap = InputFieldMap,
      ResolveShape = unknown,
      ResolveReturnShape = unknown,
    > {
      scope?: FieldScope;
    }
  }
}

class ScopePlugin<Types extends SchemaTypes> extends BasePlugin<Types> {
  override onOutputFieldConfig(config: PothosOutputFieldConfig<Types>) {
    const { scope } = config.pothosOptions;
    if (scope === undefined) return config;
    return { ...config, description: `${config.description} ${sentenceOf(scope)}` };
  }

  override wrapResolve(
    resolve: GraphQLFieldResolver<unknown, Types['Context'], object>,
    { parentType, pothosOptions: { scope } }: PothosOutputFieldConfig<Types>,
  ) {
    // The steps of a subscription are shared: its scope was checked when it began.
    return parentType === 'Subscription' ? resolve : guarded(resolve, scope);
  }

  override wrapSubscribe(
    subscribe: GraphQLFieldResolver<unknown, Types['Context'], object> | undefined,
    { pothosOptions: { scope } }: PothosOutputFieldConfig<Types>,
  ) {
    return subscribe && guarded(subscribe, scope);
  }
}

function guarded<Context extends object>(
  resolve: GraphQLFieldResolver<unknown, Context, object>,
  scope: FieldScope | undefined,
): GraphQLFieldResolver<unknown, Context, object> {
  if (scope === undefined) return resolve;
  return (source, args, context, info) => {
    requireScopeOf(context as unknown as GraphQLContext, scope);
    return resolve(source, args, context, info);
  };
}

function sentenceOf(scope: FieldScope): string {
  if (scope === 'ANY') return 'Needs a valid key.';
  if (scope === 'ADMIN_OF_ALL') return 'Needs the scope ADMIN for all workspaces.';
  return `Needs the scope ${scope}.`;
}

SchemaBuilder.registerPlugin('scope', ScopePlugin);
