import { expect, test } from 'vitest'
import { countWords } from './words'

test.each([
  ['', 0],
  ['# Release notes for spring', 4],
  ["it's a well-known fact", 4],
  ['| Writers | 412 | 94 % |', 3],
  ['庄子·齐物论', 5],
  ['Tesseract 会记住 3 个标签页', 9],
  ['片段and片段', 5],
  ['version 1.9.0', 2],
  ['naïve café', 2],
  ['** -- **', 0],
])('%j has %d', (text, want) => {
  expect(countWords(text)).toBe(want)
})
