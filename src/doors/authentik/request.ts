/** What a request says, or the vendor's error for it. */
import { GatewayError } from '../../core/errors.ts';
import type { DoorContext, DoorRequest } from '../door.ts';
import { mediaTypeOf } from '../request.ts';
import { isAction } from './actions.ts';
import { fieldErrors, told } from './errors.ts';
import { readActions } from './filters.ts';

/** @throws GatewayError */
export function readBody(request: DoorRequest): unknown {
  const type = mediaTypeOf(request);
  if (type !== 'application/json' && type !== '') {
    const given = request.headers['content-type'];
    throw told('UNSUPPORTED_MEDIA_TYPE', `Unsupported media type "${given}" in request.`);
  }
  if (request.body.length === 0) return {};
  try {
    return request.json();
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    throw told('BAD_REQUEST', `JSON parse error - ${error.message}`);
  }
}

/** @throws GatewayError */
export function readInteger(query: URLSearchParams, name: string, byDefault: number): number {
  const text = (query.get(name) ?? '').trim();
  if (text === '') return byDefault;
  if (/^[+-]?\d{1,9}$/.test(text)) return Number(text);
  throw fieldErrors({ [name]: ['A valid integer is required.'] });
}

/**
 * `actions` names the vendor's actions or types that the workspace has.
 * @throws GatewayError
 */
export async function checkActions(
  query: URLSearchParams,
  context: DoorContext,
  workspaceId: number,
): Promise<void> {
  const foreign = readActions(query).filter(action => !isAction(action));
  if (foreign.length === 0) return;
  const known = await context.services.definitions.byNames(workspaceId, foreign);
  const unknown = foreign.find((_, index) => known[index] === null);
  if (unknown === undefined) return;
  const text = `Select a valid choice. ${unknown} is not one of the available choices.`;
  throw fieldErrors({ actions: [text] });
}
