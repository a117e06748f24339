// What one process's page tells another's, so that both hold the same state: first that it begins, then every change, in order.
import type { Entry } from '../../snapshot'
import type { Buffer } from '../../model/app'
import type { Edit, Look } from '../editor'

// What is known of a document's file; the text is not repeated.
export type FileFacts = Omit<Buffer, 'text' | 'editor' | 'previewScroll'>

export type Item =
  | { kind: 'begin' } // both sides are the same now
  | { kind: 'edit'; path: string; edit: Edit } // in an editor that is shown
  | { kind: 'look'; path: string; look: Look }
  | { kind: 'files'; files: FileFacts[] }
  | { kind: 'fields'; fields: Record<string, Entry> } // recorded fields that have changed, but those of buffers
  | { kind: 'whole'; fields: Record<string, Entry> } // all recorded fields: documents came, went, or got another text

// The fields of which an item of another kind carries the changes.
export const ofBuffers: ReadonlySet<string> = new Set(['buffers', 'selections', 'editorScroll', 'folds', 'history'])
