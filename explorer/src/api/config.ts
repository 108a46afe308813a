/** What the server says of itself before anybody has signed in: `explorer/config.json`. */
import { ApiError } from './errors'
import { explorerBase } from './place'
import type { Config } from './types'

let loading: Promise<Config> | undefined

export function loadConfig(): Promise<Config> {
  loading ??= fetch(`${explorerBase}/config.json`, { cache: 'no-store', credentials: 'omit' }).then(async (response) => {
    if (!response.ok) throw new ApiError(response.status, 'NoConfig', 'The server does not say how to sign in.')
    return await response.json() as Config
  })
  // Who failed is asked again.
  loading.catch(() => { loading = undefined })
  return loading
}
