/** Checks of payloads with Zod, from definitions. */
import { z } from 'zod';
import type { JsonObject } from '../../core/json.ts';
import type { Definition } from '../definitions/definition.ts';
import { typesOf, type Generated } from './typescript.ts';

const HEAD = `import { z } from 'zod';

`;

/**
 * The types, and `schemas` with a Zod schema for each event type. Zod itself makes it of the JSON
 * Schema when the module is loaded: it needs Zod 4.2 or newer.
 */
export async function zodOf(definitions: readonly Definition[]): Promise<Generated> {
  const { code, untyped } = await typesOf(definitions);
  const unchecked: string[] = [];
  const lines = definitions.map(({ name, payloadSchema }) => {
    const schema = payloadSchema ?? { type: 'object' };
    const isChecked = !untyped.includes(name) && isKnownToZod(schema);
    if (!isChecked) unchecked.push(name);
    const given = JSON.stringify(isChecked ? schema : { type: 'object' });
    const note = isChecked ? '' : '  // Zod cannot check this schema: any object passes.\n';
    const type = `z.ZodType<Events[${JSON.stringify(name)}]>`;
    return `${note}  ${JSON.stringify(name)}: z.fromJSONSchema(${given}) as unknown as ${type},\n`;
  });
  const schemas = `\n/** By event type. */\nexport const schemas = {\n${lines.join('')}};\n`;
  return { code: HEAD + code + schemas, untyped: [...new Set([...untyped, ...unchecked])] };
}

function isKnownToZod(schema: JsonObject): boolean {
  try {
    z.fromJSONSchema(schema as never);
    return true;
  } catch {
    return false;
  }
}
