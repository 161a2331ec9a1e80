/** The vendor's types: https://developer.genesys.cloud/devapps/sdk/docexplorer (Usage API). */
import { z } from 'zod';

export const EventQueryRequest = z.object({
  /** ISO-8601 `start/end`. */
  interval: z.string(),
  /** Absent or empty: all. */
  eventDefinitionIds: z.array(z.string()).nullish(),
  searchTerm: z.string().nullish(),
  sortOrder: z.enum(['ASC', 'DESC']).nullish(),
});
export type EventQueryRequest = z.infer<typeof EventQueryRequest>;

export const EventAggregatesQueryRequest = z.object({ interval: z.string() });

export interface EventDefinitionEntity {
  readonly id: string;
  readonly name: string;
  readonly description: string;
}

export interface Reference {
  readonly id: string;
  readonly selfUri: string;
}

/** Every field is optional for the vendor; those without a value are left out. */
export interface OperationalEvent extends Partial<Record<PayloadField, string>> {
  readonly eventDefinition: Reference;
  readonly entityId?: string;
  readonly entityName?: string;
  readonly parentEntityId?: string;
  readonly entityModifiedBy?: string;
  readonly conversation?: Reference;
  readonly dateCreated: string;
  readonly dateModified?: string;
}

/** Fields of an operational event that the envelope has no place for. */
export const PAYLOAD_FIELDS = [
  'previousValue',
  'currentValue',
  'errorCode',
  'entityToken',
  'entityVersion',
  'phoneNumber',
  'externalContactId',
] as const;
type PayloadField = (typeof PAYLOAD_FIELDS)[number];

export interface EventQueryResponse {
  readonly entities: readonly OperationalEvent[];
  readonly selfUri: string;
  readonly nextUri?: string;
  readonly previousUri?: string;
}

export interface EventAggregatesResponse {
  readonly interval: string;
  readonly eventDefinitionAggregates: readonly {
    readonly eventDefinition: Reference;
    readonly eventCount: number;
  }[];
}

export interface ErrorDetail {
  readonly errorCode: string;
  readonly fieldName: string;
}

export interface ErrorBody {
  readonly message: string;
  readonly code: string;
  readonly status: number;
  readonly messageWithParams: string;
  readonly messageParams: Readonly<Record<string, string>>;
  readonly contextId: string;
  readonly details: readonly ErrorDetail[];
  readonly errors: readonly ErrorBody[];
}
