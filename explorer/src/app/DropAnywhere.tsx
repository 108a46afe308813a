import { type ReactNode, useEffect, useState } from 'react'
import { entriesOf, filesIn, meantFor, MOST_FILES } from '@/parts/dropped'
import { useMay } from '@/state/graph'
import { hand, type Taker } from '@/state/handed'
import { useGoing } from '@/state/url'
import { formatNumber, t } from '@/text/text'
import { toast } from '@/ui/toasts'

const RAISED_MS = 800
const MOST_NAMED = 5

function isTaken(event: DragEvent): boolean { return event.defaultPrevented || event.dataTransfer?.types.includes('Files') !== true }

function sayLeft(left: readonly File[]): string {
  const names = left.slice(0, MOST_NAMED).map((each) => each.name).join(', ')
  const more = left.length - MOST_NAMED
  return more > 0 ? t('frame.drop-left-more', { names, n: formatNumber(more) }) : t('frame.drop-left', { names })
}

/** Files dropped anywhere lead to the screen that takes them, if nothing under the pointer does; never out of the page (design 2.4). */
export default function DropAnywhere(): ReactNode {
  const may = useMay()
  const { place, go } = useGoing()
  const [over, setOver] = useState(false)
  const mayModels = may('models/write')
  const mayImport = may('jobs/import/write') || may('kastor/jobs/write')
  const { screen } = place
  useEffect(() => {
    let lower: ReturnType<typeof setTimeout> | undefined
    // What lies over the page is asked first, and lets nothing through.
    const isOpen = (): boolean => (mayModels || mayImport) && document.querySelector('[role=dialog],[role=alertdialog]') === null
    const onOver = (event: DragEvent): void => {
      clearTimeout(lower)
      if (isTaken(event)) { setOver(false); return }
      event.preventDefault()
      const open = isOpen()
      if (event.dataTransfer) event.dataTransfer.dropEffect = open ? 'copy' : 'none'
      setOver(open)
      // It is told again and again while it is over the page; how it leaves is not.
      lower = setTimeout(() => { setOver(false) }, RAISED_MS)
    }
    const take = async (entries: readonly (FileSystemEntry | File)[]): Promise<void> => {
      const all = await filesIn(entries)
      const files = all.slice(0, MOST_FILES)
      if (all.length > files.length) toast({ kind: 'error', text: t('frame.drop-most', { n: formatNumber(MOST_FILES) }) })
      const meant = await meantFor(files, screen === 'models' && mayModels ? 'models' : 'io')
      if (!meant) return
      const mayTake: Readonly<Record<Taker, boolean>> = { models: mayModels, io: mayImport }
      if (!mayTake[meant.to]) { toast({ kind: 'error', text: t(`frame.may-not-drop-${meant.to}`) }); return }
      hand(meant.to, meant.files)
      if (meant.left.length > 0) toast({ kind: 'error', text: sayLeft(meant.left) })
      if (meant.to === 'models' ? screen !== 'models' : screen !== 'io' || place.rest[0] === 'export') go(meant.to === 'models' ? { screen: 'models', rest: [] } : { screen: 'io', rest: ['import'] })
    }
    const onDrop = (event: DragEvent): void => {
      setOver(false)
      if (isTaken(event)) return
      event.preventDefault()
      if (!isOpen()) return
      take(entriesOf(event.dataTransfer)).catch((error: unknown) => { toast({ kind: 'error', text: String(error) }) })
    }
    // Before the page is asked, which lets nothing fall that nobody takes.
    document.addEventListener('dragover', onOver)
    document.addEventListener('drop', onDrop)
    return () => { clearTimeout(lower); document.removeEventListener('dragover', onOver); document.removeEventListener('drop', onDrop) }
  }, [mayModels, mayImport, screen, place.rest, go])
  return over && <div className="drop-anywhere" data-testid="frame.drop"><p>{t('frame.drop')}</p></div>
}
