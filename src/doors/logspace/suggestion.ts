/**
 * What there is to choose from in a search: agents and their properties, from what controllers
 * have said of them and from the newest events.
 */
import { z } from 'zod';
import type { StoredEvent } from '../../core/event.ts';
import { storedProperties } from '../../core/stored-properties.ts';
import type { Workspace } from '../../core/workspace.ts';
import { json } from '../answer.ts';
import type { DoorAnswer, DoorContext, DoorRequest } from '../door.ts';
import { readShape } from './body.ts';
import { capabilitiesOf } from './capabilities.ts';
import { propertyId } from './filter.ts';

const input = z.object({
  text: z.string().nullish(),
  propertyId: z.string().nullish(),
  systemId: z.string().nullish(),
  spaceId: z.string().nullish(),
});
type SuggestionInput = z.infer<typeof input>;

interface Unit {
  readonly name: string;
  readonly factor: number;
}

interface PropertyDescription {
  readonly id: string;
  readonly name: string;
  readonly propertyType: string;
  readonly units: readonly Unit[];
}

interface Agent {
  readonly globalId: string;
  readonly name: string;
  readonly space: string;
  readonly system: string;
  readonly properties: Map<string, PropertyDescription>;
}

/** As many agents as HQ shows. */
const AGENTS_MAX = 100;

export async function suggest(request: DoorRequest, context: DoorContext): Promise<DoorAnswer> {
  const startedMs = performance.now();
  const workspace = await context.access(null, 'EVENTS_READ');
  const wanted =
    request.method === 'POST' ? readShape(request.body, input) : inputOf(request.query);
  const agents = (await agentsOf(workspace, context))
    .filter(agent => isWanted(agent, wanted))
    .sort((a, b) => (a.globalId < b.globalId ? -1 : 1))
    .slice(0, AGENTS_MAX);
  const properties = agents.flatMap(agent => [...agent.properties.values()]);
  return json(200, {
    executionTime: Math.round(performance.now() - startedMs),
    spaces: named(agents.map(({ space }) => [space, space])),
    systems: named(agents.map(({ system }) => [system, system])),
    propertyNames: named(properties.map(({ id, name }) => [id, name])),
    agentDescriptions: agents.map(({ properties: all, ...agent }) => ({
      ...agent,
      propertyDescriptions: [...all.values()].sort((a, b) => (a.id < b.id ? -1 : 1)),
    })),
  });
}

function inputOf(query: URLSearchParams): SuggestionInput {
  return {
    text: query.get('input'),
    propertyId: query.get('property'),
    systemId: query.get('system'),
    spaceId: query.get('space'),
  };
}

async function agentsOf({ id, slug }: Workspace, context: DoorContext): Promise<Agent[]> {
  const controllers = await capabilitiesOf(context).all(id);
  const agents = new Map<string, Agent>();
  const agentOf = (system: string, name: string): Agent => {
    const globalId = `${slug}|${system}|${name}`;
    const agent = agents.get(globalId) ?? {
      globalId,
      name,
      space: slug,
      system,
      properties: new Map(),
    };
    agents.set(globalId, agent);
    return agent;
  };
  for (const { value: controller } of controllers) {
    for (const { id: name, 'property-descriptions': described } of controller.agents) {
      const { properties } = agentOf(controller.system, name);
      for (const { name: property, 'property-type': type, units } of described ?? []) {
        const propertyType = (type ?? 'STRING').toUpperCase();
        const key = `${propertyType.toLowerCase()}_property_${property}`;
        properties.set(key, { id: key, name: property, propertyType, units: units ?? [] });
      }
    }
  }
  for await (const samples of context.services.statistics.samples(id)) {
    for (const event of samples) describe(event, agentOf(event.source ?? '', event.subject ?? ''));
  }
  return [...agents.values()];
}

function describe(event: StoredEvent, { properties }: Agent): void {
  for (const property of storedProperties(event)) {
    const key = propertyId(property);
    const propertyType = property.type === 'JSON' ? 'STRING' : property.type;
    if (properties.has(key)) continue;
    properties.set(key, { id: key, name: property.name, propertyType, units: [] });
  }
}

function isWanted(
  agent: Agent,
  { text, propertyId: property, systemId, spaceId }: SuggestionInput,
) {
  const isGiven = (each: string | null | undefined): each is string =>
    each != null && each.trim() !== '';
  if (isGiven(property) && !agent.properties.has(property)) return false;
  if (isGiven(systemId) && agent.system !== systemId) return false;
  if (isGiven(spaceId) && agent.space !== spaceId) return false;
  if (!isGiven(text)) return true;
  const words = [agent.name, agent.system, agent.space, ...agent.properties.keys()]
    .flatMap(each => [each, ...each.split(/[^\p{L}\p{N}]+/u)])
    .map(each => each.toLowerCase());
  return words.some(word => word.startsWith(text.trim().toLowerCase()));
}

function named(pairs: readonly (readonly [id: string, name: string])[]) {
  const sorted = [...new Map(pairs)].sort(([a], [b]) => (a < b ? -1 : 1));
  return sorted.map(([id, name]) => ({ id, name }));
}
