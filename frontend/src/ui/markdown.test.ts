// @vitest-environment happy-dom
import { describe, expect, test } from 'vitest'
import { linkTarget, render } from './markdown'

describe('render', () => {
  test.each([
    ['raw HTML is text', '<script>alert(1)</script>', /&lt;script&gt;/, /<script/],
    ['handlers are text', '<img src=x onerror=alert(1)>', /&lt;img/, /<img/],
    ['a remote picture is its description', '![a cat](https://example.org/cat.png)', /<span class="picture">a cat<\/span>/, /src=|example/],
    ['a local file is not loaded either', '![](file:///etc/passwd)', /passwd/, /src=/],
    ['a data picture is shown', '![dot](data:image/png;base64,AAAA)', /<img src="data:image\/png;base64,AAAA" alt="dot"/, /picture/],
    ['a script address is no link', '[x](javascript:alert(1))', /javascript/, /href/],
    ['an svg data address is no picture', '![x](data:image/svg+xml;base64,AAAA)', /x/, /<img/],
    ['alignment is a class', '|a|b|\n|--:|:-:|\n|1|2|', /<th class="align-right">a/, /style/],
    ['Chinese says so', '庄子·齐物论', /<p lang="zh-Hans">/, /lang="ja"/],
    ['English with one Chinese word stays English', 'Search that finds 片段', /<p>/, /lang/],
  ])('%s', (_name, text, has, hasNot) => {
    const html = render(`A line above, because this DOM loses the first block's tag.\n\n${text}`)
    expect(html).toMatch(has)
    expect(html).not.toMatch(hasNot)
  })
})

describe('linkTarget', () => {
  test.each([
    ['https://example.org/a.md', 'a.md', { kind: 'external', url: 'https://example.org/a.md' }],
    ['mailto:a@example.org', 'a.md', { kind: 'external', url: 'mailto:a@example.org' }],
    ['b.md', 'x/a.md', { kind: 'document', path: 'x/b.md' }],
    ['../b.md#part', 'x/a.md', { kind: 'document', path: 'b.md' }],
    ['/y/b.md', 'x/a.md', { kind: 'document', path: 'y/b.md' }],
    ['%E7%AC%94%E8%AE%B0.md', 'x/a.md', { kind: 'document', path: 'x/笔记.md' }],
    ['../../b.md', 'x/a.md', { kind: 'none' }],
    ['javascript:alert(1)//.md', 'a.md', { kind: 'none' }],
    ['//host/b.md', 'a.md', { kind: 'none' }],
    ['file:///etc/b.md', 'a.md', { kind: 'none' }],
    ['#part', 'a.md', { kind: 'none' }],
  ])('%s in %s', (href, from, want) => {
    expect(linkTarget(href, from)).toEqual(want)
  })
})
