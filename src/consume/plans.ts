import type { ConsumerPlan } from '../core/consumer.ts';
import { GatewayError } from '../core/errors.ts';

export function consumerNotFound(name: string): GatewayError {
  const shown = JSON.stringify(name.slice(0, 100).toWellFormed());
  return new GatewayError('NOT_FOUND', `There is no consumer ${shown} in this workspace.`);
}

const PLANS_MAX = 10_000;

/**
 * What consumers are like, by workspace and name. What is kept may be out of date: a statement says
 * so, and then it is read again.
 */
export class Plans {
  readonly #read: (workspaceId: number, name: string) => Promise<ConsumerPlan | null>;
  readonly #kept = new Map<string, ConsumerPlan>();

  constructor(read: (workspaceId: number, name: string) => Promise<ConsumerPlan | null>) {
    this.#read = read;
  }

  /** @throws GatewayError NOT_FOUND */
  async find(workspaceId: number, name: string, isFresh = false): Promise<ConsumerPlan> {
    const key = `${workspaceId} ${name}`;
    const known = this.#kept.get(key);
    if (known !== undefined && !isFresh) return known;
    const found = await this.#read(workspaceId, name);
    if (this.#kept.size >= PLANS_MAX) this.#kept.clear();
    if (found === null) this.#kept.delete(key);
    else this.#kept.set(key, found);
    if (found === null) throw consumerNotFound(name);
    return found;
  }
}
