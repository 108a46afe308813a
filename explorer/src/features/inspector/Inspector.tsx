import './inspector.css'
import { type FocusEvent, lazy, type ReactNode, Suspense, useEffect, useMemo, useRef } from 'react'
import { type Command, useCommands } from '@/commands/registry'
import { selectionOf, useGoing } from '@/state/url'
import { t } from '@/text/text'
import { nameOfSeveral } from '@/parts/drafts'
import { parseSubject } from '@/parts/subject'
import { GraphCard } from './GraphCard'

// Editors for every type are not needed before something is selected.
const RelationshipView = lazy(() => import('./RelationshipView'))
const Several = lazy(() => import('./Several'))
const TwinView = lazy(() => import('./TwinView'))

function View({ selected }: { selected: readonly string[] }): ReactNode {
  const [first] = selected
  if (first === undefined) return <GraphCard />
  if (selected.length > 1) return <Several key={nameOfSeveral(selected)} names={selected} />
  const subject = parseSubject(first)
  return subject.kind === 'twin' ? <TwinView key={first} id={subject.id} /> : <RelationshipView key={first} source={subject.source} id={subject.id} />
}

function focusTitle(within: HTMLElement | null): void { within?.querySelector<HTMLElement>('.in-title')?.focus() }

/**
 * What is selected, wherever it was selected: one, several, or the graph itself (design 5.4). Who walks from twin to
 * twin by keyboard stays in it: the name of the next one takes the focus.
 */
export default function Inspector(): ReactNode {
  const { place } = useGoing()
  const selected = selectionOf(place.parameters)
  const pane = useRef<HTMLDivElement>(null)
  const isInside = useRef(false)
  const subject = selected.join('\n')
  const commands = useMemo((): Command[] => [{ id: 'inspector.focus', group: t('inspector.group'), text: t('inspector.focus'), keys: ['Shift i'], run: () => { focusTitle(pane.current) } }], [])
  useCommands(commands)
  useEffect(() => {
    if (!isInside.current || !pane.current) return undefined
    // Its document may have to come first.
    const take = (): void => { if (document.activeElement === document.body) focusTitle(pane.current) }
    take()
    const watch = new MutationObserver(take)
    watch.observe(pane.current, { childList: true, subtree: true })
    const timer = setTimeout(() => { watch.disconnect() }, 2000)
    return () => { watch.disconnect(); clearTimeout(timer) }
  }, [subject])
  const onBlur = (event: FocusEvent): void => { if (event.relatedTarget !== null && !event.currentTarget.contains(event.relatedTarget)) isInside.current = false }
  return <div ref={pane} className="in-pane" onFocus={() => { isInside.current = true }} onBlur={onBlur}><Suspense><View selected={selected} /></Suspense></div>
}
