import { setNonce } from 'get-nonce'
import { createRoot } from 'react-dom/client'
import '@/ui/base.css'
import '@/ui/ui.css'
import { nonce } from '@/api/place'
import { App } from '@/app/App'
import { followTheme } from '@/state/settings'
import { isTest } from '@/state/url'
import { setLanguage, type Tree } from '@/text/text'

performance.mark('app')
// Dialogs add style elements, which the page's policy lets in by this.
setNonce(nonce)
followTheme()
// How the page does in a language of longer words is tested without one.
if (isTest && window.__kastorTexts) setLanguage('en', window.__kastorTexts)
const root = document.getElementById('root')
if (root) createRoot(root).render(<App />)

declare global {
  interface Window { __kastorTexts?: Tree }
}
