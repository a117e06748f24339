export { createEditor, type Editor, type EditorMirror, type EditorOptions } from './editor'
export type { Edit } from './edits'
export type { Look } from './look'
