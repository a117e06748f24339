// The recorded text of a snapshot. What is read may have been damaged or written by somebody else: sizes and depth are limited, and keys that
// reach an object's prototype are refused.
import { isKey, type Entry } from './field'

export const limits = { bytes: 64 << 20, fields: 1000, depth: 64, nodes: 4_000_000 } as const

export interface Snapshot {
  format: 1
  app: string // version of the app that captured it
  at: string // RFC 3339
  fields: Record<string, Entry>
}

// The text as a whole is no snapshot; nothing can be restored from it.
export class SnapshotError extends Error {
  override name = 'SnapshotError'
}

export function reason(err: unknown): string {
  return err instanceof Error ? err.message : String(err)
}

export function encode(snapshot: Snapshot): string {
  const text = JSON.stringify(snapshot)
  if (text.length > limits.bytes) throw new SnapshotError(`the snapshot is larger than ${limits.bytes} bytes`)
  return text
}

// Reads the frame of a snapshot. The values of its fields are looked at one by one later, so that a bad one loses itself alone.
export function decode(text: string): Snapshot {
  if (text.length > limits.bytes) throw new SnapshotError(`the snapshot is larger than ${limits.bytes} bytes`)
  let raw: unknown
  try {
    raw = JSON.parse(text)
  } catch (err) {
    throw new SnapshotError(`the snapshot is not JSON: ${reason(err)}`)
  }
  if (!isObject(raw)) throw new SnapshotError('the snapshot is not an object')
  const { format, app, at, fields } = raw
  if (format !== 1) throw new SnapshotError(`the snapshot has format ${JSON.stringify(format)}; only 1 is known here`)
  if (typeof app !== 'string' || app.length > 100) throw new SnapshotError('the snapshot does not say which version wrote it')
  if (typeof at !== 'string' || at.length > 100) throw new SnapshotError('the snapshot does not say when it was written')
  if (!isObject(fields)) throw new SnapshotError('the snapshot has no fields')
  const entries = Object.entries(fields)
  if (entries.length > limits.fields) throw new SnapshotError(`the snapshot has more than ${limits.fields} fields`)
  for (const [key, entry] of entries) checkEntry(key, entry)
  return { format, app, at, fields: fields as Record<string, Entry> }
}

function checkEntry(key: string, entry: unknown): asserts entry is Entry {
  if (!isKey(key)) throw new SnapshotError(`${JSON.stringify(key)} is not a field's key`)
  if (!isObject(entry)) throw new SnapshotError(`field ${key} is not an object`)
  if (typeof entry['v'] !== 'number' || !Number.isInteger(entry['v']) || entry['v'] < 1)
    throw new SnapshotError(`field ${key} has no version`)
  if (entry['e'] !== undefined && typeof entry['e'] !== 'string') throw new SnapshotError(`field ${key} has an unreadable error`)
  if (entry['o'] !== undefined && !isObject(entry['o'])) throw new SnapshotError(`field ${key} has unreadable older forms`)
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const refused = new Set(['__proto__', 'constructor', 'prototype'])

// Throws unless the value is plain JSON of bounded depth and size without keys that reach a prototype. Walks with a stack of its own: the
// depth is what is in doubt.
export function inspect(value: unknown): void {
  const stack: [unknown, number][] = [[value, 0]]
  let nodes = 0
  for (let next = stack.pop(); next; next = stack.pop()) {
    const [node, depth] = next
    if (++nodes > limits.nodes) throw new Error(`it has more than ${limits.nodes} values`)
    if (typeof node === 'string' || typeof node === 'boolean' || node === null || node === undefined) continue
    if (typeof node === 'number') {
      if (!Number.isFinite(node)) throw new Error(`${node} cannot be recorded`)
      continue
    }
    if (typeof node !== 'object') throw new Error(`a ${typeof node} cannot be recorded`)
    if (depth >= limits.depth) throw new Error(`it is nested deeper than ${limits.depth}`)
    if (Array.isArray(node)) {
      for (const item of node) stack.push([item, depth + 1])
      continue
    }
    for (const key of Object.keys(node)) {
      if (refused.has(key)) throw new Error(`the key ${key} is refused`)
      stack.push([(node as Record<string, unknown>)[key], depth + 1])
    }
  }
}
