import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type JsonObject, parseJson, splitPointer, writeJson } from '@/api/json'
import { redoSaved, saveDraft, undoSaved } from '@/parts/saving'
import { beginDraft, type Draft, edited } from '@/parts/values/draft'
import { applyPatch, type Operation } from '@/parts/values/patch'

const subject = { kind: 'twin', id: 'room/1' } as const

/** One twin behind ETags, as the server keeps it. */
class Server {
  document: JsonObject = { $dtId: 'room/1', $etag: 'W/"0"', $metadata: {}, name: 'Hazel', thermostat: { setPoint: 21, mode: 'eco' }, map: { a: 1 } }
  readonly patches: Operation[][] = []
  /** Somebody else writes before each of the next patches is looked at. */
  others: JsonObject[] = []
  count = 0

  write(change: JsonObject): void {
    this.count += 1
    this.document = { ...this.document, ...change, $etag: `W/"${this.count}"` }
  }

  answer = async (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
    expect(String(input)).toContain('/digitaltwins/room%2F1?')
    if (init?.method !== 'PATCH') return new Response(writeJson(this.document), { headers: { etag: String(this.document['$etag']) } })
    const other = this.others.shift()
    if (other) this.write(other)
    const wanted = new Headers(init.headers).get('if-match')
    if (wanted !== null && wanted !== this.document['$etag']) return Response.json({ error: { code: 'PreconditionFailed', message: 'It was changed.' } }, { status: 412 })
    const operations = parseJson(String(init.body)) as unknown as Operation[]
    if (writeJson(operations).includes('wrong')) return Response.json({ error: { code: 'ValidationFailed', message: 'Invalid twin specified', details: [{ code: 'ValidationFailed', message: 'No.', path: '/name' }] } }, { status: 400 })
    this.patches.push(operations)
    this.write(applyPatch(this.document, operations, splitPointer))
    return new Response(null, { status: 204, headers: { etag: String(this.document['$etag']) } })
  }
}

let server: Server
let draft: Draft
beforeEach(() => {
  server = new Server()
  vi.stubGlobal('fetch', server.answer)
  draft = edited(beginDraft(server.document), [{ path: '/thermostat/setPoint', value: 18.5 }], 0)
})
afterEach(() => { vi.unstubAllGlobals() })

describe('saving', () => {
  it('sends what was touched, with the ETag of the version that was edited', async () => {
    expect(await saveDraft('default', subject, draft)).toMatchObject({ kind: 'saved', overNewer: false, document: { $etag: 'W/"1"' }, undo: [{ op: 'add', path: '/thermostat/setPoint', value: 21 }] })
    expect(server.patches).toEqual([[{ op: 'add', path: '/thermostat/setPoint', value: 18.5 }]])
    expect(server.document['map']).toEqual({ a: 1 })
  })

  it('goes over a newer version whose touched values are as they were, and says so', async () => {
    server.others = [{ name: 'Beech' }, { map: { a: 2 } }]
    expect(await saveDraft('default', subject, draft)).toMatchObject({ kind: 'saved', overNewer: true })
    expect(server.document).toMatchObject({ name: 'Beech', map: { a: 2 }, thermostat: { setPoint: 18.5, mode: 'eco' } })
  })

  it('writes nothing over what somebody else wrote in the same place', async () => {
    server.others = [{ thermostat: { setPoint: 19, mode: 'eco' } }]
    expect(await saveDraft('default', subject, draft)).toMatchObject({ kind: 'conflict', paths: [['thermostat', 'setPoint']], theirs: { thermostat: { setPoint: 19 } } })
    expect(server.patches).toEqual([])
  })

  it('gives up where it never comes in time', async () => {
    server.others = Array.from({ length: 20 }, (_each, index) => ({ name: `n${index}` }))
    expect(await saveDraft('default', subject, draft)).toMatchObject({ kind: 'refused', error: { status: 412 } })
  })

  it('tells a refusal with its place', async () => {
    expect(await saveDraft('default', subject, edited(draft, [{ path: '/name', value: 'wrong' }], 9000))).toMatchObject({ kind: 'refused', error: { details: [{ path: '/name' }] } })
  })

  it('is taken back only while its values are still there', async () => {
    const saved = await saveDraft('default', subject, draft)
    if (saved.kind !== 'saved') throw new Error(saved.kind)
    server.write({ name: 'Beech' })
    await undoSaved('default', subject, draft, saved.undo)
    expect(server.document).toMatchObject({ name: 'Beech', thermostat: { setPoint: 21 } })
    server.write({ thermostat: { setPoint: 15, mode: 'eco' } })
    await expect(undoSaved('default', subject, draft, saved.undo)).rejects.toThrow('Somebody has changed thermostat.setPoint since')
  })

  it('is done again only where the values are those that it began with', async () => {
    const saved = await saveDraft('default', subject, draft)
    if (saved.kind !== 'saved') throw new Error(saved.kind)
    await undoSaved('default', subject, draft, saved.undo)
    server.write({ name: 'Beech' })
    expect(await redoSaved('default', subject, draft)).toMatchObject({ name: 'Beech', thermostat: { setPoint: 18.5 } })
    await undoSaved('default', subject, draft, saved.undo)
    server.write({ thermostat: { setPoint: 15, mode: 'eco' } })
    await expect(redoSaved('default', subject, draft)).rejects.toThrow('Somebody has changed thermostat.setPoint since')
    expect(server.document).toMatchObject({ thermostat: { setPoint: 15 } })
  })
})
