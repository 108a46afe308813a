import type { TextKey } from '@/text/text'

export interface Example { readonly name: TextKey; readonly text: string }

const SENSOR = "'dtmi:kastor:sample:TemperatureSensor;1'"

/** Queries of the sample building and of the language's page, to begin from. */
export const EXAMPLES: readonly Example[] = [
  { name: 'query.example-all', text: 'SELECT * FROM DIGITALTWINS' },
  { name: 'query.example-models', text: 'SELECT T.$metadata.$model AS model, COUNT() AS twins\nFROM DIGITALTWINS T\nGROUP BY T.$metadata.$model\nORDER BY twins DESC' },
  { name: 'query.example-relationships', text: 'SELECT R.$relationshipName, COUNT() AS relationships\nFROM RELATIONSHIPS R\nGROUP BY R.$relationshipName\nORDER BY relationships DESC' },
  { name: 'query.example-warmest', text: `-- warmest rooms, with the sensor that says so\nSELECT room.$dtId, room.name, floor.name AS floor,\n       s.temperature, room.thermostat.setPoint, room.occupied\nFROM DIGITALTWINS floor\nJOIN room RELATED floor.hasPart\nJOIN s RELATED room.hasSensor\nWHERE IS_OF_MODEL(s, ${SENSOR})\n  AND s.temperature > 21\nORDER BY s.temperature DESC` },
  { name: 'query.example-meeting', text: "-- all meeting rooms and how many they hold\nSELECT room, room.capacity\nFROM DIGITALTWINS room\nWHERE IS_OF_MODEL(room, 'dtmi:kastor:sample:MeetingRoom;1')\nORDER BY room.capacity DESC" },
  { name: 'query.example-sensors', text: '-- rooms with their sensors\nSELECT room, s\nFROM DIGITALTWINS room\nJOIN s RELATED room.hasSensor' },
  { name: 'query.example-mean', text: `-- mean temperature by floor\nSELECT floor.name, AVG(s.temperature) AS mean, COUNT() AS sensors\nFROM DIGITALTWINS floor\nJOIN room RELATED floor.hasPart\nJOIN s RELATED room.hasSensor\nWHERE IS_OF_MODEL(s, ${SENSOR})\nGROUP BY floor.name\nORDER BY mean DESC` },
  { name: 'query.example-walk', text: "-- what a twin is connected to, up to two steps away\nSELECT b.$dtId, b.$metadata.$model AS model\nFROM DIGITALTWINS MATCH (a)-[*{1,2}]-(b)\nWHERE a.$dtId = 'room-2-14'" },
  { name: 'query.example-loose', text: '-- twins that nothing leads to\nSELECT $dtId FROM DIGITALTWINS\nWHERE $dtId NOT IN (SELECT $targetId FROM RELATIONSHIPS)' },
  { name: 'query.example-cypher', text: '// openCypher: warmest rooms of each floor\nMATCH (floor:Floor)-[:hasPart]->(room)-[:hasSensor]->(s:TemperatureSensor)\nWHERE s.temperature > 21\nRETURN floor.name AS floor, count(*) AS rooms, max(s.temperature) AS warmest\nORDER BY warmest DESC' },
  { name: 'query.example-cypher-graph', text: '// openCypher: what a unit of the plant feeds, drawn as a graph\nMATCH (unit:AirHandlingUnit)-[f:feeds]->(next)\nRETURN unit, f, next' },
]

/** One question in both languages: who knows one sees how the other says it. */
export const PAIR = {
  adt: `SELECT room.name, s.temperature\nFROM DIGITALTWINS room\nJOIN s RELATED room.hasSensor\nWHERE IS_OF_MODEL(s, ${SENSOR})\n  AND s.temperature > 21\nORDER BY s.temperature DESC`,
  cypher: 'MATCH (room)-[:hasSensor]->(s:TemperatureSensor)\nWHERE s.temperature > 21\nRETURN room.name, s.temperature\nORDER BY s.temperature DESC',
} as const

/** The text without the comment that it begins with. */
export function withoutComment(text: string): string { return text.replace(/^(?:--|\/\/).*\n/, '') }
