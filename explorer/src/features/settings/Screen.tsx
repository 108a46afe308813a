import './access.css'
import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { loadConfig } from '@/api/config'
import { asApiError } from '@/api/errors'
import { apiPrefix } from '@/api/place'
import { askForToken, forgetToken, useSession } from '@/api/session'
import { runCommand } from '@/commands/registry'
import { useMe, useStatus } from '@/state/graph'
import { set, type Theme, useSettings } from '@/state/settings'
import { t } from '@/text/text'
import { Button } from '@/ui/button'
import { Switch } from '@/ui/controls'
import { Select } from '@/ui/select'
import { CommandIcon, OpenIcon, SignOutIcon, TokenIcon } from '@/ui/icons'
import { Failed, Waiting } from '@/ui/states'

const THEMES: readonly Theme[] = ['system', 'light', 'dark']

/** Access, look, keys, about. */
export default function Screen(): ReactNode {
  return (
    <div className="settings" data-testid="settings">
      <div className="settings-list">
        <Access />
        <Look />
        <About />
      </div>
    </div>
  )
}

function Row({ name, hint, children }: { name: string; hint?: string; children: ReactNode }): ReactNode {
  return (
    <div className="settings-row">
      <div className="grow"><div>{name}</div>{hint !== undefined && <div className="hint">{hint}</div>}</div>
      {children}
    </div>
  )
}

function Access(): ReactNode {
  const me = useMe()
  const token = useSession((state) => state.token)
  const config = useQuery({ queryKey: ['config'], queryFn: loadConfig, staleTime: Infinity })
  return (
    <section className="card settings-part" aria-label={t('settings.access')}>
      <h2>{t('settings.access')}</h2>
      {me.isPending && <Waiting rows={2} what={t('settings.access')} />}
      {me.error && <Failed error={asApiError(me.error)} onRetry={() => { void me.refetch() }} compact />}
      {me.data && (
        <>
          <Row name={me.data.name} hint={t('settings.as', { kind: me.data.kind, roles: me.data.roles.map((each) => each.role).join(', ') })}>
            {token === undefined
              ? config.data?.auth !== 'none' && <Button icon={TokenIcon} onClick={() => { askForToken('missing') }} data-testid="settings.token">{t('settings.give-token')}</Button>
              : <Button icon={SignOutIcon} onClick={forgetToken} data-testid="settings.sign-out">{t('settings.sign-out')}</Button>}
          </Row>
          <div className="settings-row"><details className="grow"><summary className="secondary">{t('settings.permissions', { n: me.data.permissions.length, graph: me.data.graph })}</summary>
            <div className="settings-permissions">{me.data.permissions.map((each) => <code key={each} className="tag">{each}</code>)}</div></details></div>
        </>
      )}
    </section>
  )
}

function Look(): ReactNode {
  const { theme, letterKeys, checkQueries, tour } = useSettings()
  return (
    <section className="card settings-part" aria-label={t('settings.look')}>
      <h2>{t('settings.look')}</h2>
      <Row name={t('settings.theme')}>
        <Select label={t('settings.theme')} value={theme} choices={THEMES.map((value) => ({ value, text: t(`frame.theme-${value}`) }))} onChange={(value) => { set({ theme: value }) }} testId="settings.theme" />
      </Row>
      <Row name={t('settings.letters')} hint={t('settings.letters-hint')}>
        <Switch label={t('settings.letters')} on={letterKeys} onChange={(on) => { set({ letterKeys: on }) }} testId="settings.letters" />
      </Row>
      <Row name={t('settings.check')} hint={t('settings.check-hint')}>
        <Switch label={t('settings.check')} on={checkQueries} onChange={(on) => { set({ checkQueries: on }) }} testId="settings.check" />
      </Row>
      <Row name={t('settings.keys')}><Button icon={CommandIcon} onClick={() => { runCommand('palette.keys') }}>{t('settings.show-keys')}</Button></Row>
      {tour !== 'new' && <Row name={t('settings.tour')}><Button onClick={() => { set({ tour: 'new' }) }}>{t('settings.tour-again')}</Button></Row>}
    </section>
  )
}

function About(): ReactNode {
  const status = useStatus()
  const config = useQuery({ queryKey: ['config'], queryFn: loadConfig, staleTime: Infinity })
  return (
    <section className="card settings-part" aria-label={t('settings.about')}>
      <h2>{t('settings.about')}</h2>
      <Row name={t('settings.version')}><span className="mono">{status.data?.kastor ?? config.data?.version ?? ''}</span></Row>
      <Row name={t('settings.engine')}><span className="mono">{status.data?.engine ?? ''}</span></Row>
      <Row name={t('settings.host')}><span className="mono cut">{status.data?.hostName ?? ''}</span></Row>
      <Row name={t('settings.docs')}><a className="button" href={`${apiPrefix}/docs`} target="_blank" rel="noreferrer"><OpenIcon size={14} aria-hidden /> {t('settings.open-docs')}</a></Row>
    </section>
  )
}
