import { t } from '@/text/text'
import { visible } from '@/text/visible'
import type { Version, Via } from './useLively'

/** Who made a version, and that it was no call of that one's own: "anna, through an agent". */
export function authorOf({ actor, via }: Version): string {
  const who = visible(actor)
  if (!via) return who
  return t(via.way === 'mcp' ? 'inspector.through-agent' : 'inspector.by-proposal', { actor: who })
}

/** Who approved a change and why it was proposed; a program's name is only what it says itself. */
export function wayOf({ approver, reason, clientClaims }: Via): string {
  const parts = [
    ...(approver === undefined ? [] : [t('inspector.approved-by', { approver: visible(approver) })]),
    visible(reason),
    ...(clientClaims === undefined ? [] : [t('inspector.claims', { client: visible(clientClaims) })]),
  ]
  return parts.join(' · ')
}
