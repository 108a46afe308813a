import { describe, expect, it } from 'vitest'
import { KINDS, settingsOf, typedOf } from '@/features/operate/kinds'
import { lasting, loadOf, parseMetrics, rateBetween } from '@/features/operate/metrics'
import { PreviewLog } from '@/features/operate/preview'
import { bytes } from '@/features/operate/Part'

describe('forms of endpoints', () => {
  it('leave out what is empty, and give types to what was typed', () => {
    expect(settingsOf('kafka', { brokers: 'a:1, b:2,', topic: 't', tls: 'true', timeout: '5', password: 'env:KASTOR_SECRET_X', username: ' ' }))
      .toEqual({ brokers: ['a:1', 'b:2'], topic: 't', tls: true, timeout: 5, password: { env: 'KASTOR_SECRET_X' } })
  })
  it.each(Object.keys(KINDS))('%s comes back as it was', (kind) => {
    const typed = Object.fromEntries((KINDS[kind] ?? []).map(({ name, type, choices }) => [name, choices?.[0] ?? { number: '3', switch: 'false', list: 'a, b', secret: 'file:/s', text: 'x', choice: '', reference: 'env:KASTOR_SECRET_URL', pairs: 'Authorization: env:KASTOR_SECRET_X\nX-Other: plain' }[type]]))
    expect(typedOf(kind, settingsOf(kind, typed))).toEqual(typed)
  })
})

describe('references', () => {
  it('stand for texts that are secrets, in headers too', () => {
    expect(settingsOf('webhook', { url: 'env:KASTOR_SECRET_URL', headers: 'Authorization: file:/run/token\n\nX-Kind: a:b' }))
      .toEqual({ url: { env: 'KASTOR_SECRET_URL' }, headers: { Authorization: { file: '/run/token' }, 'X-Kind': 'a:b' } })
    expect(settingsOf('webhook', { url: 'https://hooks.example.org' })).toEqual({ url: 'https://hooks.example.org' })
  })
})

describe('load', () => {
  const text = (requests: number, seconds: number): string => `# HELP x
kastor_http_requests_total{method="GET",operation="A",status="200"} ${requests}
kastor_http_requests_total{operation="a\\"b",status="503"} 1
kastor_http_request_duration_seconds_sum{operation="A"} ${seconds}
`
  it('is what happened between two looks', () => {
    const [one, other] = [{ at: 0, ...loadOf(parseMetrics(text(10, 1))) }, { at: 10_000, ...loadOf(parseMetrics(text(110, 2))) }]
    expect(one.failed).toBe(1)
    expect(rateBetween(one, other)).toEqual({ at: 10_000, perSecond: 10, milliseconds: 10, failed: 0 })
  })
  it('knows since when the server runs, what queries run and which parts are down', () => {
    const { began, queries, down } = loadOf(parseMetrics(`process_start_time_seconds{worker="0"} 1700000000
process_start_time_seconds{worker="1"} 1700000009
kastor_queries{worker="0"} 2
kastor_part_up{part="writer",graph="default",worker="0"} 0
kastor_part_up{part="policy",graph="",worker="0"} 0
kastor_part_up{part="relay",graph="default",worker="0"} 1
`))
    expect([began, queries, down]).toEqual([1_700_000_000, 2, ['policy', 'writer (default)']])
    expect([59, 3600 * 2 + 300, 86_400 * 3 + 7200].map(lasting)).toEqual(['0 min', '2 h 5 min', '3 d 2 h'])
  })
  it('a server that began anew counts from zero', () => {
    expect(rateBetween({ at: 0, ...loadOf(parseMetrics(text(100, 1))) }, { at: 1000, ...loadOf(parseMetrics(text(4, 0.5))) }).perSecond).toBe(5)
  })
})

it('a preview knows which of all events pass, in whatever order the streams bring them', () => {
  const log = new PreviewLog()
  const event = (id: string): Parameters<PreviewLog['take']>[0] => ({ id, source: 's', type: 't' })
  log.take(event('1'), false)
  log.take(event('2'), true)
  log.take(event('2'), false)
  log.take(event('1'), true)
  log.take(event('3'), false)
  expect(log.read().map((each) => [each.event.id, each.passes])).toEqual([['1', true], ['2', true], ['3', false]])
})

it('bytes are told in the unit that fits', () => {
  expect([0, 999, 1000, 1_048_576, 5e12].map(bytes)).toEqual(['0 B', '999 B', '1 kB', '1 MB', '5 TB'])
})
