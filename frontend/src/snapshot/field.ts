// Fields: the pieces that a snapshot is made of, and the registry in which every key of a state declares whether it survives.
import { inspect, reason } from './codec'

// One piece of state that survives. `V` is its recorded form: plain JSON.
export interface FieldSpec<S, V> {
  key: string
  version: number // of the recorded form, from 1 on
  capture(state: S): V
  apply(state: S, value: V): S // returns the changed state, never changes the one it is given
  validate(recorded: unknown): V // throws with the reason when it is not a V
  same?(wanted: V, found: V): boolean // whether a restored value counts as restored; by default deep equality
  // Both ways for every version but the newest, or the registry is refused.
  up?: Record<number, (recorded: unknown) => unknown> // up[n] makes version n+1 of version n
  down?: Record<number, (recorded: unknown) => unknown> // down[n] makes version n of version n+1: recorded too, for a version that comes back
}

export interface Entry {
  v: number
  d?: unknown // the value
  e?: string // or why it could not be captured
  o?: Record<string, unknown> // the value as older versions of the field read it
}

export interface Step<S> {
  value: unknown
  apply(state: S): S
  same(found: unknown): boolean
}

// A field with its value's type hidden, so that many of them fit into one registry.
export interface Field<S> {
  readonly kind: 'field'
  readonly key: string
  readonly version: number // of the recorded form
  record(state: S): Entry // throws what capture throws
  prepare(entry: Entry): Step<S> // migrates and validates, changes nothing; throws with the reason
}

export interface Transient {
  readonly kind: 'transient'
  readonly why: string
}

export interface Nested<S> {
  readonly kind: 'nested'
  readonly fields: readonly Field<S>[]
}

// What a key may declare: fields that carry it, its own keys in turn, or that it does not survive.
export type Declaration<S> = Field<S> | readonly Field<S>[] | Nested<S> | Transient

// Every key of `T` must declare. Leaving one out is a type error.
export type Declarations<S, T> = { readonly [K in keyof T]-?: Declaration<S> }

export type Registry<S> = ReadonlyMap<string, Field<S>>

export function transient(why: string): Transient {
  return { kind: 'transient', why }
}

export function nested<S, T>(declarations: Declarations<S, T>): Nested<S> {
  return { kind: 'nested', fields: collect(declarations) }
}

// The registry of a state. Fields keep the order in which they are declared; that is the order in which they are applied.
export function registry<S>(declarations: Declarations<S, S>): Registry<S> {
  const all = new Map<string, Field<S>>()
  for (const field of collect(declarations)) {
    if (all.has(field.key)) throw new Error(`two fields are called ${field.key}`)
    all.set(field.key, field)
  }
  return all
}

function collect<S, T>(declarations: Declarations<S, T>): Field<S>[] {
  const found = new Set<Field<S>>() // one field may carry several keys
  for (const d of Object.values<Declaration<S>>(declarations)) {
    if ('kind' in d && d.kind === 'transient') continue
    for (const field of 'kind' in d ? (d.kind === 'nested' ? d.fields : [d]) : d) found.add(field)
  }
  return [...found]
}

const keyPattern = /^[a-zA-Z][a-zA-Z0-9._-]{0,63}$/
const inherited = new Set(['constructor', 'prototype'])

export function isKey(key: string): boolean {
  return keyPattern.test(key) && !inherited.has(key)
}

export function field<S, V>(spec: FieldSpec<S, V>): Field<S> {
  if (!isKey(spec.key)) throw new Error(`${JSON.stringify(spec.key)} is not a field's key`)
  if (!Number.isInteger(spec.version) || spec.version < 1) throw new Error(`field ${spec.key}: versions are whole numbers from 1 on`)
  for (let n = 1; n < spec.version; n++) {
    if (!spec.up?.[n]) throw new Error(`field ${spec.key}: nothing migrates version ${n} to ${n + 1}`)
    if (!spec.down?.[n]) throw new Error(`field ${spec.key}: nothing migrates version ${n + 1} to ${n}`)
  }
  return {
    kind: 'field',
    key: spec.key,
    version: spec.version,
    record: (state) => {
      const value = spec.capture(state)
      inspect(value)
      const older = olderForms(spec, value)
      return older ? { v: spec.version, d: value, o: older } : { v: spec.version, d: value }
    },
    prepare: (entry) => {
      const value = spec.validate(current(spec, entry))
      return {
        value,
        apply: (state) => spec.apply(state, value),
        same: (found) => (spec.same ? spec.same(value, spec.validate(found)) : same(value, found)),
      }
    },
  }
}

function olderForms<S, V>(spec: FieldSpec<S, V>, value: unknown): Record<string, unknown> | null {
  const forms: Record<string, unknown> = {}
  let form = value
  for (let n = spec.version - 1; n >= 1; n--) {
    try {
      form = spec.down?.[n]?.(form)
      inspect(form)
    } catch {
      break // the value itself is whole: only the versions that would read this form lose it, and name it
    }
    forms[n] = form
  }
  return Object.keys(forms).length > 0 ? forms : null
}

// The recorded value in this version's form: migrated up, or the older form that a newer version left for us.
function current<S, V>(spec: FieldSpec<S, V>, entry: Entry): unknown {
  if (entry.e !== undefined) throw new Error(`it could not be captured: ${entry.e}`)
  if (entry.v > spec.version) {
    const older = entry.o
    if (!older || !Object.hasOwn(older, String(spec.version))) {
      throw new Error(`it was recorded as version ${entry.v}, and version ${spec.version} is the newest that is read here`)
    }
    inspect(older[spec.version])
    return older[spec.version]
  }
  let value = entry.d
  inspect(value)
  for (let n = entry.v; n < spec.version; n++) {
    try {
      value = spec.up?.[n]?.(value)
    } catch (err) {
      throw new Error(`migrating it from version ${n}: ${reason(err)}`)
    }
  }
  return value
}

// Deep equality of plain JSON. A key that is undefined counts as absent, as it would in the recorded text.
export function same(a: unknown, b: unknown): boolean {
  if (Object.is(a, b) || (a === 0 && b === 0)) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false
    return a.every((item, i) => same(item, b[i]))
  }
  const left = defined(a)
  const right = new Map(defined(b))
  return left.length === right.size && left.every(([key, value]) => right.has(key) && same(value, right.get(key)))
}

function defined(o: object): [string, unknown][] {
  return Object.entries(o).filter(([, value]) => value !== undefined)
}
