// Paths of documents as people read them. Paths are relative to the workspace, with "/" between steps on every system.

import type { DocumentEntry } from '../../model/app'

/** The last step of a path. */
export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

/** All steps but the last; "" at the top. */
export function folderOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')))
}

/** A path in a folder; the folder may be "". */
export function within(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`
}

/** What a document is called by itself: its first heading, else the name given. */
export function titleOf(text: string, name: string): string {
  const heading = /^#{1,6}[ \t]+(.+?)[ \t#]*$/m.exec(text.slice(0, 4000))?.[1]
  return heading?.replace(/[*_`]/g, '').trim() || name
}

/** A row of the tree as it is drawn. */
export interface Row {
  entry: DocumentEntry
  level: number // 1 at the top
  position: number // 1-based among its siblings
  siblings: number
  open: boolean
}

/** The rows that are visible when the folders named by `open` are. */
export function rows(entries: readonly DocumentEntry[], open: (path: string) => boolean, level = 1): Row[] {
  return entries.flatMap((entry, i) => {
    const row = { entry, level, position: i + 1, siblings: entries.length, open: entry.folder && open(entry.path) }
    return row.open ? [row, ...rows(entry.children, open, level + 1)] : [row]
  })
}

/** The tree with only the documents whose name holds the text, and the folders above them. */
export function filter(entries: readonly DocumentEntry[], text: string): DocumentEntry[] {
  const wanted = text.trim().toLocaleLowerCase()
  if (wanted === '') return [...entries]
  return entries.flatMap((entry) => {
    if (!entry.folder) return entry.name.toLocaleLowerCase().includes(wanted) ? [entry] : []
    const children = filter(entry.children, wanted)
    return children.length > 0 ? [{ ...entry, children }] : []
  })
}
