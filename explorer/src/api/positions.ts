/** Positions of a log: whole numbers of up to 18 digits, as text. */
export function isBefore(one: string, other: string): boolean { return BigInt(one) < BigInt(other) }
