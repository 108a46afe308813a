import './tour.css'
import { type ReactNode, useEffect, useMemo, useState } from 'react'
import { keep, kept } from '@/api/kept'
import { type Command, useCommands } from '@/commands/registry'
import { showKeys } from '@/commands/keys'
import { useTwins } from '@/parts/twins'
import { useGraph, useMay, useModels } from '@/state/graph'
import { set, useSettings } from '@/state/settings'
import { useShown } from '@/state/shown'
import { useActs } from '@/state/undo'
import { isTest, useGoing } from '@/state/url'
import { t } from '@/text/text'
import { Button } from '@/ui/button'
import { OkIcon } from '@/ui/icons'
import { changesSetPoint, isDone, readStep, ROOM, ROOM_MODEL, type Step, STEPS, WARMEST } from './steps'

const KEPT = 'kastor.tour'
const PRAISE_MS = 1400
const NOBODY: readonly string[] = []
const SAMPLE = [ROOM]

/** Whether the open graph is the sample building. Its room is asked for only where its model is. */
function useIsSample(wanted: boolean): boolean {
  const { twins } = useGraph()
  const models = useModels()
  const couldBe = models.get(ROOM_MODEL) !== undefined
  const read = useTwins(wanted && couldBe ? SAMPLE : NOBODY)
  return couldBe && (!wanted || (read !== 0 && twins.has(ROOM)))
}

function textOf(step: Step): string {
  switch (step) {
    case 'select': return t('tour.select')
    case 'lens': return t('tour.lens', { key: 'l' })
    case 'near': return t('tour.near')
    case 'find': return t('tour.find', { key: showKeys('Ctrl K') })
    case 'write': return t('tour.write')
  }
}

/** Five things to do in the sample building; it watches that they are done (design 2.4). */
export default function Tour(): ReactNode {
  const { tour } = useSettings()
  const [isAsked, setAsked] = useState(false)
  // Tests see the tour only when they ask for it: it would lie over what they click.
  const wanted = tour === 'new' && (!isTest || isAsked)
  const { place, go } = useGoing()
  const isSample = useIsSample(wanted)
  const commands = useMemo((): Command[] => [
    {
      id: 'tour.again', group: t('commands.look'), text: t('tour.again'), words: t('tour.words'), when: () => isSample,
      run: () => { keep('tab', KEPT, undefined); setAsked(true); set({ tour: 'new' }); go({ screen: 'graph' }) },
    },
    { id: 'tour.warmest', group: t('screens.query'), text: t('tour.warmest'), words: t('tour.warmest-words'), when: () => isSample, run: () => { go({ screen: 'query', parameters: { q: WARMEST } }) } },
  ], [isSample, go])
  useCommands(commands)
  return wanted && isSample && place.screen !== 'settings' ? <Card key={String(isAsked)} /> : null
}

function useStep(): { readonly index: number; readonly steps: readonly Step[]; readonly isDone: boolean } {
  const { feed } = useGraph()
  const { place } = useGoing()
  const may = useMay()
  const isNear = useShown((shown) => shown.isNear)
  const writes = useActs((acts) => acts.done.filter((each) => each.kind === 'write').length)
  const steps = useMemo(() => STEPS.filter((step) => step !== 'write' || may('digitaltwins/write')), [may])
  const [index, setIndex] = useState(() => readStep(kept('tab', KEPT) ?? null))
  const [before, setBefore] = useState({ index, writes })
  const [hasSetPoint, setSetPoint] = useState(false)
  const step = steps[index]
  useEffect(() => {
    if (step !== 'write') return undefined
    setSetPoint(false)
    return feed.listen((batch) => { if (batch.some(({ event }) => changesSetPoint(event))) setSetPoint(true) })
  }, [step, feed])
  if (before.index !== index) setBefore({ index, writes })
  const done = step !== undefined && isDone(step, { place, isNear, writes, writesBefore: before.writes, hasSetPoint })
  useEffect(() => {
    if (!done) return undefined
    const timer = setTimeout(() => { setIndex(index + 1); keep('tab', KEPT, String(index + 1)) }, PRAISE_MS)
    return () => { clearTimeout(timer) }
  }, [done, index])
  return { index, steps, isDone: done }
}

function Card(): ReactNode {
  const { index, steps, isDone: done } = useStep()
  const { place, go } = useGoing()
  const step = steps[index]
  const isElsewhere = step !== undefined && step !== 'find' && place.screen !== 'graph' && !done
  const close = (tour: 'skipped' | 'done'): void => { keep('tab', KEPT, undefined); set({ tour }) }
  return (
    <section className="floating tour" aria-label={t('tour.title')} data-testid="tour" data-step={step ?? 'end'}>
      <div className="row">
        <h2 className="grow tour-title">{step === undefined ? t('tour.end') : t('tour.title')}</h2>
        {step !== undefined && <span className="hint num">{t('tour.of', { n: index + 1, all: steps.length })}</span>}
      </div>
      <div role="status">
        {step === undefined ? <p>{t('tour.end-text')}</p> : (
          <p className={done ? 'tour-text done' : 'tour-text'}>{done && <OkIcon size={16} aria-hidden />}<span>{done ? t('tour.well') : textOf(step)}</span></p>
        )}
      </div>
      <div className="row">
        <span className="row grow tour-dots" aria-hidden>{steps.map((each, at) => <span key={each} className={at < index || (at === index && done) ? 'tour-dot done' : at === index ? 'tour-dot here' : 'tour-dot'} />)}</span>
        {step === undefined ? <Button look="main" onClick={() => { close('done') }} data-testid="tour.close">{t('tour.close')}</Button>
          : <>{isElsewhere && <Button onClick={() => { go({ screen: 'graph', parameters: place.parameters.sel === undefined ? {} : { sel: place.parameters.sel } }) }} data-testid="tour.to-graph">{t('tour.to-graph')}</Button>}<Button look="quiet" onClick={() => { close('skipped') }} data-testid="tour.skip">{t('tour.skip')}</Button></>}
      </div>
    </section>
  )
}
