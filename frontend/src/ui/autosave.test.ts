import { expect, test, vi } from 'vitest'
import { PlatformError, webPlatform } from '../bridge'
import { emptyState } from '../model/app'
import { edited, keepMine } from '../model/buffers'
import { openTab } from '../model/tabs'
import { autosave, saveAfter } from './autosave'

async function setup() {
  const platform = webPlatform({ documents: { 'a.md': 'old' } })
  const { documents, controls } = platform
  const state = emptyState()
  openTab(state, await documents.read('a.md'))
  controls.calls.length = 0
  const saves = autosave({ state, documents })
  const buffer = () => state.workspace.buffers['a.md']
  const type = (text: string) => {
    edited(state, 'a.md', text)
    saves.touched('a.md')
  }
  const disk = async () => (await documents.read('a.md')).text
  const writes = () => controls.calls.filter((c) => c === 'documents.write').length
  return { state, saves, controls, buffer, type, disk, writes }
}

test('text is saved a moment after the last key, once', async () => {
  vi.useFakeTimers()
  try {
    const { buffer, type, disk, writes } = await setup()
    type('n')
    await vi.advanceTimersByTimeAsync(saveAfter - 1)
    type('ne')
    await vi.advanceTimersByTimeAsync(saveAfter - 1)
    expect(writes()).toBe(0)
    await vi.advanceTimersByTimeAsync(1)
    expect(writes()).toBe(1)
    expect(await disk()).toBe('ne')
    expect(buffer()).toMatchObject({ dirty: false, error: null })
    expect(buffer()?.savedAt).not.toBe('')
  } finally {
    vi.useRealTimers()
  }
})

test('what is typed while a save runs is saved next, on top of it', async () => {
  const { saves, buffer, type, disk, writes } = await setup()
  type('one')
  const first = saves.save('a.md')
  type('two')
  await Promise.all([first, saves.save('a.md')])
  expect(writes()).toBe(2)
  expect(await disk()).toBe('two')
  expect(buffer()).toMatchObject({ dirty: false, conflict: null })
  saves.stop()
})

test('a failed save keeps the draft and is tried again', async () => {
  const { saves, controls, buffer, type, disk } = await setup()
  controls.fail('documents.write', new PlatformError('disk-full', 'no room'))
  type('draft')
  await saves.all()
  expect(buffer()).toMatchObject({ text: 'draft', dirty: true, error: { code: 'disk-full', message: 'no room' } })
  controls.fail('documents.write', null)
  await saves.all()
  expect(buffer()).toMatchObject({ dirty: false, error: null })
  expect(await disk()).toBe('draft')
})

test('a file that something else changed is not overwritten before the user has chosen', async () => {
  const { state, saves, controls, buffer, type, disk } = await setup()
  controls.change('a.md', 'theirs')
  type('mine')
  await saves.all()
  expect(buffer()).toMatchObject({ text: 'mine', conflict: { text: 'theirs' }, error: null })
  await saves.all()
  expect(await disk()).toBe('theirs')
  keepMine(state, 'a.md')
  await saves.save('a.md')
  expect(await disk()).toBe('mine')
})

test('a file that is gone is made anew when the user saves, and only then', async () => {
  const { saves, controls, buffer, type, disk } = await setup()
  controls.change('a.md', null)
  type('mine')
  await saves.all()
  expect(buffer()).toMatchObject({ missing: true, dirty: true, error: { code: 'not-found' } })
  await saves.all()
  await expect(disk()).rejects.toThrow('does not exist')
  await saves.save('a.md')
  expect(await disk()).toBe('mine')
  expect(buffer()).toMatchObject({ missing: false, dirty: false, error: null })
})
