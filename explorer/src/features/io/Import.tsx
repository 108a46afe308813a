import { type ReactNode, useEffect, useMemo, useRef, useState } from 'react'
import { asApiError } from '@/api/errors'
import { NO_MODELS } from '@/dtdl/models'
import { useGraph, useModelsQuery } from '@/state/graph'
import { useHanded } from '@/state/handed'
import { useGoing } from '@/state/url'
import { t } from '@/text/text'
import { Button } from '@/ui/button'
import { FileIcon } from '@/ui/icons'
import { toast } from '@/ui/toasts'
import { NotText } from './bytes'
import { Check } from './Check'
import { modelsWith } from './definitions'
import { EMPTY, type Graph, importText } from './graph'
import { JobCard, LastImports } from './Jobs'
import { Map as MapTable } from './Map'
import { mappingOf } from './mapping'
import { keepMapping, keptMappings, mappedTables } from './mappings'
import { NotTogether, readSources, type Source } from './read'
import { isExplorerSheet, joined, type Mapping, readExplorerSheet, readTable } from './tables'
import { Templates } from './Templates'
import { useTurn } from './useTurn'

/** Drop, say what columns are, check, run: everything becomes the file of an import. */
export function Import(): ReactNode {
  const { data: models = NO_MODELS, isPending } = useModelsQuery()
  const { place } = useGoing()
  const [source, setSource] = useState<Source>()
  const { name: graphName } = useGraph()
  const [mappings, setMappings] = useState<ReadonlyMap<string, Mapping>>(new Map())
  // Files are read once it is known what models there are: components and types come from them.
  const [chosen, setChosen] = useState<readonly File[]>([])
  const last = useRef<readonly File[]>([])
  useEffect(() => {
    if (chosen.length === 0 || isPending) return
    last.current = chosen
    setChosen([])
    void take(chosen)
  }, [chosen, isPending])
  const take = async (files: readonly File[]): Promise<void> => {
    const name = files.map((file) => file.name).join(', ')
    try {
      const read = await readSources(files, models)
      if (last.current !== files) return
      setMappings(read?.kind === 'tables' ? keptMappings(graphName, read.tables) : new Map())
      setSource(read)
    } catch (error) {
      toast({ kind: 'error', text: error instanceof NotTogether ? t('io.not-together', { name: error.message }) : t('io.unreadable', { name, reason: error instanceof NotText ? t('io.no-text') : asApiError(error).message }) })
    }
  }
  useHanded('io', setChosen)
  const graph = useMemo((): Graph | undefined => {
    if (source?.kind === 'graph') return source.graph
    if (source?.kind !== 'tables') return undefined
    const known = modelsWith(models, (source.graph?.models ?? []).map((row) => row.body))
    return joined([source.graph ?? EMPTY, ...source.tables.map((table) => (isExplorerSheet(table.titles) ? readExplorerSheet(table, known) : readTable(table, mappings.get(table.name) ?? mappingOf(table, models), known)))])
  }, [source, mappings, models])
  const text = useMemo(() => (graph ? importText(graph) : undefined), [graph])
  // A check is of one content: another file, or the same table with other columns, is checked anew.
  const turn = useTurn(source?.kind === 'ndjson' ? source.file : text?.text)
  return (
    <>
      <h1>{t('io.import')}</h1>
      <Drop onFiles={setChosen} source={source} mapped={source ? [] : mappedTables(graphName)} />
      {source === undefined && <><Templates />{place.rest[1] === undefined ? <LastImports /> : <JobCard key={place.rest[1]} id={place.rest[1]} />}</>}
      {source?.kind === 'unknown' && <p className="field-error" role="alert" data-testid="io.unknown">{t('io.unknown', { name: source.name })}</p>}
      {source?.kind === 'tables' && source.tables.filter((table) => !isExplorerSheet(table.titles)).map((table) => (
        <MapTable key={table.name} table={table} mapping={mappings.get(table.name) ?? mappingOf(table, models)} models={models} isKept={mappings.has(table.name)}
          onChange={(mapping) => { keepMapping(graphName, table, mapping); setMappings((before) => new Map([...before, [table.name, mapping]])) }}
          onRestart={() => { keepMapping(graphName, table, undefined); setMappings((before) => new Map([...before].filter(([name]) => name !== table.name))) }} />
      ))}
      {source?.kind === 'ndjson' && <Check key={turn} name={source.file.name} body={source.file} graph={undefined} origins={undefined} />}
      {graph && text && source?.kind !== 'unknown' && source?.kind !== 'ndjson' && <Check key={turn} name={source?.name ?? ''} body={text.text} graph={graph} origins={text.origins} />}
    </>
  )
}

function Drop({ onFiles, source, mapped }: { onFiles: (files: readonly File[]) => void; source: Source | undefined; mapped: readonly string[] }): ReactNode {
  const input = useRef<HTMLInputElement>(null)
  const [over, setOver] = useState(false)
  const name = source === undefined ? undefined : source.kind === 'ndjson' ? source.file.name : source.name
  return (
    <div className={`io-drop${over ? ' over' : ''}${source ? ' small' : ''}`} onDragOver={(event) => { event.preventDefault(); setOver(true) }} onDragLeave={() => { setOver(false) }}
      onDrop={(event) => { event.preventDefault(); setOver(false); onFiles([...event.dataTransfer.files]) }} data-testid="io.drop">
      <p>{name === undefined ? t('io.drop') : <><code>{name}</code> <span className="tag">{t(`io.kind-${source?.kind ?? 'unknown'}`)}</span></>}</p>
      <p className="hint">{t('io.kinds')}</p>
      {mapped.length > 0 && <p className="secondary" role="status" data-testid="io.mapped">{t('io.mapped', { names: mapped.join(', ') })}</p>}
      <Button icon={FileIcon} onClick={() => input.current?.click()}>{t('io.choose')}</Button>
      <input ref={input} type="file" multiple hidden onChange={(event) => { onFiles([...(event.target.files ?? [])]); event.target.value = '' }} data-testid="io.file" />
    </div>
  )
}
