import { type ReactNode, useState } from 'react'
import { useModels } from '@/state/graph'
import { t } from '@/text/text'
import { Button } from '@/ui/button'
import { saveBlob } from '@/ui/download'
import { DownloadIcon } from '@/ui/icons'
import { Select } from '@/ui/select'
import { hasRelationships, type TemplateKind, templateOf } from './template'

/** Empty files for a model, which need no mapping once they are filled in. */
export function Templates(): ReactNode {
  const models = useModels()
  const [model, setModel] = useState<string>()
  if (models.all.length === 0) return null
  const kinds: readonly TemplateKind[] = model !== undefined && hasRelationships(models, model) ? ['twins', 'relationships', 'ndjson'] : ['twins', 'ndjson']
  const save = (kind: TemplateKind): void => {
    if (model === undefined) return
    const { name, text, type } = templateOf(models, model, kind)
    saveBlob(text, name, type)
  }
  const choices = models.all.map((each) => ({ value: each.id, text: models.name(each.id), hint: each.id })).sort((one, other) => one.text.localeCompare(other.text))
  return (
    <section className="io-templates" aria-label={t('io.templates')} data-testid="io.templates">
      <div className="row">
        <span className="secondary">{t('io.templates')}</span>
        <div className="io-model"><Select label={t('io.template-model')} value={model} placeholder={t('io.template-model')} choices={choices} onChange={setModel} testId="io.template.model" /></div>
        {kinds.map((kind) => <Button key={kind} icon={DownloadIcon} disabled={model === undefined} onClick={() => { save(kind) }} data-testid={`io.template.${kind}`}>{t(`io.template-${kind}`)}</Button>)}
      </div>
      <p className="hint">{t('io.template-hint')}</p>
    </section>
  )
}
