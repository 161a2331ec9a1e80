/** Work in step with what is painted. */

const HIDDEN_MS = 500;

/** Runs when the next frame is painted; where nothing is painted, some time later. */
export function onNextFrame(run: () => void): void {
  if (document.visibilityState === 'visible') requestAnimationFrame(run);
  else setTimeout(run, HIDDEN_MS);
}

/** Lets the browser paint and answer its user once so much time was taken. */
export class Breather {
  /** Of a frame's 16 ms, so that painting has the rest. */
  static readonly #BUDGET_MS = 6;
  #sinceMs = performance.now();

  async breathe(): Promise<void> {
    if (performance.now() - this.#sinceMs < Breather.#BUDGET_MS) return;
    await new Promise<void>(resolve => onNextFrame(resolve));
    this.#sinceMs = performance.now();
  }
}
