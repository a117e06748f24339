// @vitest-environment happy-dom
import { afterEach, expect, test, vi } from 'vitest'
import { PlatformError, webPlatform, type SessionStart } from '../bridge'
import { emptyMemory } from '../model/app'
import { boot, type Running } from './boot'
import type { Item, Last } from './mirror'

let running: Running[] = []
afterEach(() => {
  for (const r of running) r.stop()
  running = []
  document.body.innerHTML = ''
})

const documents = { 'a.md': 'alpha', 'b.md': 'beta' }

async function page(start: Partial<SessionStart>, snapshot: string | null) {
  const platform = webPlatform({ documents, start })
  platform.controls.snapshot = snapshot
  platform.controls.fail('documents.write', new PlatformError('disk-full', 'full'))
  const { app, session, stop } = await boot(platform, () => undefined)
  running.push({ app, session, stop })
  const { controls } = platform
  const asked = async (step: 'hush' | 'take' | 'settle', id: string, data = '') => {
    controls.cross({ step, id, data })
    return vi.waitFor(() => {
      const text = controls.answers.get(id)
      if (text === undefined) throw new Error('no answer yet')
      return text
    })
  }
  return { app, session, controls, asked }
}

type Page = Awaited<ReturnType<typeof page>>

// What one page has told since the last time is told to the other.
async function pass(from: Page, to: Page): Promise<Item['kind'][]> {
  const items = from.controls.mirrored.splice(0)
  for (const item of items) to.controls.mirror(item)
  await to.asked('settle', `settled ${Math.random()}`)
  return items.map(({ item }) => (JSON.parse(item) as Item).kind)
}

// An incumbent with two documents open, and a successor that came up beneath it.
async function pair() {
  const incumbent = await page({}, null)
  await incumbent.session.open('a.md')
  await incumbent.session.open('b.md')
  incumbent.controls.cross({ step: 'stream', id: 'base', data: '' })
  await vi.waitFor(() => expect(incumbent.controls.puts.at(-1)?.id).toBe('base'))
  const successor = await page({ mode: 'successor', beneath: true }, incumbent.controls.snapshot)
  return { incumbent, successor }
}

const f19 = () => window.dispatchEvent(new KeyboardEvent('keydown', { key: 'F19', cancelable: true }))

test('whatever changes in one page changes in the other, and nothing is recorded twice', async () => {
  const { incumbent, successor } = await pair()
  const puts = incumbent.controls.puts.length
  incumbent.app.state.layout.sidebarWidth = 333
  incumbent.session.typed('b.md', 'beta, and more')
  await vi.waitFor(() => expect(incumbent.controls.mirrored.length).toBeGreaterThan(1))
  expect(await pass(incumbent, successor)).toEqual(['begin', 'whole'])
  expect(successor.app.plain().workspace.buffers).toEqual(incumbent.app.plain().workspace.buffers)
  expect(successor.app.state.layout.sidebarWidth).toBe(333)

  incumbent.session.activate('a.md')
  Object.assign(incumbent.app.state.workspace.buffers['b.md'] ?? {}, { revision: 'later' })
  await vi.waitFor(() => expect(incumbent.controls.mirrored.length).toBeGreaterThan(1))
  expect(await pass(incumbent, successor)).toEqual(['files', 'fields'])
  expect(successor.app.state.workspace.active).toBe('a.md')
  expect(successor.app.state.workspace.buffers['b.md']?.revision).toBe('later')
  expect(successor.controls.puts).toEqual([])
  expect(incumbent.controls.puts).toHaveLength(puts)
})

test('edits of an editor travel one by one', async () => {
  const { incumbent, successor } = await pair()
  let heard: (edit: never) => void = () => undefined
  const editor = (apply: () => string) => ({
    memory: () => emptyMemory,
    mirror: {
      listen: (fn: (edit: never) => void) => {
        heard = fn
        return () => undefined
      },
      apply,
      look: () => ({ selection: null, scroll: emptyMemory.scroll, search: null }),
      show: () => undefined,
    },
  })
  successor.session.connectEditor(
    'b.md',
    editor(() => 'beta!'),
  )
  incumbent.session.connectEditor(
    'b.md',
    editor(() => ''),
  )
  incumbent.session.typed('b.md', 'beta!')
  heard({ length: 5, time: 1 } as never)
  const kinds = await pass(incumbent, successor)
  expect(kinds.filter((k) => k === 'edit' || k === 'whole')).toEqual(['edit'])
  expect(successor.app.state.workspace.buffers['b.md']).toMatchObject({ text: 'beta!', dirty: true })
})

test('the keyboard passes: the second F19 is answered with the last moment, and the other page takes it', async () => {
  const { incumbent, successor } = await pair()
  await pass(incumbent, successor)
  incumbent.controls.cross({ step: 'probe', id: 'p', data: '' })
  await vi.waitFor(() => expect(incumbent.controls.answers.get('p/ready')).toBe(''))
  await incumbent.asked('hush', 'h')
  f19()
  expect(incumbent.controls.answers.get('p')).toBe('')
  expect(incumbent.controls.answers.has('h/last')).toBe(false)
  incumbent.app.problem = { code: 'disk-full', message: 'full' }
  incumbent.app.state.layout.sidebarWidth = 222
  f19()
  const last = incumbent.controls.answers.get('h/last') ?? ''
  expect(JSON.parse(last) as Last).toMatchObject({ refused: '', problem: { code: 'disk-full' } })

  const taken = successor.asked('take', 't', last)
  await pass(incumbent, successor)
  expect(await taken).toBe('')
  expect(successor.app.state.layout.sidebarWidth).toBe(222)
  expect(successor.app.problem).toEqual({ code: 'disk-full', message: 'full' })

  // From here on the guardian follows.
  incumbent.controls.retired()
  successor.controls.tookOver()
  successor.session.typed('a.md', 'written in the new version')
  await vi.waitFor(() => expect(successor.controls.mirrored.length).toBeGreaterThan(1))
  await pass(successor, incumbent)
  expect(incumbent.app.state.workspace.buffers['a.md']?.text).toBe('written in the new version')
  expect(JSON.parse(await incumbent.asked('settle', 's'))).toMatchObject({ intact: true })
  const before = incumbent.controls.puts.length
  incumbent.controls.tookOver()
  await vi.waitFor(() => expect(incumbent.controls.puts.length).toBeGreaterThan(before))
  expect(incumbent.controls.snapshot).toContain('written in the new version')
})

test('a word being composed refuses, and the page stays in charge', async () => {
  const { incumbent } = await pair()
  document.dispatchEvent(new CompositionEvent('compositionstart'))
  await incumbent.asked('hush', 'h')
  f19()
  expect((JSON.parse(incumbent.controls.answers.get('h/last') ?? '') as Last).refused).not.toBe('')
  const before = incumbent.controls.puts.length
  incumbent.controls.cross({ step: 'stay', id: '', data: '' })
  await vi.waitFor(() => expect(incumbent.controls.puts.length).toBeGreaterThan(before))
})

test.each<[string, unknown]>([
  ['an edit of what is not shown', { kind: 'edit', path: 'b.md', edit: { length: 1, time: 1 } }],
  ['a file that is not open', { kind: 'files', files: [{ path: 'c.md' }] }],
  ['a field that is none', { kind: 'fields', fields: { zoom: { v: 1, d: 'large' } } }],
])('%s ends the following, and the newest snapshot counts', async (_, item) => {
  const { successor } = await pair()
  successor.controls.mirror({ n: 1, item: '{"kind":"begin"}' })
  expect(JSON.parse(await successor.asked('settle', '1'))).toMatchObject({ intact: true })
  successor.controls.mirror({ n: 2, item: JSON.stringify(item) })
  expect(JSON.parse(await successor.asked('settle', '2'))).toMatchObject({ intact: false })
  expect(await successor.asked('take', '3', '{"n":2}')).toMatch(/^!/)
})
