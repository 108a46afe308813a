import { cleanup, fireEvent, render, screen } from '@testing-library/react'
import { Tooltip } from 'radix-ui'
import type { ReactNode } from 'react'
import { afterEach, expect, it, vi } from 'vitest'
import { errorOf } from '@/api/errors'
import { ErrorBar } from '@/features/query/ErrorBar'
import type { Repair } from '@/lang/repair'

afterEach(cleanup)

const nothing = (): void => undefined

function shown(node: ReactNode): void { render(<Tooltip.Provider>{node}</Tooltip.Provider>) }

it('the cure of an error is a button, in the place that the statement has in the text', () => {
  const body = { error: { code: 'SqlQueryError', message: 'SQL query parse failed', details: [{ code: 'SqlQueryError', message: "mismatched input 'FORM' expecting 'FROM'", line: 1, column: 9, length: 4 }] } }
  const onRepair = vi.fn<(repair: Repair) => void>()
  shown(<ErrorBar error={errorOf(400, body, new Headers())} warnings={[]} statement={{ text: 'SELECT * FORM DIGITALTWINS', start: 20, end: 46 }} onRepair={onRepair} onGo={nothing} onClose={nothing} />)
  expect(screen.getByTestId('query.error').textContent).toContain('line 1, column 10')
  fireEvent.click(screen.getByTestId('query.repair'))
  expect(onRepair).toHaveBeenCalledWith({ from: 29, to: 33, insert: 'FROM', kind: 'replace', old: 'FORM' })
})

it('a warning has its cure too, and an error without a place has none', () => {
  shown(<ErrorBar error={undefined} warnings={['no model declares a property tempe. Did you mean temperature?']} statement={{ text: 'SELECT T.tempe FROM DIGITALTWINS T', start: 0, end: 34 }} onRepair={nothing} onGo={nothing} onClose={nothing} />)
  expect(screen.getByTestId('query.warning').textContent).toContain('Replace tempe by temperature')
  shown(<ErrorBar error={errorOf(400, { error: { code: 'TimeoutError', message: 'It took longer than 60 s.' } }, new Headers())} warnings={[]} statement={{ text: 'SELECT 1', start: 0, end: 8 }} onRepair={nothing} onGo={nothing} onClose={nothing} />)
  expect(screen.getByTestId('query.error').textContent).toContain('It took longer than 60 s.')
  expect(screen.queryAllByTestId('query.repair')).toHaveLength(1)
})
