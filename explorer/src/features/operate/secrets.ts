/** Secrets that somebody writes where a reference belongs: no draft keeps them. Pure. */
import { KINDS, type Typed } from './kinds'

const REFERENCE = /^(?:env|file):/
/** `//name:password@host` */
const CREDENTIALS = /\/\/[^/\s,]*@/

/** A member of such a name that is a text; `/token` is a twin's property, which a rule says. */
const NAMED = /"[^"/\n]{0,60}(?:password|passwd|secret|token|credential|api_?key|authorization)[^"/\n]{0,60}"\s*:\s*"/i

function namesOf(...types: readonly string[]): ReadonlySet<string> {
  return new Set(Object.values(KINDS).flatMap((settings) => settings.flatMap((each) => (types.includes(each.type) ? [each.name] : []))))
}

// Of all kinds: what was typed stays while another kind is tried, where the name may mean something else.
const WHOLE = namesOf('secret', 'reference')
const PAIRS = namesOf('pairs')

function isSecret(name: string, text: string): boolean {
  if (text.trim() === '') return false
  if (PAIRS.has(name)) return text.split('\n').some((line) => line.trim() !== '' && !REFERENCE.test(line.slice(line.indexOf(':') + 1).trim()))
  return (WHOLE.has(name) && !REFERENCE.test(text.trim())) || CREDENTIALS.test(text)
}

/** Names of what was lost and is not written again. */
export function stillLost(lost: readonly string[], typed: Typed, saved: Typed): readonly string[] { return lost.filter((name) => (typed[name] ?? '') === (saved[name] ?? '')) }

/** Return what of typed settings may be kept, and names of what is lost thereby. What is saved already is there again when the form is. */
export function withoutSecrets(typed: Typed, saved: Typed, lost: readonly string[]): { readonly typed: Typed; readonly lost: readonly string[] } {
  const all = Object.entries(typed)
  const kept = all.filter(([name, text]) => !isSecret(name, text))
  const gone = all.flatMap(([name, text]) => (isSecret(name, text) && text !== saved[name] ? [name] : []))
  return { typed: Object.fromEntries(kept), lost: [...new Set([...stillLost(lost, typed, saved), ...gone])] }
}

/** Whether a text of settings, which may be half written, holds a secret instead of its reference. */
export function holdsSecret(text: string): boolean {
  return NAMED.test(text) || CREDENTIALS.test(text)
}
