// The page's part in a crossing, in which one process's window takes the place of another's: who it is at the moment, what it tells the other
// page, and what it does with what that one tells. As long as the other process stands by, both hold the same state, so that either can go on.
import type { CrossStep, Platform } from '../bridge'
import type { AppState } from '../model/app'
import type { Entry } from '../snapshot'
import { incoming, lastOf, outgoing, painted, showLast, type Item, type Last } from './mirror'
import type { Recorder } from './recorder'
import type { Session } from './session'
import type { App } from './state.svelte'

// Who this page is. A page in charge records and saves; nobody else does.
//
//	waiting → charge ⇄ hushed → guardian → charge
export type Role = 'waiting' | 'charge' | 'hushed' | 'guardian'

export interface Crossing {
  readonly role: Role
  readonly intact: boolean // this page holds what the other process's holds, to the last key
  changed(): void // the state has changed, perhaps
  tookOver(): void
  retired(): void
  stop(): void
}

interface Options {
  app: App
  session: Session
  platform: Platform
  records: Recorder
  whole(): Record<string, Entry> // all fields, as a snapshot records them
  light(state: AppState): Record<string, Entry> // those that are not of buffers
  ready: Promise<void> // the first restore is over
}

const failed = (err: unknown) => `!${err instanceof Error ? err.message : String(err)}`

export function crossing({ app, session, platform, records, whole, light, ready }: Options): Crossing {
  let role: Role = app.start.mode === 'successor' ? 'waiting' : 'charge'
  let barriers: string[] = [] // the ids under which the next keys F19 are to be answered; id/last: with the last moment
  let composing = false

  const port = platform.session
  const quietly = (work: Promise<void>) => void work.catch(() => undefined) // the other process is gone, and the app's side knows
  const answer = (id: string, text: string) => quietly(port.answer(id, text))

  const out = outgoing({
    state: () => session.places(),
    text: (path) => app.state.workspace.buffers[path]?.text ?? '',
    record: whole,
    light,
    looks: () => session.looks(),
    send: (n, item) => quietly(port.mirror(n, JSON.stringify(item))),
  })
  const from = incoming({ app, session, broken: (why) => console.warn('the two versions have come apart:', why) })
  session.watchEditors({ connected: () => out.now(), edited: (path, edit) => out.edit(path, edit) })

  const steps: Record<CrossStep['step'], (step: CrossStep) => Promise<void> | void> = {
    stream: async ({ id }) => {
      await ready
      await session.saves.all()
      records.close() // what is recorded later than the beginning would be told twice
      const recorded = records.now('crossing', id)
      out.begin()
      await recorded
    },
    probe: ({ id }) => {
      barriers.push(id)
      answer(`${id}/ready`, '')
    },
    hush: async ({ id }) => {
      role = 'hushed'
      session.saves.stop()
      await session.saves.settled()
      barriers.push(`${id}/last`)
      answer(id, String(out.now()))
    },
    stay: () => {
      out.end()
      barriers = []
      if (role === 'guardian') return
      role = 'charge'
      session.saveSoon()
      records.open()
      records.soon()
    },
    take: async ({ id, data }) => {
      const last = JSON.parse(data) as Last
      await from.reach(last.n)
      await showLast(document, app, session, last)
      if (document.visibilityState === 'visible') await painted()
      out.begin()
      answer(id, '')
    },
    settle: async ({ id }) => {
      await from.settled()
      answer(id, JSON.stringify({ intact: from.intact, window: app.plain().window }))
    },
    alone: () => {
      out.end()
    },
  }

  const onStep = (step: CrossStep) => {
    void Promise.resolve()
      .then(() => steps[step.step](step))
      .catch((err: unknown) => {
        answer(step.id, failed(err))
      })
  }

  // Sent behind the user's last key, and seen here after it.
  const onKey = (event: KeyboardEvent) => {
    if (event.key !== 'F19' || (barriers.length === 0 && event.type === 'keydown')) return
    event.preventDefault()
    event.stopImmediatePropagation()
    if (event.type !== 'keydown') return
    const id = barriers.shift() ?? ''
    if (!id.endsWith('/last')) return answer(id, '')
    session.saves.stop()
    try {
      const last: Last = lastOf(document, app, session, out.now(), composing)
      out.end()
      answer(id, JSON.stringify(last))
    } catch (err) {
      answer(id, failed(err))
    }
  }
  const onComposition = (event: CompositionEvent) => {
    composing = event.type === 'compositionstart'
  }

  window.addEventListener('keydown', onKey, true)
  window.addEventListener('keyup', onKey, true)
  document.addEventListener('compositionstart', onComposition, true)
  document.addEventListener('compositionend', onComposition, true)
  const off = [
    port.onCross(onStep),
    port.onMirror(({ n, item }) => {
      if (role !== 'charge') from.take(n, JSON.parse(item) as Item)
    }),
  ]

  return {
    get role() {
      return role
    },
    get intact() {
      return from.intact
    },
    changed: () => out.soon(),
    tookOver: () => {
      if (role === 'waiting' && !out.open) out.begin()
      role = 'charge'
      session.saveSoon()
      records.open()
      records.soon()
    },
    retired: () => {
      role = 'guardian'
      out.end()
      records.close()
      session.saves.stop()
    },
    stop: () => {
      for (const end of off) end()
      window.removeEventListener('keydown', onKey, true)
      window.removeEventListener('keyup', onKey, true)
      document.removeEventListener('compositionstart', onComposition, true)
      document.removeEventListener('compositionend', onComposition, true)
      out.end()
    },
  }
}
