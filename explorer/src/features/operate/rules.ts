/** An input's rules as people read them, and what they make of a message. */
import type { Json, JsonObject } from '@/api/json'
import { isObject, parseJson, writeJson } from '@/api/json'

export interface RuleLine { readonly name: string; readonly match: string; readonly twin: string; readonly sets: readonly string[] }

export interface RuleTrial {
  readonly rule: string
  readonly matches: boolean
  readonly outcome?: string
  readonly reason?: string
  readonly twin?: string
  readonly component?: string | null
  readonly values?: Readonly<Record<string, Json>>
  readonly sourceTime?: string | null
  readonly telemetry?: Json
}

export interface InputTrial {
  readonly outcome: string
  readonly reason: string | null
  readonly rules: readonly RuleTrial[]
  readonly patches: readonly { readonly twin: string; readonly patch: readonly JsonObject[] }[]
}

/** A message as somebody types it. */
export interface Sample { readonly topic: string; readonly headers: string; readonly payload: string }

function textOf(value: Json | undefined): string {
  if (value === undefined) return ''
  return typeof value === 'string' ? value : writeJson(value)
}

function matchOf(rule: JsonObject): string {
  const { match, when } = rule
  const matched = isObject(match) ? `${textOf(match['from'])} ~ ${textOf(match['like'] ?? '{value}')}` : textOf(match)
  const tests = isObject(when) ? Object.entries(when).map(([source, wanted]) => `${source} = ${textOf(wanted)}`) : []
  return [matched, ...tests].filter((each) => each !== '').join(', ')
}

/** Read rules out of settings; a rule without a name has its number from 1. */
export function rulesOf(settings: JsonObject): readonly RuleLine[] {
  const { rules } = settings
  if (!Array.isArray(rules)) return []
  return (rules as readonly Json[]).filter(isObject).map((rule, index) => ({
    name: typeof rule['name'] === 'string' ? rule['name'] : String(index + 1), match: matchOf(rule), twin: textOf(rule['twin']),
    sets: [...(isObject(rule['patch']) ? Object.entries(rule['patch']).map(([path, value]) => `${path} ← ${textOf(value)}`) : []), ...(rule['telemetry'] === undefined ? [] : [`telemetry ← ${textOf(rule['telemetry']) || '/'}`])],
  }))
}

/** A rule's name without the quotes that sentences give it. */
export function nameOf({ rule }: RuleTrial): string { return /^(['"]).*\1$/.test(rule) ? rule.slice(1, -1) : rule }

/** Read `Name: value` lines. */
export function pairsOf(text: string): readonly (readonly [string, string])[] {
  return text.split('\n').flatMap((line) => {
    const at = line.indexOf(':')
    const name = line.slice(0, Math.max(0, at)).trim()
    return name === '' ? [] : [[name, line.slice(at + 1).trim()] as const]
  })
}

/** The request that tries a sample; what is not saved yet goes with it. */
export function trialOf(kind: string, sample: Sample, settings: string | undefined): Record<string, unknown> {
  return {
    payload: sample.payload, headers: Object.fromEntries(pairsOf(sample.headers)),
    ...(kind === 'mqtt' && { topic: sample.topic }),
    ...(settings !== undefined && { kind, settings: parseJson(settings) }),
  }
}
