import { Select as RadixSelect } from 'radix-ui'
import type { ReactNode } from 'react'
import { nonce } from '@/api/place'
import type { Choice } from './controls'
import { CheckIcon, DownIcon } from './icons'

/** One of several values. */
export function Select<T extends string>({ label, value, choices, onChange, testId, placeholder }: { label: string; value: T | undefined; choices: readonly Choice<T>[]; onChange: (value: T) => void; testId?: string; placeholder?: string }): ReactNode {
  return (
    <RadixSelect.Root value={value ?? ''} onValueChange={(next) => {
      const chosen = choices.find((each) => each.value === next)
      if (chosen) onChange(chosen.value)
    }}>
      <RadixSelect.Trigger className="select" aria-label={label} data-testid={testId}>
        <RadixSelect.Value placeholder={placeholder} />
        <RadixSelect.Icon><DownIcon size={12} aria-hidden /></RadixSelect.Icon>
      </RadixSelect.Trigger>
      <RadixSelect.Portal>
        <RadixSelect.Content className="menu" position="popper" sideOffset={4} collisionPadding={8}>
          <RadixSelect.Viewport nonce={nonce} className="select-list">
            {choices.map(({ value: each, text, hint }) => (
              <RadixSelect.Item key={each} value={each} className="menu-item">
                <RadixSelect.ItemIndicator className="menu-check"><CheckIcon size={14} aria-hidden /></RadixSelect.ItemIndicator>
                <span className="menu-indent grow cut"><RadixSelect.ItemText>{text}</RadixSelect.ItemText></span>
                {hint !== undefined && <span className="hint">{hint}</span>}
              </RadixSelect.Item>
            ))}
          </RadixSelect.Viewport>
        </RadixSelect.Content>
      </RadixSelect.Portal>
    </RadixSelect.Root>
  )
}
