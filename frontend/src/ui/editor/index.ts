export { createEditor, type Editor, type EditorOptions } from './editor'
