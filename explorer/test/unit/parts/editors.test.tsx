import { cleanup, fireEvent, render, screen } from '@testing-library/react'
import { Tooltip } from 'radix-ui'
import { type ReactNode, useState } from 'react'
import { afterEach, describe, expect, it } from 'vitest'
import type { JsonObject } from '@/api/json'
import type { ResolvedSchema } from '@/dtdl/model'
import { EditingContext, NO_EDITING } from '@/parts/editors/editing'
import { ValueRow } from '@/parts/editors/ValueRow'
import { beginDraft, type Draft, draftPatch, edited, isTouched, undone, unreadable, withEdits } from '@/parts/values/draft'

let draft: Draft

/** A form over one document, as the inspector is one. */
function Form({ base, name, schema, readOnly = false }: { base: JsonObject; name: string; schema: ResolvedSchema; readOnly?: boolean }): ReactNode {
  const [now, setNow] = useState(() => beginDraft(base))
  draft = now
  return (
    <Tooltip.Provider>
      <EditingContext value={{ ...NO_EDITING, readOnly, canUnset: true, texts: unreadable(now), isEdited: (path) => isTouched(now, path), onEdit: (edits) => { setNow((before) => edited(before, edits, before.steps.length * 5000)) } }}>
        <ValueRow name={name} displayName={{}} description={{}} schema={schema} value={withEdits(base, now)[name]} path={[name]} />
      </EditingContext>
      <button type="button" onClick={() => { setNow(undone) }}>undo</button>
    </Tooltip.Provider>
  )
}

function write(id: string, text: string): void { fireEvent.change(screen.getByTestId(id), { target: { value: text } }) }
function valueOf(id: string): string { return screen.getByTestId<HTMLInputElement>(id).value }

afterEach(cleanup)

describe('the editor of a number', () => {
  it('shows the letters as they come, and an undo takes them back', () => {
    render(<Form base={{ a: 16 }} name="a" schema={{ kind: 'double' }} />)
    fireEvent.focus(screen.getByTestId('values.input.a'))
    write('values.input.a', '18.')
    expect(valueOf('values.input.a')).toBe('18.')
    write('values.input.a', '18,5')
    expect(draftPatch(draft)).toEqual([{ op: 'add', path: '/a', value: 18.5 }])
    fireEvent.click(screen.getByText('undo'))
    expect(valueOf('values.input.a')).toBe('18')
  })

  it('steps to the digit, says what is wrong, and unsets what is emptied', () => {
    render(<Form base={{ a: 1 }} name="a" schema={{ kind: 'long' }} />)
    write('values.input.a', '9223372036854775806')
    fireEvent.keyDown(screen.getByTestId('values.input.a'), { key: 'ArrowUp' })
    expect(valueOf('values.input.a')).toBe('9223372036854775807')
    fireEvent.keyDown(screen.getByTestId('values.input.a'), { key: 'ArrowUp' })
    expect(screen.getByTestId('values.refusal.a').textContent).toContain('9223372036854775807')
    expect(draftPatch(draft)).toEqual([])
    write('values.input.a', '')
    expect(draftPatch(draft)).toEqual([{ op: 'remove', path: '/a' }])
  })
})

it('a value that is only read has no field', () => {
  render(<Form base={{ a: 16 }} name="a" schema={{ kind: 'double' }} readOnly />)
  expect(screen.queryByTestId('values.input.a')).toBeNull()
  expect(screen.getByTestId('values.row.a').textContent).toContain('16')
})

it('an array is written whole, whatever is done to its elements', () => {
  render(<Form base={{ a: ['screen', 'whiteboard'], b: 1 }} name="a" schema={{ kind: 'array', element: { kind: 'string' } }} />)
  write('values.input.a.1', 'flipchart')
  expect(draftPatch(draft)).toEqual([{ op: 'add', path: '/a', value: ['screen', 'flipchart'] }])
  fireEvent.click(screen.getByTestId('values.add.a'))
  fireEvent.click(screen.getByTestId('values.remove.a.0'))
  expect(draftPatch(draft)).toEqual([{ op: 'add', path: '/a', value: ['flipchart', ''] }])
})

it('an entry of a map is written alone; a key that is there is refused', () => {
  render(<Form base={{ a: { x: 1, y: 2 } }} name="a" schema={{ kind: 'map', key: { name: 'k' }, value: { name: 'v', schema: { kind: 'double' } } }} />)
  write('values.input.a.x', '3')
  expect(draftPatch(draft)).toEqual([{ op: 'add', path: '/a/x', value: 3 }])
  write('values.key.a.y', 'x')
  fireEvent.blur(screen.getByTestId('values.key.a.y'))
  expect(draftPatch(draft)).toHaveLength(1)
  write('values.key.a.y', 'z')
  fireEvent.blur(screen.getByTestId('values.key.a.y'))
  expect(draftPatch(draft)).toEqual([{ op: 'add', path: '/a/x', value: 3 }, { op: 'remove', path: '/a/y' }, { op: 'add', path: '/a/z', value: 2 }])
})

it('a field of an object that is not there makes the object', () => {
  render(<Form base={{}} name="a" schema={{ kind: 'object', fields: [{ name: 'street', displayName: {}, description: {}, schema: { kind: 'string' } }] }} />)
  fireEvent.click(screen.getByTestId('values.set.a'))
  fireEvent.click(screen.getByTestId('values.set.a.street'))
  write('values.input.a.street', 'Quay')
  expect(draftPatch(draft)).toEqual([{ op: 'add', path: '/a', value: { street: 'Quay' } }])
})
