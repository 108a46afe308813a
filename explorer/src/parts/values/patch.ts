/** JSON Patch of what was touched and of nothing else: what an editor does not know it cannot lose. */
import { isObject, joinPointer, type Json, type JsonObject, sameJson } from '@/api/json'

export type Operation =
  | { readonly op: 'add' | 'replace'; readonly path: string; readonly value: Json }
  | { readonly op: 'remove'; readonly path: string }

export type Path = readonly string[]

function stepInto(value: Json | undefined, part: string): Json | undefined {
  if (Array.isArray(value)) return (value as readonly Json[])[Number(part)]
  return isObject(value) && Object.hasOwn(value, part) ? value[part] : undefined
}

export function valueAt(value: Json | undefined, path: Path): Json | undefined {
  return path.reduce(stepInto, value)
}

/** Return the document with a value set, or taken away by `undefined`; objects around it are made where they lack. */
export function withValue(target: JsonObject, path: Path, value: Json | undefined): JsonObject {
  const [first, ...rest] = path
  if (first === undefined) return target
  const inner = Object.hasOwn(target, first) ? target[first] : undefined
  const next = rest.length === 0 ? value : isObject(inner) || value !== undefined ? withValue(isObject(inner) ? inner : {}, rest, value) : inner
  const others = Object.entries(target)
  if (next === undefined) return Object.fromEntries(others.filter(([name]) => name !== first))
  if (Object.hasOwn(target, first)) return Object.fromEntries(others.map(([name, each]) => [name, name === first ? next : each]))
  return Object.fromEntries([...others, [first, next]])
}

/** Whether a path is another one, or leads through it. */
export function isWithin(path: Path, outer: Path): boolean {
  return outer.length <= path.length && outer.every((part, index) => part === path[index])
}

/**
 * Return the shortest path that the server can write for a change at `path`: what lies around a value has to be there,
 * and arrays are replaced whole.
 */
function writable(base: JsonObject, path: Path): Path {
  let here: Json | undefined = base
  for (let depth = 0; depth < path.length - 1; depth += 1) {
    here = stepInto(here, path[depth] ?? '')
    if (!isObject(here)) return path.slice(0, depth + 1)
  }
  return path
}

/** Return the patch that makes of `base` what `edited` is at the touched paths. */
export function patchOf(base: JsonObject, edited: JsonObject, touched: readonly Path[]): readonly Operation[] {
  const operations: { path: Path; operation: Operation }[] = []
  const paths = touched.filter((path) => path.length > 0).map((path) => writable(base, path)).sort((one, other) => one.length - other.length)
  for (const path of paths) {
    if (operations.some((each) => isWithin(path, each.path))) continue
    const before = valueAt(base, path)
    const after = valueAt(edited, path)
    if (sameJson(before, after)) continue
    const pointer = joinPointer(path)
    operations.push({ path, operation: after === undefined ? { op: 'remove', path: pointer } : { op: 'add', path: pointer, value: after } })
  }
  return operations.map((each) => each.operation)
}

/** Return the places at which two documents differ, as deep as objects go; arrays differ as wholes. */
export function differences(before: JsonObject, after: JsonObject, leave: (path: Path) => boolean = () => false, path: Path = []): readonly Path[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((name): readonly Path[] => {
    const here = [...path, name]
    if (leave(here)) return []
    const one = stepInto(before, name)
    const other = stepInto(after, name)
    if (sameJson(one, other)) return []
    return isObject(one) && isObject(other) ? differences(one, other, leave, here) : [here]
  })
}

/** Apply `add`, `replace` and `remove` to members of objects and to whole arrays, as the server does. */
export function applyPatch(target: JsonObject, operations: readonly Operation[], split: (pointer: string) => Path): JsonObject {
  return operations.reduce((document, each) => withValue(document, split(each.path), each.op === 'remove' ? undefined : each.value), target)
}

/** A value without what the server keeps of it: times and versions differ whenever it is written anew. */
function plain(value: Json): Json {
  if (Array.isArray(value)) return (value as readonly Json[]).map(plain)
  if (!isObject(value)) return value
  return Object.fromEntries(Object.entries(value).filter(([name]) => !name.startsWith('$')).map(([name, each]) => [name, plain(each)]))
}

export function sameValue(one: Json | undefined, other: Json | undefined): boolean {
  return sameJson(one === undefined ? undefined : plain(one), other === undefined ? undefined : plain(other))
}
