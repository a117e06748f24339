// The reactive state of the window: the plain state of src/model, and what comes from the surroundings and is never recorded.
import { untrack } from 'svelte'
import { defaultPreferences, type Preferences, type SessionStart, type UpdateStatus } from '../bridge'
import { emptyState, type AppState, type Failure } from '../model/app'

export class App {
  state: AppState = $state(emptyState())
  preferences: Preferences = $state(defaultPreferences)
  status: UpdateStatus | null = $state(null)
  start: SessionStart = $state({ mode: 'fresh', version: '', schema: 1, language: '', beneath: false, notices: [] })
  problem: Failure | null = $state(null) // the last thing that went wrong, until it is dismissed
  deleted: { id: string; path: string } | null = $state(null) // offers an undo
  restores: number = $state(0) // counts restores: what holds state of its own (editor, scrollers) starts over

  // The state as it is now, apart from the reactive one.
  plain(): AppState {
    return $state.snapshot(this.state)
  }

  // Calls back after every change of the state, until the returned function is called.
  watch(changed: () => void): () => void {
    return $effect.root(() => {
      $effect(() => {
        $state.snapshot(this.state)
        untrack(changed)
      })
    })
  }

  // Puts a whole state in place, as one update.
  replace(next: AppState): void {
    Object.assign(this.state, next)
    this.restores++
  }
}
