/** What completion knows of the open graph: its models, and how many there are of what. */
import { useQuery } from '@tanstack/react-query'
import { useMemo } from 'react'
import { send } from '@/api/http'
import { isObject, type Json } from '@/api/json'
import type { QueryPage } from '@/api/types'
import type { Completion, Option } from '@/lang/complete'
import type { Facts } from '@/lang/facts'
import { useGraph, useMay, useModels } from '@/state/graph'

const FRESH_MS = 300_000
const MOST_MODELS = 30
const TWINS = 'SELECT T.$metadata.$model AS name, COUNT() AS n FROM DIGITALTWINS T GROUP BY T.$metadata.$model'
const RELATIONSHIPS = 'SELECT R.$relationshipName AS name, COUNT() AS n FROM RELATIONSHIPS R GROUP BY R.$relationshipName'

function useCounts(query: string): ReadonlyMap<string, number> | undefined {
  const { name, at } = useGraph()
  const may = useMay()
  return useQuery({
    queryKey: [name, 'counts', query, at], staleTime: FRESH_MS, enabled: may('query/action'),
    queryFn: async ({ signal }) => {
      const { data } = await send<QueryPage>(name, { method: 'POST', path: '/query', body: { query }, headers: { 'max-items-per-page': '1000' }, signal, at })
      return new Map(data.value.flatMap((row): [string, number][] => (isObject(row) && typeof row['name'] === 'string' && typeof row['n'] === 'number' ? [[row['name'], row['n']]] : [])))
    },
  }).data
}

const NONE: ReadonlyMap<string, number> = new Map()

export function useFacts(): Facts {
  const models = useModels()
  const twins = useCounts(TWINS) ?? NONE
  const relationships = useCounts(RELATIONSHIPS) ?? NONE
  return useMemo(() => ({ models, twins, relationships, strict: false }), [models, twins, relationships])
}

/** Twins whose ids begin so, as options of a completion. */
export async function twinOptions(graph: string, at: string | undefined, wanted: NonNullable<Completion['twins']>, facts: Facts, signal: AbortSignal): Promise<readonly Option[]> {
  const models = wanted.models && wanted.models.size <= MOST_MODELS ? [...wanted.models] : undefined
  const query = `SELECT TOP(20) T.$dtId, T.name AS name, T.$metadata.$model AS model FROM DIGITALTWINS T WHERE STARTSWITH(T.$dtId, $beginning)${models ? ' AND T.$metadata.$model IN $models' : ''}`
  const { data } = await send<QueryPage>(graph, { method: 'POST', path: '/query', signal, at, body: { query, parameters: { beginning: wanted.beginning, ...(models && { models }) } } })
  return data.value.flatMap((row) => optionOf(row, facts))
}

function optionOf(row: Json, facts: Facts): readonly Option[] {
  if (!isObject(row) || typeof row['$dtId'] !== 'string') return []
  const { $dtId: label, name, model } = row
  return [{ label, kind: 'twin', ...(typeof name === 'string' && { detail: name }), ...(typeof model === 'string' && { info: facts.models.name(model) }) }]
}
