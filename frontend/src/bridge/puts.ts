// Snapshots on their way to the disk, strictly in order: one at a time, and of those that wait only the newest. A capture that was asked for
// by id is always answered, with the state of that moment or a later one.
export interface Put {
  json: string
  reason: string
  id: string
  seq: number // 1, 2, 3... in the order of sending
}

interface Waiting extends Omit<Put, 'seq'> {
  settled: { resolve: () => void; reject: (err: unknown) => void }[]
}

export function putQueue(send: (put: Put) => Promise<void>): (json: string, reason: string, id: string) => Promise<void> {
  const waiting: Waiting[] = []
  let seq = 0
  let sending = false

  async function drain(): Promise<void> {
    sending = true
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const { json, reason, id, settled } = next
      try {
        await send({ json, reason, id, seq: ++seq })
        for (const s of settled) s.resolve()
      } catch (err) {
        for (const s of settled) s.reject(err)
      }
    }
    sending = false
  }

  return (json, reason, id) =>
    new Promise((resolve, reject) => {
      const last = waiting.at(-1)
      if (last && (last.id === '' || id === '')) {
        Object.assign(last, { json, reason, id: id || last.id })
        last.settled.push({ resolve, reject })
      } else {
        waiting.push({ json, reason, id, settled: [{ resolve, reject }] })
      }
      if (!sending) void drain()
    })
}
