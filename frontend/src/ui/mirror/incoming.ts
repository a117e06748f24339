// The way in: carries out, strictly in order, what the other process's page says, so that this page's state stays the same as its. What does
// not fit ends it for good: from then on the newest snapshot is what counts.
import { flushSync, tick } from 'svelte'
import type { AppState } from '../../model/app'
import { edited } from '../../model/buffers'
import { plan, restore, type Entry } from '../../snapshot'
import { fields as registry } from '../registry'
import type { Session } from '../session'
import type { App } from '../state.svelte'
import type { Item } from './items'

export interface Incoming {
  take(n: number, item: Item): void
  reach(n: number): Promise<void> // until that item has been carried out; rejects when that will not be
  settled(): Promise<void> // when what came has been carried out
  readonly intact: boolean // everything since the beginning has been carried out
}

interface Options {
  app: App
  session: Session
  broken(why: string): void
}

export function incoming({ app, session, broken }: Options): Incoming {
  let done = 0
  let intact = false
  let failed = false
  let queue = Promise.resolve()
  const waiting: { n: number; resolve: () => void; reject: (err: Error) => void }[] = []

  function fail(why: string): void {
    intact = false
    failed = true
    for (const w of waiting.splice(0)) w.reject(new Error(why))
    broken(why)
  }

  async function carryOut(n: number, item: Item): Promise<void> {
    if (item.kind === 'begin') {
      intact = true
      failed = false
      done = n - 1
    }
    if (failed) return
    if (n !== done + 1) throw new Error(`item ${n} came after ${done}`)
    await apply(item)
    done = n
    for (const w of waiting.filter((w) => w.n <= done)) w.resolve()
  }

  async function apply(item: Item): Promise<void> {
    switch (item.kind) {
      case 'begin':
        return
      case 'edit': {
        const text = editor(item.path).apply(item.edit)
        return edited(app.state, item.path, text)
      }
      case 'look':
        return editor(item.path).show(item.look, false)
      case 'files':
        for (const facts of item.files) Object.assign(buffer(facts.path), facts)
        return
      case 'fields':
        place(restored(item.fields))
        break
      case 'whole':
        session.forgetEditors()
        app.replace(restored(item.fields))
    }
    flushSync()
    await tick() // editors that were asked for are there now
  }

  function editor(path: string) {
    const found = session.mirrorOf(path)
    if (!found) throw new Error(`${path} is not shown here`)
    return found
  }

  function buffer(path: string) {
    const found = app.state.workspace.buffers[path]
    if (!found) throw new Error(`${path} is not open here`)
    return found
  }

  function restored(fields: Record<string, Entry>): AppState {
    const wanted = plan(registry, { format: 1, app: app.start.version, at: '', fields })
    const { state, missing } = restore(wanted, app.plain())
    const [lost] = [...wanted.missing, ...missing]
    if (lost) throw new Error(`${lost.key}: ${lost.why}`)
    return state
  }

  // Puts in place what differs, so that what is the same is not drawn again.
  function place(next: AppState): void {
    const now = app.plain()
    for (const room of Object.keys(next) as (keyof AppState)[])
      if (JSON.stringify(now[room]) !== JSON.stringify(next[room])) Object.assign(app.state, { [room]: next[room] })
  }

  return {
    get intact() {
      return intact
    },
    take: (n, item) => {
      queue = queue
        .then(() => carryOut(n, item))
        .catch((err: unknown) => {
          fail(err instanceof Error ? err.message : String(err))
        })
    },
    settled: () => queue,
    reach: async (n) => {
      await queue
      if (failed) throw new Error('the other process and this one have come apart')
      if (done < n) await new Promise<void>((resolve, reject) => waiting.push({ n, resolve, reject }))
    },
  }
}
