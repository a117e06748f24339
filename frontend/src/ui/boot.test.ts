// @vitest-environment happy-dom
import { afterEach, expect, test, vi } from 'vitest'
import { PlatformError, webPlatform, type RestoreReport, type WebOptions } from '../bridge'
import { emptyMemory, type EditorMemory } from '../model/app'
import { boot, type Running } from './boot'
import { fields } from './registry'

let running: Running[] = []
afterEach(() => {
  for (const r of running) r.stop()
  running = []
  document.body.innerHTML = ''
})

const documents = { 'a.md': 'alpha', 'b.md': 'beta' }

async function start(options: WebOptions = {}, before: (p: ReturnType<typeof webPlatform>) => void = () => undefined) {
  const platform = webPlatform({ documents, ...options })
  const reports: RestoreReport[] = []
  platform.session.restored = (r) => {
    reports.push(r)
    return Promise.resolve()
  }
  before(platform)
  const mounted = vi.fn(() => {
    document.body.innerHTML = '<button data-focus-id="here"></button><button data-focus-id="there"></button>'
  })
  const { app, session, stop } = await boot(platform, mounted)
  running.push({ app, session, stop })
  return { platform, controls: platform.controls, app, session, reports, mounted, stop }
}

const memory = (anchor: number): EditorMemory => ({ ...emptyMemory, selections: { ranges: [{ anchor, head: 0 }], main: 0 } })

// Starts, works a little with a disk that takes no documents, is asked for a capture and ends: what is left is a snapshot with a draft.
async function worked() {
  const first = await start()
  first.controls.fail('documents.write', new PlatformError('disk-full', 'full'))
  await first.session.open('a.md')
  await first.session.open('b.md')
  first.session.connectEditor('b.md', { memory: () => memory(3) })
  first.session.typed('b.md', 'draft')
  first.app.state.layout.sidebarWidth = 333
  document.querySelector<HTMLElement>('[data-focus-id=there]')?.focus()
  first.controls.capture('id')
  await vi.waitFor(() => expect(first.controls.puts.some((p) => p.id === 'id')).toBe(true))
  first.stop()
  return first.controls.snapshot
}

const withSnapshot = (snapshot: string | null) => (p: ReturnType<typeof webPlatform>) => {
  p.controls.snapshot = snapshot
}

test('the first start shows the one document there is', async () => {
  const { app, reports, controls } = await start({ documents: { 'Welcome.md': 'hello' } })
  expect(app.state.workspace).toMatchObject({ active: 'Welcome.md', tabs: [{ path: 'Welcome.md' }] })
  expect(reports).toMatchObject([{ restored: 0, total: 0, missing: [] }])
  expect(controls.calls).toContain('window.present')
})

test('a second start is as the first one ended', async () => {
  const snapshot = await worked()
  const { app, reports, controls, mounted } = await start({}, withSnapshot(snapshot))
  expect(reports).toMatchObject([{ restored: fields.size, total: fields.size, missing: [] }])
  expect(app.state.workspace.active).toBe('b.md')
  expect(app.state.workspace.buffers['b.md']).toMatchObject({ text: 'draft', dirty: true, editor: memory(3) })
  expect(app.state.layout.sidebarWidth).toBe(333)
  expect(document.activeElement?.getAttribute('data-focus-id')).toBe('there')
  expect(mounted).toHaveBeenCalledOnce()
  const order = ['session.begin', 'preferences.get', 'session.loadSnapshot', 'window.place', 'window.present'].map((c) =>
    controls.calls.indexOf(c),
  )
  expect(order).toEqual(order.toSorted((a, b) => a - b))
})

test.each([
  ['no JSON', '{{{'],
  ['another format', '{"format":99}'],
  ['hostile', '{"format":1,"app":"1","at":"","fields":{"__proto__":{"v":1,"d":1}}}'],
])('a snapshot that is %s does not prevent the start', async (_, snapshot) => {
  const { app, reports, controls } = await start({}, withSnapshot(snapshot))
  expect(reports).toMatchObject([{ restored: 0, total: fields.size, missing: [{ key: 'snapshot' }] }])
  expect(app.problem?.code).toBe('snapshot')
  expect(controls.calls).toContain('window.present')
})

test.each([
  'session.begin',
  'preferences.get',
  'updates.status',
  'session.loadSnapshot',
  'documents.list',
  'window.frame',
  'window.place',
  'window.present',
])('the app starts although %s fails', async (operation) => {
  const snapshot = await worked()
  const { mounted, reports, controls } = await start({}, (p) => {
    p.controls.snapshot = snapshot
    p.controls.fail(operation, new PlatformError('internal', 'broken'))
  })
  expect(mounted).toHaveBeenCalledOnce()
  expect(reports).toHaveLength(1)
  expect(controls.calls).toContain('window.present')
  const lost = reports[0]?.missing.map((m) => m.key)
  if (operation === 'window.place') expect(lost).toEqual(['windowGeometry', 'maximised', 'minimised', 'fullscreen'])
  else expect(lost).toEqual(operation === 'session.loadSnapshot' ? ['snapshot'] : [])
})

test('a changed file: a clean text follows it, a draft waits for a choice, one that is gone stays as a draft', async () => {
  const snapshot = await worked()
  const changed = await start({ documents: { 'a.md': 'alpha 2', 'b.md': 'beta 2' } }, (p) => {
    p.controls.snapshot = snapshot
    p.controls.change('a.md', 'alpha 2')
    p.controls.change('b.md', 'beta 2')
  })
  await vi.waitFor(() => expect(changed.app.state.workspace.buffers['a.md']).toMatchObject({ text: 'alpha 2', dirty: false }))
  expect(changed.app.state.workspace.buffers['b.md']).toMatchObject({ text: 'draft', conflict: { text: 'beta 2' } })

  const gone = await start({ documents: {} }, withSnapshot(snapshot))
  await vi.waitFor(() => expect(gone.app.state.workspace.buffers['b.md']).toMatchObject({ text: 'draft', missing: true }))
  expect(gone.app.state.workspace.tabs.map((t) => t.path)).toEqual(['a.md', 'b.md'])
})

test('a successor records nothing unasked before it is in charge', async () => {
  const snapshot = await worked()
  const { app, session, controls, platform } = await start({ start: { mode: 'successor' } }, withSnapshot(snapshot))
  window.dispatchEvent(new Event('blur'))
  controls.frame({ ...app.state.window, width: 1, visible: true })
  await session.tried(() => platform.window.frame())
  expect(controls.puts).toEqual([])
  expect(app.state.window.width).not.toBe(1)
  controls.tookOver()
  await vi.waitFor(() => {
    window.dispatchEvent(new Event('blur'))
    expect(controls.puts.map((p) => p.reason)).toContain('blur')
  })
})

test('what is unsaved is saved before a capture, and nothing is saved or recorded once another process is in charge', async () => {
  const { session, controls } = await start()
  await session.open('b.md')
  session.typed('b.md', 'newer')
  controls.capture('id')
  await vi.waitFor(() => expect(controls.puts.some((p) => p.id === 'id')).toBe(true))
  expect(controls.calls.lastIndexOf('documents.write')).toBeLessThan(controls.calls.lastIndexOf('session.putSnapshot'))
  session.typed('b.md', 'newest')
  controls.retired()
  const puts = controls.puts.length
  const saves = controls.calls.filter((c) => c === 'documents.write').length
  window.dispatchEvent(new Event('blur'))
  document.dispatchEvent(new Event('visibilitychange'))
  expect(controls.puts).toHaveLength(puts)
  expect(controls.calls.filter((c) => c === 'documents.write')).toHaveLength(saves)
})

test('a restore in the middle replaces the state without mounting again, and old editors keep out of it', async () => {
  const snapshot = await worked()
  const { app, session, controls, reports, mounted } = await start()
  await session.open('b.md')
  const disconnect = session.connectEditor('b.md', { memory: () => memory(1) })
  controls.snapshot = snapshot
  controls.restore()
  await vi.waitFor(() => expect(reports).toHaveLength(2))
  disconnect() // the component of the old editor goes
  expect(reports[1]).toMatchObject({ restored: fields.size, total: fields.size, missing: [] })
  expect(app.state.workspace.buffers['b.md']).toMatchObject({ text: 'draft', editor: memory(3) })
  expect(app.restores).toBe(2)
  expect(mounted).toHaveBeenCalledOnce()
})

test('work is recorded without being asked', async () => {
  const { app, controls } = await start()
  app.state.layout.split = 0.7
  await vi.waitFor(() => expect(controls.puts.at(-1)?.json).toContain('"split":{"v":1,"d":0.7}'), { timeout: 3000 })
})
