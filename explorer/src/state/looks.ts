import type { Models } from '@/dtdl/models'
import { type Look, SHAPES } from '@/ui/mark'

const SLOTS = 8

/** How twins of a model look: colour of the family, shape within it. `slots` are the user's own, by family. */
export function lookOf(models: Models, model: string, slots: Readonly<Record<string, number>> = {}): Look {
  const family = models.family(model)
  const place = models.families.indexOf(family)
  const slot = slots[family] ?? (place >= 0 && place < SLOTS ? place + 1 : 0)
  const index = Math.max(0, models.modelsOf(family).indexOf(model))
  return { shape: SHAPES[index % SHAPES.length] ?? 'circle', hole: Math.floor(index / SHAPES.length) % 2 === 1, slot }
}
