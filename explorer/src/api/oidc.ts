/** Signing in at an issuer: code flow with PKCE, state and nonce; tokens stay in memory (design 5.11). Loaded when it is used. */
import * as oauth from 'oauth4webapi'
import { ApiError } from './errors'
import { keep, kept } from './kept'
import { explorerBase } from './place'
import { keepRenewed } from './renewal'
import { giveToken } from './session'
import type { Config } from './types'

type Issuer = Config['issuers'][number]

interface Attempt { readonly issuer: string; readonly state: string; readonly nonce: string; readonly verifier: string; readonly back: string }

const ATTEMPT = 'kastor.sign-in'
const redirectUri = `${window.location.origin}${explorerBase}/callback`

/** Plain http is for issuers on this machine alone. */
function optionsFor(issuer: string): { [oauth.allowInsecureRequests]: boolean } {
  const { protocol, hostname } = new URL(issuer)
  return { [oauth.allowInsecureRequests]: protocol === 'http:' && /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname) }
}

async function serverOf(issuer: Issuer): Promise<oauth.AuthorizationServer> {
  const url = new URL(issuer.issuer)
  return oauth.processDiscoveryResponse(url, await oauth.discoveryRequest(url, optionsFor(issuer.issuer)))
}

/** Leave the page for the issuer's; what was looked at is shown again afterwards. */
export async function signIn(issuer: Issuer): Promise<void> {
  const server = await serverOf(issuer)
  if (server.authorization_endpoint === undefined) throw new ApiError(0, 'NoSignIn', `${issuer.issuer} names no page to sign in at.`)
  const attempt: Attempt = {
    issuer: issuer.issuer, state: oauth.generateRandomState(), nonce: oauth.generateRandomNonce(), verifier: oauth.generateRandomCodeVerifier(),
    back: window.location.pathname + window.location.search + window.location.hash,
  }
  if (!keep('tab', ATTEMPT, JSON.stringify(attempt))) throw new ApiError(0, 'NothingKept', 'This browser keeps nothing for this page, which signing in needs. Let it, and begin again.')
  const to = new URL(server.authorization_endpoint)
  const parameters = {
    client_id: issuer.clientId, redirect_uri: redirectUri, response_type: 'code', scope: issuer.scope ?? 'openid profile offline_access',
    code_challenge: await oauth.calculatePKCECodeChallenge(attempt.verifier), code_challenge_method: 'S256', state: attempt.state, nonce: attempt.nonce,
  }
  for (const [name, value] of Object.entries(parameters)) to.searchParams.set(name, value)
  window.location.assign(to)
}

/** Take what the issuer sent back; return the address that was looked at before. */
export async function finishSignIn(issuers: readonly Issuer[]): Promise<string> {
  const text = kept('tab', ATTEMPT)
  keep('tab', ATTEMPT, undefined)
  const attempt = text === undefined ? undefined : JSON.parse(text) as Attempt
  const issuer = issuers.find((each) => each.issuer === attempt?.issuer)
  if (!attempt || !issuer) throw new ApiError(0, 'NoSignIn', 'This page did not begin to sign in. Begin again.')
  const server = await serverOf(issuer)
  const client: oauth.Client = { client_id: issuer.clientId }
  const parameters = oauth.validateAuthResponse(server, client, new URL(window.location.href), attempt.state)
  const answer = await oauth.authorizationCodeGrantRequest(server, client, oauth.None(), parameters, redirectUri, attempt.verifier, optionsFor(issuer.issuer))
  // The nonce is checked where an ID token came: not every issuer sends one for an API's scope alone.
  const tokens = await oauth.processAuthorizationCodeResponse(server, client, answer, { expectedNonce: attempt.nonce, requireIdToken: (issuer.scope ?? 'openid').includes('openid') })
  take(server, issuer, tokens)
  return attempt.back
}

function take(server: oauth.AuthorizationServer, issuer: Issuer, tokens: oauth.TokenEndpointResponse): void {
  const { access_token: token, refresh_token: refresh, expires_in: seconds } = tokens
  giveToken(token)
  if (refresh === undefined || seconds === undefined) return
  keepRenewed({
    token, seconds, renew: () => renewed(server, issuer, refresh), take: (next) => { take(server, issuer, { refresh_token: refresh, ...next }) },
    isRefused: (error) => error instanceof oauth.ResponseBodyError,
  })
}

async function renewed(server: oauth.AuthorizationServer, issuer: Issuer, refresh: string): Promise<oauth.TokenEndpointResponse> {
  const client: oauth.Client = { client_id: issuer.clientId }
  const answer = await oauth.refreshTokenGrantRequest(server, client, oauth.None(), refresh, optionsFor(issuer.issuer))
  return oauth.processRefreshTokenResponse(server, client, answer)
}
