import { describe as suite, expect, it } from 'vitest'
import en from '../i18n/en.json'
import { explain, type Phrase, type Reason, type ReasonCode, type Value } from './reasons'
import { heldUntil, holdFrom, holdIds, type Choices } from './start'
import { describe, tell, type PastUpdate, type Pause, type UpdateFacts, type UpdateState } from './updates'

const now = Date.parse('2026-05-03T12:30:00Z')

const facts = (state: UpdateState, more: Partial<UpdateFacts> = {}): UpdateFacts => ({
  state,
  installed: '1.8.2',
  target: '',
  previous: '',
  patchBytes: 6_400_000,
  fullBytes: 61_000_000,
  reason: null,
  progress: null,
  paused: '',
  holds: [],
  since: '2026-05-03T12:18:00Z',
  lastCheck: '2026-05-03T12:01:00Z',
  nextCheck: '',
  probationEnds: '',
  restored: null,
  critical: false,
  countdown: '',
  back: null,
  ...more,
})

const because = (code: ReasonCode, params: Record<string, string> = {}): Reason => ({ code, detail: `detail of ${code}`, params })

const usual: Choices = { start: 'hidden', idleMinutes: 10, holdFor: '' }
const noQuiet = { on: false, from: '09:00', to: '18:00', days: 'mon', downloads: true }

// Writing these as records makes a state or a code that is left out a type error.
const states: Record<UpdateState, [Partial<UpdateFacts>, sentence: string, glyph: string, buttons: string]> = {
  idle: [{}, 'state.idle', 'current', ''],
  checking: [{}, 'state.checking', 'current', ''],
  current: [{}, 'state.current', 'current', ''],
  downloading: [{ target: '1.9.0' }, 'state.downloading.start', 'busy', 'pause cancel hold'],
  staged: [{ target: '1.9.0' }, 'state.testing', 'busy', 'cancel'],
  proven: [{ target: '1.9.0' }, 'state.testing', 'busy', 'cancel'],
  waiting: [{ target: '1.9.0' }, 'state.waiting', 'ready', 'restart hold'],
  swapping: [{ target: '1.9.0' }, 'state.swapping', 'ready', ''],
  'handing-over': [{ target: '1.9.0' }, 'state.swapping', 'ready', ''],
  probation: [{ target: '1.9.0' }, 'state.probation.brief', 'probation', ''],
  confirmed: [{ target: '1.9.0' }, 'state.confirmed', 'current', ''],
  refused: [{ target: '1.9.0', reason: because('corrupt') }, 'err.corrupt', 'attention', 'details tryAgain'],
  recalled: [{ target: '1.9.0' }, 'state.recalled', 'current', ''],
  aborted: [{ target: '1.9.0', reason: because('cancelled') }, 'err.cancelled', 'current', 'getNow'],
  'rolled-back': [{ target: '1.9.0', reason: because('crash') }, 'state.rolledBack', 'back', 'details tryAgain'],
}

const codes: Record<ReasonCode, [params: Record<string, string>, what: string, todo: string, short: string]> = {
  unreachable: [{}, 'err.server', 'err.server.d', 'reason.unreachable'],
  busy: [{ seconds: '120' }, 'err.busy.wait', 'err.busy.d', 'reason.busy'],
  proxy: [{ host: '10.0.0.1:8080', code: '407' }, 'err.proxy', 'err.proxy.d', 'reason.proxy'],
  certificate: [{ issuer: 'Hotel', host: 'updates.example' }, 'err.tls', 'err.tls.d', 'reason.tls'],
  malformed: [{}, 'err.malformed', 'err.malformed.d', 'reason.malformed'],
  signature: [{}, 'err.signature', 'err.signature.d', 'reason.signature'],
  expired: [{}, 'err.expired', 'err.expired.d', 'reason.expired'],
  clock: [{}, 'err.clock', 'err.clock.d', 'reason.clock'],
  corrupt: [{}, 'err.corrupt', 'err.corrupt.d', 'reason.corrupt'],
  disk: [{ need: '140000000', free: '52000000', path: '/opt' }, 'err.disk', 'err.disk.d', 'reason.disk'],
  'read-only': [{ path: '/opt/tesseract' }, 'err.readonly', 'err.readonly.d', 'reason.readonly'],
  managed: [{ manager: 'APT', package: 'tesseract', command: 'sudo apt upgrade' }, 'err.managed', 'err.managed.d', 'reason.managed'],
  'not-yours': [{ path: '/opt/tesseract', owner: 'root' }, 'err.notYours', 'err.notYours.d', 'reason.notYours'],
  image: [{ path: '/mnt' }, 'err.image', 'err.image.d', 'reason.image'],
  translocated: [{}, 'err.translocated', 'err.translocated.d', 'reason.translocated'],
  'state-folder': [{ path: '/home/a' }, 'err.state', 'err.state.d', 'reason.state'],
  locked: [{}, 'err.locked', 'err.locked.d', 'reason.locked'],
  trial: [{}, 'err.trial', 'err.trial.d', 'reason.trial'],
  'not-ready': [{ seconds: '20' }, 'err.notReady', 'err.back.d', 'reason.notReady'],
  crash: [{}, 'err.crash', 'err.back.d', 'reason.crash'],
  'crash-loop': [{}, 'err.crashLoop', 'err.back.d', 'reason.crashLoop'],
  restore: [{ restored: '15', total: '18' }, 'err.restore', 'err.back.d', 'reason.restore'],
  returned: [{}, 'err.returned', 'err.returned.d', 'reason.returned'],
  cancelled: [{}, 'err.cancelled', 'err.cancelled.d', 'reason.cancelled'],
  skipped: [{ back: '' }, 'state.skipped', 'state.skipped.sub', 'reason.skipped'],
  unconfigured: [{}, 'err.unconfigured', 'err.unconfigured.d', 'reason.unconfigured'],
  internal: [{}, 'err.internal', 'err.internal.d', 'reason.internal'],
}

// A phrase can be said when its message exists and gets every parameter it names.
function expectSayable(p: Phrase): void {
  const message = (en as Record<string, string>)[p.key]
  expect(message, p.key).toBeDefined()
  for (const [, name] of (message ?? '').matchAll(/\{(\w+)\}/g)) expect(Object.keys(p.params), p.key).toContain(name)
  for (const value of Object.values(p.params)) if (isNested(value)) expectSayable(value.phrase)
}
const isNested = (v: Value): v is { phrase: Phrase } => typeof v === 'object' && 'phrase' in v

function expectWhole(f: UpdateFacts): void {
  const card = describe(f, now)
  for (const p of [card.sentence, card.announce, card.tooltip, ...card.lines, ...card.buttons.map((b) => b.label)]) expectSayable(p)
  if (card.progress) expectSayable(card.progress.text)
}

// The keys of everything that a card says, phrases within phrases included.
const inner = (p: Phrase): string[] => [p.key, ...Object.values(p.params).flatMap((v) => (isNested(v) ? inner(v.phrase) : []))]
const keys = (f: UpdateFacts): string[] => {
  const { sentence, lines } = describe(f, now)
  return [sentence, ...lines].flatMap(inner)
}

suite('every state', () => {
  it.each(Object.entries(states))('%s', (state, [more, sentence, glyph, buttons]) => {
    const f = facts(state as UpdateState, more)
    const card = describe(f, now)
    expect([card.sentence.key, card.glyph, card.buttons.map((b) => b.id).join(' ')]).toEqual([sentence, glyph, buttons])
    expectWhole(f)
  })

  it('offers no check while one would disturb or be ignored', () => {
    const unable = (Object.keys(states) as UpdateState[]).filter((s) => !describe(facts(s, states[s][0]), now).canCheck)
    expect(unable).toEqual(['checking', 'downloading', 'staged', 'proven', 'swapping', 'handing-over', 'probation'])
  })

  it('says only what is certain about a state it does not know', () => {
    const card = describe(facts('dancing' as UpdateState), now)
    expect(card.sentence).toEqual({ key: 'state.idle', params: { v: '1.8.2' } })
  })
})

suite('every reason', () => {
  it.each(Object.entries(codes))('%s', (code, [params, what, todo, short]) => {
    const e = explain(because(code as ReasonCode, params), { target: '1.9.0', installed: '1.8.2', now, next: null })
    expect([e.what.key, e.todo.key, e.short.key]).toEqual([what, todo, short])
    for (const p of [e.what, e.todo, e.short]) expectSayable(p)
    for (const state of ['idle', 'current', 'refused', 'aborted', 'rolled-back'] as const) {
      expectWhole(facts(state, { target: '1.9.0', reason: because(code as ReasonCode, params) }))
      expect(keys(facts(state, { target: '1.9.0', reason: because(code as ReasonCode, params) }))).toEqual(
        expect.arrayContaining([what, todo]),
      )
    }
  })

  it.each([
    ['disk', 'err.disk.full'],
    ['state-folder', 'err.state.unnamed'],
    ['not-ready', 'err.notReady.unnamed'],
    ['busy', 'err.busy'],
    ['proxy', 'err.proxy.unnamed'],
    ['certificate', 'err.tls.unnamed'],
    ['managed', 'err.managed.unnamed'],
    ['not-yours', 'err.notYours.unnamed'],
  ] as const)('%s without its figures', (code, what) => {
    const e = explain(because(code), { target: '1.9.0', installed: '1.8.2', now, next: null })
    expect(e.what.key).toBe(what)
    for (const p of [e.what, e.todo, e.short]) expectSayable(p)
  })

  it.each([
    ['unreachable', 'err.server.next', 'err.server.next.d'],
    ['busy', 'err.busy.next', 'err.busy.next.d'],
  ] as const)('%s tells when the next check is', (code, what, todo) => {
    const f = facts('idle', { reason: because(code, codes[code][0]), nextCheck: '2026-05-03T15:40:00Z' })
    expect(describe(f, now).sentence).toEqual({ key: what, params: { when: { at: Date.parse(f.nextCheck) } } })
    expect(keys(f)).toContain(todo)
    expectWhole(f)
    const late = Date.parse('2026-05-03T15:41:00Z')
    expect(describe(f, late).sentence.key).toBe(codes[code][1])
  })

  it('names a proxy that gave no number', () => {
    const f = facts('idle', { reason: because('proxy', { host: '10.0.0.1:8080' }) })
    expect(describe(f, now).sentence).toEqual({ key: 'err.proxy.uncoded', params: { host: '10.0.0.1:8080' } })
    expectWhole(f)
  })

  it('keeps a stranger’s name on one line', () => {
    const issuer = `Evil\n\u202eCA\0 ${'x'.repeat(500)}`
    const said = describe(facts('idle', { reason: because('certificate', { issuer }) }), now).sentence.params['issuer']
    expect(said).toBe(`Evil CA ${'x'.repeat(71)}…`)
  })

  it('takes a code it does not know for a defect', () => {
    expect(explain(because('gremlins' as ReasonCode), { target: '', installed: '1.8.2', now, next: null }).what.key).toBe('err.internal')
  })

  it('asks for the user only where nothing mends by itself', () => {
    const glyph = (code: ReasonCode) => describe(facts('idle', { reason: because(code, codes[code][0]) }), now).glyph
    expect(glyph('read-only')).toBe('attention')
    expect(glyph('unreachable')).toBe('current')
  })
})

suite('claims', () => {
  it('is up to date only after a check that succeeded', () => {
    expect(keys(facts('current', { lastCheck: '' }))[0]).toBe('state.never')
    expect(keys(facts('current', { lastCheck: '0001-01-01T00:00:00Z' }))[0]).toBe('state.never')
    expect(keys(facts('current', { reason: because('unreachable') }))[0]).toBe('err.server')
    expect(describe(facts('confirmed', { lastCheck: '' }), now).tooltip.key).toBe('tip.never')
  })

  it.each([
    [{ restored: 18, total: 18 }, 'state.rolledBack.all'],
    [{ restored: 15, total: 18 }, 'state.rolledBack.some'],
    [{ restored: 0, total: 0 }, 'state.rolledBack.some'],
  ])('says that nothing was lost only after counting: %o', (restored, line) => {
    expect(keys(facts('rolled-back', { target: '1.9.0', reason: because('crash'), restored }))).toContain(line)
  })

  it('counts nothing that was not counted', () => {
    expect(keys(facts('rolled-back', { target: '1.9.0', reason: because('crash') }))).toEqual([
      'state.rolledBack',
      'state.rolledBack.why',
      'err.crash',
      'err.back.d',
    ])
  })
})

suite('choices', () => {
  const ready = facts('waiting', { target: '1.9.0' })
  const told = (f: UpdateFacts, choices: Partial<Choices>) => {
    const card = describe(f, now, { quietHours: noQuiet, ...usual, ...choices })
    for (const p of [card.sentence, card.announce, card.tooltip, ...card.lines, ...card.buttons.map((b) => b.label)]) expectSayable(p)
    return card
  }

  it.each([
    ['hidden', 'state.waiting'],
    ['idle', 'state.waiting.idle'],
    ['quit', 'state.waiting.quit'],
    ['ask', 'state.waiting.ask'],
  ] as const)('says when a version starts: %s', (start, sentence) => {
    expect(told(ready, { start }).sentence.key).toBe(sentence)
  })

  it('says first that no update is wanted, and then what there would be', () => {
    const until = now + 3600e3
    const card = told(ready, { holdFor: new Date(until).toISOString() })
    expect([card.glyph, card.sentence]).toEqual(['hold', { key: 'state.hold', params: { when: { at: until } } }])
    expect(card.lines[0]).toEqual({ key: 'state.hold.was', params: { what: { phrase: { key: 'state.waiting', params: { v: '1.9.0' } } } } })
    expect(card.buttons.map((b) => b.id)).toEqual(['resumeUpdates', 'restart'])
    expect(told(ready, { holdFor: 'open' }).sentence.key).toBe('state.hold.open')
    expect(told(ready, { holdFor: new Date(now - 1).toISOString() }).sentence.key).toBe('state.waiting')
  })

  it('is not put off and not skipped when it is critical', () => {
    const countdown = new Date(now + 900e3).toISOString()
    const card = told({ ...ready, critical: true, countdown }, { holdFor: 'open' })
    expect(card.sentence.key).toBe('state.waiting')
    expect(card.lines.map((l) => l.key)).toEqual(['state.critical', 'state.countdown', 'state.waiting.sub'])
    expect(card.buttons.map((b) => b.id)).toEqual(['restart', 'stretch'])
  })

  it('takes a skipped version back, and one that was gone back from', () => {
    const f = (back: string) => facts('aborted', { target: '1.9.0', reason: because('skipped', { back }) })
    expect(told(f(''), {}).buttons.map((b) => b.id)).toEqual(['unskip'])
    const left = told(f('1.8.2'), {})
    expect([left.sentence.key, left.buttons.map((b) => b.id)]).toEqual(['state.skipped.back', ['tryAgain']])
  })

  it('gives a command to those whom somebody else keeps current', () => {
    const f = (command: string) => facts('idle', { reason: because('managed', { manager: 'APT', command }) })
    expect(told(f('apt upgrade'), {}).buttons.map((b) => b.id)).toEqual(['copyCommand'])
    expect(told(f(''), {}).buttons).toEqual([])
  })

  it('counts spans from now', () => {
    const spans = holdIds.map((id) => heldUntil(holdFrom(id, now), now))
    expect(spans[0]).toBe(now + 3600e3)
    const tomorrow = new Date(spans[1] as number)
    expect([tomorrow.getHours(), tomorrow.getMinutes(), tomorrow.getDate()]).toEqual([9, 0, new Date(now + 86400e3).getDate()])
    expect(new Date(spans[2] as number).getDate()).toBe(new Date(now + 7 * 86400e3).getDate())
    expect(spans[3]).toBe('open')
    expect([heldUntil('', now), heldUntil('rubbish', now)]).toEqual([null, null])
  })
})

suite('figures', () => {
  const progress = { done: 2_100_000, total: 6_400_000, full: 61_000_000, secondsLeft: 4 }

  it('shows a download with its share, and speaks of it at quarters', () => {
    const card = describe(facts('downloading', { target: '1.9.0', progress }), now)
    expect(card.sentence).toEqual({ key: 'state.downloading', params: { v: '1.9.0', pct: 32 } })
    expect(card.announce.params['pct']).toBe(25)
    expect(card.progress?.share).toBeCloseTo(0.328, 3)
    expect(card.lines[0]?.params['left']).toEqual({ lasts: 4000 })
    expect(describe(facts('downloading', { target: '1.9.0', progress: { ...progress, done: 9e9 } }), now).progress?.share).toBe(1)
    expect(describe(facts('downloading', { target: '1.9.0', progress: { ...progress, total: 0 } }), now).progress).toBeNull()
    expect(describe(facts('downloading', { target: '1.9.0', progress: { ...progress, secondsLeft: 0 } }), now).lines[0]?.key).toBe(
      'state.downloading.started',
    )
  })

  it.each<[Pause, sentence: string, lines: string, button: string]>([
    ['user', 'state.paused', 'state.downloading.started', 'resume'],
    ['metered', 'state.metered', 'state.downloading.started state.allow', 'pause'],
    ['battery', 'state.battery', 'state.downloading.started state.goesOn', 'pause'],
    ['quiet', 'state.quiet', 'state.downloading.started state.allow', 'pause'],
    ['server', 'state.server', 'state.downloading.started state.server.sub', 'pause'],
    ['hold', 'state.held', 'state.downloading.started state.held.sub', 'resumeUpdates'],
    ['eclipse' as Pause, 'state.paused', 'state.downloading.started', 'pause'],
  ])('a download that waits: %s', (paused, sentence, lines, first) => {
    const f = facts('downloading', { target: '1.9.0', progress, paused })
    const card = describe(f, now)
    expect([card.sentence.key, card.lines.map((l) => l.key).join(' '), card.glyph]).toEqual([sentence, lines, 'hold'])
    expect(card.buttons.map((b) => b.id)).toEqual(paused === 'hold' ? [first, 'cancel'] : [first, 'cancel', 'hold'])
    expect([card.canCheck, card.progress?.share]).toEqual([false, progress.done / progress.total])
    expect(describe({ ...f, progress: null }, now).progress).toBeNull()
    expectWhole(f)
    expectWhole({ ...f, progress: null })
  })

  it('says where a paused download stands', () => {
    const f = facts('downloading', { target: '1.9.0', progress, paused: 'user' })
    expect(describe(f, now).sentence.params).toEqual({ v: '1.9.0', pct: 32 })
    expect(describe({ ...f, progress: null }, now).sentence.key).toBe('state.paused.start')
  })

  it('tells when the quiet hours end, but to the ears only that they do', () => {
    const hour = (shift: number) => `${String((new Date(now).getHours() + 24 + shift) % 24).padStart(2, '0')}:00`
    const quietHours = { on: true, from: hour(-1), to: hour(2), days: 'mon tue wed thu fri sat sun', downloads: true }
    const chosen = { quietHours, ...usual }
    const end = new Date(now).setHours(new Date(now).getHours() + 2, 0, 0, 0)
    const card = describe(facts('downloading', { target: '1.9.0', progress, paused: 'quiet' }), now, chosen)
    expect(card.sentence).toEqual({ key: 'state.quiet.until', params: { v: '1.9.0', when: { at: end } } })
    expect([card.announce.key, card.tooltip.key]).toEqual(['state.quiet', 'state.quiet'])

    const ready = describe(facts('waiting', { target: '1.9.0' }), now, chosen)
    expect([ready.lines[1], ready.holds, ready.tooltip.key]).toEqual([
      { key: 'state.waiting.quiet', params: { when: { at: end } } },
      null,
      'tip.quiet',
    ])
    for (const p of [card.sentence, card.announce, ready.tooltip, ...ready.lines]) expectSayable(p)
    const held = describe(facts('waiting', { target: '1.9.0', holds: [{ id: 'x', label: 'Exporting' }] }), now, chosen)
    expect([held.holds, held.tooltip.key]).toEqual([['Exporting'], 'tip.holds'])
    expect(describe(facts('waiting', { target: '1.9.0' }), now, { ...chosen, quietHours: { ...quietHours, on: false } }).holds).toEqual([])
  })

  it('names what a restart waits for', () => {
    const held = describe(facts('waiting', { target: '1.9.0', holds: [{ id: 'x', label: 'Exporting 3 documents' }] }), now)
    expect(held.holds).toEqual(['Exporting 3 documents'])
    expect(held.buttons[0]?.label.key).toBe('btn.restartDone')
    expect(held.tooltip.key).toBe('tip.holds')
    expect(describe(facts('waiting', { target: '1.9.0' }), now).holds).toEqual([])
  })

  it('tells how long a new version has run and how long the old one stands by', () => {
    const f = facts('probation', {
      installed: '1.9.0',
      target: '1.9.0',
      previous: '1.8.2',
      probationEnds: '2026-05-03T12:48:00Z',
      restored: { restored: 18, total: 18 },
    })
    const { sentence, announce } = describe(f, now)
    expect(sentence).toEqual({
      key: 'state.probation',
      params: { v: '1.9.0', ago: { lasts: 12 * 60e3 }, a: 18, b: 18, old: '1.8.2', left: { lasts: 18 * 60e3 } },
    })
    expect(announce).toEqual(describe(f, now + 60e3).announce)
    expectWhole(f)
  })

  it('offers a version that was only checked for', () => {
    const card = describe(facts('idle', { target: '1.9.0' }), now)
    expect([card.sentence.key, card.buttons[0]?.id]).toEqual(['state.available', 'getNow'])
  })
})

suite('history', () => {
  const past = (more: Partial<PastUpdate>): PastUpdate => ({
    at: '2026-05-01T10:00:00Z',
    from: '1.8.1',
    to: '1.8.2',
    outcome: 'confirmed',
    how: 'hidden',
    restored: 18,
    total: 18,
    bytes: 1_900_000,
    reason: null,
    ...more,
  })

  it.each<[Partial<PastUpdate>, string, string]>([
    [{}, 'current', 'history.hidden history.restored history.size'],
    [{ how: '', total: 0, bytes: 0 }, 'current', ''],
    [{ outcome: 'probation' }, 'probation', 'history.probation history.hidden history.restored history.size'],
    [{ outcome: 'rolled-back', reason: because('crash') }, 'back', 'history.back state.rolledBack.all'],
    [{ outcome: 'rolled-back', total: 0, restored: 0 }, 'back', 'history.backUnexplained'],
    [{ outcome: 'rolled-back', restored: 15, reason: because('restore') }, 'back', 'history.back'],
    [{ outcome: 'refused', reason: because('disk', codes.disk[0]) }, 'attention', 'history.failed'],
    [{ outcome: 'refused' }, 'attention', 'history.failedUnexplained'],
    [{ outcome: 'aborted', reason: because('returned') }, 'current', 'history.stopped'],
    [{ outcome: 'aborted' }, 'current', 'history.stoppedUnexplained'],
    [{ outcome: 'recalled' }, 'current', 'history.recalled'],
  ])('%o', (more, glyph, expected) => {
    const line = tell(past(more), now)
    expect([line.glyph, line.facts.map((f) => f.key).join(' ')]).toEqual([glyph, expected])
    line.facts.forEach(expectSayable)
  })
})
