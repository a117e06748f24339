// Why an update did not happen, in words: what is wrong, what to do about it, and the few words that the history has room for.
// Pure. A sentence is a key of the messages with its parameters; how a size or a time is written is for the language to say.

import type { Weekday } from './quiet'

export type ReasonCode =
  | 'unreachable'
  | 'busy'
  | 'proxy'
  | 'certificate'
  | 'malformed'
  | 'signature'
  | 'expired'
  | 'clock'
  | 'corrupt'
  | 'disk'
  | 'read-only'
  | 'managed'
  | 'not-yours'
  | 'image'
  | 'translocated'
  | 'state-folder'
  | 'locked'
  | 'trial'
  | 'not-ready'
  | 'crash'
  | 'crash-loop'
  | 'restore'
  | 'returned'
  | 'cancelled'
  | 'skipped'
  | 'unconfigured'
  | 'internal'

export interface Reason {
  code: ReasonCode
  detail: string
  params: Record<string, string> // sizes in bytes, times in seconds, counts: all as decimal digits; names as others gave them
}

export type Value =
  | string
  | number
  | { bytes: number }
  | { at: number } // a point in time, milliseconds since 1970
  | { lasts: number } // milliseconds
  | { list: string[] }
  | { days: Weekday[] } // in the order of the week
  | { phrase: Phrase }

export interface Phrase {
  key: string
  params: Record<string, Value>
}

export const phrase = (key: string, params: Record<string, Value> = {}): Phrase => ({ key, params })

export type Remedy =
  | 'retry' // the user can have it tried again
  | 'fetch' // the user can ask for the download again
  | 'command' // the user can run the command in the parameters
  | 'none' // nothing the user can do here, or nothing that is needed

export interface Explanation {
  what: Phrase
  todo: Phrase
  short: Phrase
  remedy: Remedy
  needsUser: boolean // it does not mend by itself
}

// What the engine knows beside the reason.
export interface Setting {
  target: string
  installed: string
  now: number
  next: number | null // when it checks again by itself, milliseconds since 1970
}

export function explain(reason: Reason, { target: v, installed: old, now, next }: Setting): Explanation {
  const { code } = reason
  switch (code) {
    case 'unreachable':
      return { ...unreachable(next), remedy: 'retry', needsUser: false }
    case 'busy':
      return { ...busy(reason, next), remedy: 'none', needsUser: false }
    case 'proxy':
      return { ...proxy(reason), remedy: 'retry', needsUser: true }
    case 'certificate':
      return { ...certificate(reason), remedy: 'retry', needsUser: true }
    case 'malformed':
      return { ...said('err.malformed', 'reason.malformed'), remedy: 'retry', needsUser: true }
    case 'signature':
      return { ...said('err.signature', 'reason.signature'), remedy: 'retry', needsUser: true }
    case 'expired':
      return { ...said('err.expired', 'reason.expired'), remedy: 'retry', needsUser: true }
    case 'clock':
      return { ...said('err.clock', 'reason.clock', { year: String(new Date(now).getFullYear()) }), remedy: 'retry', needsUser: true }
    case 'corrupt':
      return { ...said('err.corrupt', 'reason.corrupt', { v }), remedy: 'retry', needsUser: false }
    case 'disk':
      return { ...disk(reason, v), remedy: 'retry', needsUser: true }
    case 'read-only':
      return { ...said('err.readonly', 'reason.readonly', { path: reason.params['path'] ?? '' }), remedy: 'retry', needsUser: true }
    case 'managed':
      return { ...managed(reason), remedy: reason.params['command'] ? 'command' : 'none', needsUser: false }
    case 'not-yours':
      return { ...notYours(reason), remedy: 'retry', needsUser: true }
    case 'image':
      return { ...said('err.image', 'reason.image'), remedy: 'retry', needsUser: true }
    case 'translocated':
      return { ...said('err.translocated', 'reason.translocated'), remedy: 'retry', needsUser: true }
    case 'state-folder':
      return { ...stateFolder(reason), remedy: 'retry', needsUser: true }
    case 'locked':
      return { ...said('err.locked', 'reason.locked'), remedy: 'retry', needsUser: false }
    case 'trial':
      return { ...said('err.trial', 'reason.trial', { v }), remedy: 'retry', needsUser: false }
    case 'not-ready':
      return { ...notReady(reason, v), remedy: 'retry', needsUser: false }
    case 'crash':
      return { ...said('err.crash', 'reason.crash', { v, old }, 'err.back.d'), remedy: 'retry', needsUser: false }
    case 'crash-loop':
      return { ...said('err.crashLoop', 'reason.crashLoop', { v, old }, 'err.back.d'), remedy: 'retry', needsUser: false }
    case 'restore':
      return { ...restore(reason, v), remedy: 'retry', needsUser: false }
    case 'returned':
      return { ...said('err.returned', 'reason.returned', { v, old }), remedy: 'none', needsUser: false }
    case 'cancelled':
      return { ...said('err.cancelled', 'reason.cancelled', { v }), remedy: 'fetch', needsUser: false }
    case 'skipped':
      return { ...said('state.skipped', 'reason.skipped', { v }, 'state.skipped.sub'), remedy: 'none', needsUser: false }
    case 'unconfigured':
      return { ...said('err.unconfigured', 'reason.unconfigured'), remedy: 'none', needsUser: false }
    case 'internal':
      return internal()
    default:
      return unknownCode(code)
  }
}

type Words = Pick<Explanation, 'what' | 'todo' | 'short'>

function said(key: string, short: string, params: Record<string, Value> = {}, todo = `${key}.d`): Words {
  return { what: phrase(key, params), todo: phrase(todo, params), short: phrase(short, params) }
}

// By itself it tries again only where a time for that is set.
function unreachable(next: number | null): Words {
  if (next === null) return said('err.server', 'reason.unreachable')
  return said('err.server.next', 'reason.unreachable', { when: { at: next } })
}

function busy(reason: Reason, next: number | null): Words {
  if (next !== null) return said('err.busy.next', 'reason.busy', { when: { at: next } })
  const seconds = whole(reason.params['seconds'])
  return seconds === null || seconds === 0
    ? said('err.busy', 'reason.busy')
    : said('err.busy.wait', 'reason.busy', { left: { lasts: seconds * 1000 } }, 'err.busy.d')
}

function proxy(reason: Reason): Words {
  const [host, code] = [named(reason.params['host']), named(reason.params['code'])]
  if (!host) return said('err.proxy.unnamed', 'reason.proxy', {}, 'err.proxy.d')
  if (!code) return said('err.proxy.uncoded', 'reason.proxy', { host }, 'err.proxy.d')
  return said('err.proxy', 'reason.proxy', { host, code })
}

function certificate(reason: Reason): Words {
  const [issuer, host] = [named(reason.params['issuer']), named(reason.params['host'])]
  return {
    what: issuer ? phrase('err.tls', { issuer }) : phrase('err.tls.unnamed'),
    todo: host ? phrase('err.tls.d', { host }) : phrase('err.tls.unnamed.d'),
    short: phrase('reason.tls'),
  }
}

// The disk may have filled up during the download, where nobody counted.
function disk(reason: Reason, v: string): Words {
  const need = whole(reason.params['need'])
  const free = whole(reason.params['free'])
  if (need === null || free === null) return said('err.disk.full', 'reason.disk.full', { v }, 'err.disk.d')
  const params = { v, need: { bytes: need }, free: { bytes: free }, short: { bytes: Math.max(0, need - free) } }
  return said('err.disk', 'reason.disk', params)
}

function managed(reason: Reason): Words {
  const [manager, command] = [named(reason.params['manager']), named(reason.params['command'])]
  return {
    what: manager ? phrase('err.managed', { manager }) : phrase('err.managed.unnamed'),
    todo: command ? phrase('err.managed.d', { command }) : phrase('err.managed.plain.d'),
    short: manager ? phrase('reason.managed', { manager }) : phrase('reason.managed.unnamed'),
  }
}

function notYours(reason: Reason): Words {
  const [path, owner] = [reason.params['path'], named(reason.params['owner'])]
  return path && owner ? said('err.notYours', 'reason.notYours', { path, owner }) : said('err.notYours.unnamed', 'reason.notYours')
}

function stateFolder(reason: Reason): Words {
  const path = reason.params['path']
  return path ? said('err.state', 'reason.state', { path }) : said('err.state.unnamed', 'reason.state', {}, 'err.state.d')
}

function notReady(reason: Reason, v: string): Words {
  const s = whole(reason.params['seconds'])
  return s === null
    ? said('err.notReady.unnamed', 'reason.notReady.unnamed', { v }, 'err.back.d')
    : said('err.notReady', 'reason.notReady', { v, s }, 'err.back.d')
}

function restore(reason: Reason, v: string): Words {
  const params = { v, a: whole(reason.params['restored']) ?? 0, b: whole(reason.params['total']) ?? 0 }
  return said('err.restore', 'reason.restore', params, 'err.back.d')
}

function internal(): Explanation {
  return { ...said('err.internal', 'reason.internal'), remedy: 'retry', needsUser: false }
}

// The type says that no other code exists. An engine newer than this page may know one all the same; then it is a defect to report.
function unknownCode(code: never): Explanation {
  void code
  return internal()
}

function whole(digits: string | undefined): number | null {
  return digits !== undefined && /^\d+$/.test(digits) ? Number(digits) : null
}

// A name that somebody out there chose: one line of it, without what would turn the sentence around it.
function named(text: string | undefined): string {
  const plain = [...(text ?? '').replace(/[\p{C}\s]+/gu, ' ').trim()]
  return plain.length > 80 ? `${plain.slice(0, 79).join('')}…` : plain.join('')
}
