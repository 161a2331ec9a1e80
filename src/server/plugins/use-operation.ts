import type { OperationTypeNode } from 'graphql';
import { GatewayError } from '../../core/errors.ts';
import { takesEventStream } from '../accept.ts';
import { HttpCall } from '../call.ts';
import { resolveOperation } from '../measure.ts';
import type { EdgePlugin } from '../pipeline.ts';

/**
 * Finds the operation that is meant and holds it against the way it came: no mutation by GET, which
 * links and images send too, and no stream to a caller that can't read one.
 */
export function useOperation(): EdgePlugin {
  return {
    onParse() {
      return ({ result, context }) => {
        if (!(result instanceof Error) && result !== null) {
          const { operation } = resolveOperation(result, context.params.operationName);
          if (context.call instanceof HttpCall) requireFitting(operation, context.call);
        }
      };
    },
  };
}

/** @see https://graphql.github.io/graphql-over-http/draft/#sec-GET */
class MutationByGet extends GatewayError {
  constructor() {
    super('BAD_REQUEST', 'A mutation is expected to be sent by POST.');
  }

  override get status(): number {
    return 405;
  }
}

function requireFitting(operation: OperationTypeNode, { req, ticket }: HttpCall): void {
  if (operation !== 'subscription' && ticket !== null) {
    throw new GatewayError('BAD_REQUEST', 'A ticket opens a subscription, and nothing else.');
  }
  if (operation === 'mutation' && req.method === 'GET') throw new MutationByGet();
  if (operation === 'subscription' && !takesEventStream(req.headers.accept)) {
    throw new GatewayError(
      'BAD_REQUEST',
      'A subscription is streamed: send "Accept: text/event-stream", or use the WebSocket.',
    );
  }
}
