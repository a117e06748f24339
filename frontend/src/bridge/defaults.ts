import type { Preferences } from './platform'

// What applies where nothing was chosen, until the surroundings have told: the same as in app/preferences.
export const defaultPreferences: Preferences = {
  language: '',
  theme: 'system',
  zoom: 1,
  editor: { fontSize: 14, lineNumbers: false, wrap: true },
  updates: {
    channel: 'stable',
    automatic: 'all',
    checkEvery: '5h',
    probation: '30m',
    speedLimit: 1_000_000,
    metered: 'wait',
    connection: 'detect',
    quietHours: { on: false, from: '09:00', to: '18:00', days: 'mon tue wed thu fri', downloads: true },
    start: 'hidden',
    idleMinutes: 10,
    holdFor: '',
    skip: '',
    share: false,
  },
}
