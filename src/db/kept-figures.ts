/** Several metrics are read together. */
const KEPT_MS = 1_000;

/**
 * Figures of the database that are read once for all metrics that ask within a second. While they
 * can't be read they stay as they were.
 */
export function keepFigures<Figures>(
  read: () => Promise<Figures>,
  unknown: Figures,
  onError: (error: unknown) => void,
): () => Promise<Figures> {
  let last = unknown;
  let asked: Promise<Figures> | undefined;

  async function ask(): Promise<Figures> {
    try {
      last = await read();
    } catch (error) {
      onError(error);
    }
    setTimeout(() => (asked = undefined), KEPT_MS).unref();
    return last;
  }

  return () => (asked ??= ask());
}
