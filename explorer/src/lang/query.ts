/** Queries in either language: the first word of a statement tells which (decisions 7). */
import { type Selected, selectedOf as selectedOfAdt, orderOf as orderOfAdt } from './columns'
import { complete as completeAdt, type Completion } from './complete'
import { cypherOrderOf, cypherSelectedOf } from './cypher/columns'
import { completeCypher } from './cypher/complete'
import { clauseOf } from './cypher/place'
import { cypherScopeOf } from './cypher/scope'
import { tokenize as tokenizeCypher } from './cypher/tokens'
import { isCypher, written as writtenCypher } from './cypher/words'
import type { Facts } from './facts'
import { type Help, helpAt as helpAtAdt, helpIn } from './help'
import { parametersAmong, type Statement, type Token, tokenize } from './tokens'
import { SYSTEM_NAMES, written } from './words'

export { isCypher }

function tokensOf(text: string): Token[] { return isCypher(text) ? tokenizeCypher(text) : tokenize(text) }

/** Return the statement in which a place lies: a semicolon outside of strings and comments ends one. */
export function statementAt(text: string, place: number): Statement {
  let start = 0
  let end = text.length
  for (;;) {
    const rest = text.slice(start)
    const stop = tokensOf(rest).find((token) => token.key === ';')
    if (!stop) break
    if (start + stop.end > place || text.slice(start + stop.end).trim() === '') { end = start + stop.start; break }
    start += stop.end
  }
  const body = text.slice(start, end)
  const lead = body.length - body.trimStart().length
  return { text: body.trim(), start: start + lead, end: start + lead + body.trim().length }
}

/** Whether a statement says EXPLAIN already. */
export function isExplain(text: string): boolean { return tokensOf(text)[0]?.key === 'EXPLAIN' }

/** Names of parameters, `$name`, that a text has. */
export function parametersOf(text: string): readonly string[] { return parametersAmong(tokensOf(text), SYSTEM_NAMES) }

/** Return what may stand at a place, the likeliest first. */
export function complete(text: string, cursor: number, facts: Facts): Completion {
  const statement = statementAt(text, cursor)
  if (facts.strict || !isCypher(statement.text)) return completeAdt(text, cursor, facts)
  return completeCypher(statement, cursor, facts)
}

/** Return the help for a place; `chosen` is a name that the person asked for. */
export function helpAt(text: string, cursor: number, facts: Facts, chosen?: string): Help {
  const statement = statementAt(text, cursor)
  if (!isCypher(statement.text)) return helpAtAdt(text, cursor, facts, chosen)
  const tokens = tokenizeCypher(statement.text)
  const place = cursor - statement.start
  return helpIn({ tokens, scope: cypherScopeOf(tokens, facts.models), place, facts, chosen, joins: clauseOf(tokens.filter((token) => token.end <= place)).clause === 'MATCH' })
}

/** Write a name as the language of a text wants it. */
export function writtenIn(text: string): (name: string, afterDot?: boolean) => string { return isCypher(text) ? writtenCypher : written }

export function selectedOf(text: string): readonly Selected[] | undefined { return isCypher(text) ? cypherSelectedOf(text) : selectedOfAdt(text) }

export function orderOf(text: string, selected: readonly Selected[] | undefined): ReturnType<typeof orderOfAdt> { return isCypher(text) ? cypherOrderOf(text, selected) : orderOfAdt(text, selected) }
