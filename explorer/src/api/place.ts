/** Where the page and the API are. The server wrote the base of the page into it. */
const base = new URL(document.baseURI)

/** Path of the explorer without its last slash: `/explorer`, or `/prefix/explorer`. */
export const explorerBase = base.pathname.replace(/\/$/, '')

/** What stands before the API's paths: empty, or `/prefix`. */
export const apiPrefix = explorerBase.replace(/\/explorer$/, '')

/** Return the path of the API of a graph. */
export function graphBase(graph: string): string {
  return graph === 'default' ? apiPrefix : `${apiPrefix}/graphs/${encodeURIComponent(graph)}`
}

/** The nonce that style elements need. */
export const nonce = document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? ''
