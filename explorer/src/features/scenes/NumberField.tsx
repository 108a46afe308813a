import { type ReactNode, useState } from 'react'
import { t } from '@/text/text'
import { Field } from '@/ui/controls'

/** A number, or nothing. What is no number yet is kept as it is written, and told. */
export function NumberField({ label, value, placeholder, onChange, testId }: { label: string; value: number | undefined; placeholder?: string; onChange: (value: number | undefined) => void; testId?: string }): ReactNode {
  const [text, setText] = useState<string>()
  const isBad = text !== undefined && text.trim() !== '' && !Number.isFinite(Number(text))
  return (
    <Field label={label} error={isBad ? t('scenes.no-number') : undefined}>
      <input className="input num" inputMode="decimal" placeholder={placeholder} value={text ?? (value === undefined ? '' : String(value))} aria-invalid={isBad} data-testid={testId} onBlur={() => { if (!isBad) setText(undefined) }} onChange={(event) => {
        const next = event.target.value
        setText(next)
        if (next.trim() === '') onChange(undefined)
        else if (Number.isFinite(Number(next))) onChange(Number(next))
      }} />
    </Field>
  )
}
