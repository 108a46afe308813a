import { describe, expect, it } from 'vitest'
import { readFileSync } from 'node:fs'
import { cypherOrderOf, cypherSelectedOf } from '@/lang/cypher/columns'
import { tokenize } from '@/lang/cypher/tokens'
import { FUNCTIONS, isCypher, LEFT_OUT, written } from '@/lang/cypher/words'
import type { Completion } from '@/lang/complete'
import { BEGIN, type Style } from '@/lang/highlight'
import { queryPieceAt } from '@/lang/painted'
import { complete, helpAt, isExplain, parametersOf, statementAt } from '@/lang/query'
import { FACTS } from './fixture'

/** The bar is where the cursor is. */
function at(marked: string): Completion {
  const cursor = marked.indexOf('¦')
  return complete(marked.slice(0, cursor) + marked.slice(cursor + 1), cursor, FACTS)
}

function taken(marked: string, label: string): string {
  const cursor = marked.indexOf('¦')
  const text = marked.slice(0, cursor) + marked.slice(cursor + 1)
  const { from, to, options } = complete(text, cursor, FACTS)
  const option = options.find((each) => each.label === label)
  if (!option) throw new Error(`${label} is not among ${options.map((each) => each.label).join(', ')}`)
  return text.slice(0, from) + (option.insert ?? option.label) + text.slice(to)
}

const labels = (marked: string): string[] => at(marked).options.map((each) => each.label)

describe('which language', () => {
  it('the first word decides, behind blanks and comments', () => {
    expect(['MATCH (n) RETURN n', '  // x\n match (n) RETURN n', '/* SELECT */ RETURN 1', 'EXPLAIN MATCH (n) RETURN n', 'UNWIND [1] AS x RETURN x', 'create (n)'].filter(isCypher)).toHaveLength(6)
    expect(['SELECT 1 FROM DIGITALTWINS', 'EXPLAIN SELECT', '', '-- MATCH\nSELECT', 'matchbox', '(n)'].filter(isCypher)).toEqual([])
  })

  it('the words are those of the server', () => {
    // `lints/words.py` makes the file of the server's own lists; here they only have to be used.
    const file = JSON.parse(readFileSync(`${import.meta.dirname}/../../../src/lang/cypher/server.json`, 'utf8')) as { functions: string[]; leftOut: string[] }
    expect(FUNCTIONS).toEqual(file.functions)
    expect([...LEFT_OUT]).toEqual(file.leftOut)
    for (const word of ['OPTIONAL MATCH', 'WITH', 'UNWIND']) expect(labels('MATCH (n) ¦').includes(word)).toBe(!LEFT_OUT.has(word.split(' ')[0] ?? ''))
    for (const name of FUNCTIONS) expect(labels('MATCH (n) RETURN ¦')).toContain(name)
  })

  it('statements of both stand beside each other', () => {
    const text = "SELECT 1;\nMATCH (a)--(b) WHERE a.x = ';' // ;\nRETURN a;\nSELECT 2"
    expect(statementAt(text, 3).text).toBe('SELECT 1')
    expect(statementAt(text, 20).text).toBe("MATCH (a)--(b) WHERE a.x = ';' // ;\nRETURN a")
    expect(statementAt(text, text.length).text).toBe('SELECT 2')
    expect(isExplain('/* x */ EXPLAIN MATCH (n) RETURN n')).toBe(true)
  })

  it('parameters are found, and names of the system are none', () => {
    expect(parametersOf("MATCH (n {name: $name})--(m) WHERE n.`$odd` = '$no' AND m.$dtId IN $ids RETURN n // $never")).toEqual(['name', 'ids'])
  })
})

describe('completion', () => {
  it('labels are the words of models, found by the name that is shown too', () => {
    expect(labels('MATCH (r:¦').toSorted()).toEqual(['Floor', 'MeetingRoom', 'Model', 'Room', 'Sensor', 'Space', 'TemperatureSensor', 'Thermostat', 'Twin'])
    expect(labels('MATCH (r:¦').slice(0, 2).sort()).toEqual(['Room', 'TemperatureSensor'])
    expect(taken('MATCH (r:meet¦) RETURN r', 'MeetingRoom')).toBe('MATCH (r:MeetingRoom) RETURN r')
    expect(labels('MATCH (r) WHERE r:¦')).toContain('Room')
    expect(taken('MATCH (r:`Meet¦` ) RETURN r', 'dtmi:example:MeetingRoom;1')).toBe('MATCH (r:`dtmi:example:MeetingRoom;1` ) RETURN r')
  })

  it('names of relationships are those that start from the node before', () => {
    expect(labels('MATCH (a)-[:¦')).toEqual(['hasSensor', 'hasPart'])
    expect(labels('MATCH (a)-[r:hasPart|¦]->(b)')).toEqual(['hasSensor', 'hasPart'])
    expect(labels('MATCH (a:Sensor)-[:¦]->(b) RETURN a')).toEqual([])
  })

  it('properties behind a dot are those of the label, or of what the pattern says', () => {
    expect(labels('MATCH (f:Floor)-[:hasSensor]->(s) RETURN s.¦')).toEqual(expect.arrayContaining(['temperature', 'batteryLevel', '$dtId']))
    expect(labels('MATCH (f:Floor) WHERE f.¦')).toEqual(expect.arrayContaining(['level', 'area']))
    expect(labels('MATCH (f:Floor) WHERE f.¦')).not.toContain('temperature')
    expect(labels('MATCH (r:Room) RETURN r.thermostat.¦')).toContain('setPoint')
    expect(labels('MATCH (a)-[r:hasPart]->(b) RETURN r.¦')).toEqual(expect.arrayContaining(['since', '$relationshipName']))
    expect(labels('MATCH (a)<-[:hasSensor]-(b) RETURN b.¦')).toContain('area')
    expect(labels('MATCH (m:Model) RETURN m.¦')).toEqual(['id', 'uploadTime', 'decommissioned', 'model'])
    expect(labels("MATCH (n) WHERE is_of_model(n, 'dtmi:example:Floor;1') RETURN n.¦")).toContain('level')
  })

  it('maps of patterns have the names of what they describe', () => {
    expect(labels('MATCH (f:Floor {¦')).toContain('level')
    expect(labels('MATCH (:Floor {name: $n, ¦})')).toContain('level')
    expect(labels('MATCH (a)-[:hasPart {¦')).toContain('since')
  })

  it('values of an enum, ids of models and twins stand in quotes', () => {
    expect(taken("MATCH (r:Room) WHERE r.purpose = 'com¦", 'comfort')).toBe("MATCH (r:Room) WHERE r.purpose = 'comfort'")
    expect(taken("MATCH (r:Room) WHERE r.purpose IN ['eco', 'com¦'", 'comfort')).toBe("MATCH (r:Room) WHERE r.purpose IN ['eco', 'comfort'")
    expect(taken("MATCH (n) WHERE is_of_model(n, 'floor¦", 'Floor')).toBe("MATCH (n) WHERE is_of_model(n, 'dtmi:example:Floor;1'")
    const twins = at("MATCH (r:Room) WHERE id(r) = 'room-¦").twins
    expect(twins?.beginning).toBe('room-')
    expect(twins?.models?.has('dtmi:example:MeetingRoom;1')).toBe(true)
    expect(at("MATCH (r) WHERE r.$dtId = 'a¦").twins?.models).toBeUndefined()
    expect(at("MATCH (r) WHERE r.name = 'a¦").twins).toBeUndefined()
  })

  it('words go where they fit, in the case in which one types', () => {
    expect(labels('¦').length).toBeGreaterThan(0)
    expect(labels('MATCH (r:Room) W¦')).toContain('WHERE')
    expect(taken('match (r:Room) wh¦', 'WHERE')).toBe('match (r:Room) where')
    expect(labels('MATCH (r) WHERE r.name ¦')).toEqual(expect.arrayContaining(['STARTS WITH', 'IS NULL', 'AND', 'RETURN']))
    expect(labels('MATCH (r) RETURN r ORDER ¦')).toEqual(['BY'])
    expect(labels('MATCH (r) RETURN r.name ¦')).toEqual(expect.arrayContaining(['AS', 'ORDER BY', 'LIMIT']))
    expect(labels('MATCH (r) RETURN ¦')).toEqual(expect.arrayContaining(['DISTINCT', 'r', 'count']))
    expect(labels('MATCH (r) WHERE ¦')).not.toContain('count')
    expect(labels('MATCH (r) WHERE EXISTS { (r)-[:¦')).toEqual(['hasSensor', 'hasPart'])
    expect(labels("MATCH (r) WHERE r.name = 'MATCH (x:' AND ¦")).toContain('r')
  })

  it('odd and reserved names stand in backticks', () => {
    expect(written('a b')).toBe('`a b`')
    expect(written('match')).toBe('`match`')
    expect(written('match', true)).toBe('match')
    expect(written('a`b')).toBe('`a``b`')
    expect(written('$dtId', true)).toBe('$dtId')
  })

  it('nothing that is half written breaks it', () => {
    const whole = "MATCH p = (a:Room {name: 'x'})-[r:hasSensor|hasPart*1..2]->(b), (c) WHERE NOT (a)-->(c) AND a.`odd name` =~ 'x' /* c */ RETURN CASE WHEN a.x > 1 THEN [1, {k: b}] ELSE null END AS y ORDER BY y DESC"
    for (let cursor = 0; cursor <= whole.length; cursor += 1) {
      expect(complete(whole, cursor, FACTS).from).toBeLessThanOrEqual(cursor)
      complete(whole.slice(0, cursor), cursor, FACTS)
      helpAt(whole.slice(0, cursor), cursor, FACTS)
    }
  })
})

describe('colours', () => {
  const styles = (...lines: string[]): [string, Style | undefined][] => {
    let state = BEGIN
    return lines.flatMap((line) => {
      const found: [string, Style | undefined][] = []
      for (let from = 0; from < line.length;) {
        const piece = queryPieceAt(line, from, state)
        if (piece.style) found.push([line.slice(from, from + piece.length), piece.style])
        state = piece.state
        from += piece.length
      }
      return found
    })
  }
  it('are those of the language that a statement begins with', () => {
    expect(styles("MATCH (a:Room)-[:feeds]->(b) // x", "WHERE a.name = 'y'")).toEqual(expect.arrayContaining([['MATCH', 'keyword'], ['Room', 'collection'], ['feeds', 'collection'], ['// x', 'comment'], ['WHERE', 'keyword'], ['name', 'field'], ["'y'", 'string']]))
    expect(styles('SELECT T -- x', 'FROM DIGITALTWINS T; MATCH (n) RETURN count(n)')).toEqual(expect.arrayContaining([['-- x', 'comment'], ['DIGITALTWINS', 'collection'], ['RETURN', 'keyword'], ['count', 'function']]))
    expect(styles('MATCH (a)--(b) RETURN a').some(([, style]) => style === 'comment')).toBe(false)
    expect(styles('/* one', 'two */ MATCH (n) RETURN n').slice(0, 3)).toEqual([['/* one', 'comment'], ['two */', 'comment'], ['MATCH', 'keyword']])
    expect(styles('EXPLAIN MATCH (n)')[1]).toEqual(['MATCH', 'keyword'])
  })
})

describe('columns', () => {
  it('are called as the answer calls them', () => {
    expect(cypherSelectedOf('MATCH (n)-[r]->(m) RETURN n, r, n.name, count( * ) , id(m) AS target, n.$dtId ORDER BY n.name')).toEqual([
      { key: 'n', kind: 'twin', path: 'n' }, { key: 'r', kind: 'relationship', path: 'r' }, { key: 'n.name', kind: 'value', path: 'n.name' },
      { key: 'count( * )', kind: 'value', path: '' }, { key: 'target', kind: 'twinId', path: '' }, { key: 'n.$dtId', kind: 'twinId', path: 'n.$dtId' },
    ])
    expect(cypherSelectedOf('MATCH (n) RETURN *')).toBeUndefined()
    const text = 'MATCH (n) RETURN n.name AS name, n.area ORDER BY n.area DESC, name'
    expect(cypherOrderOf(text, cypherSelectedOf(text))).toEqual({ key: 'n.area', down: true })
  })
  it('texts without an end have tokens', () => {
    expect(tokenize("RETURN `a").at(-1)).toMatchObject({ kind: 'escaped', open: true })
    expect(tokenize("RETURN 'a").at(-1)).toMatchObject({ kind: 'string', open: true })
  })
})

describe('help', () => {
  it('tells what the variable under the cursor has', () => {
    const text = 'MATCH (f:Floor)-[:hasSensor]->(s) RETURN s.temperature'
    const help = helpAt(text, text.length, FACTS)
    expect(help.aliases).toEqual(['f', 's'])
    expect(help.alias).toBe('s')
    expect(help.members.map((each) => each.name)).toContain('temperature')
  })
})
