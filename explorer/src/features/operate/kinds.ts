/** The settings of each kind of endpoint, as forms show them. The server has the last word. */

export interface Setting {
  readonly name: string
  readonly type: 'text' | 'number' | 'switch' | 'choice' | 'list' | 'secret'
  readonly needed?: true
  readonly choices?: readonly string[]
  readonly example?: string
}

const MODE: Setting = { name: 'mode', type: 'choice', choices: ['binary', 'structured'] }
const LOGIN: readonly Setting[] = [{ name: 'username', type: 'text' }, { name: 'password', type: 'secret' }]
const SHARED: readonly Setting[] = [{ name: 'format', type: 'choice', choices: ['cloudevents', 'adt-history'] }, { name: 'timeout', type: 'number', example: '10' }]

export const KINDS: Readonly<Record<string, readonly Setting[]>> = {
  webhook: [
    { name: 'url', type: 'text', needed: true, example: 'https://hooks.example.org/twins' }, { name: 'mode', type: 'choice', choices: ['structured', 'binary', 'eventgrid'] },
    { name: 'secret', type: 'secret' }, { name: 'batch', type: 'number', example: '1' }, { name: 'concurrency', type: 'number', example: '16' }, ...SHARED,
  ],
  kafka: [
    { name: 'brokers', type: 'list', needed: true, example: 'broker-1:9092, broker-2:9092' }, { name: 'topic', type: 'text', needed: true, example: 'twins' }, MODE,
    { name: 'tls', type: 'switch' }, { name: 'mechanism', type: 'choice', choices: ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] }, ...LOGIN, { name: 'compression', type: 'choice', choices: ['none', 'gzip', 'snappy', 'lz4', 'zstd'] }, ...SHARED,
  ],
  mqtt: [
    { name: 'host', type: 'text', needed: true, example: 'broker.example.org' }, { name: 'port', type: 'number', example: '1883' }, { name: 'topic', type: 'text', example: 'kastor/{twin}/{type}' }, MODE, { name: 'tls', type: 'switch' }, ...LOGIN, ...SHARED,
  ],
  amqp: [
    { name: 'url', type: 'text', needed: true, example: 'amqp://rabbit.example.org' }, { name: 'exchange', type: 'text' }, { name: 'routing_key', type: 'text', example: '{type}' }, MODE, { name: 'mandatory', type: 'switch' }, ...LOGIN, ...SHARED,
  ],
  nats: [
    { name: 'servers', type: 'list', needed: true, example: 'nats://nats.example.org:4222' }, { name: 'subject', type: 'text', example: 'kastor.{twin}.{type}' }, { name: 'stream', type: 'text' }, MODE, ...LOGIN, { name: 'token', type: 'secret' }, ...SHARED,
  ],
  file: [{ name: 'path', type: 'text', needed: true, example: '/var/lib/kastor/events/twins.ndjson' }, { name: 'max_bytes', type: 'number', example: '104857600' }, { name: 'keep', type: 'number', example: '10' }, SHARED[0] ?? MODE],
  stdout: [],
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
    else if (type === 'secret') settings[name] = text.startsWith('env:') ? { env: text.slice(4) } : { file: text.replace(/^file:/, '') }
    else settings[name] = text
  }
  return settings
}

/** The opposite, for an endpoint that is there. */
export function typedOf(kind: string, settings: Readonly<Record<string, unknown>>): Typed {
  return Object.fromEntries((KINDS[kind] ?? []).flatMap(({ name, type }) => {
    const value = settings[name]
    if (value === undefined || value === null) return []
    if (type === 'list' && Array.isArray(value)) return [[name, value.join(', ')]]
    if (type === 'secret' && typeof value === 'object') return [[name, Object.entries(value).map(([way, at]) => `${way}:${String(at)}`).join()]]
    return [[name, String(value)]]
  }))
}
