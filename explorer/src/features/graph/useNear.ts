/** How near one looks, for other parts of the page: whether values stand under the marks. */
import { useEffect } from 'react'
import { VALUES_ABOVE } from '@/graph/lod'
import type { GraphView, Picture } from '@/graph/types'
import { useShown } from '@/state/shown'
import { useScreen } from './store'

const MOST_LOOKED_AT = 400

/** Pixels for each unit of the layout, measured between two marks that lie apart. */
export function pixelsPerUnit(picture: Pick<Picture, 'nodes' | 'layout'>, positionOf: GraphView['positionOf']): number | undefined {
  const { layout, nodes } = picture
  const placed = nodes.slice(0, MOST_LOOKED_AT).flatMap((node, index) => {
    const x = layout.x[index]
    // A box's own mark stands in its head, wherever the layout has the twin.
    return x === undefined || (layout.box[index] ?? -1) >= 0 ? [] : [{ id: node.id, x }]
  })
  const [left, ...others] = [...placed].sort((one, other) => one.x - other.x)
  const right = others.at(-1)
  const [from, to] = [left && positionOf(left.id), right && positionOf(right.id)]
  if (!left || !right || !from || !to || right.x - left.x < Number.EPSILON) return undefined
  return (to.x - from.x) / (right.x - left.x)
}

export function useNear(canvas: GraphView | undefined): void {
  const { picture, drawn, state } = useScreen()
  useEffect(() => {
    const found = canvas && picture && drawn ? pixelsPerUnit(picture, (id) => canvas.positionOf(id)) : undefined
    useShown.setState({ isNear: found !== undefined && found > VALUES_ABOVE })
    return () => { useShown.setState({ isNear: false }) }
  }, [canvas, picture, drawn, state.camera])
}
