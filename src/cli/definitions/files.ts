/**
 * Definitions as files: one for each event type, in YAML or JSON. A file says what its definition
 * is; what it leaves out is the default. Comments in a YAML file stay when it is written again.
 */
import { mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isMap, parseDocument, stringify, type Document } from 'yaml';
import { SCHEMA_COMPATIBILITIES } from '../../core/definition.ts';
import type { Json, JsonObject } from '../../core/json.ts';
import { UsageError } from '../errors.ts';
import { textIn } from '../import/encoding.ts';
import { suggestion } from '../similar-names.ts';
import { DEFAULTS, FIELDS, MODES, STATUSES, type Definition } from './definition.ts';

export type FileFormat = 'yaml' | 'json';

export interface DefinitionFile {
  readonly path: string;
  readonly definition: Definition;
}

const NAME = /\.(ya?ml|json)$/i;
const FILE_BYTES_MAX = 1_048_576;
/** Aliases of YAML may stand for so many values: more are an attack. */
const ALIASES_MAX = 100;

/**
 * The files of a folder, by the name of the event type.
 * @throws UsageError for a folder or file that cannot be read, or that says what no definition has
 */
export function readFiles(folder: string): Map<string, DefinitionFile> {
  const found = new Map<string, DefinitionFile>();
  for (const name of namesIn(folder)) {
    const path = join(folder, name);
    const definition = definitionIn(path, textIn(path));
    const other = found.get(definition.name);
    if (other !== undefined) {
      const type = JSON.stringify(definition.name);
      throw new UsageError(`${path} and ${other.path} both define ${type}. Remove one of them.`);
    }
    found.set(definition.name, { path, definition });
  }
  return found;
}

function namesIn(folder: string): string[] {
  let names: string[];
  try {
    names = readdirSync(folder).filter(name => NAME.test(name));
  } catch (error) {
    const { code = 'an error' } = error as NodeJS.ErrnoException;
    throw new UsageError(`${folder} expects to be a folder with definitions (${code}).`);
  }
  for (const name of names) {
    const { size } = statSync(join(folder, name));
    if (size <= FILE_BYTES_MAX) continue;
    throw new UsageError(
      `${join(folder, name)} has ${size} bytes: at most ${FILE_BYTES_MAX} are read.`,
    );
  }
  return names.sort();
}

/** JSON is YAML. */
function parse(path: string, text: string): Document {
  const document = parseDocument(text, { prettyErrors: true });
  const [fault] = document.errors;
  if (fault === undefined) return document;
  throw new UsageError(`${path}: ${fault.message.split('\n')[0]?.replace(/:$/, '')}.`);
}

function definitionIn(path: string, text: string): Definition {
  const document = parse(path, text);
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: ALIASES_MAX });
  } catch (error) {
    throw new UsageError(`${path}: ${(error as Error).message}`);
  }
  if (!isMap(document.contents)) throw new UsageError(`${path} expects fields, such as name.`);
  return checked(path, value as Record<string, unknown>);
}

function checked(path: string, given: Record<string, unknown>): Definition {
  for (const key of Object.keys(given)) {
    if (key === 'name' || FIELDS.includes(key as never)) continue;
    const near = suggestion(key, ['name', ...FIELDS]) || '.';
    throw new UsageError(`${path}: ${JSON.stringify(key)} is not a field of a definition${near}`);
  }
  const read = reader(path, given);
  return {
    name: read('name', undefined, 'the name of an event type', isText),
    title: read('title', null, 'a text', isText),
    description: read('description', null, 'a text', isText),
    category: read('category', null, 'a text', isText),
    status: read('status', DEFAULTS.status, STATUSES.join(', '), isOneOf(STATUSES)),
    validation: read('validation', DEFAULTS.validation, MODES.join(', '), isOneOf(MODES)),
    compatibility: read(
      'compatibility',
      DEFAULTS.compatibility,
      SCHEMA_COMPATIBILITIES.join(', '),
      isOneOf(SCHEMA_COMPATIBILITIES),
    ),
    measures: read('measures', DEFAULTS.measures, 'a list of texts', isTexts),
    payloadSchema: read('payloadSchema', null, 'a JSON Schema as an object', isJsonObject),
  };
}

function reader(path: string, given: Record<string, unknown>) {
  return <T, D>(
    field: string,
    preset: D,
    expected: string,
    isOne: (value: unknown) => value is T,
  ): T | Exclude<D, undefined> => {
    const value = given[field] ?? preset;
    if (value === preset && preset !== undefined) return preset as Exclude<D, undefined>;
    if (isOne(value)) return value;
    const came = value === undefined ? 'nothing' : JSON.stringify(value)?.slice(0, 80);
    throw new UsageError(`${path}: ${field} expects ${expected}, got ${came}.`);
  };
}

const isText = (value: unknown): value is string => typeof value === 'string';
const isTexts = (value: unknown): value is string[] => Array.isArray(value) && value.every(isText);
const isOneOf =
  (names: readonly string[]) =>
  (value: unknown): value is string =>
    isText(value) && names.includes(value);

function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && !Array.isArray(value) && isJson(value);
}

/** YAML also has dates, binary data and keys that are no texts. */
function isJson(value: unknown): value is Json {
  if (value === null || isText(value) || typeof value === 'boolean') return true;
  if (typeof value === 'number') return Number.isFinite(value);
  if (typeof value !== 'object') return false;
  if (Array.isArray(value)) return value.every(isJson);
  return Object.getPrototypeOf(value) === Object.prototype && Object.values(value).every(isJson);
}

/** What a file says: its name, and what is not the default. */
function said(definition: Definition): Record<string, unknown> {
  const fields = FIELDS.filter(
    field => JSON.stringify(definition[field]) !== JSON.stringify(DEFAULTS[field]),
  );
  return Object.fromEntries(['name' as const, ...fields].map(field => [field, definition[field]]));
}

/** The text of a new file. */
function textOf(definition: Definition, format: FileFormat): string {
  const value = said(definition);
  return format === 'json' ? `${JSON.stringify(value, null, 2)}\n` : stringify(value);
}

/** The text of a file that is there, with what has changed. */
function changedText(path: string, definition: Definition): string {
  if (path.toLowerCase().endsWith('.json')) return textOf(definition, 'json');
  const document = parse(path, textIn(path));
  const before = document.toJS() as Record<string, unknown>;
  const value = said(definition);
  for (const field of FIELDS) {
    if (JSON.stringify(before[field]) === JSON.stringify(value[field])) continue;
    if (field in value) document.set(field, document.createNode(value[field]));
    else document.delete(field);
  }
  return String(document);
}

/** Writes a definition over its file, or into a new one; returns its path. */
export function writeFile(
  folder: string,
  definition: Definition,
  { format, files }: { format: FileFormat; files: ReadonlyMap<string, DefinitionFile> },
): string {
  const known = files.get(definition.name);
  if (known !== undefined) {
    writeFileSync(known.path, changedText(known.path, definition));
    return known.path;
  }
  mkdirSync(folder, { recursive: true });
  const path = join(folder, newName(folder, definition.name, format));
  writeFileSync(path, textOf(definition, format), { flag: 'wx' });
  return path;
}

export function removeFile({ path }: DefinitionFile): void {
  rmSync(path);
}

const NAME_LENGTH_MAX = 100;

/** Readable, safe in every file system, and not taken: some do not tell `A` from `a`. */
function newName(folder: string, type: string, format: FileFormat): string {
  const safe = encodeURIComponent(type)
    .replace(/[*'()!~]/g, '_')
    .replace(/^\./, '_')
    .slice(0, NAME_LENGTH_MAX);
  const taken = new Set(readdirSync(folder).map(name => name.toLowerCase()));
  for (let n = 1; ; n++) {
    const name = `${safe}${n === 1 ? '' : `-${n}`}.${format}`;
    if (!taken.has(name.toLowerCase())) return name;
  }
}
