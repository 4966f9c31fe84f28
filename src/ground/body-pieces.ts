/** A body's bytes as they come. */

/**
 * The pieces of what `fetch` answered, until the body or `signal` ends it; its connection is closed then. The signal that
 * `fetch` was given does not end it for sure: in Node 20 and 22 a request with `redirect: 'error'` forgets it when garbage is
 * collected after the answer (findings/fetch-forgets-its-signal.sh). So the body is ended here.
 * @throws the signal's reason; what the body throws
 */
export function bodyPieces(
  body: ReadableStream<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, void> {
  const reader = body.getReader();
  const end = (): void => void reader.cancel(signal.reason).catch(() => undefined);
  // At once, since nobody may ever ask for a piece.
  signal.addEventListener('abort', end, { once: true });
  if (signal.aborted) end();
  async function* pieces(): AsyncGenerator<Uint8Array, void, void> {
    try {
      for (;;) {
        const { done, value } = await reader.read();
        signal.throwIfAborted();
        if (done) return;
        yield value;
      }
    } finally {
      signal.removeEventListener('abort', end);
      end();
    }
  }
  return pieces();
}
