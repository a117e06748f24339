// What went wrong on the other side: a code that the interface has words for, and the whole message for those who can read it.
export class PlatformError extends Error {
  override name = 'PlatformError'
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message)
  }
}

// Errors come over the bridge as text, "code: message".
export function platformError(raw: unknown): PlatformError {
  if (raw instanceof PlatformError) return raw
  const text = raw instanceof Error ? raw.message : String(raw)
  const [, code, message] = /^([a-z][a-z-]*): ([\s\S]*)$/.exec(text) ?? []
  return new PlatformError(code ?? 'internal', message ?? text)
}
