import { type ReactNode, useState } from 'react'
import { t } from '@/text/text'
import { Tabs } from '@/ui/controls'
import { Behaviours } from './Behaviours'
import { EditElements } from './EditElements'
import type { ListProps } from './ElementList'
import { Settings } from './Settings'
import { TwinList } from './TwinList'
import type { DraftOfScene } from './useDraft'

export interface EditorProps extends ListProps {
  readonly draft: DraftOfScene
  /** The element that is edited. */
  readonly picked: string | undefined
  readonly is3d: boolean
}

/** What is edited, left of the drawing: elements and their twins, twins to be dragged, behaviours, the scene itself. */
export function Editor(props: EditorProps): ReactNode {
  const [tab, setTab] = useState('elements')
  const { scene } = props
  return (
    <aside className="scenes-side wide" aria-label={t('scenes.editor')} data-testid="scenes.editor">
      <Tabs label={t('scenes.editor')} value={tab} onChange={setTab} testId="scenes.tab" tabs={[
        { value: 'elements', text: t('scenes.elements'), content: <EditElements {...props} /> },
        { value: 'twins', text: t('scenes.twins'), content: <TwinList {...props} /> },
        { value: 'behaviours', text: t('scenes.behaviours'), count: scene.behaviours.length, content: <Behaviours {...props} /> },
        { value: 'scene', text: t('scenes.scene'), content: <Settings {...props} /> },
      ]} />
    </aside>
  )
}
