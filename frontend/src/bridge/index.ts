// The only door to what surrounds the app: the desktop where it is there, memory where it is not.
import type { Platform } from './platform'
import { wailsPlatform } from './wails'
import { webPlatform } from './web'

export function connect(): Platform {
  return window.go ? wailsPlatform() : webPlatform({ search: window.location.search })
}

export { defaultPreferences } from './defaults'
export { PlatformError, platformError } from './error'
export type * from './platform'
export { webPlatform, type WebControls, type WebOptions } from './web'
