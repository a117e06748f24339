// What the in-memory surroundings show: three documents and every state that an update can be in.
import type { ReasonCode, Reports, UpdateRecord, UpdateState, UpdateStatus } from './platform'

const notes = Array.from(
  { length: 24 },
  (_, i) =>
    `## Day ${i + 1}\n\nWalked the ridge above the lake. The light held until six, and **nothing** needed doing.\n\n- ${i + 3} pages written\n- [ ] answer the letter\n`,
).join('\n')

export const sampleDocuments: Record<string, string> = {
  'Welcome.md': `# Welcome

Tesseract keeps your Markdown in plain files, in one folder, on this computer.

- Press **Mod+P** to open a document.
- Press **Mod+E** to show or hide the preview.
- What you type is saved as you go.

> Tesseract updates itself while its window is hidden. *Settings → Updates* shows and controls it.

| Key | What it does |
| --- | --- |
| Mod+N | a new document |
| Mod+, | settings |

\`\`\`go
func main() {
	fmt.Println("hello")
}
\`\`\`
`,
  'Journal/Autumn.md': `# Autumn\n\n${notes}`,
  'Journal/Reading list.md':
    '# Reading list\n\n1. *The Peregrine*, J. A. Baker\n2. *Invisible Cities*, Italo Calvino\n3. [The Pillow Book](https://en.wikipedia.org/wiki/The_Pillow_Book), Sei Shōnagon\n\n## 中文\n\n- 《边城》沈从文\n- 《围城》钱锺书\n',
}

const ago = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString()

const samples: Record<ReasonCode, Record<string, string>> = {
  unreachable: {},
  busy: { seconds: '120' },
  proxy: { host: '10.0.0.1:8080', code: '407' },
  certificate: { issuer: 'Hotel Guest Network', host: 'updates.tesseract.example' },
  malformed: {},
  signature: {},
  expired: {},
  clock: {},
  corrupt: {},
  disk: { need: '146800640', free: '54525952', path: '/home/you/.local/state/tesseract' },
  'read-only': { path: '/opt/tesseract' },
  'state-folder': { path: '/home/you/.local/state/tesseract/Updates' },
  locked: {},
  trial: {},
  'not-ready': { seconds: '20' },
  crash: {},
  'crash-loop': {},
  managed: { manager: 'APT', package: 'tesseract', command: 'sudo apt install --only-upgrade tesseract' },
  'not-yours': { path: '/opt/tesseract', owner: 'root' },
  image: { path: '/mnt' },
  translocated: {},
  skipped: { back: '' },
  restore: { restored: '22', total: '24' },
  returned: {},
  cancelled: {},
  unconfigured: {},
  internal: {},
}

const detail = 'The full text of the error, for a report.'

const ends: Partial<Record<UpdateState, ReasonCode>> = {
  refused: 'signature',
  aborted: 'cancelled',
  'rolled-back': 'not-ready',
}

export function sampleStatus(state: UpdateState, reason: ReasonCode | null): UpdateStatus {
  const code = reason ?? ends[state] ?? null
  const settled = state === 'probation' || state === 'confirmed'
  const quiet = state === 'idle' || state === 'checking' || state === 'current'
  return {
    state,
    installed: settled ? '1.1.0' : '1.0.0',
    target: quiet || settled ? '' : '1.1.0',
    previous: state === 'probation' ? '1.0.0' : '',
    channel: 'stable',
    patchBytes: quiet ? 0 : 412_316,
    fullBytes: quiet ? 0 : 14_680_064,
    reason: code ? { code, detail, params: samples[code] } : null,
    progress: state === 'downloading' ? { done: 136_064, total: 412_316, full: 14_680_064, bytesPerSecond: 92_000, secondsLeft: 3 } : null,
    paused: '',
    holds: [],
    since: ago(12),
    lastCheck: ago(14),
    nextCheck: state === 'idle' || state === 'current' || state === 'refused' ? ago(-26) : '',
    probationEnds: state === 'probation' ? new Date(Date.now() + 18 * 60_000).toISOString() : '',
    restored: settled ? { restored: 24, total: 24, missing: [] } : null,
    critical: false,
    countdown: '',
    back: state === 'probation' ? null : { version: '0.9.4', bytes: 61_000_000, floor: '' },
  }
}

const record = (hours: number, from: string, to: string, rest: Partial<UpdateRecord>): UpdateRecord => ({
  at: ago(hours * 60),
  from,
  to,
  outcome: 'confirmed',
  how: 'hidden',
  restored: 24,
  total: 24,
  missing: [],
  bytes: 398_112,
  reason: null,
  ...rest,
})

const sampleReport = (result: string, to: string) =>
  JSON.stringify(
    {
      id: '7QGJ3TBKZC5YXN2MDR4WPLHAVE',
      app: 'tesseract',
      platform: 'linux-amd64',
      channel: 'stable',
      from: '0.9.4',
      to,
      result,
      stage: 'probation',
      code: '',
      how: 'hidden',
      restored: 24,
      total: 24,
      bytes: 398112,
      codec: 'goexe',
      downloadMs: 812,
      applyMs: 340,
      handoverMs: 611,
      day: '2026-05-02',
    },
    null,
    2,
  )

export const sampleReports: Reports = {
  sentAt: ago(220 * 60),
  last: sampleReport('confirmed', '0.9.4'),
  next: [sampleReport('confirmed', '1.0.0')],
}

export const sampleHistory: UpdateRecord[] = [
  record(30, '0.9.4', '1.0.0', {}),
  record(55, '0.9.4', '1.0.0-beta.2', {
    outcome: 'rolled-back',
    bytes: 401_220,
    reason: { code: 'not-ready', detail, params: { seconds: '20' } },
  }),
  record(220, '0.9.3', '0.9.4', { how: 'asked', bytes: 96_470 }),
  record(410, '0.9.2', '0.9.3', { restored: 23, missing: ['previewScroll'] }),
]
