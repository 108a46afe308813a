/** What a person can write where the cursor is: the alias that is meant, and what it has. */
import { type Facts, type Member, membersOf } from './facts'
import { clauseOf, pathEndingAt } from './place'
import { type Scope, scopeOf } from './scope'
import { statementAt, type Token, tokenize } from './tokens'

export interface Help {
  /** All that have a name in the query. */
  readonly aliases: readonly string[]
  /** The one under the cursor, or the nearest before it; empty where there is none. */
  readonly alias: string
  readonly members: readonly Member[]
}

const JOINING = new Set(['JOIN', 'RELATED', 'MATCH'])

/** Return the help for a place; `chosen` is an alias that the person asked for. */
export function helpAt(text: string, cursor: number, facts: Facts, chosen?: string): Help {
  const statement = statementAt(text, cursor)
  const tokens = tokenize(statement.text)
  const place = cursor - statement.start
  return helpIn({ tokens, scope: scopeOf(tokens), place, facts, chosen, joins: JOINING.has(clauseOf(tokens.filter((token) => token.end <= place))) })
}

interface Place {
  readonly tokens: readonly Token[]
  readonly scope: Scope
  readonly place: number
  readonly facts: Facts
  readonly chosen: string | undefined
  /** Whether relationships are named here. */
  readonly joins: boolean
}

/** Return the help for a place of tokens, of whichever language. */
export function helpIn({ tokens, scope, place, facts, chosen, joins }: Place): Help {
  const aliases = [...scope.aliases.keys()]
  const alias = chosen !== undefined && scope.aliases.has(chosen) ? chosen : nearest(tokens, place, new Set(aliases)) ?? scope.from
  const members = membersOf(scope, alias, facts)
  // Who joins wants relationships; everybody else wants fields.
  const rank = { relationship: joins ? 0 : 4, property: 1, component: 2, system: 3 }
  return { aliases, alias, members: [...members].sort((a, b) => rank[a.kind] - rank[b.kind] || (b.count ?? 0) - (a.count ?? 0)) }
}

function nearest(tokens: readonly Token[], cursor: number, aliases: ReadonlySet<string>): string | undefined {
  for (let at = tokens.findLastIndex((token) => token.start <= cursor); at >= 0; at -= 1) {
    const [first] = pathEndingAt(tokens, at)
    if (first !== undefined && aliases.has(first)) return first
  }
  return undefined
}
