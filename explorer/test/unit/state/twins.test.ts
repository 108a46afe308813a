import { describe, expect, it } from 'vitest'
import type { Twin } from '@/api/types'
import { TwinStore } from '@/state/twins'

const twin = (name: string): Twin => ({ $dtId: 'a', $etag: name, $metadata: { $model: 'dtmi:a;1' }, name })

describe('what is written', () => {
  it('is of the present: in the past it changes nothing', () => {
    const store = new TwinStore()
    store.putNow([twin('written')])
    expect(store.get('a')).toMatchObject({ twin: { name: 'written' }, outdated: false })
    store.turn(true)
    store.put([twin('then')])
    store.putNow([twin('written later')])
    expect(store.get('a')?.twin['name']).toBe('then')
    store.turn(false)
    expect(store.get('a')?.outdated).toBe(true)
    store.putNow([twin('now')])
    expect(store.get('a')).toMatchObject({ twin: { name: 'now' }, outdated: false })
  })
})
