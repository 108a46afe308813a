import type { ReactNode } from 'react'
import { useMay } from '@/state/graph'
import { t } from '@/text/text'
import { type Access as AccessBook, claimsText, grantText } from './access'
import { AccessCheck } from './AccessCheck'
import { AccessMe, Rights } from './AccessMe'
import { useOne } from './data'
import { Body, Loading } from './Part'

/** Who one is; for who may know it, who else is let in, by which roles and rules. Never a secret. */
export function Access(): ReactNode {
  const may = useMay()
  return (
    <>
      <div className="operate-head"><h2 className="grow">{t('operate.access')}</h2></div>
      <Body label={t('operate.access')}>
        <AccessMe />
        {may('kastor/access/read') && <Book />}
      </Body>
    </>
  )
}

function Book(): ReactNode {
  const query = useOne<AccessBook>('/kastor/v1/access')
  const { data: access } = query
  if (!access) return <Loading query={query} what={t('operate.access-roles')} />
  return (
    <>
      <section className="card operate-card" data-testid="operate.access.book"><dl className="operate-facts">
        <dt>{t('operate.access-asks')}</dt><dd>{access.auth.length === 0 ? t('operate.access-anonymous') : access.auth.map((each) => t(`operate.access-by-${each}`)).join(', ')}</dd>
        <dt>{t('operate.access-policy')}</dt><dd>{access.policy === null ? t('operate.access-policy-none') : <code>{access.policy}</code>}</dd>
      </dl></section>
      <AccessCheck access={access} />
      <section className="card operate-card" data-testid="operate.access.all-roles"><h3>{t('operate.access-roles')}</h3>
        {access.roles.map(({ role, builtIn, permissions }) => (
          <details key={role}><summary><code>{role}</code> <span className="hint">{builtIn && `${t('operate.access-built-in')}, `}{permissions.length === access.permissions.length ? t('operate.access-everything') : t('operate.access-permissions', { n: permissions.length })}</span></summary>
            {permissions.length === 0 ? <p className="secondary">{t('operate.none')}</p> : <Rights permissions={permissions} />}</details>
        ))}
      </section>
      <section><h3>{t('operate.access-rules')}</h3>
        {access.rules.length === 0 ? <p className="secondary">{t('operate.access-no-rules')}</p> : (
          <table className="operate-table" data-testid="operate.access.rules">
            <thead><tr><th className="right">{t('operate.access-rule')}</th><th>{t('operate.access-roles')}</th><th>{t('operate.access-to')}</th><th>{t('operate.access-graphs')}</th><th>{t('operate.access-issuer')}</th></tr></thead>
            <tbody>{access.rules.map((each, index) => (
              <tr key={index}><td className="right num">{each.rule ?? t('operate.access-built-in')}</td><td>{each.roles.join(', ')}</td><td className="operate-claims mono">{claimsText(each.to)}</td><td>{each.graphs.includes('*') ? t('operate.access-all') : <code>{each.graphs.join(', ')}</code>}</td><td className="operate-claims">{each.issuer ?? t('operate.access-all')}</td></tr>
            ))}</tbody>
          </table>
        )}
      </section>
      {access.tokens.length > 0 && (
        <section><h3>{t('operate.access-tokens')}</h3>
          <table className="operate-table" data-testid="operate.access.tokens">
            <thead><tr><th>{t('operate.name')}</th><th>{t('operate.access-roles')}</th><th>{t('operate.state')}</th></tr></thead>
            <tbody>{access.tokens.map((each) => <tr key={each.name}><td><code>{each.name}</code></td><td>{each.roles.map(grantText).join(', ')}</td><td>{each.ended && <span className="tag warn">{t('operate.access-token-ended')}</span>}</td></tr>)}</tbody>
          </table>
        </section>
      )}
    </>
  )
}
