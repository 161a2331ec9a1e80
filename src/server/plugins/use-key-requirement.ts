import { unauthenticated } from '../../core/principal.ts';
import { resolveOperation, rootFields } from '../measure.ts';
import type { EdgePlugin, OperationContext } from '../pipeline.ts';
import type { ServerSettings } from '../settings.ts';
import { refusing } from './refusing.ts';

const OPEN_TO_ALL = ['__typename'];
const INTROSPECTION = ['__schema', '__type'];

/**
 * Refuses an operation without a key: `{ __typename }` alone is answered to everybody, as a sign
 * of life. Resolvers check scopes, and so would refuse as well.
 */
export function useKeyRequirement(introspection: ServerSettings['introspection']): EdgePlugin {
  const open = introspection === 'open' ? [...OPEN_TO_ALL, ...INTROSPECTION] : OPEN_TO_ALL;
  return refusing(({ document, operationName, contextValue }) => {
    if ((contextValue as OperationContext).principal !== null) return undefined;
    const fields = rootFields(document, resolveOperation(document, operationName));
    return fields.every(field => open.includes(field.name.value)) ? undefined : unauthenticated();
  });
}
