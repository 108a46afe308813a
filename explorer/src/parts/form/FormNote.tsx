import type { ReactNode } from 'react'
import { t } from '@/text/text'
import { Button } from '@/ui/button'

interface FormNoteProps {
  readonly form: { readonly isOld: boolean; readonly isFleeting: boolean; readonly restart: () => void }
  /** Names of what was written and not kept: who saves what is left would not miss it. */
  readonly lost?: readonly string[]
}

/** Whoever finds a form filled in is told why, and may begin anew. */
export function FormNote({ form, lost = [] }: FormNoteProps): ReactNode {
  if (form.isFleeting) return <p className="form-note warn" role="status" data-testid="form.fleeting">{t('form.fleeting')}</p>
  if (!form.isOld) return null
  return (
    <div className="form-note row" role="status" data-testid="form.kept">
      <span className="grow">{t('form.kept')}{lost.length > 0 && <span data-testid="form.lost"> {t('form.lost', { names: lost.join(', ') })}</span>}</span>
      <Button look="quiet" onClick={form.restart} data-testid="form.restart">{t('form.restart')}</Button>
    </div>
  )
}
