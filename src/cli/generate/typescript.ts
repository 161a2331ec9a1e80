/** Types of payloads, from definitions: for `createClient<Events>` of the typed client. */
import { pointerStep } from '../../core/isomorphic.ts';
import type { JsonObject } from '../../core/json.ts';
import type { Definition } from '../definitions/definition.ts';
import { embedded } from './portable-schema.ts';

const ANY_PAYLOAD: JsonObject = { type: 'object' };

export interface Generated {
  readonly code: string;
  /** Event types whose schema could not be said as types. */
  readonly untyped: readonly string[];
}

/** `Events` with the payload of each type, and the interfaces that it needs. */
export async function typesOf(definitions: readonly Definition[]): Promise<Generated> {
  // Large, and needed here alone.
  const { compile } = await import('json-schema-to-typescript');
  const untyped: string[] = [];
  const names = namesOf(definitions);
  const properties: Record<string, JsonObject> = {};
  for (const { name, description, payloadSchema } of definitions) {
    const root = `#/properties${encodeURI(pointerStep(name))}`;
    const said = payloadSchema === null ? ANY_PAYLOAD : embedded(payloadSchema, root);
    if (said === null) untyped.push(name);
    const about = [description, said === null ? 'Its schema cannot be expressed as a type.' : null];
    properties[name] = {
      ...(said ?? ANY_PAYLOAD),
      title: names.get(name) as string,
      description: about.filter(Boolean).join('\n\n').replaceAll('*/', '*\\/'),
    };
  }
  const schema = {
    description: 'The payloads of event types, by name.',
    type: 'object',
    properties,
    required: definitions.map(({ name }) => name),
    additionalProperties: false,
  };
  const code = await compile(schema as never, 'Events', {
    bannerComment: '',
    style: { singleQuote: true, printWidth: 100 },
    additionalProperties: true,
    $refOptions: { resolve: { external: false, file: false, http: false } },
  });
  return { code: tidy(code), untyped };
}

/** An identifier for each type: `order.paid` is `OrderPaid`. */
export function namesOf(definitions: readonly Pick<Definition, 'name'>[]): Map<string, string> {
  const taken = new Set(['Events']);
  const names = new Map<string, string>();
  for (const { name } of definitions) {
    const words = name.match(/[\p{L}\p{N}]+/gu) ?? [];
    const joined = words.map(word => word.charAt(0).toUpperCase() + word.slice(1)).join('');
    const wanted = /^\p{L}/u.test(joined) ? joined : `Event${joined}`;
    let unique = wanted;
    for (let n = 2; taken.has(unique); n += 1) unique = `${wanted}${n}`;
    taken.add(unique);
    names.set(name, unique);
  }
  return names;
}

function tidy(code: string): string {
  return code
    .replace(/\n{3,}/g, '\n\n')
    .trimEnd()
    .concat('\n');
}
