/** The settings of each kind of endpoint, as forms show them. The server has the last word. */
import { pairsOf } from './rules'

export interface Setting {
  readonly name: string
  /** A `reference` is a text or where the server finds it, `pairs` are lines of a name and a text or reference. */
  readonly type: 'text' | 'number' | 'switch' | 'choice' | 'list' | 'secret' | 'reference' | 'pairs'
  readonly needed?: true
  readonly choices?: readonly string[]
  readonly example?: string
}

const CONCURRENCY: Setting = { name: 'concurrency', type: 'number', example: '64' }
const CA_FILE: Setting = { name: 'ca_file', type: 'text', example: '/etc/kastor/ca.pem' }
const MODE: Setting = { name: 'mode', type: 'choice', choices: ['binary', 'structured'] }
const LOGIN: readonly Setting[] = [{ name: 'username', type: 'text' }, { name: 'password', type: 'secret' }]
const SHARED: readonly Setting[] = [{ name: 'format', type: 'choice', choices: ['cloudevents', 'adt-history'] }, { name: 'timeout', type: 'number', example: '10' }]

export const KINDS: Readonly<Record<string, readonly Setting[]>> = {
  webhook: [
    { name: 'url', type: 'reference', needed: true, example: 'https://hooks.example.org/twins' }, { name: 'mode', type: 'choice', choices: ['structured', 'binary', 'eventgrid'] },
    { name: 'secret', type: 'secret' }, { name: 'headers', type: 'pairs', example: 'Authorization: env:KASTOR_SECRET_HOOK' }, { name: 'batch', type: 'number', example: '1' }, { ...CONCURRENCY, example: '16' }, CA_FILE, ...SHARED,
  ],
  kafka: [
    { name: 'brokers', type: 'list', needed: true, example: 'broker-1:9092, broker-2:9092' }, { name: 'topic', type: 'text', needed: true, example: 'twins' }, MODE,
    { name: 'tls', type: 'switch' }, { name: 'mechanism', type: 'choice', choices: ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] }, ...LOGIN, { name: 'compression', type: 'choice', choices: ['none', 'gzip', 'snappy', 'lz4', 'zstd'] }, { name: 'max_bytes', type: 'number', example: '1000000' }, CA_FILE, ...SHARED,
  ],
  mqtt: [
    { name: 'host', type: 'text', needed: true, example: 'broker.example.org' }, { name: 'port', type: 'number', example: '1883' }, { name: 'topic', type: 'text', example: 'kastor/{twin}/{type}' }, MODE, { name: 'client_id', type: 'text' }, { name: 'tls', type: 'switch' }, CA_FILE, ...LOGIN, CONCURRENCY, ...SHARED,
  ],
  amqp: [
    { name: 'url', type: 'text', needed: true, example: 'amqp://rabbit.example.org' }, { name: 'exchange', type: 'text' }, { name: 'routing_key', type: 'text', example: '{type}' }, MODE, { name: 'mandatory', type: 'switch' }, { name: 'unroutable', type: 'choice', choices: ['unavailable', 'refused'] }, CA_FILE, ...LOGIN, CONCURRENCY, ...SHARED,
  ],
  nats: [
    { name: 'servers', type: 'list', needed: true, example: 'nats://nats.example.org:4222' }, { name: 'subject', type: 'text', example: 'kastor.{twin}.{type}' }, { name: 'stream', type: 'text' }, MODE, ...LOGIN, { name: 'token', type: 'secret' }, { name: 'credentials', type: 'secret' }, CA_FILE, CONCURRENCY, ...SHARED,
  ],
  file: [{ name: 'path', type: 'text', needed: true, example: '/var/lib/kastor/events/twins.ndjson' }, { name: 'max_bytes', type: 'number', example: '104857600' }, { name: 'keep', type: 'number', example: '10' }, SHARED[0] ?? MODE],
  stdout: [SHARED[0] ?? MODE],
}

/** What a form holds: texts by setting, as they were typed. */
export type Typed = Readonly<Record<string, string>>

/** Make settings of what was typed; what was left empty is left out. A secret is a reference: `env:NAME`, else a file. */
export function settingsOf(kind: string, typed: Typed): Record<string, unknown> {
  const settings: Record<string, unknown> = {}
  for (const { name, type } of KINDS[kind] ?? []) {
    const text = (typed[name] ?? '').trim()
    if (text === '') continue
    if (type === 'number') settings[name] = Number(text)
    else if (type === 'switch') settings[name] = text === 'true'
    else if (type === 'list') settings[name] = text.split(',').map((each) => each.trim()).filter((each) => each !== '')
    else if (type === 'secret') settings[name] = referenceOf(text) ?? { file: text }
    else if (type === 'reference') settings[name] = referenceOf(text) ?? text
    else if (type === 'pairs') settings[name] = Object.fromEntries(pairsOf(text).map(([key, value]) => [key, referenceOf(value) ?? value]))
    else settings[name] = text
  }
  return settings
}

/** Read where a secret is: `env:NAME` or `file:PATH`. */
function referenceOf(text: string): { readonly env: string } | { readonly file: string } | undefined {
  if (text.startsWith('env:')) return { env: text.slice(4) }
  return text.startsWith('file:') ? { file: text.slice(5) } : undefined
}

function shownOf(value: unknown): string {
  return typeof value === 'object' && value !== null ? Object.entries(value).map(([way, at]) => `${way}:${String(at)}`).join() : String(value)
}

/** The opposite, for an endpoint that is there. */
export function typedOf(kind: string, settings: Readonly<Record<string, unknown>>): Typed {
  return Object.fromEntries((KINDS[kind] ?? []).flatMap(({ name, type }) => {
    const value = settings[name]
    if (value === undefined || value === null) return []
    if (type === 'list' && Array.isArray(value)) return [[name, value.join(', ')]]
    if (type === 'pairs' && typeof value === 'object') return [[name, Object.entries(value).map(([key, each]) => `${key}: ${shownOf(each)}`).join('\n')]]
    return [[name, shownOf(value)]]
  }))
}
