import { fireEvent, render, screen } from '@testing-library/react'
import { expect, it, vi } from 'vitest'
import { Picker } from '@/parts/pick/Picker'

it('Enter chooses nothing that answers another text', () => {
  const onChoose = vi.fn()
  const rows = [{ id: 'a', text: 'A' }]
  const { rerender } = render(<Picker label="Twin" rows={rows} onChoose={onChoose} onSearch={() => undefined} isOld />)
  fireEvent.keyDown(screen.getByRole('combobox'), { key: 'Enter' })
  expect(onChoose).not.toHaveBeenCalled()
  rerender(<Picker label="Twin" rows={rows} onChoose={onChoose} onSearch={() => undefined} isOld={false} />)
  fireEvent.keyDown(screen.getByRole('combobox'), { key: 'Enter' })
  expect(onChoose).toHaveBeenCalledWith('a')
})
