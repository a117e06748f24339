import { expect, it } from 'vitest'
import { emptyState } from '../../model/app'
import { clear, field, fill, toggle } from './fields'
import { report } from './report'

it('a field is absent until it is touched, and again when it is cleared', () => {
  const app = emptyState()
  expect(field(app, 'updates.channel')).toBeNull()
  fill(app, 'updates.channel', 'beta')
  fill(app, 'editor.fontSize', '')
  expect(app.settings.fields).toEqual({ 'updates.channel': 'beta', 'editor.fontSize': '' })
  clear(app, 'updates.channel')
  expect(app.settings.fields).toEqual({ 'editor.fontSize': '' })
})

it('what is open can be closed', () => {
  const app = emptyState()
  toggle(app, 'updates.details')
  expect(field(app, 'updates.details')).toBe('open')
  toggle(app, 'updates.details')
  expect(field(app, 'updates.details')).toBeNull()
})

it('a report names version, state and cause', () => {
  const text = report({
    state: 'refused',
    installed: '1.8.2',
    target: '1.9.0',
    previous: '',
    channel: 'beta',
    patchBytes: 0,
    fullBytes: 0,
    reason: { code: 'disk', detail: 'stage 1.9.0: no space', params: { need: '140', free: '52' } },
    paused: '',
    holds: [],
    since: '2026-05-03T12:18:00Z',
    lastCheck: '',
    nextCheck: '',
    probationEnds: '',
    critical: false,
    countdown: '',
    back: null,
  })
  expect(text.split('\n')).toEqual([
    'Tesseract 1.8.2, update to 1.9.0 (beta)',
    'state: refused since 2026-05-03T12:18:00Z',
    'reason: disk need=140 free=52',
    'last check: never',
    '',
    'stage 1.9.0: no space',
  ])
})
