import { describe, expect, it } from 'vitest'
import { complete, type Completion } from '@/lang/complete'
import type { Facts } from '@/lang/facts'
import { Models } from '@/dtdl/models'
import { FACTS, MODELS, property } from './fixture'

/** The bar is where the cursor is. */
function at(marked: string, facts: Facts = FACTS): Completion {
  const cursor = marked.indexOf('|')
  return complete(marked.slice(0, cursor) + marked.slice(cursor + 1), cursor, facts)
}

/** The text after the n-th option was taken. */
function taken(marked: string, label: string): string {
  const cursor = marked.indexOf('|')
  const text = marked.slice(0, cursor) + marked.slice(cursor + 1)
  const { from, to, options } = complete(text, cursor, FACTS)
  const option = options.find((each) => each.label === label)
  if (!option) throw new Error(`${label} is not among ${options.map((each) => each.label).join(', ')}`)
  return text.slice(0, from) + (option.insert ?? option.label) + text.slice(to)
}

const labels = (completion: Completion): string[] => completion.options.map((each) => each.label)
const JOINED = 'FROM DIGITALTWINS floor JOIN room RELATED floor.hasPart JOIN s RELATED room.hasSensor'

describe('names of the graph', () => {
  it('a room behind a JOIN has its component with type, and the component its properties', () => {
    const thermostat = at(`SELECT room.| ${JOINED}`).options.find((each) => each.label === 'thermostat')
    expect(thermostat).toMatchObject({ kind: 'component', detail: 'Thermostat' })
    expect(labels(at(`SELECT room.thermostat.| ${JOINED}`))).toContain('setPoint')
    expect(at(`SELECT room.ar| ${JOINED}`).options[0]).toMatchObject({ label: 'area', detail: 'double · m²', info: 'How large it is.' })
  })

  it('what a sensor has is not offered for a room', () => {
    expect(labels(at(`SELECT room.| ${JOINED}`))).not.toContain('temperature')
    expect(labels(at(`SELECT s.| ${JOINED}`))).toEqual(expect.arrayContaining(['temperature', 'batteryLevel', '$dtId']))
  })

  it('IS_OF_MODEL narrows an alias, wherever it stands', () => {
    const found = labels(at("SELECT T.| FROM DIGITALTWINS T WHERE IS_OF_MODEL(T, 'dtmi:example:TemperatureSensor;1')"))
    expect(found.slice(0, 2).sort()).toEqual(['batteryLevel', 'temperature'])
    expect(found).not.toContain('area')
    expect(labels(at("SELECT | FROM DIGITALTWINS WHERE IS_OF_MODEL('dtmi:example:Floor;1')"))).toContain('level')
  })

  it('relationships behind RELATED are those of the models', () => {
    expect(labels(at('SELECT * FROM DIGITALTWINS T JOIN x RELATED T.|'))).toEqual(['hasSensor', 'hasPart'])
    expect(labels(at("SELECT * FROM DIGITALTWINS T JOIN x RELATED T.| WHERE IS_OF_MODEL(T, 'dtmi:example:Sensor;1')"))).toEqual([])
    expect(labels(at('SELECT * FROM DIGITALTWINS MATCH (a)-[r:| '))).toEqual(['hasSensor', 'hasPart'])
    expect(labels(at('SELECT r.| FROM DIGITALTWINS MATCH (a)-[r:hasPart]->(b)'))).toEqual(expect.arrayContaining(['since', '$relationshipName']))
  })

  it('MATCH tells which models its nodes have', () => {
    expect(labels(at('SELECT b.| FROM DIGITALTWINS MATCH (a)-[:hasSensor]->(b)'))).toContain('temperature')
    expect(labels(at('SELECT b.| FROM DIGITALTWINS MATCH (a)<-[:hasSensor]-(b)'))).toContain('thermostat')
  })

  it('models are found by the name that is shown', () => {
    expect(taken("SELECT * FROM DIGITALTWINS T WHERE IS_OF_MODEL('Meeting room|", 'Meeting room')).toBe("SELECT * FROM DIGITALTWINS T WHERE IS_OF_MODEL('dtmi:example:MeetingRoom;1'")
    expect(taken("SELECT * FROM DIGITALTWINS T WHERE IS_OF_MODEL(T, 'meeting|')", 'Meeting room')).toBe("SELECT * FROM DIGITALTWINS T WHERE IS_OF_MODEL(T, 'dtmi:example:MeetingRoom;1')")
    expect(labels(at("SELECT * FROM DIGITALTWINS T WHERE T.$metadata.$model = 'dtmi:example:Te|"))).toEqual(['Temperature sensor'])
  })

  it('enum values, quoted where nothing is, and booleans', () => {
    expect(labels(at("SELECT * FROM DIGITALTWINS T WHERE T.purpose = '|"))).toEqual(['comfort', 'eco'])
    expect(taken('SELECT * FROM DIGITALTWINS T WHERE T.purpose = |', 'eco')).toBe("SELECT * FROM DIGITALTWINS T WHERE T.purpose = 'eco'")
    expect(taken("SELECT * FROM DIGITALTWINS T WHERE T.thermostat.mode IN ['comfort', '|']", 'eco')).toBe("SELECT * FROM DIGITALTWINS T WHERE T.thermostat.mode IN ['comfort', 'eco']")
    expect(labels(at('SELECT * FROM DIGITALTWINS T WHERE T.occupied = |')).slice(0, 2)).toEqual(['true', 'false'])
  })

  it('twin ids are asked for by their beginning and the models that they may have', () => {
    expect(at("SELECT * FROM DIGITALTWINS T WHERE T.$dtId = 'room-|").twins).toEqual({ beginning: 'room-', models: undefined })
    expect(at("SELECT * FROM DIGITALTWINS T JOIN s RELATED T.hasSensor WHERE s.$dtId IN ['a', 'b|").twins?.models).toEqual(new Set(['dtmi:example:Sensor;1', 'dtmi:example:TemperatureSensor;1']))
    expect(at("SELECT * FROM DIGITALTWINS T WHERE T.name = 'room-|").twins).toBeUndefined()
  })

  it('objects have their fields, relationships theirs, models theirs', () => {
    expect(labels(at('SELECT T.address.| FROM DIGITALTWINS T'))).toEqual(['wing'])
    expect(labels(at('SELECT T.$metadata.| FROM DIGITALTWINS T'))).toEqual(['$model', '$lastUpdateTime'])
    expect(labels(at('SELECT R.| FROM RELATIONSHIPS R'))).toEqual(expect.arrayContaining(['$sourceId', 'since']))
    expect(labels(at('SELECT | FROM MODELS'))).toContain('decommissioned')
  })
})

describe('words of the language', () => {
  it.each([
    ['|', ['SELECT', 'EXPLAIN']], ['SELECT * FROM |', ['DIGITALTWINS', 'RELATIONSHIPS', 'MODELS']], ['SELECT * F|', ['FROM']],
    ['SELECT * FROM DIGITALTWINS T JOIN room |', ['RELATED']], ['SELECT * FROM DIGITALTWINS T JOIN |', []], ['SELECT * FROM DIGITALTWINS ORDER |', ['BY']],
  ])('%s', (text, expected) => { expect(labels(at(text))).toEqual(expected) })

  it('goes on behind a value, begins anew behind AND', () => {
    expect(labels(at('SELECT * FROM DIGITALTWINS T WHERE T.area > 2 |')).slice(0, 2)).toEqual(['AND', 'OR'])
    expect(labels(at('SELECT * FROM DIGITALTWINS T WHERE T.area > 2 AND |'))).toEqual(expect.arrayContaining(['T', 'area', 'IS_OF_MODEL', 'NOT']))
  })

  it('fields come before functions, functions before words', () => {
    const kinds = at('SELECT | FROM DIGITALTWINS').options.map((each) => each.kind)
    expect(kinds.indexOf('property')).toBeLessThan(kinds.indexOf('function'))
    expect(kinds.lastIndexOf('function')).toBeLessThan(kinds.indexOf('keyword'))
  })

  it('small letters stay small', () => { expect(taken('sel|', 'SELECT')).toBe('select') })

  it('a strict server is not offered what it refuses', () => {
    const strict = { ...FACTS, strict: true }
    expect(labels(at('SELECT * FROM |', strict))).not.toContain('MODELS')
    expect(labels(at('SELECT | FROM DIGITALTWINS', strict))).not.toContain('AVG')
  })

  it('reserved and odd names get brackets where they need them', () => {
    const odd = new Models(1, [{ ...(MODELS.all[0] ?? fail()), contents: [property('Group', { kind: 'string' }), property('2nd', { kind: 'string' })] }])
    const found = complete('SELECT T. FROM DIGITALTWINS T', 9, { ...FACTS, models: odd }).options
    expect(found.map((each) => each.insert ?? each.label).slice(0, 2)).toEqual(['[[2nd]]', 'Group'])
  })
})

function fail(): never { throw new Error('no model') }

it('any beginning of any text has an answer', () => {
  const text = "SELECT a.x, COUNT() AS n FROM DIGITALTWINS a MATCH (a)-[r:hasPart|x*1..2]->(b) WHERE a.y = 'it''s\\'' AND b.$dtId IN ['1', \"2\"] AND EXISTS { (a)-[]->(c) } ORDER BY a.x[0] DESC; SELECT [[x y]] FROM"
  for (let cursor = 0; cursor <= text.length; cursor += 1) {
    expect(complete(text.slice(0, cursor), cursor, FACTS).from).toBeLessThanOrEqual(cursor)
    expect(complete(text, cursor, FACTS).to).toBeGreaterThanOrEqual(cursor)
  }
})

it('a second statement has names of its own', () => {
  expect(labels(at('SELECT * FROM DIGITALTWINS old; SELECT | FROM DIGITALTWINS fresh'))).toContain('fresh')
  expect(labels(at('SELECT * FROM DIGITALTWINS old; SELECT | FROM DIGITALTWINS fresh'))).not.toContain('old')
})
