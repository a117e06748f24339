// Capture, and the way back: plan (everything migrated and validated before anything changes), restore (one update), verify (captured again
// and compared). A field that fails is lost alone and named; a field nobody here knows is carried along.
import { reason, type Snapshot } from './codec'
import type { Entry, Registry, Step } from './field'

export interface Missing {
  key: string
  why: string
}

export interface RestoreReport {
  restored: number
  total: number // fields of the snapshot that this registry knows
  missing: Missing[]
  ms: number
}

export interface Plan<S> {
  steps: ReadonlyMap<string, Step<S>>
  missing: readonly Missing[]
  unknown: Readonly<Record<string, Entry>>
}

export interface CaptureOptions {
  app: string // the running version
  at: string // RFC 3339
  keep?: Readonly<Record<string, Entry>> // unknown fields of the snapshot that was restored
}

// Records the state. A field that cannot be captured is recorded as an error, so that the restore can name it.
export function capture<S>(registry: Registry<S>, state: S, { app, at, keep = {} }: CaptureOptions): Snapshot {
  const fields: Record<string, Entry> = {}
  for (const [key, entry] of Object.entries(keep)) if (!registry.has(key)) fields[key] = entry
  for (const [key, field] of registry) {
    try {
      fields[key] = field.record(state)
    } catch (err) {
      fields[key] = { v: 1, e: reason(err) }
    }
  }
  return { format: 1, app, at, fields }
}

export function plan<S>(registry: Registry<S>, snapshot: Snapshot): Plan<S> {
  const steps = new Map<string, Step<S>>()
  const missing: Missing[] = []
  const unknown: Record<string, Entry> = {}
  for (const [key, entry] of Object.entries(snapshot.fields)) if (!registry.has(key)) unknown[key] = entry
  for (const [key, field] of registry) {
    const entry = Object.hasOwn(snapshot.fields, key) ? snapshot.fields[key] : undefined
    if (!entry) continue // recorded by a version that did not have this field: nothing to lose
    try {
      steps.set(key, field.prepare(entry))
    } catch (err) {
      missing.push({ key, why: reason(err) })
    }
  }
  return { steps, missing, unknown }
}

// The state with every step of the plan applied, to be put in place at once. The state that is given stays as it is.
export function restore<S>(plan: Plan<S>, state: S): { state: S; missing: Missing[] } {
  const missing: Missing[] = []
  for (const [key, step] of plan.steps) {
    try {
      state = step.apply(state)
    } catch (err) {
      missing.push({ key, why: reason(err) })
    }
  }
  return { state, missing }
}

// Captures what is there now and compares it with the plan. `failed` names fields that are known to have failed outside the state, such as a
// window that could not be moved.
export function verify<S>(
  registry: Registry<S>,
  state: S,
  plan: Plan<S>,
  { ms, failed = [] }: { ms: number; failed?: readonly Missing[] },
): RestoreReport {
  const missing = new Map(plan.missing.map((m) => [m.key, m.why]))
  for (const { key, why } of failed) if (plan.steps.has(key) && !missing.has(key)) missing.set(key, why)
  for (const [key, step] of plan.steps) {
    if (missing.has(key)) continue
    try {
      if (!step.same(registry.get(key)?.record(state).d)) missing.set(key, 'it came back different')
    } catch (err) {
      missing.set(key, reason(err))
    }
  }
  const total = plan.steps.size + plan.missing.length
  return { restored: total - missing.size, total, missing: [...missing].map(([key, why]) => ({ key, why })), ms }
}
