/** Definitions of event types as the command line compares, reads and writes them. */
import type { SluiceClient } from '../../client/index.ts';
import type { JsonObject } from '../../core/json.ts';
import { PAGE_INFO, readAll } from '../pages.ts';

/** What a user says of an event type. */
export interface Definition {
  readonly name: string;
  readonly title: string | null;
  readonly description: string | null;
  readonly category: string | null;
  readonly status: string;
  readonly validation: string;
  readonly compatibility: string;
  readonly measures: readonly string[];
  readonly payloadSchema: JsonObject | null;
}

/** What holds where nothing is said. */
export const DEFAULTS: Omit<Definition, 'name'> = {
  title: null,
  description: null,
  category: null,
  status: 'ACTIVE',
  validation: 'OFF',
  compatibility: 'NONE',
  measures: [],
  payloadSchema: null,
};

export const FIELDS = Object.keys(DEFAULTS) as (keyof typeof DEFAULTS)[];
export const STATUSES = ['ACTIVE', 'DEPRECATED', 'BLOCKED'];
export const MODES = ['OFF', 'WARN', 'QUARANTINE', 'REJECT'];

const LIST = `query ($workspace: String, $after: String) {
  eventDefinitions(workspace: $workspace, first: 1000, after: $after) {
    nodes { name ${FIELDS.join(' ')} } ${PAGE_INFO} } }`;

export const DELETE = `mutation ($input: DeleteEventDefinitionInput!) {
  deleteEventDefinition(input: $input) { deletedName } }`;

/** All definitions of a workspace, by name. */
export async function readDefinitions(
  client: SluiceClient,
  workspace: string | undefined,
): Promise<Map<string, Definition>> {
  const found = new Map<string, Definition>();
  for await (const each of readAll<Definition>(client, LIST, { workspace })) {
    // That a type was only ever recorded says nothing of it: a file could not make it so.
    const status = each.status === 'DISCOVERED' ? DEFAULTS.status : each.status;
    found.set(each.name, { ...each, status });
  }
  return found;
}
