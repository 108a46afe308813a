import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { Link } from 'wouter'
import { loadConfig } from '@/api/config'
import { send } from '@/api/http'
import { askForToken, forgetToken, useSession } from '@/api/session'
import { showKeys } from '@/commands/keys'
import { runCommand } from '@/commands/registry'
import { useGraph, useMe } from '@/state/graph'
import { useLive } from '@/state/live'
import { set, type Theme, useSettings } from '@/state/settings'
import { useGoing } from '@/state/url'
import { formatNumber, t } from '@/text/text'
import { Button, IconButton } from '@/ui/button'
import { ChooseIcon, DarkIcon, LightIcon, PersonIcon, SearchIcon, SettingsIcon, SignOutIcon, SystemIcon, TokenIcon } from '@/ui/icons'
import { Menu } from '@/ui/menu'

const NEXT: Readonly<Record<Theme, Theme>> = { system: 'light', light: 'dark', dark: 'system' }
const ICONS = { system: SystemIcon, light: LightIcon, dark: DarkIcon }

interface Graphs { readonly value: readonly { readonly name: string }[] }

function GraphMenu(): ReactNode {
  const { name } = useGraph()
  const going = useGoing()
  const graphs = useQuery({ queryKey: ['graphs'], staleTime: 30_000, queryFn: async ({ signal }) => (await send<Graphs>('default', { path: '/kastor/v1/graphs', signal })).data.value })
  const names = [...new Set([name, ...(graphs.data ?? []).map((each) => each.name)])].sort()
  return (
    <Menu
      trigger={<Button aria-label={t('frame.graph', { name })} data-testid="frame.graph">{name} <ChooseIcon size={12} aria-hidden /></Button>}
      items={names.map((each) => ({ kind: 'check' as const, text: each, on: each === name, run: () => { going.go({ graph: each, rest: [], parameters: {} }) } }))}
    />
  )
}

/** Who asks, and the way to be somebody else. */
function WhoMenu(): ReactNode {
  const going = useGoing()
  const { data } = useMe()
  const config = useQuery({ queryKey: ['config'], queryFn: loadConfig, staleTime: Infinity })
  const token = useSession((state) => state.token)
  const roles = data?.roles.map((each) => each.role).join(', ') ?? ''
  return (
    <Menu
      align="end"
      trigger={<Button icon={PersonIcon} data-testid="frame.me">{roles}</Button>}
      items={[
        ...(data ? [{ kind: 'group' as const, text: data.name }] : []),
        { text: t('screens.settings'), icon: SettingsIcon, run: () => { going.go({ screen: 'settings', rest: [] }) } },
        // A server that asks nobody who they are has no use for a token.
        ...(token !== undefined ? [{ text: t('settings.sign-out'), icon: SignOutIcon, run: forgetToken }]
          : config.data?.auth !== 'none' ? [{ text: t('settings.give-token'), icon: TokenIcon, run: () => { askForToken('missing') } }] : []),
      ]}
    />
  )
}

export function TopBar(): ReactNode {
  const { href } = useGoing()
  const { rate, connection } = useLive()
  const theme = useSettings((state) => state.theme)
  return (
    <header className="topbar">
      <Link href={href({ screen: 'graph', parameters: {} })} className="logo"><Logo /><span className="wide-only">Kastor</span></Link>
      <GraphMenu />
      <button type="button" className="find-field" onClick={() => { runCommand('palette.open') }} data-testid="frame.find">
        <SearchIcon size={14} aria-hidden />
        <span className="grow cut">{t('frame.find')}</span>
        <kbd className="wide-only">{showKeys('Ctrl K')}</kbd>
      </button>
      <span className="button wide-only" role="status" data-testid="frame.live"><span className={`dot ${connection.state}`} />{t('frame.live')} <span className="num">{formatNumber(rate, { maximumFractionDigits: 1 })}/s</span></span>
      <IconButton icon={ICONS[theme]} label={t('frame.theme', { theme: t(`frame.theme-${theme}`) })} keys="t" onClick={() => { set({ theme: NEXT[theme] }) }} data-testid="frame.theme" />
      <WhoMenu />
    </header>
  )
}

function Logo(): ReactNode {
  return (
    <svg width="22" height="22" viewBox="0 0 32 32" aria-hidden>
      <rect width="32" height="32" rx="8" fill="#0B6A74" /><rect x="7" y="7" width="8" height="18" rx="2" fill="#fff" />
      <rect x="17" y="7" width="8" height="8" rx="2" fill="#fff" /><rect x="17" y="17" width="8" height="8" rx="2" fill="#8FD6DB" />
    </svg>
  )
}
