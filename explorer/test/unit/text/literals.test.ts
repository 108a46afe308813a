import { readdirSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import en from '@/text/en.json'
import operate from '@/text/operate.json'

const SRC = `${process.cwd()}/src/`
const sources = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((name) => /\.tsx?$/.test(name)).map((name) => [name, readFileSync(SRC + name, 'utf8')] as const)

it('no component has a text of its own', () => {
  const found = sources.filter(([name]) => name.endsWith('.tsx')).flatMap(([name, text]) =>
    [...text.matchAll(/>\s*([A-Z][a-z]+(?: [a-z]+)+[.?!…]?)\s*<\/|(?:label|title|placeholder|aria-label)="([^"{]*[a-z]{3}[^"{]*)"/g)].map((hit) => `${name}: ${hit[1] ?? hit[2]}`))
  expect(found).toEqual([])
})

it('every text is used', () => {
  const all = sources.map(([, text]) => text).join('\n')
  const keys = (tree: object, prefix = ''): string[] => Object.entries(tree).flatMap(([key, value]) => (typeof value === 'string' ? [prefix + key] : keys(value as object, `${prefix}${key}.`)))
  const unused = keys({ ...en, ...operate }).map((key) => key.replace(/_(?:one|other)$/, '')).filter((key) => !key.endsWith('.none') && !all.includes(`'${key}'`) && !all.includes(`\`${key.replace(/[^.]*$/, '')}\${`) && !all.includes(`\`${key.replace(/[^.-]*$/, '')}\${`))
  expect(unused).toEqual([])
})

it('what only secure origins have is asked for in one place', () => {
  // A page of plain http on a local network has neither.
  expect(sources.filter(([name, text]) => name !== 'ui/copy.ts' && /navigator\.clipboard|randomUUID/.test(text)).map(([name]) => name)).toEqual([])
})
