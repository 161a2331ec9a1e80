import type { JsonObject } from './json.ts';

export const DEFINITION_STATUSES = ['DISCOVERED', 'ACTIVE', 'DEPRECATED', 'BLOCKED'] as const;
/** DISCOVERED was seen before anyone defined it. */
export type EventDefinitionStatus = (typeof DEFINITION_STATUSES)[number];

export const VALIDATION_MODES = ['OFF', 'WARN', 'QUARANTINE', 'REJECT'] as const;
export type ValidationMode = (typeof VALIDATION_MODES)[number];

export const SCHEMA_COMPATIBILITIES = ['NONE', 'BACKWARD', 'FORWARD', 'FULL'] as const;
/** What a change of the schema must keep: see docs/payload-schemas.md. */
export type SchemaCompatibility = (typeof SCHEMA_COMPATIBILITIES)[number];

/** A version of a definition's schema. */
export interface SchemaVersion {
  readonly workspaceId: number;
  readonly definitionId: number;
  readonly version: number;
  /** Events after this position, up to the next version, were recorded under it. */
  readonly afterPosition: number;
  readonly payloadSchema: JsonObject | null;
  readonly createdAt: Date;
  /** The id of the key that made it. Null: not known. */
  readonly createdBy: number | null;
}

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
  readonly compatibility: SchemaCompatibility;
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
