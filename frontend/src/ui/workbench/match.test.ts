import { expect, test } from 'vitest'
import { best, score } from './match'

const names = ['Projects/release-notes.md', 'Projects/interview-li.md', 'Journal/relics.md', '读书笔记/庄子·齐物论.md']
const find = (query: string) =>
  best(
    query,
    names,
    (path) => path.slice(path.lastIndexOf('/') + 1),
    (path) => path,
  )

test.each([
  ['', names],
  ['rel', ['Journal/relics.md', 'Projects/release-notes.md']],
  ['reno', ['Projects/release-notes.md']],
  ['INT', ['Projects/interview-li.md']],
  ['庄子', ['读书笔记/庄子·齐物论.md']],
  ['齐物', ['读书笔记/庄子·齐物论.md']],
  ['zzz', []],
])('%j', (query, want) => {
  expect(find(query)).toEqual(want)
})

test('a folder is found behind names', () => {
  expect(find('projects')).toEqual(['Projects/interview-li.md', 'Projects/release-notes.md'])
})

test('letters strewn about are no hit', () => {
  expect(score('rel', 'interview-li')).toBe(0)
})
