// What the Updates page and the glyph say about the update engine. Pure: a status and the time go in; sentences, buttons and a glyph come out.
// Nothing here claims more than the engine has verified: "up to date" needs a check that succeeded, "nothing was lost" needs a count.

import { quietUntil, type QuietHours } from './quiet'
import { heldUntil, type Choices, type HeldUntil } from './start'
import { explain, phrase, type Explanation, type Phrase, type Reason } from './reasons'

export type UpdateState =
  | 'idle'
  | 'checking'
  | 'current'
  | 'downloading'
  | 'staged'
  | 'proven'
  | 'waiting'
  | 'swapping'
  | 'handing-over'
  | 'probation'
  | 'confirmed'
  | 'refused'
  | 'recalled'
  | 'aborted'
  | 'rolled-back'

// Why a download under way waits. '' when it does not.
export type Pause = '' | 'user' | 'metered' | 'battery' | 'quiet' | 'hold' | 'server'

// The part of the engine's status that is spoken about. Sizes in bytes, times RFC 3339 or ''.
export interface UpdateFacts {
  state: UpdateState
  installed: string
  target: string
  previous: string
  patchBytes: number
  fullBytes: number
  reason: Reason | null
  progress: { done: number; total: number; full: number; secondsLeft: number } | null
  paused: Pause
  holds: { id: string; label: string }[]
  since: string
  lastCheck: string // the last one that succeeded
  nextCheck: string // the next one that nobody has to ask for
  probationEnds: string
  restored: { restored: number; total: number } | null
  critical: boolean // target makes the program safe: it is not skipped and not put off
  countdown: string // when a critical target starts, whatever holds it; '' until the user has to be told so
  back: { version: string; bytes: number; floor: string } | null // what there is to go back to; floor: the oldest safe version, where that forbids it
}

export type GlyphKind = 'current' | 'busy' | 'ready' | 'probation' | 'hold' | 'back' | 'attention'

export type ButtonId =
  | 'getNow'
  | 'pause'
  | 'resume'
  | 'cancel'
  | 'restart'
  | 'tryAgain'
  | 'details'
  | 'hold' // opens the spans to choose from
  | 'resumeUpdates'
  | 'unskip'
  | 'stretch'
  | 'goBack' // opens the review
  | 'copyCommand' // that updates a program which somebody else keeps current

export interface Button {
  id: ButtonId
  label: Phrase
}

export interface UpdateCard {
  glyph: GlyphKind
  sentence: Phrase
  lines: Phrase[] // below the sentence
  announce: Phrase // the sentence for ears: changes at steps of 25 % and never with the clock
  tooltip: Phrase
  progress: { share: number; text: Phrase } | null // share 0 to 1; the text changes at steps of 25 %
  holds: string[] | null // null where no restart is waiting
  buttons: Button[]
  canCheck: boolean
}

const labels: Record<Exclude<ButtonId, 'tryAgain'>, string> = {
  getNow: 'btn.getNow',
  pause: 'btn.pause',
  resume: 'btn.resume',
  cancel: 'btn.cancel',
  restart: 'btn.restart',
  details: 'btn.details',
  hold: 'btn.hold',
  resumeUpdates: 'btn.resumeUpdates',
  unskip: 'btn.undo',
  stretch: 'btn.stretch',
  goBack: 'btn.goBack',
  copyCommand: 'btn.copyCmd',
}

const button = (id: keyof typeof labels, label = labels[id]): Button => ({ id, label: phrase(label) })
const retry: Button = { id: 'tryAgain', label: phrase('err.fix.retry') }

type Said = Pick<UpdateCard, 'glyph' | 'sentence'> & Partial<UpdateCard>

// A card is said in its parts; what is left out follows from the sentence.
function card(said: Said): UpdateCard {
  return { lines: [], announce: said.sentence, tooltip: said.sentence, progress: null, holds: null, buttons: [], canCheck: true, ...said }
}

/** chosen: what the user chose, where the card is to tell what follows from it. */
export function describe(s: UpdateFacts, now: number, chosen: (Choices & { quietHours: QuietHours }) | null = null): UpdateCard {
  const held = chosen && !s.critical ? heldUntil(chosen.holdFor, now) : null
  const quietEnds = chosen && quietUntil(chosen.quietHours, now)
  switch (s.state) {
    case 'idle':
      return putOff(idle(s, now), held)
    case 'checking':
      return card({ glyph: 'current', sentence: phrase('state.checking'), tooltip: standing(s), canCheck: false })
    case 'current':
      return putOff(
        s.reason === null && time(s.lastCheck) !== null
          ? card({ glyph: 'current', sentence: phrase('state.current', { v: s.installed }), tooltip: standing(s) })
          : idle(s, now),
        held,
      )
    case 'downloading':
      return downloading(s, quietEnds, held)
    case 'staged':
    case 'proven':
      return card({
        glyph: 'busy',
        sentence: phrase('state.testing', { v: s.target }),
        lines: [phrase('state.using', { old: s.installed })],
        buttons: [button('cancel')],
        canCheck: false,
      })
    case 'waiting':
      return putOff(waiting(s, quietEnds, chosen), held)
    case 'swapping':
    case 'handing-over':
      return card({
        glyph: 'ready',
        sentence: phrase('state.swapping', { v: s.target || s.installed }),
        lines: s.target ? [phrase('state.swapping.sub', { old: s.installed, v: s.target })] : [],
        canCheck: false,
      })
    case 'probation':
      return probation(s, now)
    case 'confirmed':
      return putOff(confirmed(s), held)
    case 'refused':
      return failed(s, now, 'attention')
    case 'aborted':
      return s.reason?.code === 'skipped' ? skipped(s, s.reason) : failed(s, now, 'current')
    case 'recalled':
      return card({
        glyph: 'current',
        sentence: phrase('state.recalled', { v: s.target }),
        lines: [phrase('state.recalled.sub', { old: s.installed })],
        tooltip: standing(s),
      })
    case 'rolled-back':
      return rolledBack(s, now)
    default:
      return unknownState(s.state, s)
  }
}

// The user wants no updates for a while: that comes first, and what would be said without it follows.
function putOff(c: UpdateCard, held: HeldUntil): UpdateCard {
  if (held === null) return c
  const sentence = onHold(held)
  const rest = c.buttons.filter(({ id }) => id === 'restart' || id === 'getNow')
  return {
    ...c,
    glyph: 'hold',
    sentence,
    announce: sentence,
    tooltip: held === 'open' ? phrase('tip.hold.open') : phrase('tip.hold', { when: { at: held } }),
    lines: [phrase('state.hold.was', { what: { phrase: c.sentence } }), ...c.lines],
    buttons: [button('resumeUpdates'), ...rest],
  }
}

/** Until when the user wants none, said. */
export const onHold = (held: number | 'open'): Phrase =>
  held === 'open' ? phrase('state.hold.open') : phrase('state.hold', { when: { at: held } })

function skipped(s: UpdateFacts, reason: Reason): UpdateCard {
  const back = reason.params['back']
  return card({
    glyph: 'current',
    sentence: back ? phrase('state.skipped.back', { v: s.target, old: back }) : phrase('state.skipped', { v: s.target }),
    lines: [phrase('state.skipped.sub')],
    tooltip: standing(s),
    buttons: [back ? { id: 'tryAgain', label: phrase('btn.again', { v: s.target }) } : button('unskip')],
  })
}

function idle(s: UpdateFacts, now: number): UpdateCard {
  if (s.reason) return failed(s, now, because(s.reason, s, now).needsUser ? 'attention' : 'current')
  if (s.target) {
    return card({
      glyph: 'current',
      sentence: phrase('state.available', { v: s.target }),
      lines: [phrase('state.available.sub', { old: s.installed, size: { bytes: s.fullBytes } })],
      buttons: [button('getNow')],
    })
  }
  if (time(s.lastCheck) === null) {
    return card({
      glyph: 'current',
      sentence: phrase('state.never'),
      lines: [phrase('state.using', { old: s.installed })],
      tooltip: standing(s),
    })
  }
  return card({ glyph: 'current', sentence: phrase('state.idle', { v: s.installed }), tooltip: standing(s) })
}

function downloading(s: UpdateFacts, quietEnds: number | null, held: HeldUntil): UpdateCard {
  const p = s.progress
  const share = p && p.total > 0 ? Math.min(1, Math.max(0, p.done / p.total)) : null
  const said = s.paused ? paused(s.paused, s.target, share, quietEnds) : running(s.target, share)
  const lines = share === null || p === null ? [phrase('state.using', { old: s.installed })] : [amounts(p, !s.paused)]
  if (s.paused === 'hold' && held !== null) said.sentence = said.announce = said.tooltip = onHold(held)
  const first = s.paused === 'hold' ? button('resumeUpdates') : button(s.paused === 'user' ? 'resume' : 'pause')
  return card({
    ...said,
    lines: [...lines, ...(said.lines ?? [])],
    buttons: [first, button('cancel'), ...(s.paused === 'hold' || s.critical ? [] : [button('hold')])],
    canCheck: false,
    progress: share === null ? null : { share, text: phrase('state.share', { pct: quarters(share) }) },
  })
}

const quarters = (share: number): number => Math.floor(share * 4) * 25

function running(v: string, share: number | null): Said {
  if (share === null) return { glyph: 'busy', sentence: phrase('state.downloading.start', { v }) }
  const pct = Math.floor(share * 100)
  return {
    glyph: 'busy',
    sentence: phrase('state.downloading', { v, pct }),
    announce: phrase('state.downloading', { v, pct: quarters(share) }),
    tooltip: phrase('tip.busy', { v, pct }),
  }
}

// A download that waits, for what, and whether it goes on by itself.
function paused(why: Pause, v: string, share: number | null, quietEnds: number | null): Said {
  const glyph = 'hold'
  switch (why) {
    case 'metered':
      return { glyph, sentence: phrase('state.metered', { v }), lines: [phrase('state.allow')] }
    case 'battery':
      return { glyph, sentence: phrase('state.battery', { v }), lines: [phrase('state.goesOn')] }
    case 'quiet': {
      const brief = phrase('state.quiet', { v })
      const sentence = quietEnds === null ? brief : phrase('state.quiet.until', { v, when: { at: quietEnds } })
      return { glyph, sentence, announce: brief, tooltip: brief, lines: [phrase('state.allow')] }
    }
    case 'hold':
      return { glyph, sentence: phrase('state.held', { v }), lines: [phrase('state.held.sub', { v })] }
    case 'server':
      return { glyph, sentence: phrase('state.server', { v }), lines: [phrase('state.server.sub')] }
    default: // by the user, or for a reason that only a newer engine knows
      return {
        glyph,
        sentence: share === null ? phrase('state.paused.start', { v }) : phrase('state.paused', { v, pct: Math.floor(share * 100) }),
      }
  }
}

function amounts(p: NonNullable<UpdateFacts['progress']>, running: boolean): Phrase {
  const sizes = { done: { bytes: p.done }, size: { bytes: p.total }, full: { bytes: p.full } }
  return running && p.secondsLeft > 0
    ? phrase('state.downloading.sub', { ...sizes, left: { lasts: p.secondsLeft * 1000 } })
    : phrase('state.downloading.started', sizes)
}

function waiting(s: UpdateFacts, quietEnds: number | null, chosen: Choices | null): UpdateCard {
  const holds = s.holds.map((h) => h.label)
  const countdown = time(s.countdown)
  const sentence = readiness(s.target, chosen)
  const hidden = !chosen || chosen.start === 'hidden'
  const ready = hidden ? phrase(quietEnds === null ? 'tip.ready' : 'tip.quiet', { v: s.target }) : sentence
  const urgent = [
    ...(s.critical ? [phrase('state.critical')] : []),
    ...(countdown === null ? [] : [phrase('state.countdown', { when: { at: countdown } })]),
  ]
  return card({
    glyph: 'ready',
    sentence,
    lines: [
      ...urgent,
      s.patchBytes > 0
        ? phrase('state.waiting.sub', { old: s.installed, size: { bytes: s.patchBytes }, full: { bytes: s.fullBytes } })
        : phrase('state.using', { old: s.installed }),
      ...(quietEnds === null ? [] : [phrase('state.waiting.quiet', { when: { at: quietEnds } })]),
    ],
    tooltip: holds.length ? phrase('tip.holds', { v: s.target, holds: { list: holds } }) : ready,
    holds: holds.length === 0 && quietEnds !== null ? null : holds,
    buttons: [
      holds.length ? button('restart', 'btn.restartDone') : button('restart'),
      ...(s.critical ? [] : [button('hold')]),
      ...(countdown === null ? [] : [button('stretch')]),
    ],
  })
}

function readiness(v: string, chosen: Choices | null): Phrase {
  switch (chosen?.start) {
    case 'idle':
      return phrase('state.waiting.idle', { v, min: chosen.idleMinutes })
    case 'quit':
      return phrase('state.waiting.quit', { v })
    case 'ask':
      return phrase('state.waiting.ask', { v })
    default:
      return phrase('state.waiting', { v })
  }
}

function probation(s: UpdateFacts, now: number): UpdateCard {
  const since = time(s.since)
  const ends = time(s.probationEnds)
  const v = s.target || s.installed
  const ago = { lasts: Math.max(0, now - (since ?? now)) }
  const r = s.restored
  const counted = r !== null && ends !== null && s.previous !== ''
  return card({
    glyph: 'probation',
    sentence: counted
      ? phrase('state.probation', { v, ago, a: r.restored, b: r.total, old: s.previous, left: { lasts: Math.max(0, ends - now) } })
      : phrase('state.probation.brief', { v, ago }),
    announce: phrase('say.probation', { v }),
    lines: s.previous ? [phrase('state.probation.sub', { old: s.previous })] : [],
    tooltip: phrase('tip.probation', { v, ago }),
    buttons: s.previous ? [button('goBack')] : [],
    canCheck: false,
  })
}

function confirmed(s: UpdateFacts): UpdateCard {
  const from = s.previous
  const lines = []
  if (s.restored && from) lines.push(phrase('state.confirmed.sub', { old: from, a: s.restored.restored, b: s.restored.total }))
  else if (s.restored) lines.push(phrase('state.restored', { a: s.restored.restored, b: s.restored.total }))
  return card({ glyph: 'current', sentence: phrase('state.confirmed', { v: s.installed }), lines, tooltip: standing(s) })
}

function rolledBack(s: UpdateFacts, now: number): UpdateCard {
  const why = s.reason ? because(s.reason, s, now) : null
  const lines = []
  if (why) lines.push(phrase('state.rolledBack.why', { what: { phrase: why.what } }))
  if (s.restored) {
    const { restored: a, total: b } = s.restored
    lines.push(b > 0 && a === b ? phrase('state.rolledBack.all') : phrase('state.rolledBack.some', { a, b }))
  }
  if (why) lines.push(why.todo)
  return card({
    glyph: 'back',
    sentence: phrase('state.rolledBack', { v: s.target, old: s.installed }),
    tooltip: phrase('tip.back', { old: s.installed }),
    lines,
    buttons: [...(s.reason ? [button('details')] : []), { id: 'tryAgain', label: phrase('btn.again', { v: s.target }) }],
  })
}

// The reason with what is known beside it. A next check that should have been is none to wait for.
function because(reason: Reason, s: UpdateFacts, now: number): Explanation {
  const next = time(s.nextCheck)
  return explain(reason, { ...s, now, next: next !== null && next > now ? next : null })
}

// A failed check, a release that could not be used, or a restart that the user stopped: the old version runs on in all of them.
function failed(s: UpdateFacts, now: number, glyph: GlyphKind): UpdateCard {
  const reason: Reason = s.reason ?? { code: 'internal', detail: '', params: {} }
  const { what, todo, remedy } = because(reason, s, now)
  const buttons = { retry: [button('details'), retry], fetch: [button('getNow')], command: [button('copyCommand')], none: [] }[remedy]
  return card({
    glyph,
    sentence: what,
    lines: [todo, phrase('state.keeps', { old: s.installed })],
    tooltip: glyph === 'attention' ? what : standing(s),
    buttons,
  })
}

// The type says that no other state exists. An engine newer than this page may know one all the same; then only what is certain is said.
function unknownState(state: never, s: UpdateFacts): UpdateCard {
  void state
  return card({ glyph: 'current', sentence: phrase('state.idle', { v: s.installed }), tooltip: standing(s) })
}

// Which version runs, and when was last checked that it is the newest.
function standing(s: UpdateFacts): Phrase {
  const at = time(s.lastCheck)
  return at === null ? phrase('tip.never', { v: s.installed }) : phrase('tip.current', { v: s.installed, when: { at } })
}

// Milliseconds since 1970, or null where there is no time: '' or the zero time of the engine.
export function time(rfc3339: string | undefined): number | null {
  const at = rfc3339 ? Date.parse(rfc3339) : NaN
  return Number.isFinite(at) && at > 0 ? at : null
}

// ---- history ----

export type How = 'hidden' | 'idle' | 'asked' | 'quit' | 'security' | 'back' | ''

export interface PastUpdate {
  at: string
  from: string
  to: string
  outcome: 'confirmed' | 'probation' | 'rolled-back' | 'refused' | 'recalled' | 'aborted'
  how: How
  restored: number
  total: number
  bytes: number
  reason: Reason | null
}

export interface HistoryLine {
  glyph: GlyphKind
  facts: Phrase[] // shown in one row, apart from one another
}

export function tell(r: PastUpdate, now: number): HistoryLine {
  const reason = r.reason ? { phrase: explain(r.reason, { target: r.to, installed: r.from, now, next: null }).short } : null
  const told = (key: string, unexplained: string): Phrase => (reason ? phrase(key, { reason }) : phrase(unexplained))
  switch (r.outcome) {
    case 'confirmed':
      return { glyph: 'current', facts: success(r) }
    case 'probation':
      return { glyph: 'probation', facts: [phrase('history.probation'), ...success(r)] }
    case 'rolled-back': {
      const kept = r.total > 0 && r.restored === r.total ? [phrase('state.rolledBack.all')] : []
      return { glyph: 'back', facts: [told('history.back', 'history.backUnexplained'), ...kept] }
    }
    case 'refused':
      return { glyph: 'attention', facts: [told('history.failed', 'history.failedUnexplained')] }
    case 'aborted':
      return { glyph: 'current', facts: [told('history.stopped', 'history.stoppedUnexplained')] }
    case 'recalled':
      return { glyph: 'current', facts: [phrase('history.recalled')] }
    default:
      return unknownOutcome(r.outcome)
  }
}

function unknownOutcome(outcome: never): HistoryLine {
  void outcome
  return { glyph: 'current', facts: [] }
}

function success(r: PastUpdate): Phrase[] {
  const facts = []
  if (r.how) facts.push(phrase(r.how === 'back' ? 'history.wentBack' : `history.${r.how}`))
  if (r.total > 0) facts.push(phrase('history.restored', { a: r.restored, b: r.total }))
  if (r.bytes > 0) facts.push(phrase('history.size', { size: { bytes: r.bytes } }))
  return facts
}
