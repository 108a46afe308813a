/** Imports between the folders of src go one way; features never import each other. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'

const SRC = new URL('../src/', import.meta.url).pathname
const MAY = {
  text: [],
  dtdl: [],
  layout: [],
  lang: ['dtdl'],
  api: ['dtdl'],
  ui: ['text', 'api'],
  state: ['api', 'dtdl', 'text', 'ui'],
  graph: ['layout', 'ui', 'dtdl', 'text'],
  commands: ['state', 'ui', 'text', 'api', 'dtdl', 'lang'],
  parts: ['commands', 'state', 'graph', 'layout', 'lang', 'ui', 'text', 'dtdl', 'api'],
  features: ['parts', 'commands', 'state', 'graph', 'layout', 'lang', 'ui', 'text', 'dtdl', 'api'],
  app: ['features', 'parts', 'commands', 'state', 'ui', 'text', 'api', 'dtdl'],
}
const MOST_LINES = 350
const problems = []

function* files(folder) {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name)
    if (statSync(path).isDirectory()) yield* files(path)
    else if (/\.tsx?$/.test(name) && !name.endsWith('.d.ts')) yield path
  }
}

for (const file of files(SRC)) {
  const name = relative(SRC, file)
  const [layer, feature] = name.split('/')
  const text = readFileSync(file, 'utf8')
  if (text.split('\n').length > MOST_LINES && !text.startsWith('// Long because')) problems.push(`${name}: more than ${MOST_LINES} lines`)
  if (/\bas any\b|: any\b|<any>/.test(text)) problems.push(`${name}: any`)
  if (/from 'lucide-react'/.test(text) && name !== 'ui/icons.ts') problems.push(`${name}: icons come from ui/icons`)
  if (/from 'sigma/.test(text) && layer !== 'graph') problems.push(`${name}: sigma is known to graph/ alone`)
  if (!name.includes('/')) continue
  for (const [, to] of text.matchAll(/(?:from|import\()\s*'(@\/[^']+|\.\.?\/[^']+)'/g)) {
    const target = to.startsWith('@/') ? to.slice(2) : relative(SRC, join(file, '..', to))
    const [other, theirs] = target.split('/')
    if (other === layer && layer === 'features' && theirs !== feature) problems.push(`${name}: features do not import each other: ${to}`)
    if (other !== layer && !(MAY[layer] ?? []).includes(other)) problems.push(`${name}: ${layer} may not import ${to}`)
  }
}
for (const problem of problems) console.log(problem)
process.exit(problems.length > 0 ? 1 : 0)
