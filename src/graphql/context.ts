/** What a resolver may reach. One context is made for each operation. */
import { eventCursors, type EventCursors } from '../core/cursor.ts';
import { LIMITS } from '../core/limits.ts';
import type { Principal, Scope } from '../core/principal.ts';
import type { Workspace } from '../core/workspace.ts';
import type { Access } from '../security/access.ts';
import { AnswerBudget } from './answer-budget.ts';
import { createLoaders, type Loaders } from './loaders.ts';
import type { Services } from './services.ts';

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
  /** From now on the operation waits: others may have its place in work. */
  leaveWork(): void;
}

/** Who waits for an operation. */
interface Waiting {
  readonly signal: AbortSignal;
  readonly lastEventId?: string | null;
  readonly work?: { end(): void } | undefined;
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

  leaveWork(): void {
    this.#call.work?.end();
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
