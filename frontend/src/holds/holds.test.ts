// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { webPlatform } from '../bridge'
import { holds, watchHands, type HoldPort } from './index'

describe('hold', () => {
  const start = async () => {
    const { session, updates } = webPlatform()
    const labels = async () => (await updates.status()).holds.map((h) => h.label)
    return { hold: holds(session), labels }
  }

  test('holds until it is released, each for itself', async () => {
    const { hold, labels } = await start()
    const first = hold('Exporting')
    const second = hold('Exporting')
    await vi.waitFor(async () => expect(await labels()).toEqual(['Exporting', 'Exporting']))
    first()
    first()
    await vi.waitFor(async () => expect(await labels()).toEqual(['Exporting']))
    second()
    await vi.waitFor(async () => expect(await labels()).toEqual([]))
  })

  test('a release never arrives before its hold', async () => {
    const calls: string[] = []
    let arrived: () => void = () => undefined
    const port: HoldPort = {
      hold: async (id) => {
        await new Promise<void>((resolve) => (arrived = resolve))
        calls.push(`hold ${id}`)
      },
      release: async (id) => void calls.push(`release ${id}`),
    }
    holds(port)('Exporting')()
    await Promise.resolve()
    expect(calls).toEqual([])
    arrived()
    await vi.waitFor(() => expect(calls).toEqual(['hold page-1', 'release page-1']))
  })

  test('one that could not be told is released all the same', async () => {
    const released: string[] = []
    const port: HoldPort = { hold: () => Promise.reject(new Error('gone')), release: async (id) => void released.push(id) }
    holds(port)('Exporting')()
    await vi.waitFor(() => expect(released).toEqual(['page-1']))
  })
})

describe('what the user has in hand', () => {
  let held: string[] = []
  let stop: () => void = () => undefined
  let hidden = false
  let keys = true

  beforeEach(() => {
    held = []
    hidden = false
    keys = true
    vi.spyOn(document, 'visibilityState', 'get').mockImplementation(() => (hidden ? 'hidden' : 'visible'))
    vi.spyOn(document, 'hasFocus').mockImplementation(() => keys)
    document.body.innerHTML = '<p id="text">text</p><form><input id="field"><button id="send">Send</button></form>'
    const hold = (label: string) => {
      held.push(label)
      return () => {
        held = held.filter((other) => other !== label)
      }
    }
    stop = watchHands(document, hold, { composing: () => 'composing', dragging: () => 'dragging', unsent: () => 'unsent' })
  })
  afterEach(() => {
    stop()
    vi.restoreAllMocks()
    document.body.innerHTML = ''
  })

  const get = (id: string) => document.getElementById(id) as HTMLElement
  const send = (event: Event) => get('text').dispatchEvent(event)
  const pointer = (type: string, x: number, buttons = 1) => new PointerEvent(type, { bubbles: true, clientX: x, clientY: 0, buttons })

  test('a word being composed', () => {
    send(new CompositionEvent('compositionstart', { bubbles: true }))
    send(new CompositionEvent('compositionstart', { bubbles: true }))
    expect(held).toEqual(['composing'])
    send(new KeyboardEvent('keydown', { bubbles: true, isComposing: true }))
    expect(held).toEqual(['composing'])
    send(new CompositionEvent('compositionend', { bubbles: true }))
    expect(held).toEqual([])
  })

  test('a word whose end is not told ends with the next key', () => {
    send(new CompositionEvent('compositionstart', { bubbles: true }))
    send(new KeyboardEvent('keydown', { bubbles: true }))
    expect(held).toEqual([])
  })

  test('a drag, but not a click', () => {
    send(pointer('pointerdown', 10))
    send(pointer('pointermove', 12))
    expect(held).toEqual([])
    send(pointer('pointermove', 20))
    expect(held).toEqual(['dragging'])
    send(pointer('pointerup', 20, 0))
    send(pointer('pointermove', 40, 0))
    expect(held).toEqual([])
  })

  test('a drag that ends outside the window', () => {
    send(pointer('pointerdown', 10))
    send(pointer('pointermove', 20))
    send(pointer('pointermove', 21, 0))
    expect(held).toEqual([])
  })

  test.each(['dragend', 'drop'])('what the browser carries, until %s', (end) => {
    send(pointer('pointerdown', 10))
    send(new Event('dragstart', { bubbles: true }))
    send(pointer('pointercancel', 10, 0))
    expect(held).toEqual(['dragging'])
    send(new Event(end, { bubbles: true }))
    expect(held).toEqual([])
  })

  test('a field with the keys in it, once something is in it', async () => {
    get('field').focus()
    expect(held).toEqual([])
    const form = document.querySelector('form') as HTMLElement
    form.setAttribute('data-unsent', '')
    await vi.waitFor(() => expect(held).toEqual(['unsent']))
    form.removeAttribute('data-unsent')
    await vi.waitFor(() => expect(held).toEqual([]))
  })

  test('not a field that the keys have left, or that nobody sees', () => {
    document.querySelector('form')?.setAttribute('data-unsent', '')
    get('field').focus()
    expect(held).toEqual(['unsent'])
    hidden = true
    document.dispatchEvent(new Event('visibilitychange'))
    expect(held).toEqual([])
    hidden = false
    document.dispatchEvent(new Event('visibilitychange'))
    expect(held).toEqual(['unsent'])
    keys = false
    window.dispatchEvent(new Event('blur'))
    expect(held).toEqual([])
    keys = true
    window.dispatchEvent(new Event('focus'))
    get('field').blur()
    expect(held).toEqual([])
  })

  test('not what is gone', () => {
    document.querySelector('form')?.setAttribute('data-unsent', '')
    get('field').focus()
    document.querySelector('form')?.remove()
    send(new KeyboardEvent('keyup', { bubbles: true }))
    expect(held).toEqual([])
  })

  test('nothing after the end', () => {
    send(new CompositionEvent('compositionstart', { bubbles: true }))
    stop()
    expect(held).toEqual([])
    send(new CompositionEvent('compositionstart', { bubbles: true }))
    expect(held).toEqual([])
  })
})
