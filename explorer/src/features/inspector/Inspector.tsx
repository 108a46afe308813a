import './inspector.css'
import { lazy, type ReactNode, Suspense } from 'react'
import { selectionOf, useGoing } from '@/state/url'
import { parseSubject } from '@/parts/subject'
import { GraphCard } from './GraphCard'

// Editors for every type are not needed before something is selected.
const RelationshipView = lazy(() => import('./RelationshipView'))
const Several = lazy(() => import('./Several'))
const TwinView = lazy(() => import('./TwinView'))

/** What is selected, wherever it was selected: one, several, or the graph itself (design 5.4). */
export default function Inspector(): ReactNode {
  return <Suspense><Selected /></Suspense>
}

function Selected(): ReactNode {
  const { place } = useGoing()
  const selected = selectionOf(place.parameters)
  const [first] = selected
  if (first === undefined) return <GraphCard />
  if (selected.length > 1) return <Several names={selected} />
  const subject = parseSubject(first)
  return subject.kind === 'twin' ? <TwinView key={first} id={subject.id} /> : <RelationshipView key={first} source={subject.source} id={subject.id} />
}
