/**
 * An iterator whose values are made from those of another. Not a generator: one that awaits can't
 * be returned before the next value comes, so every reader that leaves would leave a stream behind.
 */
export function mapped<T, U>(
  source: AsyncIterable<T>,
  map: (value: T) => U,
  translate: (error: unknown) => unknown = error => error,
): AsyncIterableIterator<U> {
  const iterator = source[Symbol.asyncIterator]();
  const self: AsyncIterableIterator<U> = {
    [Symbol.asyncIterator]: () => self,
    async next() {
      try {
        const step = await iterator.next();
        return step.done ? { done: true, value: undefined } : { value: map(step.value) };
      } catch (error) {
        throw translate(error);
      }
    },
    async return() {
      await iterator.return?.();
      return { done: true, value: undefined };
    },
  };
  return self;
}
