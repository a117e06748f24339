// The recorder: when the state is captured and put on disk. While work goes on, a moment after each change; at once when the window is hidden
// or loses the focus, or when somebody asks. Closed, it records nothing unasked: during a restore, and in a successor that is not in charge.
export const captureAfter = 400 // milliseconds after the last change
export const captureWithin = 2000 // and no later than this after the first one

export interface Recorder {
  soon(): void
  now(reason: string, id?: string): Promise<void> // resolves when it is durable, or has failed
  open(): void
  close(): void
}

interface Options {
  take(): string // captures and encodes the state of this moment
  put(json: string, reason: string, id: string): Promise<void>
  failed(err: unknown): void
}

export function recorder({ take, put, failed }: Options): Recorder {
  let open = false
  let timer: ReturnType<typeof setTimeout> | undefined
  let first = 0

  function stop(): void {
    clearTimeout(timer)
    timer = undefined
    first = 0
  }

  async function now(reason: string, id = ''): Promise<void> {
    if (!open && id === '') return
    stop()
    let text = '' // whoever asked is answered, with nothing when nothing could be taken: that is refused as a failed capture
    try {
      text = take()
    } catch (err) {
      failed(err)
      if (id === '') return
    }
    try {
      await put(text, reason, id)
    } catch (err) {
      failed(err)
    }
  }

  return {
    now,
    soon: () => {
      if (!open) return
      first ||= Date.now()
      clearTimeout(timer)
      timer = setTimeout(() => void now('work'), Math.max(0, Math.min(captureAfter, first + captureWithin - Date.now())))
    },
    open: () => {
      open = true
    },
    close: () => {
      open = false
      stop()
    },
  }
}
