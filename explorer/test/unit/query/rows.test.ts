import { describe, expect, it } from 'vitest'
import { type Json, type JsonObject, parseJson } from '@/api/json'
import { columnsOf, compare, isPath, MODEL, namedIn, passes, type ResultRow, shown, twinOf } from '@/features/query/columns'
import { stepsOf } from '@/features/query/explains'
import { toCsv, toJson, toTsv } from '@/features/query/export'
import { applied, changesOf } from '@/features/query/live'
import { warningsOf } from '@/features/query/runs'
import { queriesOf } from '@/features/query/saved'
import { selectedOf } from '@/lang/columns'
import { selectedOf as selectedOfQuery } from '@/lang/query'

const rowsOf = (...values: readonly JsonObject[]): ResultRow[] => values.map((value, index) => ({ key: String(index), value }))
const twin = (id: string): JsonObject => ({ $dtId: id, $etag: 'W/"1"', name: `Name of ${id}`, $metadata: { $model: 'dtmi:example:Room;1' } })
const relationship = { $relationshipId: 'r', $sourceId: 'a', $targetId: 'b', $relationshipName: 'hasPart', $etag: 'x' }

describe('rows of openCypher', () => {
  const path = [twin('a'), relationship, twin('b')]
  it('name twins and relationships in paths, lists and maps at any depth', () => {
    const rows = rowsOf({ p: path, rest: { inner: [[twin('c')], { more: { ...relationship, $relationshipId: 'r2', $targetId: 'd' } }] }, n: null, text: 'x' })
    expect(namedIn(rows, columnsOf(rows, undefined))).toEqual({ twins: new Set(['a', 'b', 'c', 'd']), relationships: new Set(['a/r', 'a/r2']) })
  })
  it('tell paths from other lists', () => {
    expect(isPath(path)).toBe(true)
    expect([isPath([]), isPath([1]), isPath([twin('a'), 1]), isPath(twin('a')), isPath(null)]).toEqual([false, false, false, false, false])
  })
  it('have the columns of RETURN', () => {
    const text = 'MATCH p = (n)-[r]->(m) RETURN p, n, r, n.name, count(*)'
    const rows = rowsOf({ p: path, n: twin('a'), r: relationship, 'n.name': 'x', 'count(*)': 1 })
    expect(columnsOf(rows, selectedOfQuery(text)).map((each) => [each.key, each.kind])).toEqual([['p', 'object'], ['n', 'twin'], ['r', 'relationship'], ['n.name', 'text'], ['count(*)', 'number']])
  })
})

describe('columns', () => {
  it('are those of SELECT in its order, also where the first rows lack some', () => {
    const rows = rowsOf({ model: 'm' }, { wing: 'B', model: 'm' })
    expect(columnsOf(rows, selectedOf('SELECT T.address.wing, T.$metadata.$model AS model FROM DIGITALTWINS T')).map((each) => [each.key, each.kind])).toEqual([['wing', 'text'], ['model', 'model']])
  })

  it('of whole twins begin with id and model, and hide what is for programs', () => {
    const columns = columnsOf(rowsOf({ ...twin('a'), area: 2 }, twin('b')), undefined)
    expect(columns.filter((each) => !each.quiet).map((each) => each.key)).toEqual(['$dtId', MODEL, 'name', 'area'])
    expect(columns.filter((each) => each.quiet).map((each) => each.key)).toEqual(['$etag', '$metadata'])
  })

  it('numbers have as many digits as any of the column, long ones all of theirs', () => {
    const [column] = columnsOf(rowsOf({ t: 22 }, { t: 21.25 }), undefined)
    expect(column).toMatchObject({ kind: 'number', digits: 2 })
    expect(shown(22, 'number', 2)).toBe('22.00')
    const long = parseJson('{"t": 9223372036854775807}')
    expect(shown((long as JsonObject)['t'], 'number', 2)).toBe('9223372036854775807')
  })

  it('a row names its twins wherever they stand', () => {
    const rows = rowsOf({ room: twin('a'), s: twin('b'), r: relationship, $dtId: 'c', path: [{ ...relationship, $relationshipId: 'r2' }] })
    const columns = columnsOf(rows, undefined)
    expect(namedIn(rows, columns)).toEqual({ twins: new Set(['a', 'b', 'c']), relationships: new Set(['a/r', 'a/r2']) })
    expect(twinOf(rows[0]?.value ?? {}, columns)).toBe('c')
  })
})

describe('order and filters', () => {
  it('sorts as the server does', () => {
    const values: (Json | undefined)[] = ['b', 3, undefined, true, 'a', null, 2, { x: 1 }]
    expect([...values.filter((each) => each !== undefined)].sort(compare)).toEqual([null, true, 2, 3, 'a', 'b', { x: 1 }])
    expect(compare(undefined, null)).toBeLessThan(0)
  })
  it.each([['> 21', 22, true], ['> 21', 21, false], ['!= 3', 3, false], ['= 21', 21, true], ['oo', 'Room', true], ['<= b', 'a', true], ['>', '>', true]] as const)('%s of %s', (filter, value, expected) => {
    const [column] = columnsOf(rowsOf({ v: value }), undefined)
    if (!column) throw new Error('no column')
    expect(passes(value, filter, column)).toBe(expected)
  })
})

describe('files', () => {
  const rows = rowsOf({ a: 'x,"y"', b: 1 }, { a: 'two\nlines' }, { b: { c: true } })
  const columns = columnsOf(rows, selectedOf('SELECT a, b FROM DIGITALTWINS'))
  it('CSV quotes what needs it', () => { expect(toCsv(rows, columns)).toBe('a,b\r\n"x,""y""",1\r\n"two\nlines",\r\n,"{""c"":true}"\r\n') })
  it('a table for pasting has one line a row', () => { expect(toTsv(rows, columns).split('\n')).toEqual(['a\tb', 'x,"y"\t1', 'two lines\t', '\t{"c":true}']) })
  it('JSON keeps long numbers', () => { expect(toJson(rowsOf(parseJson('{"n": 9223372036854775807}') as JsonObject))).toContain('9223372036854775807') })
  it('a file of queries is read with care', () => {
    expect(queriesOf({ queries: [{ name: 'a', text: 'SELECT' }, { name: 1, text: 'x' }, 'no'] })).toEqual([{ name: 'a', text: 'SELECT' }])
    expect(queriesOf([1])).toEqual([])
  })
})

describe('live rows', () => {
  const event = (rows: readonly Json[]): ReturnType<typeof changesOf> => changesOf({ rows })
  it('whoever applies the events in order holds the result', () => {
    const rows = new Map<string, ResultRow>()
    applied(rows, 'added', event([{ id: ['a'], row: { t: 1 } }, { id: ['b'], row: { t: 2 } }]), false)
    applied(rows, 'changed', event([{ id: ['a'], row: { t: 3 } }]), true)
    expect([...rows.values()].map((each) => [each.value, each.mark, each.changed])).toEqual([[{ t: 3 }, 'changed', new Set(['t'])], [{ t: 2 }, undefined, undefined]])
    applied(rows, 'removed', event([{ id: ['b'] }]), true)
    expect(rows.get('["b"]')?.mark).toBe('removed')
    applied(rows, 'added', event([{ id: ['b'], row: { t: 4 } }]), true)
    expect(rows.get('["b"]')).toMatchObject({ mark: 'added', value: { t: 4 } })
  })
  it('what is no event is none', () => { expect([...changesOf(null), ...changesOf({ rows: [1, { row: {} }] })]).toEqual([]) })
})

it('steps have depth, and scans are told from searches', () => {
  const steps = stepsOf(['CO-ROUTINE k', 'SCAN t0', 'SCALAR SUBQUERY 1', 'SEARCH names USING INDEX x', 'SEARCH t1 USING INDEX y', 'SCAN k', 'SEARCH t0 USING INTEGER PRIMARY KEY'])
  expect(steps.map((each) => [each.depth, each.isScan])).toEqual([[0, false], [1, true], [1, false], [2, false], [1, false], [0, false], [0, false]])
  expect(stepsOf(['Limit  (cost=1)', '  ->  Sort', '        ->  Seq Scan on twins t0', "              Filter: ('x')"]).map((each) => [each.depth, each.isScan])).toEqual([[0, false], [0, false], [1, true], [2, false]])
})

it('warnings are read from their header', () => {
  expect(warningsOf('"no model declares a property tempe.", "a \\"b\\""')).toEqual(['no model declares a property tempe.', 'a "b"'])
  expect(warningsOf(null)).toEqual([])
})
