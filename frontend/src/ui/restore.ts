// From a snapshot's text to a state that is in place and verified. A snapshot that cannot be read never prevents the start.
import { platformError, type DocumentsPort, type Platform } from '../bridge'
import type { AppState } from '../model/app'
import { freshBuffer } from '../model/buffers'
import { decode, plan, restore, verify, type Entry, type Missing, type Plan, type RestoreReport } from '../snapshot'
import { fields, windowFields } from './registry'

// What is to be put in place, and what is known to be lost already.
export interface Prepared {
  state: AppState
  plan: Plan<AppState>
  failed: Missing[]
  broken: string // why the snapshot as a whole could not be read; '' when it could
  found: boolean // whether there was a snapshot
  unknown: Readonly<Record<string, Entry>>
}

const nothing: Plan<AppState> = { steps: new Map(), missing: [], unknown: {} }

// Reads the snapshot and works out the state that it makes of the one there is. Changes nothing.
export async function prepare(platform: Platform, current: AppState): Promise<Prepared> {
  let text: string | null
  try {
    text = await platform.session.loadSnapshot()
    if (text === null) return { state: current, plan: nothing, failed: [], broken: '', found: false, unknown: {} }
    const wanted = plan(fields, decode(text))
    const { state, missing } = restore(wanted, current)
    return {
      state: await complete(platform.documents, state),
      plan: wanted,
      failed: missing,
      broken: '',
      found: true,
      unknown: wanted.unknown,
    }
  } catch (err) {
    return { state: current, plan: nothing, failed: [], broken: platformError(err).message, found: true, unknown: {} }
  }
}

// Tabs whose text the snapshot does not have are read from disk; those that are nowhere any more cannot be shown.
async function complete(documents: DocumentsPort, state: AppState): Promise<AppState> {
  const buffers = { ...state.workspace.buffers }
  await Promise.all(
    state.workspace.tabs.map(async ({ path }) => {
      if (buffers[path]) return
      try {
        buffers[path] = freshBuffer(await documents.read(path))
      } catch {
        // named by the verification: the tabs come back different
      }
    }),
  )
  const tabs = state.workspace.tabs.filter((t) => buffers[t.path])
  const active = tabs.some((t) => t.path === state.workspace.active) ? state.workspace.active : (tabs[0]?.path ?? null)
  return { ...state, workspace: { ...state.workspace, tabs, active, buffers } }
}

// Gives the window its size while it is held back. Returns the fields that are lost when that fails.
export async function place(platform: Platform, { state, plan: { steps } }: Prepared): Promise<Missing[]> {
  if (!windowFields.some((key) => steps.has(key))) return []
  try {
    await platform.window.place(state.window)
    return []
  } catch (err) {
    return windowFields.map((key) => ({ key, why: `the window could not be placed: ${platformError(err).message}` }))
  }
}

export function report({ plan, failed, broken }: Prepared, state: AppState, placed: readonly Missing[], ms: number): RestoreReport {
  if (broken) return { restored: 0, total: fields.size, missing: [{ key: 'snapshot', why: broken }], ms }
  return verify(fields, state, plan, { ms, failed: [...failed, ...placed] })
}
