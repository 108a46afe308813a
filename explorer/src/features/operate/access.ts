/** Rights as they are shown: grouped by what they are about. */

export interface Grant { readonly role: string; readonly graphs: readonly string[] }
export interface Access {
  readonly auth: readonly ('tokens' | 'oidc')[]
  readonly policy: string | null
  readonly roles: readonly { readonly role: string; readonly builtIn: boolean; readonly permissions: readonly string[] }[]
  readonly rules: readonly { readonly rule: number | null; readonly roles: readonly string[]; readonly to: Readonly<Record<string, readonly string[]>>; readonly graphs: readonly string[]; readonly issuer: string | null }[]
  readonly tokens: readonly { readonly name: string; readonly roles: readonly Grant[]; readonly ended: boolean }[]
  readonly permissions: readonly { readonly permission: string; readonly serverWide: boolean }[]
}
export interface Judged { readonly allowed: boolean; readonly message: string }

export interface RightGroup { readonly about: string; readonly verbs: readonly string[] }

/** `digitaltwins/read` and `digitaltwins/write` are one group with two verbs. */
export function groupsOf(permissions: readonly string[]): readonly RightGroup[] {
  const groups = new Map<string, string[]>()
  for (const each of permissions) {
    const steps = each.replace(/\/action$/, '').split('/')
    // Of `query/action` nothing else is left that it would be about.
    const verb = steps.length > 1 ? steps.pop() ?? '' : 'run'
    const about = steps.join('/')
    groups.set(about, [...(groups.get(about) ?? []), verb])
  }
  return [...groups].sort(([one], [other]) => one.localeCompare(other)).map(([about, verbs]) => ({ about, verbs }))
}

export function grantText({ role, graphs }: Grant): string { return graphs.includes('*') ? role : `${role} (${graphs.join(', ')})` }

/** Who a rule is about, in the words that a check takes. */
export function claimsText(to: Readonly<Record<string, readonly string[]>>): string {
  return Object.entries(to).map(([claim, values]) => `${claim}: ${values.join(' | ')}`).join(' & ')
}
