/**
 * Whether the app and the server's description of its API agree: `node tools/contract/check.mjs described.json`.
 *
 * The file has `openapi`, the description, and `schemas` of what is not in it but has a type in src/api/types.ts.
 * Every path and method that the app asks is described, with every name in its query and body; every type that an answer
 * is read as expects whatever the description allows.
 */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { readCalls } from './calls.mjs'
import { Comparer } from './compare.mjs'
import { readApp } from './source.mjs'

const [described, src = fileURLToPath(new URL('../../src', import.meta.url))] = process.argv.slice(2)
const { openapi, schemas } = JSON.parse(readFileSync(described, 'utf8'))
const known = openapi.components.schemas
const app = readApp(src)
const { calls, reads } = readCalls(app)
const comparer = new Comparer(app, known)
const problems = new Set()

/** A path of the description for one of the app: what the app fills in is a parameter there. */
function pathOf(asked) {
  const parts = asked.split('/')
  const allowed = (path, name) => Object.values(openapi.paths[path])[0].parameters.find((each) => `{${each.name}}` === name)?.schema.enum
  const fits = (path, each, mine) => (each.startsWith('{') ? mine.startsWith('{') || allowed(path, each)?.includes(mine) : each.toLowerCase() === mine.toLowerCase())
  const found = Object.keys(openapi.paths).filter((each) => {
    const theirs = each.split('/')
    return theirs.length === parts.length && theirs.every((part, i) => fits(each, part, parts[i]))
  })
  return found.find((each) => each.toLowerCase() === asked.toLowerCase()) ?? found[0]
}

function* operationsOf({ at, methods, paths }) {
  for (const path of paths) for (const method of methods) {
    const found = openapi.paths[pathOf(path)]?.[method.toLowerCase()]
    if (found) yield found
    else problems.add(`${at}: the description has no ${method} ${path}`)
  }
}

/** Members that a body may have; undefined where it may have any. */
function bodyNames(given) {
  const schema = given.$ref ? known[given.$ref.split('/').at(-1)] : given
  const parts = schema.oneOf ?? schema.anyOf
  if (parts) {
    const all = parts.map(bodyNames)
    return all.includes(undefined) ? undefined : all.flat()
  }
  return schema.properties && Object.keys(schema.properties)
}

for (const call of calls) for (const operation of operationsOf(call)) {
  const query = operation.parameters.filter((each) => each.in === 'query').map((each) => each.name)
  for (const name of call.query) if (!query.includes(name)) problems.add(`${call.at}: ${operation.operationId} has no ${name} in its query`)
  const content = Object.values(operation.requestBody?.content ?? {})[0]
  const names = content ? bodyNames(content.schema) : []
  if (names) for (const name of call.body) if (!names.includes(name)) problems.add(`${call.at}: the body of ${operation.operationId} has no ${name}`)
}

let compared = 0
for (const { at, module, type, shape, asked } of reads) {
  const told = asked.flatMap((each) => [...operationsOf(each)])
  if (told.length === 0) problems.add(`${at}: what it asks for is not to be read from its source`)
  for (const operation of told) {
    const answer = Object.entries(operation.responses).find(([status, each]) => status.startsWith('2') && each.content?.['application/json'])?.[1].content['application/json'].schema
    const list = shape === 'element' && answer ? (answer.$ref ? known[answer.$ref.split('/').at(-1)] : answer).properties?.value?.items : answer
    if (list === undefined) problems.add(`${at}: ${operation.operationId} answers no such JSON`)
    else for (const each of comparer.compare(list, { node: type, module }, `${at}: ${operation.operationId}`)) problems.add(each)
    compared += 1
  }
}

for (const [name, schema] of Object.entries(schemas)) {
  const types = [...app.modules.values()].find((each) => each.name === 'api/types.ts')
  const node = types.types.get(name)
  if (!node) problems.add(`api/types.ts: there is no ${name}`)
  else for (const each of comparer.compare(schema, { node: { type: 'TSTypeReference', typeName: node.id, start: node.start, end: node.end }, module: types }, name)) problems.add(each)
}

for (const each of problems) console.log(each)
console.log(`${calls.length} calls, ${compared} answers compared, ${problems.size} problems`)
process.exit(problems.size > 0 ? 1 : 0)
