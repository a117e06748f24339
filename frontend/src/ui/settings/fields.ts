// What is half-filled in the settings: chosen or typed, not yet confirmed. It lies in the window's state by stable ids, so that an update
// in the middle brings it back. A field that is absent has not been touched.
import type { AppState, SettingsPage } from '../../model/app'

export type FieldId =
  | 'updates.channel'
  | 'updates.details'
  | 'updates.history'
  | 'updates.back'
  | 'updates.reports'
  | `updates.quiet.${'from' | 'to'}`
  | 'editor.fontSize'
  | `scroll.${SettingsPage}`

export const field = (app: AppState, id: FieldId): string | null => app.settings.fields[id] ?? null

export function fill(app: AppState, id: FieldId, value: string): void {
  app.settings.fields[id] = value
}

export function clear(app: AppState, id: FieldId): void {
  app.settings.fields = Object.fromEntries(Object.entries(app.settings.fields).filter(([key]) => key !== id))
}

export function toggle(app: AppState, id: FieldId): void {
  if (field(app, id) === null) fill(app, id, 'open')
  else clear(app, id)
}
