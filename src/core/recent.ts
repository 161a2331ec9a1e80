/** Values that were made lately: the oldest leave when those that are kept weigh too much. */
export class Recent<Key, Value> {
  readonly #weightMax: number;
  readonly #kept = new Map<Key, { readonly value: Value; readonly weight: number }>();
  #weight = 0;

  constructor(weightMax: number) {
    this.#weightMax = weightMax;
  }

  get(key: Key): Value | undefined {
    return this.#kept.get(key)?.value;
  }

  /** The newest is kept whatever it weighs. */
  set(key: Key, value: Value, weight: number): Value {
    this.#drop(key);
    this.#kept.set(key, { value, weight });
    this.#weight += weight;
    for (const oldest of this.#kept.keys()) {
      if (this.#weight <= this.#weightMax || oldest === key) break;
      this.#drop(oldest);
    }
    return value;
  }

  clear(): void {
    this.#kept.clear();
    this.#weight = 0;
  }

  #drop(key: Key): void {
    const known = this.#kept.get(key);
    if (known === undefined) return;
    this.#kept.delete(key);
    this.#weight -= known.weight;
  }
}
