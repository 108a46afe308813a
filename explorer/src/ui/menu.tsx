import { DropdownMenu, Popover as RadixPopover } from 'radix-ui'
import type { ReactNode } from 'react'
import { CheckIcon, type Icon, RightIcon } from './icons'

export type MenuItem =
  | { readonly kind?: 'item'; readonly text: string; readonly icon?: Icon; readonly keys?: string; readonly hint?: string; readonly danger?: boolean; readonly disabled?: boolean; readonly testId?: string; readonly run: () => void }
  | { readonly kind: 'check'; readonly text: string; readonly on: boolean; readonly hint?: string; readonly testId?: string; readonly run: (on: boolean) => void }
  | { readonly kind: 'group'; readonly text: string }
  | { readonly kind: 'line' }
  | { readonly kind: 'menu'; readonly text: string; readonly icon?: Icon; readonly items: readonly MenuItem[] }

/** The rows of a menu; `Menu` and whoever has a trigger of its own use them. */
export function MenuItems({ items }: { items: readonly MenuItem[] }): ReactNode {
  return items.map((item, index) => <Row key={index} item={item} />)
}

function Row({ item }: { item: MenuItem }): ReactNode {
  if (item.kind === 'line') return <DropdownMenu.Separator className="menu-line" />
  if (item.kind === 'group') return <DropdownMenu.Label className="menu-group">{item.text}</DropdownMenu.Label>
  if (item.kind === 'menu') return <SubMenu item={item} />
  if (item.kind === 'check') {
    return (
      <DropdownMenu.CheckboxItem className="menu-item" checked={item.on} onCheckedChange={item.run} onSelect={(event) => { event.preventDefault() }} data-testid={item.testId}>
        <DropdownMenu.ItemIndicator className="menu-check"><CheckIcon size={14} aria-hidden /></DropdownMenu.ItemIndicator>
        <span className="cut grow menu-indent">{item.text}</span>
        {item.hint !== undefined && <span className="hint">{item.hint}</span>}
      </DropdownMenu.CheckboxItem>
    )
  }
  const { icon: Icon } = item
  return (
    <DropdownMenu.Item className={item.danger ? 'menu-item danger' : 'menu-item'} disabled={item.disabled ?? false} onSelect={item.run} data-testid={item.testId}>
      {Icon && <Icon size={14} aria-hidden />}
      <span className="cut grow">{item.text}</span>
      {item.hint !== undefined && <span className="hint">{item.hint}</span>}
      {item.keys !== undefined && <kbd>{item.keys}</kbd>}
    </DropdownMenu.Item>
  )
}

function SubMenu({ item }: { item: Extract<MenuItem, { kind: 'menu' }> }): ReactNode {
  const { icon: Icon } = item
  return (
    <DropdownMenu.Sub>
      <DropdownMenu.SubTrigger className="menu-item">
        {Icon && <Icon size={14} aria-hidden />}
        <span className="cut grow">{item.text}</span>
        <RightIcon size={14} aria-hidden />
      </DropdownMenu.SubTrigger>
      <DropdownMenu.Portal>
        <DropdownMenu.SubContent className="menu" sideOffset={4} collisionPadding={8}><MenuItems items={item.items} /></DropdownMenu.SubContent>
      </DropdownMenu.Portal>
    </DropdownMenu.Sub>
  )
}

interface MenuProps {
  readonly trigger: ReactNode
  readonly items: readonly MenuItem[]
  readonly align?: 'start' | 'end'
  readonly open?: boolean
  readonly onOpenChange?: (open: boolean) => void
}

/** A menu that a button opens. The trigger is one element that takes a ref. */
export function Menu({ trigger, items, align = 'start', ...state }: MenuProps): ReactNode {
  return (
    <DropdownMenu.Root modal={false} {...state}>
      <DropdownMenu.Trigger asChild>{trigger}</DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content className="menu" align={align} sideOffset={6} collisionPadding={8}><MenuItems items={items} /></DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  )
}

/** A menu at a point of the page, such as that of a right click. */
export function MenuAt({ at, items, onClose }: { at: { x: number; y: number } | undefined; items: readonly MenuItem[]; onClose: () => void }): ReactNode {
  if (!at) return null
  return (
    <DropdownMenu.Root modal={false} open onOpenChange={(open) => { if (!open) onClose() }}>
      <DropdownMenu.Trigger className="menu-point" aria-hidden tabIndex={-1} style={{ left: at.x, top: at.y }} />
      <DropdownMenu.Portal>
        <DropdownMenu.Content className="menu" align="start" sideOffset={2} collisionPadding={8}><MenuItems items={items} /></DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  )
}

/** A floating card that a button opens. */
export function Popover({ trigger, children, align = 'start', label, ...state }: { trigger: ReactNode; children: ReactNode; align?: 'start' | 'center' | 'end'; label: string; open?: boolean; onOpenChange?: (open: boolean) => void }): ReactNode {
  return (
    <RadixPopover.Root {...state}>
      <RadixPopover.Trigger asChild>{trigger}</RadixPopover.Trigger>
      <RadixPopover.Portal>
        <RadixPopover.Content className="popover" align={align} sideOffset={6} collisionPadding={8} aria-label={label}>{children}</RadixPopover.Content>
      </RadixPopover.Portal>
    </RadixPopover.Root>
  )
}
