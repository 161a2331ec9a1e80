/** What a tool is: a fixed GraphQL document, and how a model's words become its variables. */
import { z } from 'zod';
import type { Scope } from '../core/principal.ts';

/** `Data` is as the document asks for it. */
export interface Tool<Data = never> {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  /** A key without it does not see the tool. Access itself is the business of GraphQL. */
  readonly scope: Scope;
  readonly input: z.ZodObject;
  readonly document: string;
  readonly variables: (args: Args) => Record<string, unknown>;
  /** What the model reads of the data. @throws GatewayError */
  readonly result: (data: Data) => unknown;
}

/** As `input` has checked them. */
export type Args = Readonly<Record<string, unknown>>;

/** The arguments that tools have in common, and what of GraphQL's input they become. */
export const workspace = z
  .string()
  .optional()
  .describe('Slug of the workspace. Default: that of the key, or the only one.');
export const after = z
  .string()
  .optional()
  .describe('`nextAfter` of the previous answer, for the next items.');

export function first(byDefault: number, max: number) {
  return z.number().int().min(1).max(max).default(byDefault).describe('The maximum number.');
}

const texts = z.array(z.string()).max(100).optional();
const value = z.unknown().optional();

const payloadCondition = z
  .strictObject({
    path: z.array(z.string()).min(1).describe('Keys from the top, such as ["order", "total"].'),
    equals: value,
    notEquals: value,
    in: z.array(z.unknown()).optional(),
    greaterThan: value,
    greaterThanOrEqual: value,
    lessThan: value,
    lessThanOrEqual: value,
    contains: z.string().optional(),
    startsWith: z.string().optional(),
    exists: z.boolean().optional(),
  })
  .describe('A condition on a payload value. Numbers compare with numbers, texts with texts.');

const instant = z.string().describe('RFC 3339 with a zone, such as 2026-01-31T12:00:00Z.');
export const from = instant.optional().describe('Only events that happened then or later.');
export const to = instant.optional().describe('Only events that happened before.');

/** Which events: all that is given must hold. */
export const filterShape = {
  types: texts.describe('Event types, such as ["user.signup"]: any of them.'),
  typePrefix: z.string().optional().describe('Types that begin with this text, such as "user.".'),
  sources: texts.describe('Systems, applications or hosts that emitted them: any of these.'),
  subjects: texts.describe('What they are about: any of these.'),
  actors: texts.describe('Who did it: any of these.'),
  groupIds: texts.describe('Executions, traces or requests: any of these.'),
  success: z.boolean().optional().describe('Whether the action succeeded.'),
  search: z
    .string()
    .optional()
    .describe('Words that all occur in type, description, source, subject, actor or payload.'),
  payload: z.array(payloadCondition).max(20).optional(),
};
const FILTERS = Object.keys(filterShape);

/** The EventFilter of these. */
export function filterOf(args: Args): Record<string, unknown> {
  return Object.fromEntries(FILTERS.filter(name => name in args).map(name => [name, args[name]]));
}

/** The arguments of these names, where they were given. */
export function pick(args: Args, ...names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(names.filter(name => name in args).map(name => [name, args[name]]));
}
