import { expect, it } from 'vitest'
import { holdsSecret, stillLost, withoutSecrets } from '@/features/operate/secrets'

it('keeps references, and no secret of whichever kind; says what is lost', () => {
  const typed = { url: 'https://hooks.example.org/?key=1', headers: 'Authorization: Bearer x', secret: 'env:KASTOR_SECRET_X', password: 'hunter2', servers: 'nats://a:b@host:4222', topic: 'twins' }
  expect(withoutSecrets(typed, {}, [])).toEqual({ typed: { secret: 'env:KASTOR_SECRET_X', topic: 'twins' }, lost: ['url', 'headers', 'password', 'servers'] })
  const safe = { url: 'env:KASTOR_SECRET_URL', headers: 'Authorization: file:/run/token\n\nX-Kind: env:KASTOR_SECRET_KIND', password: '' }
  expect(withoutSecrets(safe, {}, [])).toEqual({ typed: safe, lost: [] })
})

it('what is saved already is not lost, what was lost before is until it is written again', () => {
  const saved = { url: 'https://hooks.example.org' }
  expect(withoutSecrets(saved, saved, [])).toEqual({ typed: {}, lost: [] })
  expect(withoutSecrets({ ...saved, batch: '2' }, saved, ['url', 'password'])).toEqual({ typed: { batch: '2' }, lost: ['url', 'password'] })
  expect(stillLost(['url', 'password'], { url: 'env:KASTOR_SECRET_URL' }, saved)).toEqual(['password'])
})

it('finds secrets in settings, also half written ones; references and properties are none', () => {
  expect(['{"password": "x"}', '{"a": [{"Authorization" :"Bearer', '{"password": "', '{"host": "mqtt://a:b@host"}'].map(holdsSecret)).toEqual([true, true, true, true])
  expect(['{"password": {"env": "KASTOR_SECRET_X"}}', '{"patch": {"/accessToken": "/value"}}', '{"host": "broker"}'].map(holdsSecret)).toEqual([false, false, false])
})
