/** Where the app asks the server: path and method of each call, and the type that its answer is read as. */
import { isFunction, lineOf, valueNamed, walk } from './source.mjs'

/** What is not known of a path while it is read. */
const ANY = '{}'
const UNDEFINED = Symbol('undefined')
const DEEPEST = 12

function property(object, name) { return object.properties.find((each) => each.type === 'Property' && !each.computed && (each.key.name ?? each.key.value) === name)?.value }

function plain(node) { return ['TSAsExpression', 'TSNonNullExpression', 'TSSatisfiesExpression', 'ParenthesizedExpression', 'AwaitExpression'].includes(node.type) ? plain(node.expression ?? node.argument) : node }

function returnsOf(node) {
  if (node.body.type !== 'BlockStatement') return [node.body]
  const found = []
  for (const [each, above] of walk(node.body)) if (each.type === 'ReturnStatement' && each.argument && !above.some(isFunction)) found.push(each.argument)
  return found
}

/** Reads what strings an expression may be, as far as its source tells. */
class Texts {
  constructor(app) { this.app = app }

  of(module, given, known = new Map(), depth = 0) {
    const node = plain(given)
    const again = (each) => this.of(module, each, known, depth + 1)
    if (depth > DEEPEST) return [ANY]
    switch (node.type) {
      case 'Literal': return typeof node.value === 'string' ? [node.value] : [ANY]
      case 'TemplateLiteral': return node.quasis.reduce((done, quasi, i) => {
        const next = done.map((each) => each + quasi.value.cooked)
        return i < node.expressions.length ? next.flatMap((each) => again(node.expressions[i]).map((end) => each + String(end))) : next
      }, [''])
      case 'BinaryExpression': return node.operator === '+' ? again(node.left).flatMap((left) => again(node.right).map((right) => `${left}${right}`)) : [ANY]
      case 'LogicalExpression': return [...again(node.left), ...again(node.right)]
      case 'ConditionalExpression': return this.branches(node, known).flatMap(again)
      case 'CallExpression': return this.called(module, node, known, depth)
      case 'Identifier': {
        if (known.has(node.name)) return known.get(node.name)
        const found = valueNamed(this.app, module, node.name, node)
        if (!found) return this.handedIn(module, node, depth)
        return isFunction(found.node) ? [ANY] : this.of(found.module, found.node, new Map(), depth + 1)
      }
      default: return [ANY]
    }
  }

  /** A parameter is what the function's callers hand in. */
  handedIn(module, node, depth) {
    const owner = module.values.findLast((each) => each.name === node.name && each.node === undefined && each.within.start <= node.start && node.end <= each.within.end)?.within
    const index = owner?.id ? owner.params.findIndex((each) => each.name === node.name) : -1
    if (index < 0) return [ANY]
    const handed = (this.app.callers.get(owner.id.name) ?? []).flatMap(({ module: from, call }) => (call.arguments[index] ? this.of(from, call.arguments[index], new Map(), depth + 1) : []))
    return handed.length > 0 ? handed : [ANY]
  }

  /** Of `act === undefined ? a : b` the one that holds, where it is known whether `act` was given. */
  branches({ test, consequent, alternate }, known) {
    const given = test.type === 'BinaryExpression' && test.right.name === 'undefined' && known.get(test.left.name)
    if (!given || !/^[!=]==$/.test(test.operator)) return [consequent, alternate]
    return [(given[0] === UNDEFINED) === (test.operator === '===') ? consequent : alternate]
  }

  called(module, node, known, depth) {
    const args = node.arguments
    if ((module.imports.get(node.callee.name)?.name ?? node.callee.name) === 'path') return this.of(module, args[0], known, depth + 1)
    const found = node.callee.type === 'Identifier' && valueNamed(this.app, module, node.callee.name, node)
    if (!found || !isFunction(found.node)) return [ANY]
    const bound = new Map(found.node.params.filter((each) => each.type === 'Identifier').map((each) => {
      const given = args[found.node.params.indexOf(each)]
      return [each.name, given ? this.of(module, given, known, depth + 1) : [UNDEFINED]]
    }))
    return returnsOf(found.node).flatMap((each) => this.of(found.module, each, bound, depth + 1))
  }
}

/** An object with a path is a call: its method, the paths that it may have, and what stands beside them. */
function callOf(texts, module, object) {
  const path = property(object, 'path')
  // What has an `op` is a line of a JSON Patch.
  if (!path || property(object, 'op')) return undefined
  const paths = [...new Set(texts.of(module, path))].filter((each) => typeof each === 'string' && /^\/[a-z]/.test(each))
  const method = property(object, 'method')
  const at = lineOf(module, object)
  return paths.length > 0 ? { at, methods: method ? texts.of(module, method) : ['GET'], paths, query: namesOf(property(object, 'query')), body: namesOf(property(object, 'body')) } : undefined
}

/** Names of an object's members as they are written, also of those spread in by a condition. */
function namesOf(node) {
  if (!node || !['ObjectExpression', 'ConditionalExpression', 'LogicalExpression'].includes(plain(node).type)) return []
  const found = []
  for (const [each, above] of walk(node)) if (each.type === 'Property' && !each.computed && !above.some(({ type }) => type === 'Property' || type === 'CallExpression')) found.push(each.key.name ?? each.key.value)
  return found
}

/** Calls that an argument holds: an object, one that is spread or named before, or a bare path. */
function callsOf(app, texts, module, given, depth = 0) {
  const node = plain(given)
  if (depth > DEEPEST) return []
  const again = (each, at = module) => callsOf(app, texts, at, each, depth + 1)
  if (node.type === 'ObjectExpression') {
    const own = callOf(texts, module, node)
    return own ? [own] : node.properties.filter((each) => each.type === 'SpreadElement').flatMap((each) => again(each.argument))
  }
  if (node.type === 'ConditionalExpression') return [...again(node.consequent), ...again(node.alternate)]
  if (node.type === 'Identifier') {
    const found = valueNamed(app, module, node.name, node)
    if (found && !isFunction(found.node)) return again(found.node, found.module)
  }
  const paths = texts.of(module, node).filter((each) => typeof each === 'string' && each.startsWith('/'))
  return paths.length > 0 ? [{ at: lineOf(module, node), methods: ['GET'], paths, query: [], body: [] }] : []
}

/** Functions with a type of their own that hand it to one that is known to read: `useList<T>` hands it to `pages<T>`. */
function readersOf(app) {
  const readers = new Map([['send', 'answer'], ['pages', 'element']])
  for (let before = 0; before < readers.size;) {
    before = readers.size
    for (const [reader, reads] of [...readers]) for (const { call, above } of app.callers.get(reader) ?? []) {
      const name = call.typeArguments?.params[0]?.typeName?.name
      const owner = name && above.findLast((each) => each.type === 'FunctionDeclaration' && each.typeParameters?.params.some((param) => param.name.name === name && !param.constraint))
      if (owner && !readers.has(owner.id.name)) readers.set(owner.id.name, reads)
    }
  }
  return readers
}

/** The type of an answer: as it is given, or as what takes it is said to be. */
function typeOf(node, above) {
  if (node.typeArguments) return node.typeArguments.params[0]
  const taken = above.at(-1)?.type === 'AwaitExpression' && above.at(-2)?.type === 'VariableDeclarator' && above.at(-2).id.typeAnnotation?.typeAnnotation
  return taken && taken.typeName?.name === 'Answer' ? taken.typeArguments?.params[0] : undefined
}

/** A parameter of a function stands for what it has to be. */
function parameterOf(type, above) {
  const found = type.typeName && above.flatMap((each) => each.typeParameters?.params ?? []).find((each) => each.name.name === type.typeName.name)
  return found ? { constraint: found.constraint } : undefined
}

/** Everything that the app asks the server: `calls`, and `reads`, which are those with the type of their answer. */
export function readCalls(app) {
  const texts = new Texts(app)
  const readers = readersOf(app)
  const calls = []
  const reads = []
  for (const module of app.modules.values()) calls.push(...module.objects.map((each) => callOf(texts, module, each)).filter((each) => each !== undefined))
  for (const [reader, shape] of readers) for (const { module, call: node, above } of app.callers.get(reader) ?? []) {
    const given = typeOf(node, above)
    if (!given) continue
    const parameter = parameterOf(given, above)
    if (parameter && !parameter.constraint) continue
    const type = parameter?.constraint ?? given
    const asked = node.arguments.flatMap((each) => callsOf(app, texts, module, each))
    // A link to the next page answers as the page before it did; api/pages follows them for everybody.
    const follows = module.name === 'api/pages.ts' || node.arguments.some((each) => [...walk(each)].some(([part]) => part.callee?.name === 'nextCall'))
    const at = lineOf(module, node)
    if (asked.length > 0 || !follows) reads.push({ at, module, type, shape, asked })
    // A bare path is a call as well; objects were found as such.
    calls.push(...asked.filter((each) => !calls.some((other) => other.at === each.at)))
  }
  return { calls, reads }
}
