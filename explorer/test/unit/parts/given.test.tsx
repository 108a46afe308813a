/** A form that is opened for something is filled in for it, whatever was written for something else. */
import { cleanup, render as renderAlone, screen } from '@testing-library/react'
import { Tooltip } from 'radix-ui'
import type { ReactElement } from 'react'
import { afterEach, expect, it, vi } from 'vitest'
import { Telemetry } from '@/features/live/Telemetry'
import { NEW_ROUTE, RouteEditor } from '@/features/operate/RouteEditor'
import { keepForm } from '@/parts/form/kept'

vi.mock('@/state/graph', () => ({ useGraph: () => ({ name: 'g' }) }))
vi.mock('@/features/operate/data', () => ({ useAct: () => () => Promise.resolve(true), useList: () => ({ data: [] }) }))
vi.mock('@/features/operate/preview', () => ({ usePreview: () => ({ filter: '', passed: 0, total: 0, events: [], error: undefined }) }))
vi.mock('@/parts/facts', () => ({ useFacts: () => ({}) }))
vi.mock('@/parts/editor/Editor', () => ({ Editor: ({ value }: { value: string }) => <output data-testid="filter">{value}</output> }))
afterEach(() => { cleanup(); sessionStorage.clear() })

const render = (shown: ReactElement): void => { renderAlone(<Tooltip.Provider>{shown}</Tooltip.Provider>) }
const twin = (): string => screen.getByTestId<HTMLInputElement>('live.telemetry-twin').value

it('telemetry goes to the twin that is selected', () => {
  for (const name of ['', 'other']) keepForm('g', 'telemetry', name, { aside: true, value: { id: 'other', component: '', text: '{}' } })
  render(<Telemetry twin="room" onClose={() => undefined} />)
  expect(twin()).toBe('room')
  cleanup()
  render(<Telemetry twin="other" onClose={() => undefined} />)
  expect(screen.getByTestId('form.kept')).toBeTruthy()
})

it('a new route begins with the filter that it was asked for', () => {
  for (const kind of ['route', NEW_ROUTE]) keepForm('g', kind, '', { aside: true, value: { id: 'old', filter: "type = 'old'" } })
  render(<RouteEditor route={undefined} filter="type = 'new'" onClose={() => undefined} />)
  expect(screen.getByTestId('filter').textContent).toBe("type = 'new'")
  cleanup()
  render(<RouteEditor route={undefined} filter="" onClose={() => undefined} />)
  expect(screen.getByTestId('filter').textContent).toBe("type = 'old'")
})
