import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { captureAfter, captureWithin, recorder } from './recorder'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function setup() {
  const puts: string[][] = []
  const failures: unknown[] = []
  const behaviour = { take: () => 'state', put: () => Promise.resolve() }
  const r = recorder({
    take: () => behaviour.take(),
    put: (...put) => {
      puts.push(put)
      return behaviour.put()
    },
    failed: (err) => failures.push(err),
  })
  return { r, puts, failures, behaviour }
}

test('work is recorded a moment after the last change', () => {
  const { r, puts } = setup()
  r.open()
  r.soon()
  vi.advanceTimersByTime(captureAfter - 1)
  r.soon()
  vi.advanceTimersByTime(captureAfter - 1)
  expect(puts).toEqual([])
  vi.advanceTimersByTime(1)
  expect(puts).toEqual([['state', 'work', '']])
})

test('work that never pauses is recorded all the same', () => {
  const { r, puts } = setup()
  r.open()
  for (let at = 0; at < captureWithin; at += 100) {
    r.soon()
    vi.advanceTimersByTime(100)
  }
  expect(puts).toHaveLength(1)
})

test('recording at once makes the one that waits needless', async () => {
  const { r, puts } = setup()
  r.open()
  r.soon()
  await r.now('hidden')
  vi.advanceTimersByTime(captureWithin)
  expect(puts).toEqual([['state', 'hidden', '']])
})

test('closed, only who asks by id gets an answer', async () => {
  const { r, puts } = setup()
  r.soon()
  await r.now('blur')
  await r.now('capture', 'x')
  vi.advanceTimersByTime(captureWithin)
  expect(puts).toEqual([['state', 'capture', 'x']])
})

test('a capture that fails is answered with nothing, never with an older state', async () => {
  const { r, puts, failures, behaviour } = setup()
  r.open()
  await r.now('work')
  behaviour.take = () => {
    throw new Error('too large')
  }
  await r.now('work')
  await r.now('capture', 'x')
  expect(puts).toEqual([
    ['state', 'work', ''],
    ['', 'capture', 'x'],
  ])
  expect(failures).toHaveLength(2)
})

test('a disk that refuses is told and stops nothing', async () => {
  const { r, failures, behaviour } = setup()
  r.open()
  behaviour.put = () => Promise.reject(new Error('disk full'))
  await r.now('work')
  behaviour.put = () => Promise.resolve()
  await r.now('work')
  expect(failures).toEqual([new Error('disk full')])
})
