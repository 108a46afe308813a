/** What the palette finds: commands, twins, models, saved things, and a query to run. */
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useMemo } from 'react'
import { send } from '@/api/http'
import { useFeatures, useGraph, useMay, useModels } from '@/state/graph'
import { lookOf } from '@/state/looks'
import { recentTwins } from '@/state/recent'
import { selecting, selectionOf, useGoing } from '@/state/url'
import { t } from '@/text/text'
import { CommandIcon, type Icon, ModelsIcon, PlayIcon, SavedIcon } from '@/ui/icons'
import type { Look } from '@/ui/mark'
import { usePaused } from '@/ui/usePaused'
import { type Hit, rank } from './rank'
import { possible } from './registry'

export interface Found {
  readonly key: string
  readonly group: string
  readonly text: string
  readonly marks: Hit['marks']
  /** Beside the text: an id, a model, a group of commands. */
  readonly context: string
  readonly icon?: Icon
  readonly look?: Look
  readonly keys?: string
  /** An answer to what was typed before: shown until the next is there, but not what Enter means. */
  readonly isOld?: boolean
  readonly run: () => void
  /** With Ctrl Enter: in the background. */
  readonly behind?: () => void
}

interface SearchHit { readonly kind: string; readonly id: string; readonly name?: string; readonly model?: string }
interface Saved { readonly name: string }

const QUERY = /^\s*(?:SELECT|EXPLAIN|MATCH)\b/i
const PAUSE_MS = 120
const MOST_OF_A_KIND = 8

/** Take the prefix off: `>` commands, `@` twins, `#` models. */
export function splitPrefix(typed: string): { readonly only: '>' | '@' | '#' | '?' | undefined; readonly text: string } {
  const found = /^([>@#?])\s*(.*)$/s.exec(typed)
  return found ? { only: found[1] as '>' | '@' | '#' | '?', text: found[2] ?? '' } : { only: undefined, text: typed.trim() }
}

function useSearchedTwins(text: string): { readonly hits: readonly SearchHit[]; readonly busy: boolean; readonly isOld: boolean } {
  const { name } = useGraph()
  const paused = usePaused(text, PAUSE_MS)
  const features = useFeatures()
  const search = useQuery({
    queryKey: [name, 'search', paused], enabled: paused !== '' && features.has('search'), staleTime: 5000, retry: false,
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }) => (await send<{ value: readonly SearchHit[] }>(name, {
      path: '/kastor/v1/search', query: { q: paused, kinds: 'twin', limit: MOST_OF_A_KIND }, signal,
    })).data.value,
  })
  return { hits: paused === '' ? [] : search.data ?? [], busy: paused !== text || search.isFetching, isOld: paused !== text || search.isPlaceholderData }
}

function useSaved(kind: 'views' | 'queries'): readonly Saved[] {
  const { name } = useGraph()
  const may = useMay()
  const features = useFeatures()
  return useQuery({
    queryKey: [name, 'explorer', kind], enabled: may('kastor/explorer/read') && features.has('saved'), staleTime: 30_000, retry: false,
    queryFn: async ({ signal }) => (await send<{ value: readonly Saved[] }>(name, { path: `/kastor/v1/explorer/${kind}`, signal })).data.value,
  }).data ?? []
}

function commandRows(text: string): Found[] {
  return possible().flatMap((command) => {
    const hit = rank(command.text, text) ?? (command.words === undefined ? undefined : rank(command.words, text))
    if (!hit) return []
    const own = rank(command.text, text)
    return [{ row: {
      key: `command.${command.id}`, group: t('palette.commands'), text: command.text, marks: own?.marks ?? [], context: command.group, icon: CommandIcon,
      ...(command.keys?.[0] !== undefined && { keys: command.keys[0] }), run: () => { void command.run() },
    }, score: hit.score }]
  }).sort((one, other) => other.score - one.score).map(({ row }) => row)
}

/** Everything that answers what was typed, in the order in which it is shown. */
export function useFound(typed: string): { readonly rows: readonly Found[]; readonly busy: boolean } {
  const { only, text } = splitPrefix(typed)
  const going = useGoing()
  const { name } = useGraph()
  const models = useModels()
  const searched = useSearchedTwins(only === undefined || only === '@' ? text : '')
  const views = useSaved('views')
  const queries = useSaved('queries')
  const rows = useMemo(() => {
    const twinRow = (id: string, label: string, model: string): Found => ({
      key: `twin.${id}`, group: t('palette.twins'), text: label, marks: rank(label, text)?.marks ?? [], context: `${id} · ${models.name(model)}`, look: lookOf(models, model),
      run: () => { going.go({ screen: 'graph', parameters: { ...(going.place.screen === 'graph' ? going.place.parameters : {}), ...selecting([id]) } }) },
      behind: () => { going.adjust(selecting([...new Set([...selectionOf(going.place.parameters), id])])) },
    })
    const recent = text === '' ? recentTwins(name).map((each) => twinRow(each.id, each.name, each.model)) : []
    const hits = searched.hits.map((hit) => ({ ...twinRow(hit.id, hit.name ?? hit.id, hit.model ?? ''), isOld: searched.isOld }))
    const modelRows = models.all.flatMap((model) => {
      const label = models.name(model.id)
      const hit = rank(label, text) ?? rank(model.id, text)
      return hit && text !== '' || only === '#' ? [{ score: hit?.score ?? 0, row: {
        key: `model.${model.id}`, group: t('palette.models'), text: label, marks: rank(label, text)?.marks ?? [], context: model.id, icon: ModelsIcon,
        run: () => { going.go({ screen: 'models', rest: [model.id] }) },
      } satisfies Found }] : []
    }).sort((one, other) => other.score - one.score).slice(0, MOST_OF_A_KIND).map(({ row }) => row)
    const savedRows = [...views.map((each) => ['view', each.name] as const), ...queries.map((each) => ['query', each.name] as const)].flatMap(([kind, label]): Found[] => {
      const hit = rank(label, text)
      return hit ? [{
        key: `${kind}.${label}`, group: t('palette.saved'), text: label, marks: hit.marks, context: kind === 'view' ? t('palette.view') : t('palette.saved-query'), icon: SavedIcon,
        run: () => { going.go(kind === 'view' ? { screen: 'graph', parameters: { v: label } } : { screen: 'query', parameters: { v: label } }) },
      }] : []
    }).slice(0, MOST_OF_A_KIND)
    const query: Found[] = QUERY.test(typed) ? [{
      key: 'run', group: t('palette.query'), text: typed.trim(), marks: [], context: t('palette.run'), icon: PlayIcon,
      run: () => { going.go({ screen: 'query', parameters: { q: typed.trim() } }) },
      behind: () => { going.go({ screen: 'graph', parameters: { q: typed.trim() } }) },
    }] : []
    if (only === '>' || only === '?') return commandRows(text)
    if (only === '@') return [...recent, ...hits]
    if (only === '#') return modelRows
    if (query.length > 0) return query
    return [...commandRows(text).slice(0, text === '' ? MOST_OF_A_KIND : 5), ...recent, ...hits, ...modelRows, ...savedRows]
  }, [typed, text, only, going, name, models, searched.hits, searched.isOld, views, queries])
  return { rows, busy: searched.busy }
}
