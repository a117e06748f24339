// When a version that is ready may start, and how long the user wants none: what there is to choose, and what was chosen. The engine decides, by the
// same rules (updater/start.go); here they are only told.

export const starts = ['hidden', 'idle', 'quit', 'ask'] as const
export type Start = (typeof starts)[number]

/** Minutes without input after which a window counts as left. Some to choose from; the file may hold others in between. */
export const idleChoices = [5, 10, 15, 30, 60]

/** What was chosen, as far as a status is told differently for it. */
export interface Choices {
  start: Start
  idleMinutes: number
  holdFor: string // a time, 'open' or ''
}

export type HeldUntil = number | 'open' | null

/** Until when the user wants no update, or null where that is not now. */
export function heldUntil(holdFor: string, now: number): HeldUntil {
  if (holdFor === 'open') return 'open'
  const until = Date.parse(holdFor)
  return Number.isFinite(until) && until > now ? until : null
}

export const holdIds = ['1h', 'tomorrow', '1w', 'open'] as const
export type HoldId = (typeof holdIds)[number]

/** What to keep for one of the spans that people choose, counted from now. */
export function holdFrom(id: HoldId, now: number): string {
  const at = new Date(now)
  switch (id) {
    case '1h':
      at.setTime(now + 3600e3)
      break
    case 'tomorrow':
      at.setHours(24 + 9, 0, 0, 0) // the day after, at nine, whatever the clocks do that night
      break
    case '1w':
      at.setDate(at.getDate() + 7)
      break
    case 'open':
      return 'open'
  }
  return at.toISOString().replace(/\.\d+Z$/, 'Z')
}
