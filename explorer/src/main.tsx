import { setNonce } from 'get-nonce'
import { createRoot } from 'react-dom/client'
import '@/ui/base.css'
import '@/ui/ui.css'
import { nonce } from '@/api/place'
import { App } from '@/app/App'
import { loadScreen } from '@/app/screens'
import { followTheme } from '@/state/settings'
import { currentPlace, isTest } from '@/state/url'
import { setLanguage, type Tree } from '@/text/text'

performance.mark('app')
// Dialogs add style elements, which the page's policy lets in by this.
setNonce(nonce)
followTheme()
// How the page does in a language of longer words is tested without one.
if (isTest && window.__kastorTexts) setLanguage('en', window.__kastorTexts)
// React shows what it waited for no sooner than 300 ms after it has shown that it waits. So the first screen comes
// with what is around it, unless it takes its time.
const PATIENCE_MS = 300
const root = document.getElementById('root')
const late = new Promise((resolve) => { setTimeout(resolve, PATIENCE_MS) })
if (root) void Promise.race([loadScreen(currentPlace().screen), late]).finally(() => { createRoot(root).render(<App />) })

declare global {
  interface Window { __kastorTexts?: Tree }
}
