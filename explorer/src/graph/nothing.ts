import type { Picture } from './types'

/** The picture of nothing. */
export const NO_PICTURE: Picture = {
  nodes: [], edges: [],
  layout: {
    kind: 'nested', x: new Float64Array(), y: new Float64Array(), parent: new Int32Array(), box: new Int32Array(), boxes: [], lanes: [],
    implied: new Uint8Array(), inLane: new Uint8Array(), bounds: { x: 0, y: 0, w: 1, h: 1 }, absent: new Uint8Array(), squeezed: 0, containments: [], contained: 0,
  },
}
