/** The words of openCypher as the server knows them: `server.json` is made of its own lists and never written by hand. */
import server from './server.json'

/** First words by which a text is known as one of this language. */
const BEGINS: ReadonlySet<string> = new Set(server.begins)
/** Words that begin a clause which the server refuses: they are not offered. */
export const LEFT_OUT: ReadonlySet<string> = new Set(server.leftOut)
/** Words that are no name without backticks. */
export const RESERVED: ReadonlySet<string> = new Set(server.reserved)
export const AGGREGATES: ReadonlySet<string> = new Set(server.aggregates)
/** As they are written; any case is understood. */
export const FUNCTIONS: readonly string[] = server.functions
export const FUNCTION_NAMES: ReadonlySet<string> = new Set([...FUNCTIONS.map((each) => each.toUpperCase()), 'EXISTS'])
export const LITERALS: ReadonlySet<string> = new Set(['TRUE', 'FALSE', 'NULL'])
/** Words that mean something, all of them. */
export const WORDS: ReadonlySet<string> = new Set([...server.reserved, ...server.begins, ...server.leftOut, ...server.writes, 'EXPLAIN', 'ON', 'ALL'])

const LEAD = /^(?:[\s\ufeff]|\/\/[^\n]*|\/\*(?:[^*]|\*(?!\/))*\*\/)*/u

function afterWord(text: string): { readonly word: string; readonly rest: string } {
  const rest = text.slice(LEAD.exec(text)?.[0].length ?? 0)
  const word = /^[A-Za-z]+/.exec(rest)?.[0] ?? ''
  return { word: word.toUpperCase(), rest: rest.slice(word.length) }
}

/** Whether a word begins a text of this language. */
export function beginsCypher(word: string): boolean { return BEGINS.has(word.toUpperCase()) }

/** Whether the first word of a text begins a query of this language; it decides as on the server (decisions 7). */
export function isCypher(text: string): boolean {
  const first = afterWord(text)
  const { word } = first.word === 'EXPLAIN' || first.word === 'PROFILE' ? afterWord(first.rest) : first
  return BEGINS.has(word)
}

const PLAIN = /^[\p{L}_][\p{L}\p{N}_]*$/u

/** Write a name as it may stand anywhere: reserved and odd ones in backticks. */
export function written(name: string, afterDot = false): string {
  if (afterDot && /^\$\w+$/.test(name)) return name
  return PLAIN.test(name) && (afterDot || !RESERVED.has(name.toUpperCase())) ? name : `\`${name.replaceAll('`', '``')}\``
}

/** What a call takes and says, by its name in small letters; a function that is not here is offered without. */
const SAYS: Readonly<Record<string, readonly [string, string]>> = {
  count: ['(* | [DISTINCT] value)', 'How many rows; with a value: how many have one.'],
  sum: ['(number)', 'The sum of the numbers.'],
  avg: ['(number)', 'The mean of the numbers.'],
  min: ['(value)', 'The smallest value.'],
  max: ['(value)', 'The largest value.'],
  collect: ['([DISTINCT] value)', 'A list of the values, in the order of the WITH before.'],
  id: ['(n)', 'Id of a twin or a relationship.'],
  elementid: ['(n)', 'Id of a twin or a relationship.'],
  type: ['(r)', 'Name of a relationship.'],
  labels: ['(n)', 'Twin, and the words of its model and of what that extends.'],
  startnode: ['(r)', 'The twin that a relationship starts from.'],
  endnode: ['(r)', 'The twin that a relationship leads to.'],
  properties: ['(n)', 'All that a twin or a relationship holds.'],
  keys: ['(n)', 'Names of what it holds.'],
  size: ['(list | text)', 'How many elements or characters it has.'],
  coalesce: ['(value, value, …)', 'The first that is not null.'],
  substring: ['(text, start [, length])', 'A part of a text; the first character is 0.'],
  is_of_model: ["(n, 'dtmi' [, true])", 'The twin’s model is that one, a later version of it, or extends one of those.'],
  exists: [' { (n)-->() }', 'There is such a pattern.'],
}

export function saysOf(name: string): readonly [string, string] { return SAYS[name.toLowerCase()] ?? ['(…)', ''] }
