import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { orderOf, selectedOf } from '@/lang/columns'
import { completeFilter } from '@/lang/filter-lang'
import { BEGIN, pieceAt, type Style } from '@/lang/highlight'
import { offsetOf, rangeOf, repairOf, warned } from '@/lang/repair'
import { parametersOf, statementAt, textOf, tokenize } from '@/lang/tokens'
import { CONTEXTUAL, FUNCTION_NAMES, RESERVED, SYSTEM_NAMES } from '@/lang/words'
import { FACTS } from './fixture'

const ROOT = `${process.cwd()}/..`
const PAGE = readFileSync(`${ROOT}/docs/reference/query.md`, 'utf8')
const WORDS = readFileSync(`${ROOT}/src/kastor/lang/words.py`, 'utf8')

function setOf(name: string): string[] {
  const body = new RegExp(`^${name}(?:: [^=]+)? = ([^]*?)^[\\])}]`, 'm').exec(WORDS)?.[1] ?? ''
  const keys = body.startsWith('{') ? body.matchAll(/"([\w$]+)":/g) : body.matchAll(/"([\w$]+)"/g)
  return [...keys].map((hit) => hit[1] ?? '').sort()
}

describe('the server’s language', () => {
  it('has the same words', () => {
    expect([...RESERVED].sort()).toEqual(setOf('RESERVED'))
    expect([...CONTEXTUAL].sort()).toEqual(setOf('CONTEXTUAL'))
    expect([...SYSTEM_NAMES].sort()).toEqual(setOf('SYSTEM_NAMES'))
  })

  it('has the same functions, and the page names each', () => {
    const known = [...setOf('SCALARS'), ...setOf('TYPE_TESTS'), ...setOf('TEXT_TESTS'), 'COUNT', 'SUM', 'AVG', 'MIN', 'MAX', 'ARRAY_CONTAINS', 'IS_OF_MODEL', 'ST_WITHIN']
    expect([...FUNCTION_NAMES].sort()).toEqual([...new Set(known)].sort())
    const missing = [...FUNCTION_NAMES].filter((name) => !/S_WITH$/.test(name) && !PAGE.includes(name))
    expect(missing).toEqual([])
  })

  it('every example of the page is made of tokens, and its columns are those of its rows', () => {
    const examples = [...PAGE.matchAll(/```sql\n(.*?)```\n```json\n(.*?)```/gs)]
    expect(examples.length).toBeGreaterThan(20)
    for (const [, text = '', rows = ''] of examples) {
      expect(tokenize(text).filter((token) => token.kind === 'bad' || token.open)).toEqual([])
      const keys = selectedOf(text)?.map((each) => each.key)
      if (keys) for (const row of JSON.parse(rows) as object[]) expect(Object.keys(row).filter((key) => !keys.includes(key)), text).toEqual([])
    }
  })
})

describe('columns', () => {
  const keys = (text: string): unknown => selectedOf(text)?.map((each) => each.key)
  it('have the keys that the server gives', () => {
    expect(keys('SELECT TOP(1) floor.name, room.name, room.area + 1, ABS(room.area), floor.$dtId, room.$dtId, x.a.b AS c FROM')).toEqual(['name', 'room.name', '$3', 'ABS', '$dtId', 'room.$dtId', 'c'])
    expect(keys('SELECT AVG(t), COUNT(), COUNT(t) FROM DIGITALTWINS')).toEqual(['AVG', 'COUNT', 'COUNT#2'])
    expect(keys('SELECT * FROM DIGITALTWINS')).toBeUndefined()
  })
  it('tell by which one the query orders', () => {
    const order = (text: string): unknown => orderOf(text, selectedOf(text))
    expect(order('SELECT room.$dtId, s.temperature FROM DIGITALTWINS s ORDER BY s.temperature DESC, room.$dtId')).toEqual({ key: 'temperature', down: true })
    expect(order('SELECT T.a AS b FROM DIGITALTWINS T ORDER BY b LIMIT 3')).toEqual({ key: 'b', down: false })
    expect(order('SELECT T.a FROM DIGITALTWINS T ORDER BY T.a + 1')).toBeUndefined()
    expect(order('SELECT * FROM DIGITALTWINS ORDER BY name')).toEqual({ key: 'name', down: false })
  })
  it('say what they hold', () => {
    expect(selectedOf('SELECT a, r, b.$dtId AS other, a.name FROM DIGITALTWINS MATCH (a)-[r]->(b)')?.map((each) => each.kind)).toEqual(['twin', 'relationship', 'twinId', 'value'])
  })
})

describe('tokens', () => {
  it('strings are read as the server reads them', () => {
    expect(tokenize("'it\\'s' 'it''s' \"a\\u0041\" 'open").map((token) => [textOf(token), token.open])).toEqual([["it's", false], ["it's", false], ['aA', false], ['open', true]])
  })
  it('statements end at a semicolon that is none of a string', () => {
    const text = "SELECT ';' FROM A;\n SELECT 2 ;"
    expect(statementAt(text, 3).text).toBe("SELECT ';' FROM A")
    expect(statementAt(text, text.length - 3)).toEqual({ text: 'SELECT 2', start: 20, end: 28 })
  })
  it('parameters are told from the system’s names', () => {
    expect(parametersOf('SELECT T.$dtId, T.$odd FROM DIGITALTWINS T WHERE T.x > $low AND $dtId IN $list', SYSTEM_NAMES)).toEqual(['low', 'list'])
  })
  it('colours follow the place of a word', () => {
    expect(styles("SELECT count, T.contains FROM DIGITALTWINS T WHERE CONTAINS(T.name, 'x') -- yes")).toEqual([
      ['SELECT', 'keyword'], ['count', 'keyword'], [',', 'operator'], ['T', 'name'], ['.', 'operator'], ['contains', 'field'], ['FROM', 'keyword'], ['DIGITALTWINS', 'collection'], ['T', 'name'],
      ['WHERE', 'keyword'], ['CONTAINS', 'function'], ['(', 'operator'], ['T', 'name'], ['.', 'operator'], ['name', 'field'], [',', 'operator'], ["'x'", 'string'], [')', 'operator'], ['-- yes', 'comment'],
    ])
  })
})

function styles(line: string): [string, Style][] {
  const found: [string, Style][] = []
  for (let at = 0, state = BEGIN; at < line.length;) {
    const piece = pieceAt(line, at, state)
    if (piece.style) found.push([line.slice(at, at + piece.length), piece.style])
    at += piece.length
    state = piece.state
  }
  return found
}

describe('repairs', () => {
  it.each([
    ['SELECT * FORM DIGITALTWINS', "mismatched input 'FORM' expecting 'FROM'", 9, 4, 'SELECT * FROM DIGITALTWINS'],
    ['SELECT * DIGITALTWINS', "mismatched input 'DIGITALTWINS' expecting 'FROM'", 9, 12, 'SELECT * FROM DIGITALTWINS'],
    ['SELECT * FROM DIGITALTWIN', "mismatched input 'DIGITALTWIN' expecting DIGITALTWINS or RELATIONSHIPS. Did you mean DIGITALTWINS?", 14, 11, 'SELECT * FROM DIGITALTWINS'],
    ['SELECT T.a, order FROM X', "'order' is a reserved word and cannot be a column; write [[order]]", 12, 5, 'SELECT T.a, [[order]] FROM X'],
    ["WHERE n = 'abc", "the string that begins here has no closing '", 10, 4, "WHERE n = 'abc'"],
    ['WHERE n = “warm” OR', "token recognition error at: '“', U+201C LEFT DOUBLE QUOTATION MARK; strings stand in plain quotes: 'text'", 10, 1, "WHERE n = 'warm' OR"],
  ])('%s', (text, message, column, length, expected) => {
    const repair = repairOf(text, message, { line: 1, column, length })
    if (!repair) throw new Error('no repair')
    expect(text.slice(0, repair.from) + repair.insert + text.slice(repair.to)).toBe(expected)
  })
  it('places count characters, not the halves of one', () => {
    expect(offsetOf("SELECT '🐳' x\nFROM", { line: 1, column: 11, length: 1 })).toBe(12)
    expect(rangeOf('SELECT *', { line: 1, column: 8, length: 0 })).toEqual({ from: 7, to: 8 })
  })
  it('a warning finds its word', () => {
    const text = 'SELECT T.temprature FROM DIGITALTWINS T'
    expect(warned(text, 'no model declares a property temprature. Did you mean temperature?')?.repair).toMatchObject({ from: 9, to: 19, insert: 'temperature' })
  })
})

describe('filters', () => {
  const at = (marked: string): string[] => {
    const cursor = marked.indexOf('|')
    return completeFilter(marked.replace('|', ''), cursor, FACTS).options.map((each) => each.insert ?? each.label)
  }
  it('know the events, the body and what may change', () => {
    expect(at("type = '|").slice(0, 1)).toEqual(["Microsoft.DigitalTwins.Twin.Update'"])
    expect(at('type = |')).toContain("'microsoft.iot.telemetry'")
    expect(at('CHANGED(temp|')).toEqual(['temperature'])
    expect(at('CHANGED(thermostat.|')).toContain('setPoint')
    expect(at('$body.thermostat.se|')).toEqual(['setPoint'])
    expect(at("$body.modelId = 'meet|")).toEqual(["dtmi:example:MeetingRoom;1'"])
    expect(at('type = 1 |')).toEqual(['AND', 'OR'])
    expect(at('|')).toEqual(expect.arrayContaining(['type', '$body', 'CHANGED(', 'NOT']))
  })
})
