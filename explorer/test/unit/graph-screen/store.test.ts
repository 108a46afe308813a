import { expect, it } from 'vitest'
import { put, reset, screen, take, takeOut, useScreen } from '@/features/graph/store'
import { NO_PICTURE } from '@/graph/nothing'
import { merged, NOTHING, type StructureNode } from '@/parts/structure/structure'

const node = (id: string): StructureNode => ({ id, model: 'm', label: id })
const loaded = (...ids: readonly string[]): Parameters<typeof take>[0] => ({ structure: merged(NOTHING, ids.map(node), []), scope: 'whole', schema: undefined, cut: undefined })

it('nothing has no picture', () => {
  reset({})
  take(loaded('a', 'b'), undefined, 'q')
  useScreen.setState({ picture: NO_PICTURE })
  takeOut(new Set(['a']))
  expect(screen().picture).toBe(NO_PICTURE)
  takeOut(new Set(['b']))
  expect(screen().picture).toBeUndefined()
  put([node('c')], [])
  useScreen.setState({ picture: NO_PICTURE })
  take(loaded(), undefined, 'other')
  expect(screen().picture).toBeUndefined()
})
