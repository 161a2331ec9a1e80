/** What a tool is: a fixed GraphQL document, and how a model's words become its variables. */
import type { z } from 'zod';
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
