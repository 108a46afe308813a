import { Component, type ReactNode } from 'react'
import { lastRequests } from '@/api/http'
import { t } from '@/text/text'
import { Button } from '@/ui/button'
import { copyText } from '@/ui/copy'

interface Props { readonly children: ReactNode }
interface State { readonly error: Error | undefined }

/** Keeps a fault in its part of the page and tells what happened; nothing is sent anywhere. */
export class Boundary extends Component<Props, State> {
  override state: State = { error: undefined }

  static getDerivedStateFromError(error: unknown): State {
    return { error: error instanceof Error ? error : new Error(String(error)) }
  }

  #copy = (): void => {
    const { error } = this.state
    const report = { at: new Date().toISOString(), page: window.location.pathname, error: error?.stack ?? error?.message, requests: lastRequests() }
    void copyText(JSON.stringify(report, undefined, 2))
  }

  override render(): ReactNode {
    const { error } = this.state
    if (!error) return this.props.children
    return (
      <div className="failed" role="alert" data-testid="fault">
        <p>{t('frame.fault')}</p>
        <p className="failed-text mono">{error.message}</p>
        <div className="row">
          <Button look="main" onClick={() => { this.setState({ error: undefined }) }}>{t('ui.retry')}</Button>
          <Button onClick={() => { window.location.reload() }}>{t('frame.reload')}</Button>
          <Button look="quiet" onClick={this.#copy}>{t('frame.fault-report')}</Button>
        </div>
      </div>
    )
  }
}
