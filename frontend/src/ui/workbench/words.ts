// Counting as a reader would: a word between spaces is one, every Han character or syllable of kana is one.

const word =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]|[\p{L}\p{N}][\p{M}]*(?:['’\-.]?(?:(?!\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana})[\p{L}\p{N}\p{M}]))*/gu

/** The number of words in a text. Marks of Markdown do not count. */
export function countWords(text: string): number {
  return text.match(word)?.length ?? 0
}
