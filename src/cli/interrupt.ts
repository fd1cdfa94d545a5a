/** Ctrl-C as the way to end a follow. */
export function untilInterrupted(): AbortSignal {
  const interrupt = new AbortController()
  process.once('SIGINT', () => interrupt.abort())
  return interrupt.signal
}
