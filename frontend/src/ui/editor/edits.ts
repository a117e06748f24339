// An editor's changes as plain JSON, for an editor of the same text in another process. Carried out there one after the other, they leave the
// same text, selections, folds and undo history. Undo and redo are passed by their names: what they do is in the history already.
import { redo, undo } from '@codemirror/commands'
import { foldEffect, unfoldEffect } from '@codemirror/language'
import { Annotation, ChangeSet, EditorSelection, Transaction, type StateEffect, type TransactionSpec } from '@codemirror/state'
import type { EditorView } from '@codemirror/view'

export interface Edit {
  length: number // of the text afterwards, so that two that have come apart are noticed
  time: number // the history groups by it
  event?: string
  step?: 'undo' | 'redo'
  changes?: unknown
  selection?: unknown
  folds?: { from: number; to: number }[]
  unfolds?: { from: number; to: number }[]
}

export const mirrored = Annotation.define<true>() // changes that come from the other process

// What a transaction did, null when it changed nothing that the other editor needs to know.
export function editOf(tr: Transaction): Edit | null {
  const edit: Edit = { length: tr.newDoc.length, time: tr.annotation(Transaction.time) ?? Date.now() }
  const event = tr.annotation(Transaction.userEvent)
  if (event !== undefined) edit.event = event
  if (event === 'undo' || event === 'redo') return { ...edit, step: event }
  if (tr.docChanged) edit.changes = tr.changes.toJSON() as unknown
  if (tr.selection) edit.selection = tr.newSelection.toJSON() as unknown
  for (const effect of tr.effects) {
    if (effect.is(foldEffect)) (edit.folds ??= []).push(effect.value)
    if (effect.is(unfoldEffect)) (edit.unfolds ??= []).push(effect.value)
  }
  return edit.changes || edit.selection || edit.folds || edit.unfolds ? edit : null
}

// Carries an edit out. Throws when the texts have come apart.
export function carryOut(view: EditorView, edit: Edit): void {
  if (edit.step) {
    const step = edit.step === 'undo' ? undo : redo
    step({ state: view.state, dispatch: (tr) => view.dispatch(tr) })
  } else {
    view.dispatch(specOf(edit))
  }
  if (view.state.doc.length !== edit.length) throw new Error(`the text has ${view.state.doc.length} characters, not ${edit.length}`)
}

function specOf({ time, event, changes, selection, folds = [], unfolds = [] }: Edit): TransactionSpec {
  const effects: StateEffect<unknown>[] = [...folds.map((f) => foldEffect.of(f)), ...unfolds.map((f) => unfoldEffect.of(f))]
  const annotations: Annotation<unknown>[] = [mirrored.of(true), Transaction.time.of(time)]
  if (event !== undefined) annotations.push(Transaction.userEvent.of(event))
  const spec: TransactionSpec = { effects, annotations }
  if (changes !== undefined) spec.changes = ChangeSet.fromJSON(changes)
  if (selection !== undefined) spec.selection = EditorSelection.fromJSON(selection)
  return spec
}
