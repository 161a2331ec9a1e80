/** What somebody makes of a definition, before it is saved. */
import type { DefineInput, Definition } from './documents.ts';
import { readJson } from './json-text.ts';

/** As the fields hold it. */
export interface Draft {
  readonly title: string;
  readonly description: string;
  readonly category: string;
  readonly status: Definition['status'];
  readonly validation: Definition['validation'];
  readonly compatibility: Definition['compatibility'];
  /** Names with commas between them. */
  readonly measures: string;
  /** JSON; empty for no schema. */
  readonly schema: string;
}

type Changes = Omit<DefineInput, 'workspace' | 'name'>;

/** What each field is called, for people. */
export const FIELD_NAMES: Readonly<Record<keyof Draft, string>> = {
  title: 'title',
  description: 'description',
  category: 'category',
  status: 'status',
  validation: 'what becomes of others',
  compatibility: 'what a change of the schema must keep',
  measures: 'numbers',
  schema: 'schema',
};

export function draftOf(definition: Definition): Draft {
  const { title, description, category, measures, payloadSchema } = definition;
  const { status, validation, compatibility } = definition;
  return {
    status,
    validation,
    compatibility,
    title: title ?? '',
    description: description ?? '',
    category: category ?? '',
    measures: measures.join(', '),
    schema: payloadSchema === null ? '' : JSON.stringify(payloadSchema, null, 2),
  };
}

export type FieldName = keyof Draft;

/** Fields in which two differ; how a schema is laid out makes no difference. */
export function differencesOf(one: Draft, other: Draft): readonly FieldName[] {
  return (Object.keys(one) as FieldName[]).filter(field =>
    field === 'schema'
      ? printed(one.schema) !== printed(other.schema)
      : one[field].trim() !== other[field].trim(),
  );
}

/** Another draft with what was changed in this one since it was begun. */
export function rebased(draft: Draft, before: Draft, onto: Draft): Draft {
  const changed = differencesOf(draft, before).map(field => [field, draft[field]]);
  return { ...onto, ...(Object.fromEntries(changed) as Partial<Draft>) };
}

function printed(schema: string): string {
  return JSON.stringify(readJson(schema).value) ?? schema.trim();
}

/** What is sent of a draft: the fields that were changed alone, so that no other is overwritten. */
export function changesOf(draft: Draft, fields: readonly FieldName[]): Changes {
  const all: Readonly<Record<FieldName, Changes>> = {
    title: { title: draft.title.trim() || null },
    description: { description: draft.description.trim() || null },
    category: { category: draft.category.trim() || null },
    status: { status: draft.status },
    validation: { validation: draft.validation },
    compatibility: { compatibility: draft.compatibility },
    measures: { measures: namesIn(draft.measures) },
    schema: { payloadSchema: schemaOf(draft.schema) },
  };
  return Object.assign({}, ...fields.map(field => all[field])) as Changes;
}

/** The schema that is typed; null for none. Only for text without a fault. */
export function schemaOf(text: string): Record<string, unknown> | null {
  return text.trim() === '' ? null : (readJson(text).value as Record<string, unknown>);
}

function namesIn(text: string): string[] {
  return text
    .split(',')
    .map(name => name.trim())
    .filter(name => name !== '');
}

export interface SchemaFault {
  readonly message: string;
  readonly at: number;
  readonly line: number;
  readonly column: number;
}

/** Why the text is no JSON object; null where it is one, or nothing. */
export function faultOf(text: string): SchemaFault | null {
  if (text.trim() === '') return null;
  const { value, fault } = readJson(text);
  if (fault) return { ...fault, message: `Expected ${fault.expected}` };
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  const message = 'Expected an object, such as {"type": "object"}';
  return isObject ? null : { message, at: 0, line: 1, column: 1 };
}
