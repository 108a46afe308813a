import { describe, expect, it } from 'vitest'
import { authorOf, wayOf } from '@/features/inspector/ways'

const via = { way: 'mcp', proposal: '1', reason: 'Two desks were added.' }
const version = { version: 2, change: 3, from: '2026-12-01T00:00:00Z', actor: 'anna' }

describe('who made a version', () => {
  it('is its author alone where nothing else is told', () => { expect(authorOf(version)).toBe('anna') })
  it('tells agents and other programs apart', () => {
    expect(authorOf({ ...version, via })).toBe('anna, through an agent')
    expect(authorOf({ ...version, via: { ...via, way: 'rest' } })).toBe('anna, by a proposal')
  })
  it('tells approver, reason and what a program claims, and nothing of them is hidden', () => {
    expect(wayOf(via)).toBe('Two desks were added.')
    expect(wayOf({ ...via, approver: 'ben', clientClaims: 'Safe\u202e' })).toBe('approved by ben · Two desks were added. · program (as it says): Safe\\u{202e}')
  })
})
