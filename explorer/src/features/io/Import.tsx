import { type ReactNode, useMemo, useRef, useState } from 'react'
import { asApiError } from '@/api/errors'
import { useModels } from '@/state/graph'
import { useHanded } from '@/state/handed'
import { t } from '@/text/text'
import { Button } from '@/ui/button'
import { FileIcon } from '@/ui/icons'
import { toast } from '@/ui/toasts'
import { Check } from './Check'
import { type Graph, importText } from './graph'
import { Map as MapTable } from './Map'
import { readSource, type Source } from './read'
import { byConvention, isExplorerSheet, joined, type Mapping, readExplorerSheet, readTable, type Table } from './tables'
import { useTurn } from './useTurn'

/** Drop, say what columns are, check, run: everything becomes the file of an import. */
export function Import(): ReactNode {
  const models = useModels()
  const [source, setSource] = useState<Source>()
  const [mappings, setMappings] = useState<ReadonlyMap<string, Mapping>>(new Map())
  const take = async (file: File | undefined): Promise<void> => {
    if (!file) return
    try {
      setMappings(new Map())
      setSource(await readSource(file))
    } catch (error) {
      toast({ kind: 'error', text: t('io.unreadable', { name: file.name, reason: asApiError(error).message }) })
    }
  }
  useHanded('io', ([file]) => { void take(file) })
  const graph = useMemo((): Graph | undefined => {
    if (source?.kind === 'graph') return source.graph
    if (source?.kind !== 'tables') return undefined
    return joined(source.tables.map((table) => (isExplorerSheet(table.titles) ? readExplorerSheet(table, models) : readTable(table, mappings.get(table.name) ?? mappingOf(table), models))))
  }, [source, mappings, models])
  const text = useMemo(() => (graph ? importText(graph) : undefined), [graph])
  // A check is of one content: another file, or the same table with other columns, is checked anew.
  const turn = useTurn(source?.kind === 'ndjson' ? source.file : text?.text)
  return (
    <>
      <h1>{t('io.import')}</h1>
      <Drop onFile={(file) => { void take(file) }} source={source} />
      {source?.kind === 'unknown' && <p className="field-error" role="alert" data-testid="io.unknown">{t('io.unknown', { name: source.name })}</p>}
      {source?.kind === 'tables' && source.tables.filter((table) => !isExplorerSheet(table.titles)).map((table) => (
        <MapTable key={table.name} table={table} mapping={mappings.get(table.name) ?? mappingOf(table)} models={models} onChange={(mapping) => { setMappings((before) => new Map([...before, [table.name, mapping]])) }} />
      ))}
      {source?.kind === 'ndjson' && <Check key={turn} name={source.file.name} body={source.file} graph={undefined} origins={undefined} />}
      {graph && text && source?.kind !== 'unknown' && source?.kind !== 'ndjson' && <Check key={turn} name={source?.name ?? ''} body={text.text} graph={graph} origins={text.origins} />}
    </>
  )
}

function mappingOf(table: Table): Mapping { return { roles: byConvention(table.titles), model: undefined } }

function Drop({ onFile, source }: { onFile: (file: File | undefined) => void; source: Source | undefined }): ReactNode {
  const input = useRef<HTMLInputElement>(null)
  const [over, setOver] = useState(false)
  const name = source === undefined ? undefined : source.kind === 'ndjson' ? source.file.name : source.name
  return (
    <div className={over ? 'io-drop over' : 'io-drop'} onDragOver={(event) => { event.preventDefault(); setOver(true) }} onDragLeave={() => { setOver(false) }}
      onDrop={(event) => { event.preventDefault(); setOver(false); onFile(event.dataTransfer.files[0]) }} data-testid="io.drop">
      <p>{name === undefined ? t('io.drop') : <><code>{name}</code> <span className="tag">{t(`io.kind-${source?.kind ?? 'unknown'}`)}</span></>}</p>
      <p className="hint">{t('io.kinds')}</p>
      <Button icon={FileIcon} onClick={() => input.current?.click()}>{t('io.choose')}</Button>
      <input ref={input} type="file" hidden onChange={(event) => { onFile(event.target.files?.[0]); event.target.value = '' }} data-testid="io.file" />
    </div>
  )
}
