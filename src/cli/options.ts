/** Options that several commands share, and how their values are read. */
import { InvalidArgumentError, Option, type Command } from 'commander';
import type { EventFilter } from '../client/index.ts';
import { JsonText } from '../client/json.ts';
import { parseDateTime } from '../core/date-time.ts';
import { isTimeZone, readInstant } from './instant.ts';

export const JSON_LINES = 'print JSON lines on a terminal too, as into a pipe';

export interface ConnectionOptions {
  readonly url?: string;
  readonly key?: string;
  readonly keyFile?: string;
  readonly profile?: string;
  readonly workspace?: string;
}

export interface FilterOptions {
  readonly type?: readonly string[];
  readonly typePrefix?: string;
  readonly source?: readonly string[];
  readonly subject?: readonly string[];
  readonly actor?: readonly string[];
  readonly search?: string;
  readonly filter?: JsonText;
}

export function withConnection(command: Command): Command {
  return command
    .option('--url <url>', 'the gateway (default: SLUICE_URL, or the one of this folder)')
    .option('--key <key>', 'the key (default: SLUICE_KEY, or the one in the data folder)')
    .addOption(
      new Option(
        '--key-file <file>',
        'a file that holds the key, which hides it from ps',
      ).conflicts('key'),
    )
    .option('--profile <name>', 'address and key of this login (default: SLUICE_PROFILE)');
}

export function withWorkspace(command: Command): Command {
  return command.option(
    '-w, --workspace <slug>',
    'the workspace (default: that of the key, or the only one)',
  );
}

export function withFilter(command: Command): Command {
  return command
    .option('--type <name>', 'only events of this type (repeatable)', collected)
    .option('--type-prefix <text>', 'only events whose type begins with this text')
    .option('--source <name>', 'only events from this source (repeatable)', collected)
    .option('--subject <name>', 'only events about this subject (repeatable)', collected)
    .option('--actor <name>', 'only events by this actor (repeatable)', collected)
    .option('--search <words>', 'only events that contain these words')
    .option('--filter <json>', 'any other condition, as an EventFilter of the API', filterText);
}

/** All that is given must hold. */
export function filterOf(options: FilterOptions): EventFilter | undefined {
  const { type, typePrefix, source, subject, actor, search, filter } = options;
  const named = {
    ...(type && { types: type }),
    ...(typePrefix !== undefined && { typePrefix }),
    ...(source && { sources: source }),
    ...(subject && { subjects: subject }),
    ...(actor && { actors: actor }),
    ...(search !== undefined && { search }),
  };
  if (filter === undefined) return Object.keys(named).length === 0 ? undefined : named;
  return { and: [named, filter as EventFilter] };
}

/** As it is written: its numbers keep every digit. */
function filterText(text: string): JsonText {
  return new JsonText(jsonObjectText(text));
}

export function collected(value: string, all: readonly string[] | undefined): string[] {
  return [...(all ?? []), value];
}

/** A parser of whole numbers within bounds. */
export function whole(min: number, max = Number.MAX_SAFE_INTEGER) {
  return (text: string): number => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= min && value <= max) return value;
    const bounds = max === Number.MAX_SAFE_INTEGER ? `from ${min}` : `from ${min} to ${max}`;
    throw new InvalidArgumentError(`Expected a whole number ${bounds}.`);
  };
}

export function jsonObject(text: string): Record<string, never> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return value as Record<string, never>;
    }
  } catch {
    // Said below.
  }
  throw new InvalidArgumentError('Expected a JSON object, such as \'{"plan":"pro"}\'.');
}

/** The same, as it is written: no number in it is rounded. */
export function jsonObjectText(text: string): string {
  jsonObject(text);
  return text.trim();
}

/** Instants as `readInstant` takes them; a day alone is its midnight in UTC. */
export function instant(text: string): string {
  const isDay = /^\d{4}-\d\d-\d\d$/.test(text);
  const read = readInstant(text, isDay ? 'UTC' : null);
  if (typeof read === 'object') return (parseDateTime(read.rfc3339) as Date).toISOString();
  throw new InvalidArgumentError(
    'Expected an instant, such as 2026-02-28 or 2026-02-28T12:00:00Z.',
  );
}

export function timeZone(name: string): string {
  if (isTimeZone(name)) return name;
  throw new InvalidArgumentError('Expected a time zone, such as Europe/Vienna, UTC or +02:00.');
}

const UNIT_S = { s: 1, m: 60, h: 3_600, d: 86_400, w: 604_800 } as const;

/** `90s`, `15m`, `24h`, `7d`, `2w` or ISO 8601 → ISO 8601. */
export function duration(text: string): string {
  if (/^P(?=.)(\d+W)?(\d+D)?(T(?=.)(\d+H)?(\d+M)?(\d+S)?)?$/i.test(text)) return text.toUpperCase();
  const [, count, unit] = /^(\d+)([smhdw])$/.exec(text) ?? [];
  if (count === undefined || Number(count) === 0) {
    throw new InvalidArgumentError('Expected a length of time, such as 15m, 24h, 7d or PT15M.');
  }
  return `PT${Number(count) * UNIT_S[unit as keyof typeof UNIT_S]}S`;
}

/** Appends examples to a command's help. */
export function withExamples(command: Command, ...examples: readonly string[]): Command {
  const lines = examples.map(example => `  ${example}`);
  const heading = examples.length === 1 ? 'Example:' : 'Examples:';
  return command.addHelpText('after', `\n${heading}\n${lines.join('\n')}`);
}
