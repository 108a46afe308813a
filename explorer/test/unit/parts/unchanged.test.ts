import { afterEach, expect, it, vi } from 'vitest'
import { type JsonObject, writeJson } from '@/api/json'
import { takingBack } from '@/parts/unchanged'
import type { BatchOperation } from '@/parts/writing'

const made: readonly BatchOperation[] = [
  { op: 'put', kind: 'twin', id: 'room', ifNoneMatch: '*', body: { name: 'Hazel', thermostat: { $metadata: {} }, $metadata: { $model: 'dtmi:room;1' } } },
  { op: 'put', kind: 'relationship', source: 'floor', id: 'has', ifNoneMatch: '*', body: { $targetId: 'room', $relationshipName: 'has' } },
]
const twin: JsonObject = { $dtId: 'room', $etag: 'W/"7"', name: 'Hazel', thermostat: { $metadata: { $lastUpdateTime: '1' } }, $metadata: { $model: 'dtmi:room;1', $lastUpdateTime: '1' } }
const relationship: JsonObject = { $relationshipId: 'has', $sourceId: 'floor', $etag: 'W/"8"', $targetId: 'room', $relationshipName: 'has' }

function serve(room: JsonObject): void {
  vi.stubGlobal('fetch', async (input: RequestInfo | URL) => Promise.resolve(new Response(writeJson(String(input).includes('/relationships/') ? relationship : room))))
}
afterEach(() => { vi.unstubAllGlobals() })

it('what was made is taken away the last first, in the version that has the values it was made with', async () => {
  serve(twin)
  expect(await takingBack('default', made)).toEqual([
    { op: 'delete', kind: 'relationship', source: 'floor', id: 'has', ifMatch: 'W/"8"' },
    { op: 'delete', kind: 'twin', id: 'room', ifMatch: 'W/"7"' },
  ])
})

it('what somebody has filled in since is not taken away', async () => {
  serve({ ...twin, thermostat: { setPoint: 21, $metadata: {} } })
  await expect(takingBack('default', made)).rejects.toThrow('Somebody has changed room since')
})
