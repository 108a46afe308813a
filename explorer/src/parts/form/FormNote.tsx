import type { ReactNode } from 'react'
import { t } from '@/text/text'
import { Button } from '@/ui/button'

/** Whoever finds a form filled in is told why, and may begin anew. */
export function FormNote({ form }: { form: { readonly isOld: boolean; readonly isFleeting: boolean; readonly restart: () => void } }): ReactNode {
  if (form.isFleeting) return <p className="form-note warn" role="status" data-testid="form.fleeting">{t('form.fleeting')}</p>
  if (!form.isOld) return null
  return (
    <div className="form-note row" role="status" data-testid="form.kept">
      <span className="grow">{t('form.kept')}</span>
      <Button look="quiet" onClick={form.restart} data-testid="form.restart">{t('form.restart')}</Button>
    </div>
  )
}
