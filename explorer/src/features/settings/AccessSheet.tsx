import './access.css'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Dialog } from 'radix-ui'
import { type FormEvent, type ReactNode, useEffect, useState } from 'react'
import { loadConfig } from '@/api/config'
import { asApiError } from '@/api/errors'
import { explorerBase } from '@/api/place'
import { askForToken, giveToken, stopAsking, useSession } from '@/api/session'
import type { Config } from '@/api/types'
import { useMe } from '@/state/graph'
import { t } from '@/text/text'
import { Button } from '@/ui/button'
import { Field } from '@/ui/controls'
import { PersonIcon, TokenIcon } from '@/ui/icons'
import { toast } from '@/ui/toasts'

const BEFORE_END_MS = 120_000
const isCallback = window.location.pathname === `${explorerBase}/callback`

/**
 * Asks for a token over what is there, open dialogs too; whatever waited for it goes on afterwards (design 5.11).
 * While requests wait there is no way around it: each of them would ask anew.
 */
export default function AccessSheet(): ReactNode {
  const { wanted, token, waits } = useSession()
  const config = useQuery({ queryKey: ['config'], queryFn: loadConfig, staleTime: Infinity })
  useExpiry(token)
  const finishing = useCallbackPage(config.data)
  if (wanted === undefined && !finishing.busy && finishing.error === undefined) return null
  const issuers = config.data?.issuers ?? []
  const mayClose = !finishing.busy && !waits
  const close = (): void => {
    if (!mayClose) return
    finishing.forgetError()
    stopAsking()
  }
  return (
    <Dialog.Root open onOpenChange={(next) => { if (!next) close() }}>
      <Dialog.Portal>
        <Dialog.Overlay className="access-ground">
          <Dialog.Content className="access-sheet floating" onInteractOutside={(event) => { event.preventDefault() }} data-testid="access">
            <Dialog.Title>{t('access.title')}</Dialog.Title>
            <Dialog.Description className="secondary">{finishing.busy ? t('access.finishing') : wanted === undefined ? t('access.failed') : t(`access.${wanted}`)}</Dialog.Description>
            {finishing.error !== undefined && <p className="field-error" role="alert">{finishing.error}</p>}
            {issuers.map((issuer) => <SignIn key={issuer.issuer} issuer={issuer} />)}
            {!finishing.busy && (config.data?.tokens ?? true) && <TokenForm alone={issuers.length === 0} />}
            {mayClose && <Button look="quiet" onClick={close} data-testid="access.close">{t('ui.cancel')}</Button>}
          </Dialog.Content>
        </Dialog.Overlay>
      </Dialog.Portal>
    </Dialog.Root>
  )
}

/** An issuer that has no name of its own is named by its host. */
function nameOf({ issuer, name }: Config['issuers'][number]): string { return name === issuer ? new URL(issuer).host : name }

function SignIn({ issuer }: { issuer: Config['issuers'][number] }): ReactNode {
  const [busy, setBusy] = useState(false)
  const begin = async (): Promise<void> => {
    setBusy(true)
    try {
      const { signIn } = await import('@/api/oidc')
      await signIn(issuer)
    } catch (error) {
      toast({ kind: 'error', text: asApiError(error).message })
      setBusy(false)
    }
  }
  return <Button look="main" icon={PersonIcon} disabled={busy} onClick={() => { void begin() }} data-testid="access.sign-in">{t('access.sign-in', { issuer: nameOf(issuer) })}</Button>
}

function TokenForm({ alone }: { alone: boolean }): ReactNode {
  const [text, setText] = useState('')
  const [keep, setKeep] = useState(false)
  const client = useQueryClient()
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    const token = text.trim().replace(/^Bearer\s+/i, '')
    if (token === '') return
    giveToken(token, { keep })
    setText('')
    void client.invalidateQueries()
  }
  return (
    <form onSubmit={submit} className="column access-form">
      <Field label={t('access.token')} hint={t('access.token-hint')}>
        <input className="input mono" type="password" autoComplete="off" spellCheck={false} autoFocus={alone} value={text} onChange={(event) => { setText(event.target.value) }} data-testid="access.token" />
      </Field>
      <label className="row secondary"><input type="checkbox" checked={keep} onChange={(event) => { setKeep(event.target.checked) }} data-testid="access.keep" />{t('access.keep')}</label>
      <Button look={alone ? 'main' : 'plain'} icon={TokenIcon} type="submit" disabled={text.trim() === ''} data-testid="access.go">{t('access.go')}</Button>
    </form>
  )
}

/** Ask again two minutes before a token ends, so that nobody is surprised in the midst of work. */
function useExpiry(token: string | undefined): void {
  const { data } = useMe()
  const expires = data?.expires
  useEffect(() => {
    if (token === undefined || expires === undefined || expires === null) return undefined
    const timer = setTimeout(() => {
      if (useSession.getState().token === token) toast({ kind: 'error', text: t('access.ending'), act: { text: t('access.again'), run: () => { askForToken('expired') } } })
    }, Math.min(2 ** 31 - 1, Math.max(0, Date.parse(expires) - Date.now() - BEFORE_END_MS)))
    return () => { clearTimeout(timer) }
  }, [token, expires])
}

function useCallbackPage(config: Config | undefined): { readonly busy: boolean; readonly error: string | undefined; readonly forgetError: () => void } {
  const [error, setError] = useState<string>()
  const [busy, setBusy] = useState(isCallback)
  useEffect(() => {
    if (!isCallback || !config) return
    void import('@/api/oidc').then(({ finishSignIn }) => finishSignIn(config.issuers)).then((back) => {
      // The code and the state go out of the address and of the history; the page stays, so the token does.
      window.history.replaceState(null, '', back)
      window.dispatchEvent(new PopStateEvent('popstate'))
      setBusy(false)
    }, (thrown: unknown) => {
      window.history.replaceState(null, '', `${explorerBase}/`)
      setBusy(false)
      setError(asApiError(thrown).message)
    })
  }, [config])
  return { busy, error, forgetError: () => { setError(undefined) } }
}
