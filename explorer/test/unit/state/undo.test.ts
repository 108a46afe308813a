import { beforeEach, describe, expect, it } from 'vitest'
import { type Act, did, type Outcome, redo, undo, undoAct, useActs } from '@/state/undo'

const log: string[] = []
const act = (name: string, outcome: () => Outcome = () => 'done'): Act => ({
  name, kind: 'write',
  undo: async () => { await Promise.resolve(); log.push(`-${name}`); return outcome() },
  redo: async () => { await Promise.resolve(); log.push(`+${name}`); return outcome() },
})
const names = (): readonly string[][] => [useActs.getState().done.map((each) => each.name), useActs.getState().undone.map((each) => each.name)]

beforeEach(() => { useActs.setState({ done: [], undone: [] }); log.length = 0 })

describe('undoing', () => {
  it('counts what was done alone', async () => {
    let outcome: Outcome = 'failed'
    did(act('a', () => outcome))
    expect(await undo()).toBeUndefined()
    expect(names()).toEqual([['a'], []])
    outcome = 'done'
    expect((await undo())?.name).toBe('a')
    expect(names()).toEqual([[], ['a']])
    outcome = 'refused'
    expect(await redo()).toBeUndefined()
    expect(names()).toEqual([[], []])
  })

  it('never offers to redo what was refused to be undone, and lets the acts before it through', async () => {
    did(act('a'))
    did(act('b', () => 'refused'))
    expect(await undo()).toBeUndefined()
    expect(names()).toEqual([['a'], []])
    expect((await undo())?.name).toBe('a')
  })

  it('goes one after the other', async () => {
    const [a, b] = [act('a'), act('b')]
    did(a)
    did(b)
    await Promise.all([undo(), undo(), undoAct(b), redo()])
    expect(log).toEqual(['-b', '-a', '+a'])
    expect(names()).toEqual([['a'], ['b']])
  })
})
