import type { ReactNode } from 'react'
import { t } from '@/text/text'
import { Dialog } from '@/ui/dialog'
import { showKeys } from './keys'
import { possible } from './registry'

/** The sheet of all keys: what the registry says, by group. */
export function Keys({ open, onClose }: { open: boolean; onClose: () => void }): ReactNode {
  const commands = open ? possible().filter((each) => each.keys !== undefined && each.keys.length > 0) : []
  const groups = [...new Set(commands.map((each) => each.group))]
  return (
    <Dialog open={open} title={t('palette.keys')} onClose={onClose} wide testId="keys">
      <div className="keys">
        {groups.map((group) => (
          <section key={group}>
            <h3>{group}</h3>
            <dl>
              {commands.filter((each) => each.group === group).map((each) => (
                <div key={each.id} className="keys-row"><dt className="cut">{each.text}</dt><dd className="row">{each.keys?.map((keys) => <kbd key={keys}>{showKeys(keys)}</kbd>)}</dd></div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  )
}
