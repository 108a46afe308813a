/** The little of the exposition format that the load picture needs. */

export interface Sample { readonly name: string; readonly labels: Readonly<Record<string, string>>; readonly value: number }

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/
const LABEL = /([\w]+)="((?:[^"\\]|\\.)*)"/g
const MOST_LINES = 20_000

/** Read samples out of the text of `/metrics`. */
export function parseMetrics(text: string): readonly Sample[] {
  return text.split('\n', MOST_LINES).flatMap((line) => {
    const found = LINE.exec(line)
    if (!found || line.startsWith('#')) return []
    const [, name = '', labels = '', value = ''] = found
    return [{ name, labels: Object.fromEntries([...labels.matchAll(LABEL)].map((each) => [each[1] ?? '', each[2] ?? ''])), value: Number(value) }]
  })
}

export interface Load {
  readonly requests: number
  readonly seconds: number
  readonly failed: number
  readonly queries: number
  /** When the oldest process began, in seconds since 1970. */
  readonly began: number | undefined
  /** Parts of the server that do not live. */
  readonly down: readonly string[]
}

/** Sum what all requests cost since the server runs. */
export function loadOf(samples: readonly Sample[]): Load {
  const sum = (name: string, wanted: (labels: Sample['labels']) => boolean = () => true): number =>
    samples.reduce((all, each) => all + (each.name === name && wanted(each.labels) ? each.value : 0), 0)
  return {
    requests: sum('kastor_http_requests_total'),
    failed: sum('kastor_http_requests_total', (labels) => (labels['status'] ?? '').startsWith('5')),
    seconds: sum('kastor_http_request_duration_seconds_sum'),
    queries: sum('kastor_queries'),
    began: samples.filter((each) => each.name === 'process_start_time_seconds').map((each) => each.value).sort((one, other) => one - other)[0],
    down: [...new Set(samples.filter((each) => each.name === 'kastor_part_up' && each.value === 0).map(({ labels: { part = '', graph = '' } }) => (graph === '' ? part : `${part} (${graph})`)))].sort(),
  }
}

export interface Rate { readonly at: number; readonly perSecond: number; readonly milliseconds: number; readonly failed: number }

/** How long something lasts, in its two largest units. */
export function lasting(seconds: number): string {
  const minutes = Math.floor(Math.max(0, seconds) / 60)
  if (minutes < 60) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  return hours < 24 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`
}

type Counted = Pick<Load, 'requests' | 'seconds' | 'failed'> & { readonly at: number }

/** What happened between two looks. A server that began anew counts from zero. */
export function rateBetween(before: Counted, after: Counted): Rate {
  const seconds = Math.max(0.001, (after.at - before.at) / 1000)
  const requests = after.requests >= before.requests ? after.requests - before.requests : after.requests
  const time = after.seconds >= before.seconds ? after.seconds - before.seconds : after.seconds
  return { at: after.at, perSecond: requests / seconds, milliseconds: requests === 0 ? 0 : (time / requests) * 1000, failed: Math.max(0, after.failed - before.failed) }
}
