import { Fragment, type ReactNode, useState } from 'react'
import { Link } from 'wouter'
import { useGoing } from '@/state/url'
import { Select } from '@/ui/select'
import { type ResolvedContent, type ResolvedModel, say } from '@/dtdl/model'
import type { Models } from '@/dtdl/models'
import { formatNumber, t } from '@/text/text'
import { DownIcon, LockIcon, RightIcon } from '@/ui/icons'
import type { Counts } from './data'
import { describe, innerOf } from './schema'

interface Props {
  readonly models: Models
  readonly model: ResolvedModel
  readonly counts: Counts | undefined
  readonly onChoose: (id: string) => void
}

const INNER = { first: 44, step: 16 }

/** All contents in one table, grouped by the model that they come from. */
export function Contents({ models, model, counts, onChoose }: Props): ReactNode {
  const languages = [...new Set(model.contents.flatMap((each) => [...Object.keys(each.displayName), ...Object.keys(each.description)]))].sort()
  const [language, setLanguage] = useState('en')
  const groups = [...new Set(model.contents.map((each) => each.definedBy))]
  if (model.truncated) return <p className="secondary models-note">{t('models.truncated')}</p>
  if (model.contents.length === 0) return <p className="secondary models-note">{t('models.no-contents')}</p>
  return (
    <>
      {languages.length > 1 && <div className="models-language"><Select label={t('models.language')} value={language} choices={languages.map((value) => ({ value, text: value }))} onChange={setLanguage} /></div>}
      <table className="models-contents" data-testid="models.contents">
        <thead><tr><th>{t('models.name')}</th><th>{t('models.kind')}</th><th>{t('models.schema')}</th><th>{t('models.unit')}</th><th>{t('models.description')}</th></tr></thead>
        {groups.map((group) => (
          <tbody key={group}>
            <tr className="models-group"><th colSpan={5} scope="rowgroup">
              {group === model.id ? t('models.own') : <>{t('models.from')} <button type="button" className="models-link" onClick={() => { onChoose(group) }}>{models.name(group)}</button></>}
            </th></tr>
            {model.contents.filter((each) => each.definedBy === group).map((each) => <Row key={each.name} models={models} content={each} counts={counts} language={language} onChoose={onChoose} />)}
          </tbody>
        ))}
      </table>
    </>
  )
}

function Row({ models, content, counts, language, onChoose }: { models: Models; content: ResolvedContent; counts: Counts | undefined; language: string; onChoose: (id: string) => void }): ReactNode {
  const [open, setOpen] = useState(false)
  const going = useGoing()
  const inner = content.kind === 'relationship' ? (content.properties ?? []).map((each) => ({ name: each.name, is: describe(each.schema), text: say(each.description, '', language), depth: 0 })) : innerOf(content.schema)
  const display = say(content.displayName, '', language)
  const target = content.kind === 'relationship' ? content.target : content.model
  return (
    <Fragment>
      <tr data-testid={`models.content.${content.name}`}>
        <td>
          {inner.length > 0
            ? <button type="button" className="models-open" aria-expanded={open} onClick={() => { setOpen(!open) }}>{open ? <DownIcon size={12} aria-hidden /> : <RightIcon size={12} aria-hidden />}<code>{content.name}</code></button>
            : <code className="models-plain">{content.name}</code>}
          {display !== '' && display.toLowerCase().replaceAll(' ', '') !== content.name.toLowerCase() && <span className="hint models-below models-plain">{display}</span>}
        </td>
        <td>{t(`models.kind-${content.kind}`)}{content.writable === false && content.kind === 'property' && <LockIcon size={12} className="models-lock" aria-label={t('models.read-only')} />}</td>
        <td>
          {content.kind === 'relationship' || content.kind === 'component'
            ? target === undefined ? <span className="secondary">{t('models.any')}</span> : <button type="button" className="models-link" onClick={() => { onChoose(target) }}>{models.name(target)}</button>
            : <code>{describe(content.schema)}</code>}
          {content.kind === 'relationship' && <span className="hint num models-below">{t('models.multiplicity', { min: formatNumber(content.minMultiplicity ?? 0), max: content.maxMultiplicity === undefined ? '∞' : formatNumber(content.maxMultiplicity) })}, <Link href={going.href({ screen: 'query', parameters: { q: `SELECT * FROM RELATIONSHIPS R WHERE R.$relationshipName = '${content.name}'` } })}>{t('models.in-use', { n: counts?.relationships.get(content.name) ?? 0 })}</Link></span>}
        </td>
        <td>{content.unit?.symbol ?? content.unit?.name ?? ''}</td>
        <td className="secondary">{say(content.description, '', language)}</td>
      </tr>
      {open && inner.map((each, index) => <tr key={index} className="models-inner"><td style={{ paddingLeft: INNER.first + INNER.step * each.depth }}><code>{each.name}</code></td><td /><td><code>{each.is}</code></td><td /><td className="secondary">{each.text}</td></tr>)}
    </Fragment>
  )
}
