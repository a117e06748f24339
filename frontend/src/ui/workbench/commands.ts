// Everything the workbench can be told to do, in one list: the keys run it, the palette shows it, tooltips name it.

import type { MessageKey } from '../../i18n'
import { closePalette, closeSettings, limits, openPalette, openSettings, setZoom, togglePreview, toggleSidebar } from '../../model/app'
import { heldUntil } from '../../model/start'
import { describe } from '../../model/updates'
import type { Session } from '../session'
import type { App } from '../state.svelte'
import { cycleRegion } from './regions'

export interface Command {
  id: string
  label: MessageKey
  keys?: string
  /** Other chords that do the same and are not shown. */
  alsoKeys?: string[]
  /** Why it cannot be done now; undefined when it can. */
  reason?: MessageKey | undefined
  /** Runs while the settings are open as well. */
  everywhere?: boolean
  run: () => void
}

/** What only the window itself can do. */
export interface Hands {
  createDocument: () => void
  cycleTab: (step: number) => void
  findInDocument: () => void
  focusSearch: () => void
}

export function commands(app: App, session: Session, hands: Hands): Command[] {
  const { state } = app
  const { active, closed, tabs } = state.workspace
  const noTab = active === null ? 'command.reason.noTab' : undefined
  return [
    {
      id: 'open',
      label: 'palette.openDocument',
      keys: 'Mod+P',
      everywhere: true,
      run: () => (state.palette.open ? closePalette(state) : openPalette(state)),
    },
    { id: 'palette', label: 'command.palette', keys: 'Mod+Shift+P', everywhere: true, run: () => openPalette(state, '>') },
    { id: 'new', label: 'command.new', keys: 'Mod+N', run: hands.createDocument },
    { id: 'save', label: 'command.save', keys: 'Mod+S', reason: noTab, run: () => active !== null && void session.saveNow(active) },
    { id: 'close', label: 'command.close', keys: 'Mod+W', reason: noTab, run: () => active !== null && void session.close(active) },
    {
      id: 'reopen',
      label: 'command.reopen',
      keys: 'Mod+Shift+T',
      reason: closed.length === 0 ? 'command.reason.noClosed' : undefined,
      run: () => void session.reopen(),
    },
    {
      id: 'tab.next',
      label: 'command.nextTab',
      keys: 'Ctrl+Tab',
      reason: tabs.length < 2 ? 'command.reason.oneTab' : undefined,
      run: () => hands.cycleTab(1),
    },
    {
      id: 'tab.previous',
      label: 'command.previousTab',
      keys: 'Ctrl+Shift+Tab',
      reason: tabs.length < 2 ? 'command.reason.oneTab' : undefined,
      run: () => hands.cycleTab(-1),
    },
    { id: 'search', label: 'command.search', keys: 'Mod+Shift+F', run: hands.focusSearch },
    { id: 'find', label: 'command.find', keys: 'Mod+F', reason: noTab, run: hands.findInDocument },
    { id: 'preview', label: 'command.preview', keys: 'Mod+E', run: () => togglePreview(state) },
    { id: 'sidebar', label: 'command.sidebar', keys: 'F9', alsoKeys: ['Ctrl+Mod+S'], run: () => toggleSidebar(state) },
    { id: 'region.next', label: 'command.region', keys: 'F6', run: () => cycleRegion(1) },
    { id: 'region.previous', label: 'command.previousRegion', keys: 'Shift+F6', run: () => cycleRegion(-1) },
    {
      id: 'settings',
      label: 'command.settings',
      keys: 'Mod+,',
      everywhere: true,
      run: () => (state.settings.open ? closeSettings(state) : openSettings(state)),
    },
    { id: 'updates', label: 'command.updates', everywhere: true, run: () => openSettings(state, 'updates') },
    ...updateCommands(app, session),
    { id: 'zoom.in', label: 'command.zoomIn', keys: 'Mod+=', alsoKeys: ['Mod++'], everywhere: true, run: () => zoom(app, session, 0.1) },
    { id: 'zoom.out', label: 'command.zoomOut', keys: 'Mod+-', alsoKeys: ['Mod+_'], everywhere: true, run: () => zoom(app, session, -0.1) },
    { id: 'zoom.reset', label: 'command.zoomReset', keys: 'Mod+0', everywhere: true, run: () => zoom(app, session, 0) },
  ]
}

function updateCommands(app: App, session: Session): Command[] {
  const card = app.status ? describe(app.status, Date.now(), app.preferences.updates) : null
  const offers = (id: string) => card?.buttons.some((button) => button.id === id) === true
  const held = heldUntil(app.preferences.updates.holdFor, Date.now()) !== null
  const { preferences, updates } = session.platform
  return [
    {
      id: 'updates.check',
      label: 'command.checkUpdates',
      reason: card?.canCheck ? undefined : 'command.reason.updating',
      everywhere: true,
      run: () => void session.tried(() => updates.check()),
    },
    {
      id: 'updates.pause',
      label: 'command.pauseUpdate',
      reason: offers('pause') ? undefined : 'command.reason.notDownloading',
      everywhere: true,
      run: () => void session.tried(() => updates.pause()),
    },
    {
      id: 'updates.resume',
      label: 'command.resumeUpdate',
      reason: offers('resume') ? undefined : 'command.reason.notPaused',
      everywhere: true,
      run: () => void session.tried(() => updates.resume()),
    },
    {
      id: 'updates.cancel',
      label: 'command.cancelUpdate',
      reason: offers('cancel') ? undefined : 'command.reason.noDownload',
      everywhere: true,
      run: () => void session.tried(() => updates.cancel()),
    },
    {
      id: 'updates.hold',
      label: 'command.holdUpdates',
      reason: held ? 'command.reason.held' : undefined,
      everywhere: true,
      run: () => void session.tried(() => preferences.set({ updates: { holdFor: 'open' } })),
    },
    {
      id: 'updates.unhold',
      label: 'command.unholdUpdates',
      reason: held ? undefined : 'command.reason.notHeld',
      everywhere: true,
      run: () => void session.tried(() => preferences.set({ updates: { holdFor: '' } })),
    },
    {
      id: 'updates.restart',
      label: 'command.restart',
      reason: offers('restart') ? undefined : 'command.reason.noUpdate',
      everywhere: true,
      run: () => void session.tried(() => updates.restart()),
    },
  ]
}

// Steps of 10 %; 0 goes back to the normal size. The choice is a preference too, so it holds for the next start.
function zoom(app: App, session: Session, step: number): void {
  setZoom(app.state, step === 0 ? 1 : Math.min(limits.zoom[1], Math.max(limits.zoom[0], app.state.zoom + step)))
  void session.tried(() => session.platform.preferences.set({ zoom: app.state.zoom }))
}
