import { useState } from 'react'

/** A number that is another one whenever the value is: what was made of the one before does not stand for this one. */
export function useTurn(value: unknown): number {
  const [seen, setSeen] = useState({ value, turn: 0 })
  if (Object.is(seen.value, value)) return seen.turn
  const next = { value, turn: seen.turn + 1 }
  setSeen(next)
  return next.turn
}
