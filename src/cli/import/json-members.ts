/**
 * The members of a JSON object as they are written. What is moved from one object into another is
 * moved as text: reading and writing a number would round it to a double.
 */

/** A value, and the JSON that it was read from. */
export interface JsonValue {
  readonly value: unknown;
  readonly json: string;
}

export function jsonValue(value: unknown): JsonValue {
  return { value, json: JSON.stringify(value) };
}

/** @throws SyntaxError where the text is no JSON */
export function parseJson(text: string): JsonValue {
  return { value: JSON.parse(text) as unknown, json: text.trim() };
}

/**
 * By name; of a name that stands there twice the last value, as `JSON.parse` has it.
 *
 * @param object whose JSON `JSON.parse` takes
 */
export function membersOf({ value, json }: JsonValue): Map<string, JsonValue> {
  const members = new Map<string, JsonValue>();
  const values = value as Readonly<Record<string, unknown>>;
  let depth = 0;
  let name: string | null = null;
  let from = 0;
  for (let at = 0; at < json.length; at += 1) {
    const char = json[at];
    if (char === '"') {
      const end = endOfText(json, at);
      if (depth === 1 && name === null) name = JSON.parse(json.slice(at, end)) as string;
      at = end - 1;
      continue;
    }
    if (char === ':' && depth === 1) from = at + 1;
    const closes = char === '}' || char === ']';
    if (closes) depth -= 1;
    const endsMember = (char === ',' && depth === 1) || (closes && depth === 0);
    if (endsMember && name !== null) {
      members.set(name, { value: values[name], json: json.slice(from, at).trim() });
      name = null;
    }
    if (char === '{' || char === '[') depth += 1;
  }
  return members;
}

/** After the closing quote of the text that begins here. */
function endOfText(json: string, start: number): number {
  let at = start + 1;
  while (json[at] !== '"') at += json[at] === '\\' ? 2 : 1;
  return at + 1;
}

export function objectText(members: Iterable<readonly [string, JsonValue]>): string {
  const parts = [...members].map(([name, { json }]) => `${JSON.stringify(name)}:${json}`);
  return `{${parts.join(',')}}`;
}
