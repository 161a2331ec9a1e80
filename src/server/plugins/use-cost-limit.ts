import { GatewayError } from '../../core/errors.ts';
import { resolveOperation } from '../measure.ts';
import type { EdgePlugin } from '../pipeline.ts';
import { costOf } from '../query-cost.ts';
import type { ServerSettings } from '../settings.ts';
import { refusing } from './refusing.ts';

/** Refuses an operation whose answer may have too many values. */
export function useCostLimit({ queryCostMax }: Pick<ServerSettings, 'queryCostMax'>): EdgePlugin {
  return refusing(({ schema, document, operationName, variableValues }) => {
    const operation = resolveOperation(document, operationName);
    const cost = costOf({ schema, document, operation, variables: variableValues ?? {} });
    if (cost <= queryCostMax) return undefined;
    const message =
      `An answer may have at most ${queryCostMax} values, but with every page full this one ` +
      `would have ${cost}: ask for smaller pages, above all inside of pages.`;
    return new GatewayError('QUERY_TOO_COMPLEX', message);
  });
}
