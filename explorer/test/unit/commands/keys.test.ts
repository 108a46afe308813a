import { afterEach, expect, it, vi } from 'vitest'
import { handleKey } from '@/commands/keys'
import { useRegistry } from '@/commands/registry'

// The settings ask for the look of the machine, which jsdom does not have.
vi.hoisted(() => { vi.stubGlobal('matchMedia', () => ({ matches: false, addEventListener: () => undefined })) })

const ran: string[] = []

function offer(...keys: readonly string[]): void {
  useRegistry.setState({ commands: new Map(keys.map((each) => [each, { id: each, text: each, group: '', keys: [each], run: () => { ran.push(each) } }])) })
}

function press(html: string, key: string, held: KeyboardEventInit = {}): readonly string[] {
  document.body.innerHTML = html
  ran.length = 0
  const target = document.querySelector('[data-here]') ?? document.body
  target.addEventListener('keydown', (event) => { if (event instanceof KeyboardEvent) handleKey(event) })
  target.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true, ...held }))
  return [...ran]
}

afterEach(() => { document.body.innerHTML = '' })

it('leaves undoing and finding in a field to the field', () => {
  offer('Ctrl z', 'Ctrl Shift z', 'Ctrl f', 'Ctrl k')
  expect(press('<input data-here>', 'z', { ctrlKey: true })).toEqual([])
  expect(press('<input data-here>', 'Z', { ctrlKey: true, shiftKey: true })).toEqual([])
  expect(press('<textarea data-here></textarea>', 'f', { ctrlKey: true })).toEqual([])
  expect(press('<div role="dialog"></div><button data-here></button>', 'z', { ctrlKey: true })).toEqual([])
  expect(press('<input data-here>', 'k', { ctrlKey: true })).toEqual(['Ctrl k'])
  expect(press('<button data-here></button>', 'z', { ctrlKey: true })).toEqual(['Ctrl z'])
})

it('leaves letters to a list of choices', () => {
  offer('h', 'F2')
  expect(press('<button role="combobox" data-here></button>', 'h')).toEqual([])
  expect(press('<div role="listbox"><div role="option" data-here></div></div>', 'h')).toEqual([])
  expect(press('<button role="combobox" data-here></button>', 'F2')).toEqual(['F2'])
  expect(press('<button data-here></button>', 'h')).toEqual(['h'])
})

it('finds signs that a keyboard has on its third level, whatever makes them', () => {
  offer('[', 'Shift [', 'Shift ]')
  const third = { ctrlKey: true, altKey: true, modifierAltGraph: true }
  expect(press('<button data-here></button>', '[', third)).toEqual(['['])
  expect(press('<button data-here></button>', '{', third)).toEqual(['Shift ['])
  expect(press('<button data-here></button>', '}', { shiftKey: true })).toEqual(['Shift ]'])
  expect(press('<button data-here></button>', '[', { ctrlKey: true, altKey: true })).toEqual([])
})
