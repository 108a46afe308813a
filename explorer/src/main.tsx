import { setNonce } from 'get-nonce'
import { createRoot } from 'react-dom/client'
import '@/ui/base.css'
import '@/ui/ui.css'
import { nonce } from '@/api/place'
import { App } from '@/app/App'
import { loadScreen } from '@/app/screens'
import { followTheme } from '@/state/settings'
import { currentPlace } from '@/state/url'

performance.mark('app')
// Dialogs add style elements, which the page's policy lets in by this.
setNonce(nonce)
followTheme()
// React shows what it waited for no sooner than 300 ms after it has shown that it waits. So the first screen comes
// with what is around it, unless it takes its time.
const PATIENCE_MS = 300
const root = document.getElementById('root')
const late = new Promise((resolve) => { setTimeout(resolve, PATIENCE_MS) })
if (root) void Promise.race([loadScreen(currentPlace().screen), late]).then(() => { createRoot(root).render(<App />) })
