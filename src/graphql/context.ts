/** What a resolver may reach. One context is made for each operation. */
import type { AggregateReader } from '../core/aggregate.ts';
import { eventCursors, type EventCursors } from '../core/cursor.ts';
import type { StatusReader } from '../core/gateway-status.ts';
import { LIMITS } from '../core/limits.ts';
import type { Actor, Principal, Scope } from '../core/principal.ts';
import type { Workspace } from '../core/workspace.ts';
import type { DefinitionAdmin } from '../ingest/definition-admin.ts';
import type { QuarantineAdmin } from '../ingest/quarantine-admin.ts';
import type { RecordEvents } from '../ingest/record.ts';
import type { Redaction } from '../ingest/redact.ts';
import type { WorkspaceAdmin } from '../ingest/workspace-admin.ts';
import type { SchemaChecker } from '../json-schema/checker.ts';
import type { LiveAggregates } from '../live/live-aggregates.ts';
import type { Live } from '../live/live.ts';
import type { AggregateCounts } from '../read/aggregate-counts.ts';
import type { ApiKeyReader } from '../read/api-keys.ts';
import type { DefinitionReader } from '../read/definitions.ts';
import type { EventReader } from '../read/events.ts';
import type { QuarantineReader } from '../read/quarantine.ts';
import type { WorkspaceReader } from '../read/workspaces.ts';
import type { Access } from '../security/access.ts';
import type { KeyAdmin } from '../security/keys.ts';
import type { RateLimits } from '../security/rate-limits.ts';
import type { Tickets } from '../security/tickets.ts';
import { AnswerBudget } from './answer-budget.ts';
import { createLoaders, type Loaders } from './loaders.ts';

export interface Services {
  /** Of the database: cursors carry it. */
  readonly epoch: string;
  readonly events: EventReader;
  readonly definitions: DefinitionReader;
  readonly counts: Pick<AggregateCounts, 'definitionCounts'>;
  readonly workspaces: WorkspaceReader;
  readonly apiKeys: ApiKeyReader;
  readonly quarantine: QuarantineReader;
  readonly aggregates: AggregateReader;
  readonly record: RecordEvents;
  readonly schemas: SchemaChecker;
  readonly rateLimits: Pick<RateLimits, 'countEvents'>;
  readonly live: Pick<Live, 'subscribe'>;
  readonly workspaceAdmin: WorkspaceAdmin;
  readonly keyAdmin: KeyAdmin;
  readonly definitionAdmin: DefinitionAdmin;
  readonly quarantineAdmin: QuarantineAdmin;
  readonly liveAggregates: LiveAggregates;
  readonly status: StatusReader;
  /** How many events were emptied. */
  redact(workspaceId: number, redaction: Redaction, actor: Actor): Promise<number>;
  readonly createStreamTicket: Tickets['create'];
}

export interface GraphQLContext {
  readonly principal: Principal | null;
  /**
   * The workspace that is meant: by its slug, else the key's own, else the only one. Every read and
   * write passes it.
   * @throws GatewayError UNAUTHENTICATED, FORBIDDEN without the scope, NOT_FOUND, WORKSPACE_REQUIRED
   */
  access(slug: string | null | undefined, scope: Scope): Promise<Workspace>;
  readonly services: Services;
  readonly loaders: Loaders;
  /** Of this execution: a step of a stream has its own. */
  readonly answer: AnswerBudget;
  /** Where an EventSource that connects again left off. */
  readonly lastEventId: string | null;
  /** How events come in that this operation records. */
  readonly door: 'GRAPHQL' | 'IMPORT';
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

/** Who waits for an operation. */
interface Waiting {
  readonly signal: AbortSignal;
  readonly lastEventId?: string | null;
}

interface ContextOptions {
  readonly principal: Principal | null;
  readonly access: Access;
  readonly services: Services;
  readonly call: Waiting;
  readonly door?: GraphQLContext['door'];
}

export function createContext(options: ContextOptions): GraphQLContext {
  return new OperationContext(options, new AnswerBudget(LIMITS.answerBytesMax));
}

type Own = Partial<Pick<GraphQLContext, 'answer' | 'loaders' | 'signal'>>;

/** The same context but for some members. */
export function deriveContext(context: GraphQLContext, own: Own): GraphQLContext {
  return (context as OperationContext).with(own);
}

/** Loaders and signal are made on first use: recording, which there is most of, uses neither. */
class OperationContext implements GraphQLContext {
  readonly principal: Principal | null;
  readonly services: Services;
  readonly access: GraphQLContext['access'];
  readonly door: GraphQLContext['door'];
  readonly answer: AnswerBudget;
  readonly #options: ContextOptions;
  readonly #call: Waiting;
  /** Shared by the contexts that are derived from one. */
  readonly #loading: { loaders: Loaders | undefined };

  constructor(
    options: ContextOptions,
    answer: AnswerBudget,
    call: Waiting = options.call,
    loading: { loaders: Loaders | undefined } = { loaders: undefined },
  ) {
    const { principal, services, access, door = 'GRAPHQL' } = options;
    this.principal = principal;
    this.services = services;
    this.access = (slug, scope) => access(principal, slug, scope);
    this.door = door;
    this.answer = answer;
    this.#options = options;
    this.#call = call;
    this.#loading = loading;
  }

  get loaders(): Loaders {
    return (this.#loading.loaders ??= createLoaders(this.services));
  }

  get signal(): AbortSignal {
    return this.#call.signal;
  }

  get lastEventId(): string | null {
    return this.#call.lastEventId ?? null;
  }

  with({ answer = this.answer, loaders, signal }: Own): GraphQLContext {
    const call = signal === undefined ? this.#call : { signal, lastEventId: this.lastEventId };
    const loading = loaders === undefined ? this.#loading : { loaders };
    return new OperationContext(this.#options, answer, call, loading);
  }
}

export function cursorsOf({ services }: GraphQLContext, workspaceId: number): EventCursors {
  return eventCursors(services.epoch, workspaceId);
}
