/** Programs of WebGL: marks in four shapes, and lines with heads. Both know sizes in pixels. */
import type Sigma from 'sigma'
import { EdgeProgram, NodeProgram } from 'sigma/rendering'
import type { EdgeDisplayData, NodeDisplayData, RenderParams } from 'sigma/types'
import { SHAPES, type Look } from '@/ui/mark'

export interface MarkAttributes { x: number; y: number; size: number; packed: number; kind: number; depth: number }
export interface LineAttributes { size: number; packed: number; gated: number; head: number }

type MarkData = NodeDisplayData & MarkAttributes
type LineData = EdgeDisplayData & LineAttributes

/** What the programs are told with every frame, beside the camera. */
export interface Told { depth: number; lines: boolean; lineAlpha: number; growth: number }

export function kindOf(look: Look): number { return SHAPES.indexOf(look.shape) + (look.hole ? SHAPES.length : 0) }

const UNBIAS = '255.0 / 254.0'

const MARK_VERTEX = `
attribute vec2 a_position; attribute float a_size; attribute vec4 a_color; attribute float a_kind; attribute float a_depth; attribute vec2 a_corner;
uniform mat3 u_matrix; uniform vec2 u_viewport; uniform float u_growth; uniform float u_depth;
varying vec4 v_color; varying vec2 v_at; varying float v_radius; varying float v_kind;
void main() {
  float radius = a_depth > u_depth ? 0.0 : a_size * u_growth;
  float reach = radius > 0.0 ? radius + 1.5 : 0.0;
  vec2 centre = (u_matrix * vec3(a_position, 1.0)).xy;
  gl_Position = vec4(centre + a_corner * reach * 2.0 / u_viewport, 0.0, 1.0);
  v_at = vec2(a_corner.x, -a_corner.y) * reach;
  v_radius = radius; v_kind = a_kind; v_color = a_color * ${UNBIAS};
}`

const MARK_FRAGMENT = `
precision highp float;
varying vec4 v_color; varying vec2 v_at; varying float v_radius; varying float v_kind;
uniform float u_pixel;
float square(vec2 p, float r) { float k = r * 0.28; vec2 q = abs(p) - vec2(r - k); return length(max(q, 0.0)) + min(max(q.x, q.y), 0.0) - k; }
float triangle(vec2 p, float r) { float h = r * 0.78; return max(p.y - 0.72 * h, dot(vec2(abs(p.x), p.y + h), vec2(0.8754, -0.4835))); }
void main() {
  float shape = mod(v_kind, 4.0);
  float d = shape < 0.5 ? length(v_at) - v_radius : shape < 1.5 ? square(v_at, v_radius) : shape < 2.5 ? triangle(v_at, v_radius) : (abs(v_at.x) + abs(v_at.y) - v_radius) * 0.7071;
  if (v_kind > 3.5) d = max(d, 0.35 * v_radius - length(v_at - vec2(0.0, shape > 1.5 && shape < 2.5 ? 0.12 * v_radius : 0.0)));
  float cover = clamp(0.5 - d / u_pixel, 0.0, 1.0);
  if (cover <= 0.0 || v_radius <= 0.0) discard;
  gl_FragColor = v_color * cover;
}`

const LINE_VERTEX = `
attribute vec2 a_from; attribute vec2 a_to; attribute float a_width; attribute vec4 a_color; attribute float a_head; attribute vec2 a_radii; attribute vec2 a_gate; attribute vec2 a_corner;
uniform mat3 u_matrix; uniform vec2 u_viewport; uniform float u_growth; uniform float u_depth; uniform float u_lines;
varying vec4 v_color; varying vec2 v_at; varying float v_length; varying float v_half; varying float v_head;
void main() {
  vec2 from = (u_matrix * vec3(a_from, 1.0)).xy * u_viewport * 0.5;
  vec2 to = (u_matrix * vec3(a_to, 1.0)).xy * u_viewport * 0.5;
  float whole = length(to - from);
  vec2 along = whole > 0.0 ? (to - from) / whole : vec2(1.0, 0.0);
  from += along * (a_radii.x * u_growth + 1.0);
  v_length = whole - (a_radii.x + a_radii.y) * u_growth - 3.0;
  v_head = a_head > 0.0 && v_length > 14.0 ? a_head : 0.0;
  float reach = max(a_width * 0.5, v_head * 0.4) + 1.0;
  bool off = v_length <= 1.0 || a_gate.y > u_depth || (a_gate.x > 0.5 && u_lines < 0.5);
  v_at = vec2(a_corner.x * v_length, a_corner.y * reach);
  vec2 place = from + along * v_at.x + vec2(-along.y, along.x) * v_at.y;
  gl_Position = off ? vec4(2.0, 2.0, 0.0, 1.0) : vec4(place * 2.0 / u_viewport, 0.0, 1.0);
  v_half = a_width * 0.5; v_color = a_color * ${UNBIAS};
}`

const LINE_FRAGMENT = `
precision highp float;
varying vec4 v_color; varying vec2 v_at; varying float v_length; varying float v_half; varying float v_head;
uniform float u_pixel; uniform float u_alpha;
void main() {
  float left = v_length - v_at.x;
  float half_width = v_head > 0.0 && left < v_head ? 0.4 * left : v_half;
  float cover = clamp(0.5 + (half_width - abs(v_at.y)) / u_pixel, 0.0, 1.0);
  gl_FragColor = v_color * min(cover, 2.0 * half_width / u_pixel) * u_alpha;
}`

const { FLOAT, UNSIGNED_BYTE, TRIANGLE_STRIP } = WebGLRenderingContext
const MARK_UNIFORMS = ['u_matrix', 'u_viewport', 'u_growth', 'u_depth', 'u_pixel'] as const
const LINE_UNIFORMS = [...MARK_UNIFORMS, 'u_lines', 'u_alpha'] as const

interface Info { readonly gl: WebGLRenderingContext | WebGL2RenderingContext; readonly uniformLocations: Readonly<Record<string, WebGLUniformLocation>> }

function tell({ gl, uniformLocations }: Info, params: RenderParams, told: Told): void {
  gl.uniformMatrix3fv(uniformLocations['u_matrix'] ?? null, false, params.matrix)
  gl.uniform2f(uniformLocations['u_viewport'] ?? null, params.width, params.height)
  gl.uniform1f(uniformLocations['u_growth'] ?? null, told.growth)
  gl.uniform1f(uniformLocations['u_depth'] ?? null, Math.min(1000, told.depth))
  gl.uniform1f(uniformLocations['u_pixel'] ?? null, 1 / params.pixelRatio)
  gl.uniform1f(uniformLocations['u_lines'] ?? null, told.lines ? 1 : 0)
  gl.uniform1f(uniformLocations['u_alpha'] ?? null, told.lineAlpha)
}

export function markProgram(told: Told): typeof NodeProgram<string, MarkAttributes, LineAttributes> & (new (...all: ConstructorParameters<typeof NodeProgram<string, MarkAttributes, LineAttributes>>) => NodeProgram<string, MarkAttributes, LineAttributes>) {
  return class extends NodeProgram<string, MarkAttributes, LineAttributes> {
    /** Sigma would also draw every mark a second time to find what is under the pointer; that is known without it. */
    constructor(gl: WebGLRenderingContext, _picking: WebGLFramebuffer | null, renderer: Sigma<MarkAttributes, LineAttributes>) { super(gl, null, renderer) }

    override getDefinition() {
      return {
        VERTICES: 4, VERTEX_SHADER_SOURCE: MARK_VERTEX, FRAGMENT_SHADER_SOURCE: MARK_FRAGMENT, METHOD: TRIANGLE_STRIP, UNIFORMS: MARK_UNIFORMS,
        ATTRIBUTES: [
          { name: 'a_position', size: 2, type: FLOAT }, { name: 'a_size', size: 1, type: FLOAT }, { name: 'a_color', size: 4, type: UNSIGNED_BYTE, normalized: true },
          { name: 'a_kind', size: 1, type: FLOAT }, { name: 'a_depth', size: 1, type: FLOAT },
        ],
        CONSTANT_ATTRIBUTES: [{ name: 'a_corner', size: 2, type: FLOAT }], CONSTANT_DATA: [[-1, -1], [1, -1], [-1, 1], [1, 1]],
      }
    }

    override processVisibleItem(_index: number, at: number, data: MarkData): void {
      this.array.set([data.x, data.y, data.size, data.packed, data.kind, data.depth], at)
    }

    override setUniforms(params: RenderParams, info: Info): void { tell(info, params, told) }
  }
}

export function lineProgram(told: Told): new (...all: ConstructorParameters<typeof EdgeProgram<string, MarkAttributes, LineAttributes>>) => EdgeProgram<string, MarkAttributes, LineAttributes> {
  return class extends EdgeProgram<string, MarkAttributes, LineAttributes> {
    override getDefinition() {
      return {
        VERTICES: 4, VERTEX_SHADER_SOURCE: LINE_VERTEX, FRAGMENT_SHADER_SOURCE: LINE_FRAGMENT, METHOD: TRIANGLE_STRIP, UNIFORMS: LINE_UNIFORMS,
        ATTRIBUTES: [
          { name: 'a_from', size: 2, type: FLOAT }, { name: 'a_to', size: 2, type: FLOAT }, { name: 'a_width', size: 1, type: FLOAT },
          { name: 'a_color', size: 4, type: UNSIGNED_BYTE, normalized: true }, { name: 'a_head', size: 1, type: FLOAT },
          { name: 'a_radii', size: 2, type: FLOAT }, { name: 'a_gate', size: 2, type: FLOAT },
        ],
        CONSTANT_ATTRIBUTES: [{ name: 'a_corner', size: 2, type: FLOAT }], CONSTANT_DATA: [[0, -1], [1, -1], [0, 1], [1, 1]],
      }
    }

    override processVisibleItem(_index: number, at: number, from: MarkData, to: MarkData, data: LineData): void {
      this.array.set([from.x, from.y, to.x, to.y, data.size, data.packed, data.head, from.size, to.size, data.gated, Math.max(from.depth, to.depth)], at)
    }

    override setUniforms(params: RenderParams, info: Info): void { tell(info, params, told) }

    override render(params: RenderParams): void { if (told.lineAlpha > 0) super.render(params) }
  }
}
