import type { JsonObject } from './json.ts';

export const DEFINITION_STATUSES = ['DISCOVERED', 'ACTIVE', 'DEPRECATED', 'BLOCKED'] as const;
/** DISCOVERED was seen before anyone defined it. */
export type EventDefinitionStatus = (typeof DEFINITION_STATUSES)[number];

export const VALIDATION_MODES = ['OFF', 'WARN', 'QUARANTINE', 'REJECT'] as const;
export type ValidationMode = (typeof VALIDATION_MODES)[number];

/** What is known of a type of event in a workspace. */
export interface EventDefinition {
  readonly workspaceId: number;
  readonly id: number;
  readonly name: string;
  readonly title: string | null;
  readonly description: string | null;
  readonly category: string | null;
  readonly status: EventDefinitionStatus;
  /** JSON Schema 2020-12 of the payload. */
  readonly payloadSchema: JsonObject | null;
  readonly validation: ValidationMode;
  /** Grows by one with each change of the schema. */
  readonly version: number;
  /** Grows with each change of anything an event is validated by. */
  readonly revision: number;
  readonly measures: readonly string[];
  readonly createdAt: Date;
  readonly updatedAt: Date;
  /** These three up to the position that the rollups count. */
  readonly eventCount: number;
  readonly firstRecordedAt: Date | null;
  readonly lastRecordedAt: Date | null;
}

/** Which definitions: all that is given must hold; an empty list matches nothing. */
export interface EventDefinitionFilter {
  readonly names?: readonly string[] | null | undefined;
  readonly namePrefix?: string | null | undefined;
  readonly categories?: readonly string[] | null | undefined;
  readonly statuses?: readonly EventDefinitionStatus[] | null | undefined;
  /** Words, each found in name, title, description or category without regard to ASCII case. */
  readonly search?: string | null | undefined;
}
