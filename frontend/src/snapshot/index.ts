// Snapshots of a user interface's state: declare every piece, record it, bring it back whole, and know what did not come back.
//
//   const app = registry<State>({ tabs: field({ key: 'tabs', version: 1, capture, apply, validate }), hover: transient('follows the pointer') })
//   const text = encode(capture(app, state, { app: '1.0.0', at: new Date().toISOString() }))
//   ...
//   const wanted = plan(app, decode(text))
//   const { state: next } = restore(wanted, state)
//   const report = verify(app, next, wanted, { ms })
//
// Parties: the app that captures, a newer or older version of it that restores, and whoever else can write to the place in between.
// Guarantees: nothing is applied before everything has been validated; a field that fails is lost alone and named; what a version does not
// know it hands on. A snapshot that is not one as a whole throws SnapshotError, and nothing has changed.
export { decode, encode, inspect, limits, SnapshotError, type Snapshot } from './codec'
export {
  field,
  nested,
  registry,
  same,
  transient,
  type Declaration,
  type Declarations,
  type Entry,
  type Field,
  type FieldSpec,
  type Nested,
  type Registry,
  type Transient,
} from './field'
export { capture, plan, restore, verify, type CaptureOptions, type Missing, type Plan, type RestoreReport } from './restore'
