import { Tooltip } from 'radix-ui'
import type { ButtonHTMLAttributes, ReactNode, Ref } from 'react'
import type { Icon } from './icons'

interface Common extends Omit<ButtonHTMLAttributes<HTMLButtonElement>, 'className'> {
  readonly icon?: Icon
  readonly ref?: Ref<HTMLButtonElement>
  /** Keys that do the same; shown, not bound. */
  readonly keys?: string
  readonly 'data-testid'?: string
}

interface ButtonProps extends Common {
  readonly look?: 'plain' | 'main' | 'danger' | 'quiet'
  /** Whether what it switches is on. */
  readonly on?: boolean
  readonly children: ReactNode
}

/** A button with a word on it. */
export function Button({ look = 'plain', icon: Icon, keys, on, children, ...rest }: ButtonProps): ReactNode {
  return (
    <button type="button" className={`button ${look}`} {...(on !== undefined && { 'aria-pressed': on })} {...rest}>
      {Icon && <Icon size={14} strokeWidth={2} aria-hidden />}
      <span className="cut">{children}</span>
      {keys !== undefined && <kbd>{keys}</kbd>}
    </button>
  )
}

interface IconButtonProps extends Common {
  readonly icon: Icon
  /** What it does: its name for readers, and its tooltip. */
  readonly label: string
  readonly on?: boolean
  readonly size?: number
  readonly side?: 'top' | 'right' | 'bottom' | 'left'
}

/** A button that is an icon, with its name and its key in a tooltip. */
export function IconButton({ icon: Icon, label, keys, on, size = 14, side = 'bottom', ...rest }: IconButtonProps): ReactNode {
  return (
    <Hint text={label} side={side} {...(keys !== undefined && { keys })}>
      <button type="button" className="icon-button" aria-label={label} {...(on !== undefined && { 'aria-pressed': on })} {...rest}>
        <Icon size={size} strokeWidth={size > 16 ? 1.75 : 2} aria-hidden />
      </button>
    </Hint>
  )
}

/** A tooltip for what has the focus or the pointer. */
export function Hint({ text, keys, side = 'bottom', children }: { text: ReactNode; keys?: string; side?: 'top' | 'right' | 'bottom' | 'left'; children: ReactNode }): ReactNode {
  return (
    <Tooltip.Root>
      <Tooltip.Trigger asChild>{children}</Tooltip.Trigger>
      <Tooltip.Portal>
        <Tooltip.Content className="tooltip" side={side} sideOffset={6} collisionPadding={8}>
          {text}
          {keys !== undefined && <kbd>{keys}</kbd>}
        </Tooltip.Content>
      </Tooltip.Portal>
    </Tooltip.Root>
  )
}
