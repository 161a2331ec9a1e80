/**
 * The API as a subgraph of Apollo Federation 2: `_service`, `_entities` and the keys of entities. It
 * is written here, and not taken from a library, since the published one depends on code whose
 * licence forbids to offer it as a service. An entity is found as `node` finds it.
 * @see https://www.apollographql.com/docs/graphos/schema-design/federated-schemas/reference/subgraph-spec
 */
import { GatewayError } from '../core/errors.ts';
import type { ExactObject } from '../core/exact-json.ts';
import { LIMITS } from '../core/limits.ts';
import { builder } from './builder.ts';
import { sizedBy } from './connection.ts';
import { findNode } from './find-node.ts';
import { decodeIdOf, nodeTypeOf, type GlobalId } from './global-id.ts';
import { EventDefinitionRef, EventRef, WorkspaceRef } from './refs.ts';
import { jsonObject, literalJson } from './scalars.ts';

const SPEC = 'https://specs.apollo.dev/federation/v2.3';
const ENTITIES = ['Event', 'EventDefinition', 'Workspace'] as const;
type EntityName = (typeof ENTITIES)[number];

/** Of a schema as it is printed. Others may have a `PageInfo` too. */
function subgraphText(printed: string): string {
  return [
    `extend schema @link(url: "${SPEC}", import: ["@key", "@shareable"])\n`,
    // GraphQL's own, which compositions do not know yet.
    'directive @oneOf on INPUT_OBJECT\n',
    printed,
    ...ENTITIES.map(name => `extend type ${name} @key(fields: "id")\n`),
    'extend type PageInfo @shareable\n',
  ].join('\n');
}

/** Adds it to the builder, whose next schema has it. */
export function addFederation(printed: string): void {
  const sdl = subgraphText(printed);
  builder.scalarType('_Any', {
    description: 'A representation of an entity: an object with `__typename` and its key `id`.',
    serialize: value => value,
    parseValue: value => jsonObject(value),
    parseLiteral: (node, variables) => jsonObject(literalJson(node, variables), node),
  });
  const EntityUnion = builder.unionType('_Entity', {
    description: 'What another subgraph may refer to by its key.',
    types: [EventRef, EventDefinitionRef, WorkspaceRef],
    resolveType: entity => nodeTypeOf(entity as object),
  });
  const ServiceRef = builder.objectRef<{ readonly sdl: string }>('_Service').implement({
    description: 'What a composition is told of this subgraph.',
    fields: t => ({
      sdl: t.exposeString('sdl', { description: 'The schema with its federation directives.' }),
    }),
  });
  builder.queryFields(t => ({
    _service: t.field({
      type: ServiceRef,
      scope: 'ANY',
      description: 'This subgraph, for composition.',
      resolve: () => ({ sdl }),
    }),
    _entities: t.field({
      type: [EntityUnion],
      nullable: { list: false, items: true },
      scope: 'ANY',
      description:
        'Entities by their representations, in the order given. Null for each one that does not ' +
        'exist or that the key does not cover.',
      extensions: sizedBy('representations'),
      args: {
        representations: t.arg({
          type: ['_Any'],
          required: true,
          description: `Each with \`__typename\` and \`id\`, at most ${LIMITS.pageSizeMax}.`,
        }),
      },
      resolve: (_root, { representations }, context, info) => {
        if (representations.length > LIMITS.pageSizeMax) {
          const message = `representations expects at most ${LIMITS.pageSizeMax} items, but got ${representations.length}.`;
          throw new GatewayError('BAD_USER_INPUT', message);
        }
        return representations.map(referredTo).map(id => findNode(context, id, info)) as never;
      },
    }),
  }));
}

/** @throws GatewayError BAD_USER_INPUT */
function referredTo({ __typename: type, id }: ExactObject): GlobalId {
  if (!isEntity(type) || typeof id !== 'string') {
    const message = `A representation has "__typename", one of ${ENTITIES.join(', ')}, and "id", a text.`;
    throw new GatewayError('BAD_USER_INPUT', message);
  }
  return { type, parts: decodeIdOf(type, id) };
}

function isEntity(type: unknown): type is EntityName {
  return (ENTITIES as readonly unknown[]).includes(type);
}
