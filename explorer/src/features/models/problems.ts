import type { ApiError, ErrorDetail } from '@/api/errors'
import { splitPointer } from '@/api/json'
import type { Candidate } from './files'

export interface Problem {
  readonly code: string
  readonly message: string
  /** Pointer within the model. */
  readonly pointer: string
  readonly candidate: Candidate | undefined
}

/** Give each detail of a refusal to the model that it is of: the first part of its path is the place in the request. */
export function problemsOf(error: ApiError, sent: readonly Candidate[]): readonly Problem[] {
  const details: readonly ErrorDetail[] = error.details.length > 0 ? error.details : [{ code: error.code, message: error.message }]
  return details.map((detail) => {
    const [first, ...rest] = splitPointer(detail.path ?? '')
    const index = detail.index ?? (first === undefined ? -1 : Number(first))
    return { code: detail.code ?? error.code, message: detail.message, pointer: rest.map((part) => `/${part}`).join(''), candidate: sent[index] }
  })
}

/** Group problems by file, those of no file last. */
export function byFile(problems: readonly Problem[]): ReadonlyMap<string, readonly Problem[]> {
  const groups = new Map<string, Problem[]>()
  for (const problem of problems) {
    const file = problem.candidate?.file ?? ''
    const list = groups.get(file)
    if (list) list.push(problem)
    else groups.set(file, [problem])
  }
  return new Map([...groups].sort(([one], [other]) => Number(one === '') - Number(other === '') || one.localeCompare(other)))
}

export function asText(problems: readonly Problem[]): string {
  return [...byFile(problems)].map(([file, list]) => [file, ...list.map((each) => `  ${each.candidate?.id ?? ''}${each.pointer}\n    ${each.code}: ${each.message}`)].join('\n')).join('\n\n')
}
