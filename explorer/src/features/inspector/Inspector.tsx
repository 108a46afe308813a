import './inspector.css'
import type { ReactNode } from 'react'
import { selectionOf, useGoing } from '@/state/url'
import { parseSubject } from '@/parts/subject'
import { GraphCard } from './GraphCard'
import { RelationshipView } from './RelationshipView'
import { Several } from './Several'
import { TwinView } from './TwinView'

/** What is selected, wherever it was selected: one, several, or the graph itself (design 5.4). */
export default function Inspector(): ReactNode {
  const { place } = useGoing()
  const selected = selectionOf(place.parameters)
  const [first] = selected
  if (first === undefined) return <GraphCard />
  if (selected.length > 1) return <Several names={selected} />
  const subject = parseSubject(first)
  return subject.kind === 'twin' ? <TwinView key={first} id={subject.id} /> : <RelationshipView key={first} source={subject.source} id={subject.id} />
}
