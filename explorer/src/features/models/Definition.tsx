import type { ReactNode } from 'react'
import { asApiError } from '@/api/errors'
import { writeJson } from '@/api/json'
import { t } from '@/text/text'
import { Button } from '@/ui/button'
import { copyText } from '@/ui/copy'
import { CopyIcon } from '@/ui/icons'
import { Failed, Waiting } from '@/ui/states'
import { useDefinition } from './data'

/** The DTDL as it was uploaded. */
export function Definition({ id }: { id: string }): ReactNode {
  const definition = useDefinition(id)
  if (definition.isPending) return <Waiting rows={10} what={t('models.json')} />
  if (definition.error) return <Failed error={asApiError(definition.error)} onRetry={() => { void definition.refetch() }} />
  const text = writeJson(definition.data, 2)
  return (
    <div className="models-json">
      <Button icon={CopyIcon} onClick={() => { void copyText(text) }}>{t('models.copy')}</Button>
      <pre data-testid="models.json">{text}</pre>
    </div>
  )
}
