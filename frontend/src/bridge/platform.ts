// What the app needs of its surroundings. Two implementations: `wails` (the desktop app) and `web` (in memory, for the browser and tests).

import type { DocumentEntry, Frame, ThemeChoice } from '../model/app'
import type { QuietHours } from '../model/quiet'
import type { Reason, ReasonCode } from '../model/reasons'
import type { Start } from '../model/start'
import type { How, Pause, UpdateFacts, UpdateState } from '../model/updates'

export type { DocumentEntry, Frame, Pause, QuietHours, Reason, ReasonCode, Start, ThemeChoice, UpdateState }

export type Unsubscribe = () => void

// ---- documents ----
export interface DocumentText {
  path: string
  text: string
  revision: string
}
export interface Saved {
  revision: string
  savedAt: string
}
export interface DocumentsPort {
  list(): Promise<DocumentEntry[]>
  read(path: string): Promise<DocumentText>
  write(path: string, text: string, baseRevision: string): Promise<Saved> // rejects with code "conflict" when the file changed meanwhile
  create(path: string, text: string): Promise<DocumentText> // picks a free name, returns it
  rename(from: string, to: string): Promise<void>
  remove(path: string): Promise<string> // returns an id for undelete
  undelete(id: string): Promise<string> // returns the path
  onChanged(fn: () => void): Unsubscribe // event "documents:changed"
}

// ---- preferences ----
export type Language = '' | 'en' | 'zh-Hans'
export type Channel = 'stable' | 'beta' | 'nightly'
export interface Preferences {
  language: Language
  theme: ThemeChoice
  zoom: number // 0.8 .. 2
  editor: { fontSize: number; lineNumbers: boolean; wrap: boolean }
  updates: UpdatePreferences
}
export interface UpdatePreferences {
  channel: Channel
  automatic: 'all' | 'check' | 'none'
  checkEvery: string
  probation: string
  // What follows is about downloads that nobody asked for.
  speedLimit: number // bytes per second, 0 for none
  metered: 'wait' | 'some' | 'all' // on a metered connection
  connection: 'detect' | 'metered' | 'unmetered' // whether this one is
  quietHours: QuietHours
  start: Start
  idleMinutes: number // 5 .. 60
  holdFor: string // no update until then: a time, 'open', or '' for none
  skip: string // the version that is not wanted, or ''
  share: boolean // whether reports are sent
}
export interface PreferencesPort {
  get(): Promise<Preferences>
  set(patch: DeepPartial<Preferences>): Promise<Preferences>
  onChanged(fn: (p: Preferences) => void): Unsubscribe // event "preferences:changed"
}
export type DeepPartial<T> = { [K in keyof T]?: T[K] extends object ? DeepPartial<T[K]> : T[K] }

// ---- updates ----
export interface UpdateProgress {
  done: number
  total: number
  full: number
  bytesPerSecond: number
  secondsLeft: number
} // bytes
// The whole status: what is spoken about, and the rest. since is when the state began; lastCheck, nextCheck, previous and probationEnds are
// '' where there is none; a reason is set in the ends and after a failed check.
export interface UpdateStatus extends UpdateFacts {
  channel: Channel
  progress: UpdateProgress | null
  restored: { restored: number; total: number; missing: string[] } | null
}
export interface UpdateRecord {
  at: string
  from: string
  to: string
  outcome: 'confirmed' | 'probation' | 'rolled-back' | 'refused' | 'recalled' | 'aborted'
  how: How
  restored: number
  total: number
  missing: string[]
  bytes: number
  reason: Reason | null
}
// What the makers are told of how updates went: the very text. sentAt is '' or absent where nothing was sent.
export interface Reports {
  sentAt?: string
  last: string
  next: string[] // oldest first
}
export interface UpdatesPort {
  status(): Promise<UpdateStatus>
  check(): Promise<void>
  pause(): Promise<void> // the download under way, until resume or cancel
  resume(): Promise<void>
  cancel(): Promise<void>
  tryAgain(): Promise<void>
  restart(): Promise<void> // "Restart now"
  goBack(): Promise<void> // to the version that is kept
  stretch(): Promise<void> // an hour more before a critical version starts
  used(): Promise<void> // the user did something in the window just now
  reports(): Promise<Reports>
  setChannel(channel: Channel): Promise<void>
  history(): Promise<UpdateRecord[]> // newest first, at most 200
  onStatus(fn: (s: UpdateStatus) => void): Unsubscribe // event "updates:status"
}

// ---- window ----
export interface WindowPort {
  frame(): Promise<Frame>
  place(frame: Frame): Promise<void> // gives the hidden window its size, before the rest is restored in it
  present(frame: Frame | null): Promise<void> // apply and, unless this is a hidden successor, show: call once after the restore
  setTitle(title: string): Promise<void>
  onFrame(fn: (f: Frame) => void): Unsubscribe // event "window:frame"
}

// ---- session: life of this process as seen by the page ----
export interface SessionStart {
  mode: 'fresh' | 'successor'
  version: string
  schema: number
  language: string /* system language, BCP 47 */
  beneath: boolean // of a successor: it comes up beneath the running version's window, and so has frames
  notices: { code: string; path: string; detail: string }[] /* e.g. unwritable state folder */
}
export interface RestoreReport {
  restored: number
  total: number
  missing: { key: string; why: string }[]
  ms: number
}
export interface MirrorItem {
  n: number // 1 for the beginning
  item: string // JSON that the other page made
}
// What the page is to do while its window takes another's place, or gives up its own. Each but 'stay' and 'alone' is answered.
//   stream   capture with this id; from that very moment on, tell the other page of every change (answered by the capture)
//   probe    answer with id/ready; then answer the next key F19, which comes behind the user's keys
//   hush     save and record nothing more, finish what is under way; then answer the key F19 with the last moment, as id/last
//   stay     it is off: go on as before
//   take     show the last moment of the other page, and begin to tell it of changes
//   settle   answer when all that came from the other page has been carried out
//   alone    the other process is gone: nobody needs to be told any more
export interface CrossStep {
  step: 'stream' | 'probe' | 'hush' | 'stay' | 'take' | 'settle' | 'alone'
  id: string
  data: string
}
export interface SessionPort {
  begin(): Promise<SessionStart>
  restored(report: RestoreReport): Promise<void> // after restore was applied and verified; in a successor this sends `ready`
  visibility(hidden: boolean): Promise<void> // from visibilitychange, after the snapshot of that moment was put
  loadSnapshot(): Promise<string | null> // GET /snapshot
  putSnapshot(json: string, reason: string, id: string): Promise<void> // PUT /snapshot, resolves when durable; id answers a capture request ('' otherwise)
  onCapture(fn: (id: string) => void): Unsubscribe // event "session:capture": capture now and put with this id
  onRestore(fn: () => void): Unsubscribe // event "session:restore": load the newest snapshot and restore it as one update (last changes before takeover; guardian taking back)
  onTookOver(fn: () => void): Unsubscribe // event "session:took-over": this process is the one the user sees; a successor puts no snapshot before
  onRetired(fn: () => void): Unsubscribe // event "session:retired": another process is, so record and save nothing
  mirror(n: number, item: string): Promise<void> // item n for the other process's page
  onMirror(fn: (item: MirrorItem) => void): Unsubscribe // event "session:mirror", in order
  onCross(fn: (step: CrossStep) => void): Unsubscribe // event "session:cross"
  answer(id: string, text: string): Promise<void> // to a step with that id
  hold(id: string, label: string): Promise<void> // a reason why a restart must wait
  release(id: string): Promise<void>
}

export interface Platform {
  documents: DocumentsPort
  preferences: PreferencesPort
  updates: UpdatesPort
  window: WindowPort
  session: SessionPort
  openExternal(url: string): Promise<void>
}
