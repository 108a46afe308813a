import { beforeEach, describe, expect, it } from 'vitest'
import { claimsText, groupsOf, grantText } from '@/features/operate/access'
import { rateJobs, shareOf } from '@/features/operate/job-rates'
import { chosenOf, queriesOf } from '@/features/operate/letters'
import { copyCommand } from '@/features/operate/MoveGraph'
import { diskProblem, inputProblem, routeProblem } from '@/features/operate/problems'
import { rulesOf, trialOf } from '@/features/operate/rules'
import { askedFor, noteAdvice } from '@/state/advice'

describe('rights', () => {
  it('are grouped by what they are about', () => {
    expect(groupsOf(['models/read', 'digitaltwins/read', 'digitaltwins/write', 'digitaltwins/telemetry/action', 'kastor/inputs/send', 'query/action', 'jobs/import/cancel/action'])).toEqual([
      { about: 'digitaltwins', verbs: ['read', 'write', 'telemetry'] }, { about: 'jobs/import', verbs: ['cancel'] }, { about: 'kastor/inputs', verbs: ['send'] },
      { about: 'models', verbs: ['read'] }, { about: 'query', verbs: ['run'] },
    ])
  })
  it('on all graphs need no list of them', () => {
    expect([grantText({ role: 'owner', graphs: ['*'] }), grantText({ role: 'reader', graphs: ['plant-*', 'lab'] })]).toEqual(['owner', 'reader (plant-*, lab)'])
    expect(claimsText({ groups: ['a', 'b'], scopes: ['c'] })).toBe('groups: a | b & scopes: c')
  })
})

describe('rules of an input', () => {
  it('are read out of its settings, whatever their form', () => {
    expect(rulesOf({ rules: [
      { name: 'level', match: { from: '/floor' }, when: { '/kind': 'level' }, twin: '{value}', patch: { '/level': { from: '/value', as: 'number' } } },
      { match: 'a/{room}', twin: '{room}', telemetry: '' },
    ] })).toEqual([
      { name: 'level', match: '/floor ~ {value}, /kind = level', twin: '{value}', sets: ['/level ← {"from":"/value","as":"number"}'] },
      { name: '2', match: 'a/{room}', twin: '{room}', sets: ['telemetry ← /'] },
    ])
    expect(rulesOf({ rules: 'none' })).toEqual([])
  })
  it('are tried as they are typed, before they are saved', () => {
    const sample = { topic: 'a/b', headers: 'unit: C\nbroken\n: nothing', payload: '21' }
    expect(trialOf('mqtt', sample, '{"rules": []}')).toEqual({ payload: '21', headers: { unit: 'C' }, topic: 'a/b', kind: 'mqtt', settings: { rules: [] } })
    expect(trialOf('webhook', sample, undefined)).toEqual({ payload: '21', headers: { unit: 'C' } })
    expect(() => trialOf('webhook', sample, '{')).toThrow()
  })
})

describe('dead letters', () => {
  it('that are chosen are never all of them by mistake', () => {
    expect(queriesOf(chosenOf([1, 2, 3], new Set([9])))).toEqual([])
    expect(queriesOf(undefined)).toEqual([{}])
    expect(queriesOf(chosenOf([3, 1, 2], new Set([1, 3, 9])))).toEqual([{ key: ['3', '1'] }])
    expect(queriesOf(Array.from({ length: 450 }, (_, key) => key)).map((each) => each['key']?.length)).toEqual([200, 200, 50])
  })
})

describe('problems', () => {
  const route = { id: 'r', endpointName: 'e', filter: 'true', state: 'running', position: 1, lag: 0, delivered: 0, deadLetters: 0, perMinute: 0, lastDelivery: null, lastError: null } as const
  it('of routes lead to where they can be mended', () => {
    expect(routeProblem(route)).toBeUndefined()
    expect(routeProblem({ ...route, state: 'paused' })).toBeUndefined()
    expect(routeProblem({ ...route, lastError: 'gone' })).toMatchObject({ tone: 'danger', rest: ['routes', 'r'] })
    expect(routeProblem({ ...route, deadLetters: 2 })).toMatchObject({ tone: 'warn', rest: ['deadletters'] })
    expect(routeProblem({ ...route, lag: 20_000 })).toMatchObject({ tone: 'warn' })
  })
  const input = { state: 'running', connected: true, received: 0, written: 0, merged: 0, deadband: 0, stale: 0, rejected: 0, lastMessage: null, lastError: null }
  it('of inputs are told where one is not connected, but not where nobody knows', () => {
    expect([inputProblem('i', input), inputProblem('i', { ...input, connected: null }), inputProblem('i', { ...input, state: 'paused', connected: false })]).toEqual([undefined, undefined, undefined])
    expect(inputProblem('i', { ...input, connected: false })).toMatchObject({ tone: 'danger', rest: ['inputs', 'i'] })
    expect(inputProblem('i', { ...input, state: 'stopped' })).toMatchObject({ tone: 'danger' })
  })
  it('of the disk begin before it is full', () => {
    expect([diskProblem(null, 5), diskProblem(undefined, 5), diskProblem(2e9, 1e9)]).toEqual([undefined, undefined, undefined])
    expect(diskProblem(2e9, 1e10)).toMatchObject({ tone: 'warn' })
    expect(diskProblem(5e7, 1e6)).toMatchObject({ tone: 'danger' })
  })
})

describe('jobs', () => {
  const job = (done: number, status = 'running'): Parameters<typeof rateJobs>[0][number] => ({ at: '/j', status, progress: { done, of: 400, unit: 'twins' } })
  it('have a rate between two looks, which sinks while they stand still', () => {
    const [first, none] = rateJobs([job(100)], new Map(), 0)
    expect(none.get('/j')).toBeUndefined()
    const [second, rates] = rateJobs([job(300)], first, 10_000)
    expect(rates.get('/j')).toBe(20)
    const [third, still] = rateJobs([job(300)], second, 20_000)
    expect(still.get('/j')).toBe(0)
    expect(rateJobs([job(400)], third, 30_000)[1].get('/j')).toBe(5)
    expect(rateJobs([job(400, 'succeeded')], third, 40_000)[1].size).toBe(0)
  })
  it('tell their share where they know what there is', () => {
    expect([shareOf(job(100)), shareOf(job(900)), shareOf(job(1, 'failed'))]).toEqual([0.25, 1, undefined])
  })
})

describe('advice', () => {
  beforeEach(() => { localStorage.clear() })
  it('is kept by graph, the newest first, and bounded', () => {
    for (let at = 0; at < 30; at += 1) noteAdvice('a', [`p${at}`], 'q'.repeat(500))
    noteAdvice('a', ['p20'], 'again')
    noteAdvice('a', [], 'nothing')
    expect(askedFor('a').slice(0, 2).map((each) => each.path)).toEqual(['p20', 'p29'])
    expect(askedFor('a')).toHaveLength(20)
    expect(askedFor('a')[1]?.query).toHaveLength(300)
    expect(askedFor('b')).toEqual([])
  })
  it('is nothing where something else is kept', () => {
    localStorage.setItem('kastor.advice.a', '{"no": "list"}')
    expect(askedFor('a')).toEqual([])
    localStorage.setItem('kastor.advice.a', '[{"path": 1}, {"path": "x", "query": "q"}, broken')
    expect(askedFor('a')).toEqual([])
  })
})

it('a command is safe to paste', () => {
  expect(copyCommand('graphs/default.sqlite3')).toContain('kastor copy graphs/default.sqlite3 ')
  expect(copyCommand("my 'graphs'/$(x)")).toContain(`kastor copy 'my '\\''graphs'\\''/$(x)' `)
})
