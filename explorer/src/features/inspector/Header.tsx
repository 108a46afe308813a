import { type ReactNode, useEffect, useState } from 'react'
import { Link } from 'wouter'
import { useGraph, useMay, useModels } from '@/state/graph'
import { lookOf } from '@/state/looks'
import { isTest, selecting, useGoing } from '@/state/url'
import { formatAgo, t } from '@/text/text'
import { IconButton } from '@/ui/button'
import { copyText } from '@/ui/copy'
import { CopyIcon, MoreIcon } from '@/ui/icons'
import { MarkIcon } from '@/ui/mark'
import { Menu, type MenuItem } from '@/ui/menu'
import { openDialog } from '@/parts/dialogs'
import { quoteForQuery } from '@/parts/twins'

export function copy(text: string): void { void copyText(text) }

/** How long ago something was; it is told anew each second, but not to tests. */
export function Ago({ time }: { time: string }): ReactNode {
  const [now, setNow] = useState(() => Date.now())
  useEffect(() => {
    if (isTest) return undefined
    setNow(Date.now())
    const timer = setInterval(() => { setNow(Date.now()) }, 1000)
    return () => { clearInterval(timer) }
  }, [time])
  const text = isTest ? time.slice(0, 19).replace('T', ' ') : formatAgo(Math.max(0, now - Date.parse(time)))
  return <time dateTime={time} title={time}>{text}</time>
}

function useItems(id: string): readonly MenuItem[] {
  const going = useGoing()
  const may = useMay()
  const models = useModels()
  const writes: MenuItem[] = [
    ...(may('digitaltwins/relationships/write') ? [{ text: t('inspector.add-relationship'), keys: 'r', testId: 'inspector.menu.relate', run: () => { openDialog({ kind: 'create-relationship', source: id }) } }] : []),
    ...(may('digitaltwins/write') && models.all.length > 0 ? [
      { text: t('inspector.create-inside'), keys: 'c', testId: 'inspector.menu.create', run: () => { openDialog({ kind: 'create-twin', inside: id }) } },
      { text: t('inspector.change-model'), testId: 'inspector.menu.model', run: () => { openDialog({ kind: 'change-model', id }) } },
    ] : []),
    ...(may('digitaltwins/delete') ? [{ kind: 'line' } as const, { text: t('inspector.delete-twin'), keys: 'Del', danger: true, testId: 'inspector.menu.delete', run: () => { openDialog({ kind: 'delete-twins', ids: [id] }) } }] : []),
  ]
  return [
    ...(going.place.screen === 'twins' ? [{ text: t('inspector.show-in-graph'), run: () => { going.go({ screen: 'graph', parameters: selecting([id]) }) } }]
      : [{ text: t('inspector.open-page'), testId: 'inspector.menu.page', run: () => { going.go({ screen: 'twins', rest: [id] }) } }]),
    { text: t('inspector.copy-id'), run: () => { copy(id) } },
    { text: t('inspector.copy-query'), run: () => { copy(`SELECT * FROM DIGITALTWINS T WHERE T.$dtId = ${quoteForQuery(id)}`) } },
    ...(writes.length > 0 ? [{ kind: 'line' } as const] : []), ...writes,
  ]
}

interface HeaderProps { readonly id: string; readonly model: string; readonly label: string; readonly updated: string | undefined; readonly actor: string | undefined; readonly page: boolean }

/** What it is, what it is called, when it changed and by whom. */
export function Header({ id, model, label, updated, actor, page }: HeaderProps): ReactNode {
  const models = useModels()
  const { href } = useGoing()
  const { at } = useGraph()
  const items = useItems(id)
  const Title = page ? 'h1' : 'h2'
  return (
    <header className="in-header">
      <div className="row in-model">
        <MarkIcon look={lookOf(models, model)} size={12} />
        <Link href={href({ screen: 'models', rest: [model] })} className="mono cut" title={model} data-testid="inspector.model">{models.name(model)}</Link>
        <span className="grow" />
        <Menu align="end" items={items} trigger={<IconButton icon={MoreIcon} label={t('inspector.menu')} data-testid="inspector.menu" />} />
      </div>
      <Title className="in-title" tabIndex={-1} data-testid="inspector.name">{label}</Title>
      <div className="row in-id">
        <span className="mono cut" data-testid="inspector.id">{id}</span>
        <IconButton icon={CopyIcon} size={12} label={t('inspector.copy-id')} onClick={() => { copy(id) }} />
        <span className="grow" />
        {updated !== undefined && <span className="hint cut" data-testid="inspector.updated"><Ago time={updated} />{actor !== undefined && at === undefined && ` ${t('inspector.by', { actor })}`}</span>}
      </div>
    </header>
  )
}
