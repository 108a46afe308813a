/** Where the drawing lies in its frame: moved by x and y pixels, k times as large. Pure. */

export interface Camera { readonly x: number; readonly y: number; readonly k: number }
interface Size { readonly width: number; readonly height: number }

const MARGIN = 32
const LEAST = 0.05
const MOST = 60

/** The whole drawing in the middle of the frame. */
export function fitted(frame: Size, drawing: Size): Camera {
  if (frame.width <= 0 || frame.height <= 0) return { x: 0, y: 0, k: 1 }
  const k = Math.max(LEAST, Math.min((frame.width - 2 * MARGIN) / drawing.width, (frame.height - 2 * MARGIN) / drawing.height))
  return { x: (frame.width - drawing.width * k) / 2, y: (frame.height - drawing.height * k) / 2, k }
}

export function moved(camera: Camera, dx: number, dy: number): Camera { return { ...camera, x: camera.x + dx, y: camera.y + dy } }

/** Larger or smaller; what is at a point of the frame stays there. */
export function zoomed(camera: Camera, by: number, at: { readonly x: number; readonly y: number }): Camera {
  const k = Math.min(MOST, Math.max(LEAST, camera.k * by))
  const share = k / camera.k
  return { x: at.x - (at.x - camera.x) * share, y: at.y - (at.y - camera.y) * share, k }
}
