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

export interface Load { readonly requests: number; readonly seconds: number; readonly failed: number; readonly queries: number }

/** Sum what all requests cost since the server runs. */
export function loadOf(samples: readonly Sample[]): Load {
  const sum = (name: string, wanted: (labels: Sample['labels']) => boolean = () => true): number =>
    samples.reduce((all, each) => all + (each.name === name && wanted(each.labels) ? each.value : 0), 0)
  return {
    requests: sum('kastor_http_requests_total'),
    failed: sum('kastor_http_requests_total', (labels) => (labels['status'] ?? '').startsWith('5')),
    seconds: sum('kastor_http_request_seconds_sum') + sum('kastor_http_request_duration_seconds_sum'),
    queries: sum('kastor_queries_running'),
  }
}

export interface Rate { readonly at: number; readonly perSecond: number; readonly milliseconds: number; readonly failed: number }

/** What happened between two looks. A server that began anew counts from zero. */
export function rateBetween(before: Load & { readonly at: number }, after: Load & { readonly at: number }): Rate {
  const seconds = Math.max(0.001, (after.at - before.at) / 1000)
  const requests = after.requests >= before.requests ? after.requests - before.requests : after.requests
  const time = after.seconds >= before.seconds ? after.seconds - before.seconds : after.seconds
  return { at: after.at, perSecond: requests / seconds, milliseconds: requests === 0 ? 0 : (time / requests) * 1000, failed: Math.max(0, after.failed - before.failed) }
}
