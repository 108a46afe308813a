import { cleanup, render, screen } from '@testing-library/react'
import { afterEach, expect, it } from 'vitest'
import type { Json, JsonObject } from '@/api/json'
import { NO_MODELS } from '@/dtdl/models'
import { Cell } from '@/features/query/Cell'
import type { ResultColumn } from '@/features/query/columns'

const twin = (id: string): JsonObject => ({ $dtId: id, $etag: 'W/"1"', $metadata: { $model: 'dtmi:example:Room;1' } })
const line = (source: string, target: string): JsonObject => ({ $relationshipId: 'r', $sourceId: source, $targetId: target, $relationshipName: 'feeds' })
const column: ResultColumn = { key: 'p', kind: 'object', digits: 0, quiet: false, width: 480 }
const show = (value: Json): void => { render(<Cell column={column} value={value} models={NO_MODELS} hrefOf={(id) => `/twins/${id}`} range={undefined} />) }

afterEach(cleanup)

it('a path is its twins and what leads from one to the next, also against its direction', () => {
  show([twin('a'), line('a', 'b'), twin('b'), line('c', 'b'), twin('c')])
  expect(screen.getAllByRole('link').map((each) => each.getAttribute('href'))).toEqual(['/twins/a', '/twins/b', '/twins/c'])
  expect(screen.getByText('feeds →')).toBeTruthy()
  expect(screen.getByText('← feeds')).toBeTruthy()
})

it('relationships without twins say what they join', () => {
  show([line('a', 'b'), line('b', 'c')])
  expect(screen.getByText('a → b')).toBeTruthy()
  expect(screen.getByText('b → c')).toBeTruthy()
})

it('of a long one the rest is behind a click', () => {
  show(Array.from({ length: 20 }, (_each, index) => twin(`t${index}`)))
  expect(screen.getAllByRole('link')).toHaveLength(7)
  expect(screen.getByRole('button', { name: '+13' })).toBeTruthy()
})
