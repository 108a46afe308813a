import type { ReactNode } from 'react'

export default function Outline(): ReactNode { return null }
