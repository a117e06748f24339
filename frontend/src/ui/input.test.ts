// @vitest-environment happy-dom
import { expect, test } from 'vitest'
import { watchInput } from './input'

function start() {
  let clock = 1000
  let heard = 0
  const target = new EventTarget()
  const stop = watchInput(
    target,
    () => heard++,
    5000,
    () => clock,
  )
  const send = (event: Event) => {
    target.dispatchEvent(event)
    return heard
  }
  return { send, stop, pass: (ms: number) => (clock += ms) }
}

const move = (x: number) => new PointerEvent('pointermove', { screenX: x, screenY: 5 })

test.each(['keydown', 'pointerdown', 'wheel'])('%s is a sign of life', (sign) => {
  expect(start().send(new Event(sign))).toBe(1)
})

test('much of it is told once in a while', () => {
  const { send, pass } = start()
  send(new Event('keydown'))
  pass(4999)
  expect(send(new Event('keydown'))).toBe(1)
  pass(1)
  expect(send(new Event('wheel'))).toBe(2)
})

test('a pointer that rests is none', () => {
  const { send } = start()
  expect([send(move(7)), send(move(7)), send(move(8))]).toEqual([0, 0, 1])
})

test('nobody is told after the end', () => {
  const { send, stop } = start()
  stop()
  expect(send(new Event('keydown'))).toBe(0)
})
