/** What agent controllers say they can do: whenever their agents change. */
import { z } from 'zod';
import { actorOf } from '../../core/principal.ts';
import { isWithinBytes } from '../../core/text.ts';
import type { DoorNotes } from '../../record/door-notes.ts';
import type { DoorAnswer, DoorContext, DoorRequest } from '../door.ts';
import { readShape } from './body.ts';
import { hqError } from './errors.ts';

const name = z.string().max(1_000);
const property = z.object({
  name,
  'property-type': name.nullish(),
  units: z
    .array(z.object({ name, factor: z.string().max(100).transform(Number) }))
    .max(100)
    .nullish(),
});
const agent = z.object({
  id: name,
  type: name.nullish(),
  'trigger-types': z.array(name).max(10).nullish(),
  'property-descriptions': z.array(property).max(1_000).nullish(),
});
/** Of the id of a controller: it is the key of an index. */
const ID_BYTES_MAX = 1_000;
const controller = z.object({
  id: name.refine(id => isWithinBytes(id, ID_BYTES_MAX), `at most ${ID_BYTES_MAX} bytes`),
  system: name.nullish(),
  space: name.nullish(),
  'agent-capabilities': z.array(agent).max(1_000).nullish(),
});

export type AgentCapabilities = z.infer<typeof agent>;

/** What a controller is known by, under its id. */
export interface ControllerNote {
  readonly system: string;
  readonly agents: readonly AgentCapabilities[];
}

export type Capabilities = DoorNotes<ControllerNote>;

export function capabilitiesOf({ services }: DoorContext): Capabilities {
  return services.notesOf<ControllerNote>('LOGSPACE');
}

export async function putCapabilities(
  { params, body }: DoorRequest,
  context: DoorContext,
): Promise<DoorAnswer> {
  const workspace = await context.access(null, 'EVENTS_WRITE');
  const given = readShape(body, controller);
  const id = params['controllerId'] ?? '';
  if (given.id !== id) {
    const message = `The controller ID '${given.id.slice(0, 100)}' differs from that of the path.`;
    const parameters = { 'controller-id': given.id.slice(0, 100) };
    throw hqError('BAD_USER_INPUT', 'INVALID_CONTROLLER_ID', message, parameters);
  }
  const agents = given['agent-capabilities'] ?? [];
  const note = { name: id, value: { system: given.system ?? '', agents } };
  await capabilitiesOf(context).put(workspace.id, note, actorOf(context.principal, 'EVENTS_WRITE'));
  return { status: 202 };
}
