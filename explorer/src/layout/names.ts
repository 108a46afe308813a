/** What the name of a relationship says about containment (design 4.1). */

interface Family { readonly pattern: RegExp; readonly prior: number; readonly direction: 'down' | 'up' | undefined }

/** The first that fits; the name is in small letters without any separators. */
const FAMILIES: readonly Family[] = [
  { pattern: /^(?:is)?(?:partof|containedin|containedby|memberof|childof)$/, prior: 1, direction: 'up' },
  { pattern: /^(?:haspart|haschild|haschildren|hasmembers?|contains?|includes?|parentof|isparentof)$/, prior: 1, direction: 'down' },
  { pattern: /^(?:is)?(?:located|placed|housed|situated)(?:in|at|on)$|^locat(?:ion|edwithin)$|^haslocation$/, prior: 0.9, direction: 'up' },
  { pattern: /^islocationof$/, prior: 0.9, direction: 'down' },
  { pattern: /^(?:is)?(?:observedby|measuredby|monitoredby)$|^haspoint$/, prior: 0.6, direction: 'down' },
  { pattern: /^(?:observes?|measures?|monitors?|is(?:point|sensor)of|(?:point|sensor)of)$/, prior: 0.6, direction: 'up' },
  { pattern: /^(?:rel)?has/, prior: 0.8, direction: 'down' },
  // What serves one thing lies near it; what is served by several lies in none of them.
  { pattern: /^(?:serves?|feeds?|controls?|suppl(?:y|ies))$/, prior: 0.35, direction: 'up' },
  { pattern: /^(?:is)?(?:fed|served|controlled|supplied)by$/, prior: 0.35, direction: 'down' },
]

const UNKNOWN: Omit<Family, 'pattern'> = { prior: 0.1, direction: undefined }

export function familyOf(name: string): Omit<Family, 'pattern'> {
  const plain = name.toLowerCase().replace(/[^a-z0-9]/g, '')
  return FAMILIES.find((each) => each.pattern.test(plain)) ?? UNKNOWN
}

/** Whether a relationship says the same in both directions, so that its line has no head. */
export function isSymmetric(name: string): boolean {
  return /^(?:is)?(?:adjacent(?:to)?|next(?:to)?|neighbou?r(?:of|s)?|connect(?:s|ed)?(?:to|with)?|linked(?:to|with)|siblingof|sameas|relatedto|opposite(?:to)?|borders?)$/.test(name.toLowerCase().replace(/[^a-z0-9]/g, ''))
}
