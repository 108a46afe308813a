/** What may stand as the name of a twin. */
import type { Models } from '@/dtdl/models'
import { t } from '@/text/text'
import type { MenuItem } from '@/ui/menu'
import { LABELS, type Structure } from '@/parts/structure/structure'
import { countsOf } from './useLens'
import type { View } from './view'

const MOST = 20

/** The texts and numbers of the shown models, by how many twins have them. */
export function labelProperties(models: Models, structure: Structure): readonly string[] {
  const found = new Map<string, number>()
  for (const [model, twins] of countsOf(structure)) {
    for (const content of models.get(model)?.contents ?? []) {
      if (content.kind === 'property' && content.schema && ['string', 'enum', 'integer', 'long', 'date'].includes(content.schema.kind)) found.set(content.name, (found.get(content.name) ?? 0) + twins)
    }
  }
  return [...found].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1)).map(([name]) => name)
}

export function labelChoices(models: Models, structure: Structure, view: View): readonly MenuItem[] {
  const choose = (lab: string | undefined) => (): void => { view.going.adjust({ lab }) }
  const others = labelProperties(models, structure).filter((each) => !LABELS.some((label) => label === each)).slice(0, MOST)
  return [
    { kind: 'check', text: t('graph.name'), on: view.label === undefined, run: choose(undefined), testId: 'graph.label.name' },
    { kind: 'check', text: t('graph.id'), on: view.label === 'id', run: choose('id'), testId: 'graph.label.id' },
    ...(others.length > 0 ? [{ kind: 'line' as const }] : []),
    ...others.map((each): MenuItem => ({ kind: 'check', text: each, on: view.label === each, run: choose(each) })),
  ]
}
