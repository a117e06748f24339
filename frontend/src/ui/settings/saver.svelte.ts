// Carries a choice to where it is kept, and remembers why it could not be.

export class Saver {
  problem: string = $state('')
  busy: boolean = $state(false)

  /** Whether it worked. A later success clears the problem. */
  async run(action: () => Promise<unknown>): Promise<boolean> {
    this.busy = true
    try {
      await action()
      this.problem = ''
      return true
    } catch (err) {
      this.problem = err instanceof Error ? err.message : String(err)
      return false
    } finally {
      this.busy = false
    }
  }
}
