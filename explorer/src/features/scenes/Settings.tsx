import type { ReactNode } from 'react'
import { t } from '@/text/text'
import { Field } from '@/ui/controls'
import type { EditorProps } from './Editor'
import { FileChooser } from './FileChooser'
import { TwinChoice } from './NewScene'
import type { Scene } from './scene'

/** The scene itself: its title, its drawing, the twin that it is of. */
export function Settings({ scene, draft }: EditorProps): ReactNode {
  const change = (how: (before: Scene) => Scene): void => { draft.change(how) }
  return (
    <div className="scenes-form">
      <Field label={t('scenes.title')}><input className="input" maxLength={200} value={scene.title} onChange={(event) => { const title = event.target.value; change((before) => ({ ...before, title })) }} data-testid="scenes.settings.title" /></Field>
      <FileChooser chosen={scene.file} onChoose={(file) => { change((before) => ({ ...before, file })) }} />
      <div className="field">
        <span className="field-label">{t('scenes.of-twin')}</span>
        <TwinChoice twin={scene.twin} testId="scenes.settings.twin" onChoose={(twin) => { change(({ twin: _old, ...before }) => (twin === undefined ? before : { ...before, twin })) }} />
      </div>
    </div>
  )
}
