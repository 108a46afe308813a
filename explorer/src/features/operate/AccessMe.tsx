import type { ReactNode } from 'react'
import { useGraph, useMe } from '@/state/graph'
import { t } from '@/text/text'
import { grantText, groupsOf } from './access'
import { Loading, when } from './Part'

/** Whom the server takes one for, and what that one may do in this graph. */
export function AccessMe(): ReactNode {
  const me = useMe()
  const { name: graph } = useGraph()
  if (!me.data) return <Loading query={me} what={t('operate.access')} />
  const { id, name, kind, issuer, expires, roles, permissions } = me.data
  return (
    <section className="card operate-card" data-testid="operate.access.me">
      <h3>{t('operate.access-me')}</h3>
      {kind === 'anonymous' && <p className="secondary">{t('operate.access-anonymous')}</p>}
      <dl className="operate-facts">
        <dt>{t('operate.name')}</dt><dd>{name}{kind !== name && <> <span className="tag">{kind}</span></>}</dd>
        {id !== name && <><dt>id</dt><dd><code>{id}</code></dd></>}
        {issuer ? <><dt>{t('operate.access-issuer')}</dt><dd><code>{issuer}</code></dd></> : null}
        <dt>{t('operate.access-expires')}</dt><dd className="num">{when(expires)}</dd>
        <dt>{t('operate.access-roles')}</dt><dd data-testid="operate.access.roles">{roles.length === 0 ? t('operate.none') : roles.map(grantText).join(', ')}</dd>
      </dl>
      <h3>{t('operate.access-mine', { graph })}</h3>
      {permissions.length === 0 ? <p className="secondary">{t('operate.access-nothing')}</p> : <Rights permissions={permissions} testId="operate.access.mine" />}
    </section>
  )
}

export function Rights({ permissions, testId }: { permissions: readonly string[]; testId?: string }): ReactNode {
  return (
    <ul className="operate-rights" data-testid={testId}>
      {groupsOf(permissions).map(({ about, verbs }) => <li key={about}><code>{about}</code><span className="row">{verbs.map((verb) => <span key={verb} className="tag">{verb}</span>)}</span></li>)}
    </ul>
  )
}
