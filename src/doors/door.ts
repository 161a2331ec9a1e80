/**
 * A door is a foreign API, spoken as its vendor's clients speak it: a table of routes, each with
 * the pure functions that translate its requests and answers. What all doors share is here; a
 * door never writes SQL, and records and reads through the same services as GraphQL.
 *
 * `src/doors/<name>/` holds `wire.ts` (the vendor's types, in zod), `translate.ts` (pure, both
 * ways) and `door.ts`, whose factory is listed in `src/doors/index.ts`. A route is written as
 *
 *     { method: 'GET', path: '/v1/things/:id', scope: 'EVENTS_READ', handle: readThing }
 *
 * and translates only: `gateway/door-handler.ts` has found it, authenticated the key, checked the scope
 * and read the body within the limit before `handle` is called. HEAD runs the route of GET,
 * OPTIONS is answered from the table, and whatever is thrown, on the way in or by `handle`, comes
 * out through `encodeError` in the vendor's shape: a GatewayError as it is, anything else logged
 * and masked as INTERNAL_SERVER_ERROR. `Allow` and `Retry-After` are added by themselves.
 */
import type { AggregateReader } from '../core/aggregate.ts';
import type { GatewayError } from '../core/errors.ts';
import type { Door as DoorName, EventInput, Receipt } from '../core/event.ts';
import type { Actor, Principal, Scope } from '../core/principal.ts';
import type { Workspace } from '../core/workspace.ts';
import type { DefinitionReader } from '../read/definitions.ts';
import type { EventReader } from '../read/event-reader.ts';
import type { EventStatistics } from '../read/event-statistics.ts';
import type { WorkspaceReader } from '../read/workspaces.ts';
import type { NotesOf } from '../record/door-notes.ts';
import type { QuarantineItem } from '../record/quarantine.ts';
import type { KeyAdmin } from '../security/keys.ts';
import type { WorkspaceAdmin } from '../security/workspace-admin.ts';
import type { Redaction } from '../upkeep/redact.ts';

/** Names the workspace at each door, where a path or body of the vendor's does not. */
export const WORKSPACE_PARAMETER = 'workspace';

/** A request to a door. */
export interface DoorRequest {
  readonly method: string;
  /** Without the query and without a slash at its end, percent-encoded as it came. */
  readonly path: string;
  /** The segments that the route names, decoded after splitting. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Names of the headers that came more than once: one of their values stands in `headers`, or all. */
  repeatedHeaders(): string[];
  /** The scheme and host that the client reached the gateway by; empty where it names no host. */
  readonly origin: string;
  /** In the answer's `x-request-id` and in the log. */
  readonly requestId: string;
  /** Inflated; empty until the credential has passed. */
  readonly body: Buffer;
  /** The body as JSON, or what the door has made of it. @throws GatewayError BAD_REQUEST */
  json(made?: Uint8Array): unknown;
}

export interface DoorAnswer {
  readonly status: number;
  /** `content-type` is `application/json` where a body comes without. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Absent: no body. */
  readonly body?: string | Buffer | AsyncIterable<string>;
}

/** What a route may use. */
export interface DoorContext {
  readonly principal: Principal;
  /**
   * By slug, else the one that `?workspace=` names, else the key's own, else the only one there is.
   * @throws GatewayError BAD_REQUEST, FORBIDDEN, NOT_FOUND, WORKSPACE_REQUIRED
   */
  access(slug: string | null, scope: Scope): Promise<Workspace>;
  /** See also `recordTogether` and `recordEach` in `record.ts`. @throws as RecordEvents */
  record(
    workspace: Workspace,
    events: readonly EventInput[],
    atomic: boolean,
  ): Promise<readonly Receipt[]>;
  /** Into quarantine, with their problems. @throws GatewayError SERVICE_UNAVAILABLE */
  keepAside(workspace: Workspace, items: readonly QuarantineItem[]): Promise<void>;
  readonly services: DoorServices;
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

/** Grows with what doors need; the composition root fills it in. */
export interface DoorServices {
  /** Of the database: cursors carry it. */
  readonly epoch: string;
  readonly events: EventReader;
  readonly statistics: EventStatistics;
  readonly definitions: DefinitionReader;
  readonly aggregates: AggregateReader;
  readonly workspaces: WorkspaceReader;
  readonly workspaceAdmin: WorkspaceAdmin;
  readonly keyAdmin: KeyAdmin;
  readonly notesOf: NotesOf;
  /** Of access tokens: the same in every gateway on one database, 32 bytes. */
  readonly sealingKey: Buffer;
  /** How many events were emptied. */
  redact(workspaceId: number, redaction: Redaction, actor: Actor): Promise<number>;
}

export interface DoorRoute {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Such as /v1/workspace/:workspaceId/events; a literal segment wins over a named one. */
  readonly path: string;
  /** Null where what is sent decides: the handler asks for the scope itself. */
  readonly scope: Scope | null;
  handle(request: DoorRequest, context: DoorContext): Promise<DoorAnswer>;
}

export interface Door {
  readonly name: DoorName | 'GENESYS';
  /**
   * Paths that are the door's, also where no route answers: its 404 and 405 have its shape. Two doors
   * may share a path where a header tells them apart.
   */
  owns(path: string, headers?: DoorRequest['headers']): boolean;
  readonly routes: readonly DoorRoute[];
  /** The secret that a request carries in the vendor's place, or null, which is UNAUTHENTICATED. */
  credential(request: DoorRequest): string | null;
  /**
   * The secret in the body of a request that carries none in the vendor's other place, or null. Such a
   * body is read before its sender is known: it has at most `LIMITS.strangerBodyBytesMax` bytes.
   * @throws GatewayError for a body that can't be read
   */
  keyInBody?(request: DoorRequest): string | null;
  /** The encoding of a body, where the vendor's clients tell it by no Content-Encoding. */
  encodingOf?(request: DoorRequest): string | undefined;
  /** For the answer to OPTIONS, beside `Allow`. */
  optionsHeaders?(request: DoorRequest): Readonly<Record<string, string>>;
  /** The vendor's status and body for what went wrong. */
  encodeError(error: GatewayError, request: DoorRequest): DoorAnswer;
}
