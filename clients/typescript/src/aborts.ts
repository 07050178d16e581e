/** Who is told when a signal is aborted. */
const told = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Calls `heard` when the signal is aborted; what it gives takes that back. However many wait for one signal, it has one
 * listener of this client: Node warns of a leak where there are more than ten, and an app may give the same signal to
 * each of a thousand calls.
 */
export function whenAborted(signal: AbortSignal | undefined, heard: () => void): () => void {
  if (signal === undefined) {
    return () => undefined;
  }
  const waiting = told.get(signal) ?? listenTo(signal);
  // Two that wait by the same function are two.
  const each = (): void => {
    heard();
  };
  waiting.add(each);
  return () => {
    waiting.delete(each);
  };
}

function listenTo(signal: AbortSignal): Set<() => void> {
  const waiting = new Set<() => void>();
  told.set(signal, waiting);
  signal.addEventListener(
    "abort",
    () => {
      told.delete(signal);
      for (const heard of waiting) {
        heard();
      }
    },
    { once: true },
  );
  return waiting;
}
