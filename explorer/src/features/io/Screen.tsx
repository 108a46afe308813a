import './io.css'
import { type ReactNode, useMemo } from 'react'
import { type Command, useCommands } from '@/commands/registry'
import { useMay } from '@/state/graph'
import { useGoing } from '@/state/url'
import { t } from '@/text/text'
import { Segments } from '@/ui/controls'
import { DownloadIcon, ImportIcon } from '@/ui/icons'
import { Export } from './Export'
import { Import } from './Import'

/** Import and export (design 5.9). */
export default function Screen(): ReactNode {
  const going = useGoing()
  const may = useMay()
  const mayImport = may('jobs/import/write') || may('kastor/jobs/write')
  const way = going.place.rest[0] === 'export' || !mayImport ? 'export' : 'import'
  const commands = useMemo((): Command[] => (['import', 'export'] as const).map((each) => ({ id: `io.${each}`, group: t('screens.io'), text: t(`io.${each}`), run: () => { going.go({ screen: 'io', rest: [each] }) } })), [going])
  useCommands(commands)
  return (
    <div className="io" data-testid="io">
      <div className="screen-head">
        <Segments label={t('screens.io')} value={way} onChange={(value) => { going.go({ screen: 'io', rest: [value] }) }} testId="io.way" choices={[
          ...(mayImport ? [{ value: 'import' as const, text: t('io.import'), icon: ImportIcon }] : []), { value: 'export' as const, text: t('io.export'), icon: DownloadIcon },
        ]} />
      </div>
      <div className="io-body scroll"><div className="io-page">{way === 'import' ? <Import /> : <Export />}</div></div>
    </div>
  )
}
