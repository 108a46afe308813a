import { type ReactNode, useMemo, useState } from 'react'
import { Picker } from '@/parts/pick/Picker'
import { TwinPicker } from '@/parts/pick/TwinPicker'
import { TwinName } from '@/parts/TwinName'
import { useTwins } from '@/parts/twins'
import { useGraph, useModels } from '@/state/graph'
import { modelOf, useKnownTwin } from '@/state/twins'
import { t } from '@/text/text'
import { Button, IconButton } from '@/ui/button'
import { AddIcon, LeftIcon } from '@/ui/icons'
import { Popover } from '@/ui/menu'
import { keyOf, propertiesOf, type SeriesName } from './series'

/** Choose a twin, then one of its properties. */
export function AddSeries({ twin, taken, disabled, onAdd }: { twin: string | undefined; taken: readonly SeriesName[]; disabled: boolean; onAdd: (name: SeriesName) => void }): ReactNode {
  const [open, setOpen] = useState(false)
  const [of, setOf] = useState<string>()
  return (
    <Popover label={t('history.add')} open={open} onOpenChange={(next) => { setOpen(next); setOf(twin) }} trigger={<Button icon={AddIcon} disabled={disabled} data-testid="history.add">{t('history.add')}</Button>}>
      <div className="history-add column">
        {of === undefined ? <TwinPicker label={t('history.twin')} onChoose={setOf} testId="history.twin" /> : (
          <>
            <span className="row"><IconButton icon={LeftIcon} label={t('history.other-twin')} onClick={() => { setOf(undefined) }} /><TwinName id={of} /></span>
            <Properties twin={of} taken={taken} onChoose={(path) => { setOpen(false); onAdd({ twin: of, path }) }} />
          </>
        )}
      </div>
    </Popover>
  )
}

function Properties({ twin, taken, onChoose }: { twin: string; taken: readonly SeriesName[]; onChoose: (path: readonly string[]) => void }): ReactNode {
  const { twins } = useGraph()
  const models = useModels()
  useTwins(useMemo(() => [twin], [twin]))
  const known = useKnownTwin(twins, twin)
  const model = known && modelOf(known.twin)
  const properties = useMemo(() => (model === undefined ? [] : propertiesOf(models, model)), [models, model])
  const names = new Set(taken.map(keyOf))
  return (
    <Picker label={t('history.property')} testId="history.property" empty={t('history.no-properties')} onChoose={(key) => { const found = properties.find((each) => each.path.join('/') === key); if (found) onChoose(found.path) }}
      rows={properties.map((each) => ({ id: each.path.join('/'), text: each.title, hint: each.unit === '' ? each.schema.kind : each.unit, blocked: names.has(keyOf({ twin, path: each.path })) }))} />
  )
}
