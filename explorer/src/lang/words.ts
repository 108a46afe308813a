/** The words of the query language; a test holds them against those of the server. */

/** Words that cannot stand alone as a name. */
export const RESERVED: ReadonlySet<string> = new Set([
  'ALL', 'AND', 'AS', 'ASC', 'AVG', 'BY', 'COUNT', 'DESC', 'DEVICES', 'DEVICES_JOBS', 'DEVICES_MODULES', 'ENDS_WITH', 'FALSE',
  'FROM', 'GROUP', 'IN', 'IS_BOOL', 'IS_DEFINED', 'IS_NULL', 'IS_NUMBER', 'IS_OBJECT', 'IS_OF_MODEL', 'IS_PRIMITIVE', 'IS_STRING',
  'MAX', 'MIN', 'NOT', 'NOT_IN', 'NULL', 'OR', 'ORDER', 'SELECT', 'STARTS_WITH', 'SUM', 'TOP', 'TRUE', 'WHERE',
])

/** Words that mean something in some place only, and may be names elsewhere. */
export const CONTEXTUAL: ReadonlySet<string> = new Set([
  'JOIN', 'RELATED', 'MATCH', 'NIN', 'EXACT', 'DIGITALTWINS', 'RELATIONSHIPS', 'MODELS', 'CONTAINS', 'STARTSWITH', 'ENDSWITH',
  'ARRAY_CONTAINS', 'IS_ARRAY', 'DISTINCT', 'LIMIT', 'OFFSET', 'HAVING', 'LEFT', 'LIKE', 'EXISTS', 'SHORTEST', 'EXPLAIN', 'BETWEEN', 'IS',
])

export const COLLECTIONS: Readonly<Record<string, 'twin' | 'relationship' | 'model'>> = {
  DIGITALTWINS: 'twin', RELATIONSHIPS: 'relationship', MODELS: 'model',
}

/** Names that begin with a dollar sign and are no parameter. */
export const SYSTEM_NAMES: ReadonlySet<string> = new Set([
  '$dtId', '$etag', '$metadata', '$model', '$sourceId', '$targetId', '$relationshipId', '$relationshipName',
])

export interface LanguageFunction {
  readonly name: string
  readonly signature: string
  readonly says: string
  /** Tests stand in WHERE; values everywhere; aggregates in SELECT, HAVING and ORDER BY. */
  readonly kind: 'test' | 'value' | 'aggregate'
  /** Kastor's own: a strict server refuses it. */
  readonly extension?: true
}

const test = (name: string, args: string, says: string): LanguageFunction => ({ name, signature: `${name}(${args})`, says, kind: 'test' })
const value = (name: string, args: string, says: string): LanguageFunction => ({ name, signature: `${name}(${args})`, says, kind: 'value', extension: true })
const sum = (name: string, args: string, says: string): LanguageFunction => ({ name, signature: `${name}(${args})`, says, kind: 'aggregate', extension: true })

/** Functions under the spelling that is offered; `FUNCTION_NAMES` knows the others too. */
export const FUNCTIONS: readonly LanguageFunction[] = [
  test('IS_OF_MODEL', "[alias,] 'dtmi' [, exact]", 'The twin’s model is that one, a later version of it, or extends one of those.'),
  test('IS_DEFINED', 'path', 'There is a value.'),
  test('STARTSWITH', 'text, beginning', 'The text begins so, by code point and case.'),
  test('ENDSWITH', 'text, end', 'The text ends so, by code point and case.'),
  test('CONTAINS', 'text, part', 'The text holds this; a third argument true ignores the case of A to Z.'),
  test('ARRAY_CONTAINS', 'array, value', 'An element equals the value.'),
  test('IS_NUMBER', 'path', 'The value is a number.'),
  test('IS_STRING', 'path', 'The value is a text.'),
  test('IS_BOOL', 'path', 'The value is true or false.'),
  test('IS_NULL', 'path', 'A null stands there.'),
  test('IS_PRIMITIVE', 'path', 'The value is a text, a number, true, false or null.'),
  test('IS_OBJECT', 'path', 'The value is an object.'),
  test('IS_ARRAY', 'path', 'The value is an array.'),
  { ...test('ST_WITHIN', 'point, polygon', 'The point lies in the polygon, its edge included.'), extension: true },
  { name: 'COUNT', signature: 'COUNT([value])', says: 'How many rows; with a value: how many have one.', kind: 'aggregate' },
  sum('SUM', 'value', 'The sum of the numbers.'),
  sum('AVG', 'value', 'The mean of the numbers.'),
  sum('MIN', 'value', 'The smallest number; of texts where there are no numbers.'),
  sum('MAX', 'value', 'The largest number; of texts where there are no numbers.'),
  value('ABS', 'number', 'The number without its sign.'),
  value('CEILING', 'number', 'The next whole number upwards.'),
  value('FLOOR', 'number', 'The next whole number downwards.'),
  value('ROUND', 'number [, digits]', 'The number rounded to so many digits.'),
  value('SQRT', 'number', 'The square root.'),
  value('POWER', 'base, exponent', 'The base to the power of the exponent.'),
  value('LENGTH', 'text', 'How many characters a text has.'),
  value('LOWER', 'text', 'The text with a to z small.'),
  value('UPPER', 'text', 'The text with A to Z large.'),
  value('TRIM', 'text', 'The text without blanks at its ends.'),
  value('CONCAT', 'text, text, …', 'The texts one after the other.'),
  value('SUBSTRING', 'text, start [, length]', 'A part of a text; the first character is 0.'),
  value('INDEX_OF', 'text, part', 'Where the part begins; -1 where it is not.'),
  value('ARRAY_LENGTH', 'array', 'How many elements an array has.'),
  value('NOW', '', 'This instant, in UTC.'),
  value('DATETIME', 'text', 'A date or an instant in UTC, to the millisecond.'),
  value('DATETIME_ADD', "'unit', n, instant", 'An instant so many years to seconds later.'),
  value('DATETIME_DIFF', "'unit', from, to", 'How many days to seconds lie between.'),
  value('DATETIME_PART', "'unit', instant", 'The year, month, day, hour, minute or second.'),
  value('VECTOR_DISTANCE', 'property, $v', 'How far a vector is from the one given; smaller is nearer.'),
  value('COSINE_DISTANCE', 'property, $v', 'The same by angle.'),
  value('L2_DISTANCE', 'property, $v', 'The same by straight line.'),
  value('ST_DISTANCE', 'point, point', 'Metres between two points, or a point and longitude, latitude.'),
]

/** Other spellings that the server understands. */
const SPELLINGS = ['STARTS_WITH', 'ENDS_WITH']

export const FUNCTION_NAMES: ReadonlySet<string> = new Set([...FUNCTIONS.map((each) => each.name), ...SPELLINGS])

export const LITERALS: ReadonlySet<string> = new Set(['TRUE', 'FALSE', 'NULL'])

/** Words of the language that only Kastor has. */
export const EXTENSIONS: ReadonlySet<string> = new Set([
  'EXPLAIN', 'DISTINCT', 'EXISTS', 'MODELS', 'LEFT JOIN', 'GROUP BY', 'HAVING', 'LIKE', 'BETWEEN', 'ORDER BY', 'LIMIT', 'OFFSET', 'ASC', 'DESC',
  ...FUNCTIONS.filter((each) => each.extension).map((each) => each.name),
])

const PLAIN = /^[\p{L}_$][\p{L}\p{N}_$]*$/u

/** Write a name as it may stand anywhere: reserved and odd ones in double brackets. */
export function written(name: string, afterDot = false): string {
  if (!PLAIN.test(name)) return `[[${name}]]`
  return !afterDot && RESERVED.has(name.toUpperCase()) ? `[[${name}]]` : name
}

/** Write a text as a literal. */
export function quoted(text: string): string { return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'` }
