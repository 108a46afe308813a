import type { ReactNode } from 'react'

export default function AccessSheet(): ReactNode { return null }
