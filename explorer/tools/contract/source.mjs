/** The app's source as trees: its modules, what they declare, and what a name means where it stands. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { parseSync } from 'vite'

const TYPES = new Set(['TSInterfaceDeclaration', 'TSTypeAliasDeclaration'])
const FUNCTIONS = new Set(['FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression'])

export function isFunction(node) { return FUNCTIONS.has(node.type) }

function childrenOf(node) {
  const found = []
  for (const name in node) {
    const value = node[name]
    if (value === null || typeof value !== 'object') continue
    if (Array.isArray(value)) { for (const each of value) if (typeof each?.type === 'string') found.push(each) }
    else if (typeof value.type === 'string') found.push(value)
  }
  return found
}

/** Every node below one, with those that it stands in, the nearest last: they are so until the next is asked for. */
export function* walk(node, above = []) {
  yield [node, above]
  above.push(node)
  for (const each of childrenOf(node)) yield* walk(each, above)
  above.pop()
}

function read(file, src) {
  const text = readFileSync(file, 'utf8')
  const { program, errors } = parseSync(file, text)
  if (errors.length > 0) throw new Error(`${file}: ${errors[0].message}`)
  const module = { file, name: relative(src, file), text, program, types: new Map(), values: [], imports: new Map(), calls: [], objects: [] }
  for (const [node, above] of walk(program)) {
    const within = above.findLast((each) => isFunction(each) || each.type === 'Program')
    if (node.type === 'CallExpression' && node.callee.type === 'Identifier') module.calls.push({ module, call: node, above: [...above] })
    else if (node.type === 'ObjectExpression') module.objects.push(node)
    else if (TYPES.has(node.type)) module.types.set(node.id.name, node)
    else if (node.type === 'ImportDeclaration') {
      for (const each of node.specifiers) if (each.type === 'ImportSpecifier') module.imports.set(each.local.name, { from: node.source.value, name: each.imported.name })
    } else if (node.type === 'FunctionDeclaration') module.values.push({ name: node.id.name, node, within })
    else if (node.type === 'VariableDeclarator' && node.id.type === 'Identifier' && node.init) module.values.push({ name: node.id.name, node: node.init, within })
    if (isFunction(node)) {
      for (const [each] of node.params.flatMap((param) => [...walk(param.type === 'TSParameterProperty' ? param.parameter : param)])) {
        if (each.type === 'Identifier') module.values.push({ name: each.name, node: undefined, within: node })
      }
    }
  }
  return module
}

/** All modules of a folder, by their files, and who calls a function of a name. */
export function readApp(src) {
  const files = readdirSync(src, { recursive: true }).filter((each) => /(?<!\.d)\.tsx?$/.test(each)).map((each) => join(src, each))
  const modules = new Map(files.map((file) => [file, read(file, src)]))
  const callers = new Map()
  for (const each of [...modules.values()].flatMap((module) => module.calls)) callers.set(each.call.callee.name, [...(callers.get(each.call.callee.name) ?? []), each])
  return { src, modules, callers }
}

/** The module and the name there of what a module imports by a name; undefined for what comes from elsewhere. */
function imported(app, module, name) {
  const found = module.imports.get(name)
  if (!found) return undefined
  const base = found.from.startsWith('@/') ? join(app.src, found.from.slice(2)) : found.from.startsWith('.') ? resolve(dirname(module.file), found.from) : undefined
  const file = base && ['.ts', '.tsx', '/index.ts'].map((end) => base + end).find((each) => existsSync(each))
  return file && { module: app.modules.get(file), name: found.name }
}

/** The declaration of a type, with its module. */
export function typeNamed(app, module, name) {
  const own = module.types.get(name)
  if (own) return { node: own, module }
  const other = imported(app, module, name)
  return other && typeNamed(app, other.module, other.name)
}

/** What a name stands for where it is used: a function or a value's expression; undefined for parameters and for what is not known. */
export function valueNamed(app, module, name, use) {
  const own = module.values.filter((each) => each.name === name && each.within.start <= use.start && use.end <= each.within.end)
  if (own.length > 0) {
    const { node } = own.reduce((best, each) => (each.within.end - each.within.start < best.within.end - best.within.start ? each : best))
    return node && { node, module }
  }
  const other = imported(app, module, name)
  return other && valueNamed(app, other.module, other.name, other.module.program)
}

export function lineOf(module, node) { return `${module.name}:${module.text.slice(0, node.start).split('\n').length}` }
