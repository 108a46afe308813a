import { describe, expect, it } from 'vitest'
import { Widths, fitted, withoutModel, withoutPlace, words } from '@/graph/shorten'

const letters = (text: string): number => [...text].length

describe('names', () => {
  it('are written as people write them', () => {
    expect(words('MeetingRoom')).toBe('Meeting Room')
    expect(words('VAVBox')).toBe('VAV Box')
    expect(words('CO2Sensor')).toBe('CO2 Sensor')
    expect(words('room')).toBe('room')
  })

  it('drop the model, unless a number or a letter would be left', () => {
    expect(withoutModel('Meeting room Hazel', 'Meeting Room')).toBe('Hazel')
    expect(withoutModel('Office 4.04', 'Office')).toBe('Office 4.04')
    expect(withoutModel('Tenant A', 'Tenant')).toBe('Tenant A')
    expect(withoutModel('Meeting room', 'Meeting Room')).toBe('Meeting room')
    expect(withoutModel('Meetingroom Hazel', 'Meeting Room')).toBe('Meetingroom Hazel')
    expect(withoutModel('Hazel', '')).toBe('Hazel')
  })

  it('drop the place that they are in', () => {
    expect(withoutPlace('Occupancy Meeting room Hazel', ['Meeting room Hazel', 'Second floor'])).toBe('Occupancy')
    expect(withoutPlace('Meter Second floor', ['Electrical room', 'Second floor'])).toBe('Meter')
    expect(withoutPlace('Lamp, Library', ['Library'])).toBe('Lamp')
    expect(withoutPlace('Library', ['Library'])).toBe('Library')
    expect(withoutPlace('MiniLibrary', ['Library'])).toBe('MiniLibrary')
    expect(withoutPlace('Lamp', [''])).toBe('Lamp')
  })
})

describe('cutting to a width', () => {
  it('leaves what fits', () => { expect(fitted('Open office north', 17, letters)).toBe('Open office north') })

  it('keeps the last word', () => {
    expect(fitted('Open office north', 12, letters)).toBe('Open… north')
    expect(fitted('Boardroom Lodge', 14, letters)).toBe('Boardro… Lodge')
  })

  it('cuts the end where the last word leaves no room', () => {
    expect(fitted('Open office north', 8, letters)).toBe('Open of…')
    expect(fitted('Gallery', 5, letters)).toBe('Gall…')
  })

  it('says nothing rather than dots alone', () => {
    expect(fitted('Gallery', 2, letters)).toBe('')
    expect(fitted('Gallery', -3, letters)).toBe('')
  })

  it('never is wider than it may be, whatever the name', () => {
    const names = ['a', 'ab cd', 'Café Driftwood', '会議室 ヘーゼル', '👩‍🔧 Werkstatt links', 'x'.repeat(300), 'One two three four five six']
    for (const name of names) for (let most = 0; most < 30; most += 1) expect(letters(fitted(name, most, letters))).toBeLessThanOrEqual(most)
  })

  it('measures a letter once', () => {
    const asked: string[] = []
    const { measure } = new Widths((text) => { asked.push(text); return 1 })
    expect(measure('abba')).toBe(4)
    expect(measure('baab')).toBe(4)
    expect(asked).toEqual(['a', 'b'])
  })
})
