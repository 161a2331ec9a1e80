/** `node` and `nodes`. An object of a workspace that the key does not cover is not there. */
import { GatewayError } from '../../core/errors.ts';
import { LIMITS } from '../../core/limits.ts';
import { builder } from '../builder.ts';
import { sizedBy } from '../connection.ts';
import { findNode } from '../find-node.ts';
import { decodeId } from '../global-id.ts';

builder.queryFields(t => ({
  node: t.field({
    type: builder.nodeInterfaceRef(),
    nullable: true,
    scope: 'ANY',
    description: 'An object by its id. Null if there is none, or the key does not cover it.',
    args: { id: t.arg.id({ required: true, description: 'The value of its field `id`.' }) },
    resolve: (_root, { id }, context, info) => findNode(context, decodeId(id), info),
  }),
  nodes: t.field({
    type: [builder.nodeInterfaceRef()],
    nullable: { list: false, items: true },
    scope: 'ANY',
    description:
      'Objects by their ids, in the order given. Null for each one that does not exist or that ' +
      'the key does not cover.',
    extensions: sizedBy('ids'),
    args: {
      ids: t.arg.idList({
        required: true,
        description: `The values of their fields \`id\`, at most ${LIMITS.pageSizeMax}.`,
      }),
    },
    resolve: (_root, { ids }, context, info) => {
      if (ids.length > LIMITS.pageSizeMax) {
        const message = `ids expects at most ${LIMITS.pageSizeMax} ids, but got ${ids.length}.`;
        throw new GatewayError('BAD_USER_INPUT', message);
      }
      return ids.map(decodeId).map(id => findNode(context, id, info));
    },
  }),
}));
