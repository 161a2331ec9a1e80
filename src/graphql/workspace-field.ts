import type {
  ArgBuilder,
  FieldNullability,
  InputFieldMap,
  InputShapeFromFields,
  MaybePromise,
  ShapeFromTypeParam,
  TypeParam,
} from '@pothos/core';
import type { GraphQLResolveInfo } from 'graphql';
import type { Scope } from '../core/principal.ts';
import type { Workspace } from '../core/workspace.ts';
import { orNull, scopeToSeeConsumers, SEES_CONSUMERS } from './access.ts';
import { builder, WORKSPACE_ARGUMENT } from './builder.ts';
import type { ApiSchema } from './connection.ts';
import type { GraphQLContext } from './context.ts';
import { WorkspaceRef } from './refs.ts';

interface WorkspaceField<
  Type extends TypeParam<ApiSchema>,
  Nullable extends FieldNullability<Type>,
  Args extends InputFieldMap,
> {
  readonly type: Type;
  /** If true, `Query` answers null for a workspace that is not there, or not for the key. */
  readonly nullable?: Nullable;
  readonly scope: Scope | typeof SEES_CONSUMERS;
  readonly description: string;
  args(arg: ArgBuilder<ApiSchema>): Args;
  resolve(
    workspaceId: number,
    args: InputShapeFromFields<Args>,
    context: GraphQLContext,
    info: GraphQLResolveInfo,
  ): MaybePromise<ShapeFromTypeParam<ApiSchema, Type, Nullable>>;
}

type Given<Args extends InputFieldMap> = InputShapeFromFields<Args> & {
  readonly workspace?: string | null;
};

/** Adds a field to `Query`, for a workspace that an argument names, and to `Workspace`, for itself. */
export function addWorkspaceField<
  Type extends TypeParam<ApiSchema>,
  Args extends InputFieldMap,
  Nullable extends FieldNullability<Type> = false,
>(name: string, field: WorkspaceField<Type, Nullable, Args>): void {
  const { args, resolve, ...options } = field;
  const access = (context: GraphQLContext, slug: string | null | undefined) => {
    const { scope } = options;
    return context.access(slug, scope === SEES_CONSUMERS ? scopeToSeeConsumers(context) : scope);
  };
  builder.queryField(name, t =>
    t.field({
      ...options,
      args: { workspace: t.arg.string({ description: WORKSPACE_ARGUMENT }), ...args(t.arg) },
      async resolve(
        _root: unknown,
        { workspace, ...given }: Given<Args>,
        context: GraphQLContext,
        info: GraphQLResolveInfo,
      ) {
        const found = access(context, workspace);
        const known = await (options.nullable ? orNull(found) : found);
        return known && resolve(known.id, given as InputShapeFromFields<Args>, context, info);
      },
    } as never),
  );
  builder.objectField(WorkspaceRef, name, t =>
    t.field({
      ...options,
      args: args(t.arg),
      resolve: (
        { id }: Workspace,
        given: InputShapeFromFields<Args>,
        context: GraphQLContext,
        info: GraphQLResolveInfo,
      ) => resolve(id, given, context, info),
    } as never),
  );
}
