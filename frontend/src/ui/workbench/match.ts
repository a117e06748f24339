// How well a text answers what someone typed. The query is found as it stands, or in pieces that each begin a word: "rn" and "relno" find
// "release-notes". Letters strewn about anywhere are no hit.

/** A score above 0 for a hit, 0 for none. An empty query hits everything alike. */
export function score(query: string, text: string): number {
  const wanted = query.trim().toLocaleLowerCase()
  const within = text.toLocaleLowerCase()
  if (wanted === '') return 1
  const shorter = 1 / (1 + within.length)
  const at = within.indexOf(wanted)
  if (at >= 0) return (startsWord(within, at) ? 4 : 3) + shorter
  return inPieces(wanted.replace(/\s+/g, ''), within, 0) ? 1 + shorter : 0
}

/** The items that answer the query, best first; equals keep their order. Names weigh more than what stands around them. */
export function best<T>(query: string, items: readonly T[], name: (item: T) => string, context: (item: T) => string): T[] {
  return items
    .map((item) => ({ item, points: score(query, name(item)) * 8 || score(query, context(item)) }))
    .filter(({ points }) => points > 0)
    .sort((a, b) => (query.trim() === '' ? 0 : b.points - a.points))
    .map(({ item }) => item)
}

// Whether the rest of the query can be laid out over the starts of words from `from` on.
function inPieces(wanted: string, text: string, from: number): boolean {
  if (wanted === '') return true
  for (let at = text.indexOf(wanted.charAt(0), from); at >= 0; at = text.indexOf(wanted.charAt(0), at + 1)) {
    if (!startsWord(text, at)) continue
    let run = 1
    while (run < wanted.length && text.charAt(at + run) === wanted.charAt(run)) run++
    for (; run > 0; run--) if (inPieces(wanted.slice(run), text, at + run)) return true
  }
  return false
}

function startsWord(text: string, at: number): boolean {
  return at === 0 || /[\s/\-_.·]/.test(text.charAt(at - 1))
}
