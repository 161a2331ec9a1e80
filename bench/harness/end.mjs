/** What was started is stopped: by its own hand, or when the benchmark is cut off. */
const pending = new Set();

/** Returns a function that runs `stop` once; what nobody has called by the end is run then. */
export function onEnd(stop) {
  const once = async () => {
    if (pending.delete(once)) await stop();
  };
  pending.add(once);
  return once;
}

export async function endAll() {
  for (const stop of [...pending].reverse()) await stop().catch(error => console.error(error));
}
