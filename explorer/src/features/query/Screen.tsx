import type { ReactNode } from 'react'
import { t } from '@/text/text'
import { Empty } from '@/ui/states'

export default function Screen(): ReactNode {
  return <Empty text={t('screens.query')} />
}
