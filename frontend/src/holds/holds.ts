/** Where holds are kept, for as long as the page lives: when it goes, so do they. */
export interface HoldPort {
  hold(id: string, label: string): Promise<void>
  release(id: string): Promise<void>
}

/** Lets go of a hold. Calling it again does nothing. */
export type Release = () => void

/**
 * Names a reason why a restart must wait, such as "Exporting 3 documents", until the result is called. People read the label in the settings,
 * so it is in their language.
 */
export type Hold = (label: string) => Release

export function holds(port: HoldPort): Hold {
  let count = 0
  return (label) => {
    const id = `page-${++count}`
    // Two calls that are on their way at once may arrive the other way round, and then the hold would stay.
    const held = port.hold(id, label).catch(() => undefined)
    let released = false
    return () => {
      if (released) return
      released = true
      void held.then(() => port.release(id)).catch(() => undefined)
    }
  }
}
