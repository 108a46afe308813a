/** Keys of commands. Single letters act only while no field has the focus, and can be switched off. */
import { useSettings } from '@/state/settings'
import { possible } from './registry'

const SEQUENCE_MS = 1000
const isMac = /mac/i.test(navigator.platform)

let first: { key: string; at: number } | undefined

/** Keys that say another letter with Shift, where the commands are named after the key. */
const SHIFTED: Readonly<Record<string, string>> = { '{': '[', '}': ']' }

/** Keys as they are drawn on keyboards. */
const DRAWN: readonly (readonly [string, string])[] = [['ArrowRight', '→'], ['ArrowLeft', '←'], ['ArrowUp', '↑'], ['ArrowDown', '↓']]

/** A sign that this keyboard has on a third level, as the German ones have brackets: what makes it is no part of its name. */
function isThirdLevel(event: KeyboardEvent): boolean {
  return event.key.length === 1 && !/[\p{L}\p{N} ]/u.test(event.key) && (event.getModifierState('AltGraph') || (isMac && event.altKey && !event.metaKey))
}

function nameOf(event: KeyboardEvent): string {
  if (isThirdLevel(event)) return SHIFTED[event.key] === undefined ? event.key : `Shift ${SHIFTED[event.key]}`
  const key = event.shiftKey && SHIFTED[event.key] !== undefined ? SHIFTED[event.key] : event.key === ' ' ? 'Space' : event.key === 'Delete' ? 'Del' : event.key === 'Escape' ? 'Esc' : event.key.length === 1 ? event.key.toLowerCase() : event.key
  const control = isMac ? event.metaKey : event.ctrlKey
  return [control && 'Ctrl', event.altKey && 'Alt', event.shiftKey && 'Shift', key].filter(Boolean).join(' ')
}

function normal(keys: string): string {
  return keys.split(' ').map((part) => (part.length === 1 ? part.toLowerCase() : part)).join(' ')
}

export function isEditable(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(?:INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
}

/** What Space presses, chooses or scrolls by itself. */
function isPressable(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest('button, a, summary, label, [role=tab], [role=radio], [role=option], [role=grid], [role=tree]') !== null
}

/** A list of choices takes letters to find one. */
function isChooser(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest('[role=combobox], [role=listbox], [role=option]') !== null
}

/** What every field does by itself: its own undo must not reach what is saved. */
const FIELDS_OWN: ReadonlySet<string> = new Set(['Ctrl z', 'Ctrl Shift z', 'Ctrl y', 'Ctrl f'])

function isLetter(name: string): boolean { return !name.includes('Ctrl') && !/^(?:Shift )?(?:F\d+|Esc)$/.test(name) }

/** Run the command of a key, if there is one. Returns whether there was. */
export function handleKey(event: KeyboardEvent): boolean {
  // Whoever closed a menu or a field's list with it has used it up.
  if (event.defaultPrevented) return false
  const name = nameOf(event)
  const quiet = isEditable(event.target) || isChooser(event.target) || document.querySelector('[role=dialog],[role=menu],[role=alertdialog]') !== null
  if (isLetter(name) && (quiet || !useSettings.getState().letterKeys)) return false
  if (quiet && FIELDS_OWN.has(name)) return false
  if (name === 'Space' && isPressable(event.target)) return false
  const sequence = first && Date.now() - first.at < SEQUENCE_MS ? `${first.key} ${name}` : undefined
  const all = possible()
  const found = (sequence !== undefined ? all.find((each) => each.keys?.some((keys) => normal(keys) === sequence)) : undefined)
    ?? all.find((each) => each.keys?.some((keys) => normal(keys) === name))
  if (found && !(name === 'Esc' && quiet)) {
    first = undefined
    event.preventDefault()
    void found.run()
    return true
  }
  first = name.length === 1 ? { key: name, at: Date.now() } : undefined
  return false
}

/** Show keys as this machine's keyboard names them. */
export function showKeys(keys: string): string {
  const drawn = DRAWN.reduce((text, [name, sign]) => text.replace(name, sign), keys)
  return isMac ? drawn.replace('Ctrl', '⌘').replace('Shift', '⇧').replace('Alt', '⌥') : drawn
}
