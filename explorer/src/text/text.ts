import en from './en.json'
import type operate from './operate.json'

type Leaves<T, P extends string = ''> = {
  [K in keyof T & string]: T[K] extends string ? `${P}${K}` : T[K] extends object ? Leaves<T[K], `${P}${K}.`> : never
}[keyof T & string]

/** Those of the first screen and, by their types alone, those that come with a screen. */
type Texts = typeof en & typeof operate

/** Names a text. A text with plural forms is named without its form: `graph.twins` of `graph.twins_one`. */
export type TextKey = Leaves<Texts> extends infer K
  ? K extends `${infer Stem}_${'one' | 'other' | 'few' | 'many' | 'zero' | 'two'}` ? Stem : K
  : never
export type TextValues = Readonly<Record<string, string | number>>

export type Tree = { readonly [key: string]: string | Tree }

let language = 'en'
const english = flatten(en)
let texts = new Map(english)
let plural = new Intl.PluralRules(language)

function flatten(tree: Tree, prefix = '', into = new Map<string, string>()): Map<string, string> {
  for (const [key, value] of Object.entries(tree)) {
    if (typeof value === 'string') into.set(prefix + key, value)
    else flatten(value, `${prefix}${key}.`, into)
  }
  return into
}

/** Speak another language from now on; texts that it lacks stay English. */
export function setLanguage(name: string, tree: Tree): void {
  language = name
  texts = new Map([...english, ...flatten(tree)])
  plural = new Intl.PluralRules(name)
}

/** Add the texts of a screen, which are loaded with it; another language may have them already. */
export function addTexts(tree: Tree): void {
  for (const [key, text] of flatten(tree)) {
    english.set(key, text)
    if (!texts.has(key)) texts.set(key, text)
  }
}

/** Return a text; `n` chooses the plural form, `{name}` stands for a value. */
export function t(key: TextKey, values: TextValues = {}): string {
  const n = values['n']
  const form = typeof n === 'number' ? texts.get(`${key}_${plural.select(n)}`) ?? texts.get(`${key}_other`) : undefined
  const text = form ?? texts.get(key) ?? key
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name]
    if (value === undefined) return whole
    return typeof value === 'number' ? formatNumber(value) : value
  })
}

export function formatNumber(value: number, options?: Intl.NumberFormatOptions): string {
  return new Intl.NumberFormat(language, options).format(value)
}

/** Return the wall-clock time of an instant in UTC, as in `15:40:32`. */
export function formatTime(instant: number | Date): string {
  return new Date(instant).toISOString().slice(11, 19)
}

/** Return how long ago something was, in the largest unit that fits. */
export function formatAgo(milliseconds: number): string {
  const format = new Intl.RelativeTimeFormat(language, { numeric: 'auto', style: 'short' })
  const seconds = -milliseconds / 1000
  const units = [['second', 60], ['minute', 60], ['hour', 24], ['day', 365]] as const
  let amount = seconds
  for (const [unit, most] of units) {
    if (Math.abs(amount) < most) return format.format(Math.round(amount), unit)
    amount /= most
  }
  return format.format(Math.round(amount), 'year')
}
