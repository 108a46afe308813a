import { type ReactNode, useState } from 'react'
import { useModels } from '@/state/graph'
import { lookOf } from '@/state/looks'
import { modelOf } from '@/state/twins'
import { MarkIcon } from '@/ui/mark'
import { useTwinSearch } from '../twins'
import { labelOf } from '../values/show'
import { Picker } from './Picker'

/** Find a twin by its id or name; of some models, where only those fit. */
export function TwinPicker({ label, models: of, onChoose, testId, autoFocus = true }: { label: string; models?: readonly string[]; onChoose: (id: string) => void; testId: string; autoFocus?: boolean }): ReactNode {
  const models = useModels()
  const [text, setText] = useState('')
  const { data, isOld } = useTwinSearch(text, of)
  return (
    <Picker label={label} testId={testId} autoFocus={autoFocus} onSearch={setText} isOld={isOld} onChoose={onChoose} rows={(data ?? []).map((twin) => ({
      id: twin.$dtId, text: labelOf(twin), hint: twin.$dtId, icon: <MarkIcon look={lookOf(models, modelOf(twin))} />,
    }))} />
  )
}
