import type { ApiError, ErrorDetail } from '@/api/errors'
import { splitPointer } from '@/api/json'
import type { Candidate } from './files'
import { joined, type Joined, offsetOf, offsetOfPointer, partAt, type Position, positionOf } from './spans'

export interface Problem {
  readonly code: string
  readonly message: string
  /** Pointer within the model. */
  readonly pointer: string
  readonly candidate: Candidate | undefined
  /** Where in the file's text; undefined where it is of none. */
  readonly place: (Position & { readonly offset: number }) | undefined
}

/** What is sent, and where each model of it came from. */
export interface Sent { readonly candidates: readonly Candidate[]; readonly body: Joined }

/** Put models into one request as they stand in their files: places in it are places in them. */
export function sentOf(candidates: readonly Candidate[]): Sent {
  return { candidates, body: joined(candidates.map((each) => each.text.slice(each.from, each.to))) }
}

/** Give each detail of a refusal to the model that it is of, and to the place in its file. */
export function problemsOf(error: ApiError, sent: Sent): readonly Problem[] {
  const details: readonly ErrorDetail[] = error.details.length > 0 ? error.details : [{ code: error.code, message: error.message }]
  return details.map((detail) => {
    const [first, ...rest] = splitPointer(detail.path ?? '')
    const offset = detail.line === undefined ? undefined : offsetOf(sent.body.text, detail.line, detail.column ?? 0)
    const part = offset === undefined ? undefined : partAt(sent.body, offset)
    const index = detail.index ?? part?.index ?? (first === undefined ? -1 : Number(first))
    const candidate = sent.candidates[index]
    const inside = part?.index === index ? part.offset : candidate && offsetOfPointer(candidate.text.slice(candidate.from, candidate.to), rest)
    const at = candidate && inside !== undefined ? candidate.from + inside : undefined
    return {
      code: detail.code ?? error.code, message: detail.message, pointer: rest.map((each) => `/${each}`).join(''), candidate,
      place: candidate && at !== undefined ? { ...positionOf(candidate.text, at), offset: at } : undefined,
    }
  })
}

/** Group problems by file, those of no file last; within a file as they stand in it. */
export function byFile(problems: readonly Problem[]): ReadonlyMap<string, readonly Problem[]> {
  const groups = new Map<string, Problem[]>()
  for (const problem of problems) {
    const file = problem.candidate?.file ?? ''
    const list = groups.get(file)
    if (list) list.push(problem)
    else groups.set(file, [problem])
  }
  for (const list of groups.values()) list.sort((one, other) => (one.place?.offset ?? 0) - (other.place?.offset ?? 0))
  return new Map([...groups].sort(([one], [other]) => Number(one === '') - Number(other === '') || one.localeCompare(other)))
}

/** `rooms.json:12:5`, as compilers write it. */
export function whereOf({ candidate, place }: Problem): string {
  return candidate ? `${candidate.file}${place ? `:${place.line}:${place.column}` : ''}` : ''
}

export function asText(problems: readonly Problem[]): string {
  return [...byFile(problems)].map(([file, list]) => [file, ...list.map((each) => `  ${[whereOf(each), `${each.candidate?.id ?? ''}${each.pointer}`].filter((part) => part !== '').join(' ')}\n    ${each.code}: ${each.message}`)].join('\n')).join('\n\n')
}
