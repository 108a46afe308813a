import { type ReactNode, useState } from 'react'
import { asApiError } from '@/api/errors'
import { useGraph } from '@/state/graph'
import { t } from '@/text/text'
import { Button } from '@/ui/button'
import { DownloadIcon, FolderIcon, JsonIcon } from '@/ui/icons'
import { Menu, type MenuItem } from '@/ui/menu'
import { toast } from '@/ui/toasts'
import { downloadModels } from './download'

/** All models, or those that the filter leaves, in one file or in a folder. */
export function Downloads({ all, shown }: { all: number; shown: readonly string[] }): ReactNode {
  const { name, at } = useGraph()
  const [busy, setBusy] = useState(false)
  const run = async (ids: readonly string[] | undefined, form: 'list' | 'folder'): Promise<void> => {
    setBusy(true)
    try {
      await downloadModels(name, ids, form, at)
    } catch (error) {
      toast({ kind: 'error', text: asApiError(error).message })
    } finally {
      setBusy(false)
    }
  }
  const forms = (ids: readonly string[] | undefined, key: string): MenuItem[] => [
    { text: t('models.as-list'), icon: JsonIcon, testId: `models.download.${key}.list`, run: () => { void run(ids, 'list') } },
    { text: t('models.as-folder'), icon: FolderIcon, testId: `models.download.${key}.folder`, run: () => { void run(ids, 'folder') } },
  ]
  const items: MenuItem[] = [
    { kind: 'group', text: t('models.download-all', { n: all }) }, ...forms(undefined, 'all'),
    ...(shown.length > 0 && shown.length < all ? [{ kind: 'line' as const }, { kind: 'group' as const, text: t('models.download-shown', { n: shown.length }) }, ...forms(shown, 'shown')] : []),
  ]
  return <Menu align="end" trigger={<Button icon={DownloadIcon} disabled={busy} data-testid="models.download">{t('models.download')}</Button>} items={items} />
}
