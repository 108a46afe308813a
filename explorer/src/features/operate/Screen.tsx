import './operate.css'
import { type ComponentType, type ReactNode, useMemo } from 'react'
import { Link } from 'wouter'
import { apiPrefix } from '@/api/place'
import { type Command, useCommands } from '@/commands/registry'
import { useMay } from '@/state/graph'
import { useGoing } from '@/state/url'
import texts from '@/text/operate.json'
import { addTexts, t } from '@/text/text'
import { AccessIcon, DataIcon, DeadLetterIcon, EndpointIcon, ExplainIcon, GraphIcon, type Icon, IndexIcon, InputIcon, JobsIcon, LimitsIcon, ProposalIcon, RouteIcon, SlowIcon } from '@/ui/icons'
import { Empty } from '@/ui/states'
import { Access } from './Access'
import { DeadLetterRoutes } from './DeadLetterRoutes'
import { Endpoints } from './Endpoints'
import { Graphs } from './Graphs'
import { Indexes } from './Indexes'
import { Inputs } from './Inputs'
import { Jobs } from './Jobs'
import { Limits } from './Limits'
import { Overview } from './Overview'
import { Proposals } from './Proposals'
import { Routes } from './Routes'
import { SlowQueries } from './SlowQueries'

addTexts(texts)

const PARTS = ['overview', 'routes', 'endpoints', 'inputs', 'deadletters', 'jobs', 'proposals', 'indexes', 'slow', 'limits', 'graphs', 'access'] as const
type Part = (typeof PARTS)[number]

export interface PartProps { readonly id: string | undefined; readonly onOpen: (id: string | undefined) => void }

/** Without a permission it is everybody's. */
interface PartRow { readonly icon: Icon; readonly permission?: string; readonly view: ComponentType<PartProps> }

const ROWS: Readonly<Record<Part, PartRow>> = {
  overview: { icon: ExplainIcon, permission: 'kastor/status/read', view: Overview },
  routes: { icon: RouteIcon, permission: 'eventroutes/read', view: Routes },
  endpoints: { icon: EndpointIcon, permission: 'kastor/endpoints/read', view: Endpoints },
  inputs: { icon: InputIcon, permission: 'kastor/inputs/read', view: Inputs },
  deadletters: { icon: DeadLetterIcon, permission: 'kastor/deadletters/read', view: DeadLetterRoutes },
  jobs: { icon: JobsIcon, permission: 'jobs/read', view: Jobs },
  proposals: { icon: ProposalIcon, permission: 'kastor/batch/write', view: Proposals },
  indexes: { icon: IndexIcon, permission: 'kastor/indexes/read', view: Indexes },
  slow: { icon: SlowIcon, permission: 'kastor/status/read', view: SlowQueries },
  limits: { icon: LimitsIcon, permission: 'kastor/status/read', view: Limits },
  graphs: { icon: GraphIcon, permission: 'kastor/graphs/read', view: Graphs },
  access: { icon: AccessIcon, view: Access },
}

/** What runs, and what is wrong with it (design 5.8). */
export default function Screen(): ReactNode {
  const going = useGoing()
  const may = useMay()
  const [first, id] = going.place.rest
  const part = PARTS.find((each) => each === first) ?? 'overview'
  const shown = PARTS.filter((each) => { const { permission } = ROWS[each]; return permission === undefined || may(permission) })
  const commands = useMemo((): Command[] => shown.map((each) => ({ id: `operate.${each}`, group: t('screens.operate'), text: t(`operate.${each}`), run: () => { going.go({ screen: 'operate', rest: [each] }) } })), [shown.join(), going])
  useCommands(commands)
  const { view: View } = ROWS[part]
  return (
    <div className="operate" data-testid="operate">
      <nav className="operate-parts" aria-label={t('screens.operate')}>
        {shown.map((each) => {
          const { icon: Icon } = ROWS[each]
          return <Link key={each} href={going.href({ screen: 'operate', rest: [each] })} className="operate-part" {...(each === part && { 'aria-current': 'page' as const })} data-testid={`operate.part.${each}`}><Icon size={14} aria-hidden />{t(`operate.${each}`)}</Link>
        })}
        <span className="grow" />
        <a className="operate-part" href={`${apiPrefix}/metrics`} target="_blank" rel="noreferrer"><DataIcon size={14} aria-hidden />{t('operate.metrics')}</a>
      </nav>
      <div className="operate-view">
        {shown.includes(part)
          ? <View key={part} id={id} onOpen={(next) => { going.go({ screen: 'operate', rest: next === undefined ? [part] : [part, next], parameters: going.place.parameters }) }} />
          : <Empty text={t('operate.not-yours', { permission: ROWS[part].permission ?? '' })} />}
      </div>
    </div>
  )
}
