/** One frame, from the ground up. */
import type { Frame } from './camera'
import { detailOf } from './lod'
import { paintBoxes } from './paint/boxes'
import { paintForest, paintGraticule } from './paint/forest'
import { paintFreeNames } from './paint/free'
import { paintLanes } from './paint/lanes'
import { paintLineNames, paintLines, paintNear } from './paint/lines'
import { paintMarks } from './paint/marks'
import { paintRings } from './paint/rings'
import { paintNames, paintTitles, type Taken } from './paint/titles'
import type { Pen } from './pen'
import type { Scene } from './scene'
import type { Measure } from './shorten'
import type { Stage } from './stage'
import type { State } from './state'
import type { Tokens } from './tokens'

export interface Parts { readonly scene: Scene; readonly state: State; readonly tokens: Tokens; readonly frame: Frame; readonly widths: (weight: number) => Measure }

export function stageOf(pen: Pen, parts: Parts): Stage { return { pen, ...parts, detail: detailOf(parts.frame.u, parts.frame.ratio) } }

/** Below the marks. */
export function paintUnder(stage: Stage, hoveredLane: number | undefined): void {
  paintGraticule(stage)
  paintForest(stage)
  paintBoxes(stage)
  paintLanes(stage, hoveredLane)
}

/** Above the marks. */
export function paintOver(stage: Stage): void {
  const taken: Taken = []
  paintTitles(stage, taken)
  if (stage.scene.nested) paintNames(stage)
  else paintFreeNames(stage, taken)
  paintRings(stage)
  paintLineNames(stage, taken)
}

/** All of it, with one pen. */
export function paintWhole(stage: Stage): void {
  paintUnder(stage, undefined)
  paintLines(stage)
  paintNear(stage)
  paintMarks(stage)
  paintOver(stage)
}
