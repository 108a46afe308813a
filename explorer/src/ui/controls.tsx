import { Switch as RadixSwitch, Tabs as RadixTabs, ToggleGroup } from 'radix-ui'
import type { ReactNode } from 'react'
import type { Icon } from './icons'

export interface Choice<T extends string> { readonly value: T; readonly text: string; readonly icon?: Icon; readonly hint?: string }

/** A few choices side by side, one of which holds. */
export function Segments<T extends string>({ label, value, choices, onChange, testId }: { label: string; value: T; choices: readonly Choice<T>[]; onChange: (value: T) => void; testId?: string }): ReactNode {
  return (
    <ToggleGroup.Root type="single" className="segments" aria-label={label} value={value} onValueChange={(next) => {
      const chosen = choices.find((each) => each.value === next)
      if (chosen) onChange(chosen.value)
    }}>
      {choices.map(({ value: each, text, icon: Icon, hint }) => (
        <ToggleGroup.Item key={each} value={each} className="segment" title={hint} data-testid={testId === undefined ? undefined : `${testId}.${each}`}>
          {Icon && <Icon size={14} aria-hidden />}
          {text}
        </ToggleGroup.Item>
      ))}
    </ToggleGroup.Root>
  )
}

export function Switch({ label, on, onChange, disabled = false, testId }: { label: string; on: boolean; onChange: (on: boolean) => void; disabled?: boolean; testId?: string }): ReactNode {
  return (
    <RadixSwitch.Root className="switch" aria-label={label} checked={on} onCheckedChange={onChange} disabled={disabled} data-testid={testId}>
      <RadixSwitch.Thumb className="switch-thumb" />
    </RadixSwitch.Root>
  )
}

export interface Tab { readonly value: string; readonly text: string; readonly count?: number; readonly content: ReactNode }

/** Tabs; only the chosen one's content is there. */
export function Tabs({ label, value, tabs, onChange, testId }: { label: string; value: string; tabs: readonly Tab[]; onChange: (value: string) => void; testId?: string }): ReactNode {
  return (
    <RadixTabs.Root className="tabs" value={value} onValueChange={onChange}>
      <RadixTabs.List className="tab-list" aria-label={label}>
        {tabs.map((tab) => (
          <RadixTabs.Trigger key={tab.value} value={tab.value} className="tab" data-testid={testId === undefined ? undefined : `${testId}.${tab.value}`}>
            {tab.text}
            {tab.count !== undefined && <span className="num tab-count">{tab.count}</span>}
          </RadixTabs.Trigger>
        ))}
      </RadixTabs.List>
      {tabs.map((tab) => <RadixTabs.Content key={tab.value} value={tab.value} className="tab-content" tabIndex={-1}>{tab.content}</RadixTabs.Content>)}
    </RadixTabs.Root>
  )
}

/** A labelled input with its hint and its error. */
export function Field({ label, hint, error, children }: { label: string; hint?: ReactNode; error?: string | undefined; children: ReactNode }): ReactNode {
  return (
    <label className="field">
      <span className="field-label">{label}</span>
      {children}
      {error === undefined ? hint !== undefined && <span className="hint">{hint}</span> : <span className="field-error" role="alert">{error}</span>}
    </label>
  )
}
