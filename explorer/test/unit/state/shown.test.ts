import { afterEach, expect, it } from 'vitest'
import type { Json } from '@/api/json'
import type { CloudEvent } from '@/api/types'
import { hideDifferences, noteMade, showRemoved, useShown } from '@/state/shown'

const event = (type: string, data: Json): CloudEvent => ({ id: type, source: '', type: `Microsoft.DigitalTwins.${type}`, data })
afterEach(hideDifferences)

it('what is made again is no more shown as it was', () => {
  showRemoved({ at: 'then', keys: new Set(['a', 'b', 'a/r']) })
  const before = useShown.getState().was
  noteMade([event('Twin.Update', { modelId: 'm', patch: [] }), event('Twin.Delete', { $dtId: 'a' }), event('Twin.Create', { $dtId: 'c' })])
  expect(useShown.getState().was).toBe(before)
  noteMade([event('Twin.Create', { $dtId: 'a' }), event('Relationship.Create', { $sourceId: 'a', $relationshipId: 'r' })])
  expect(useShown.getState().was).toEqual({ at: 'then', keys: new Set(['b']) })
})
