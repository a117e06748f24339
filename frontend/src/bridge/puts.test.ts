import { expect, test } from 'vitest'
import { putQueue, type Put } from './puts'

function gate() {
  const sent: Put[] = []
  const open: (() => void)[] = []
  const put = putQueue((p) => {
    sent.push(p)
    return new Promise((resolve) => open.push(resolve))
  })
  const next = async () => {
    open.shift()?.()
    await new Promise((resolve) => setImmediate(resolve))
  }
  return { sent, put, next }
}

test('one is in flight, and the newest of those that wait comes next', async () => {
  const { sent, put, next } = gate()
  const all = [put('a', 'work', ''), put('b', 'work', ''), put('c', 'blur', '')]
  expect(sent.map((p) => p.json)).toEqual(['a'])
  await next()
  expect(sent.map((p) => [p.json, p.reason, p.seq])).toEqual([
    ['a', 'work', 1],
    ['c', 'blur', 2],
  ])
  await next()
  await Promise.all(all)
})

test('a capture that was asked for is answered, with later state if there is any', async () => {
  const { sent, put, next } = gate()
  const all = [put('a', 'work', ''), put('b', 'capture', 'x'), put('c', 'work', ''), put('d', 'capture', 'y'), put('e', 'work', '')]
  for (let i = 0; i < 3; i++) await next()
  expect(sent.map((p) => [p.json, p.id])).toEqual([
    ['a', ''],
    ['c', 'x'],
    ['e', 'y'],
  ])
  await Promise.all(all)
})

test('a failure reaches those who wait for it and stops nothing', async () => {
  let fail = true
  const put = putQueue(() => (fail ? Promise.reject(new Error('disk full')) : Promise.resolve()))
  await expect(put('a', 'work', '')).rejects.toThrow('disk full')
  fail = false
  await expect(put('b', 'work', '')).resolves.toBeUndefined()
})
