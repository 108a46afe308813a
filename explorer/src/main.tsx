import { setNonce } from 'get-nonce'
import { createRoot } from 'react-dom/client'
import '@/ui/base.css'
import '@/ui/ui.css'
import { nonce } from '@/api/place'
import { App } from '@/app/App'
import { followTheme } from '@/state/settings'

performance.mark('app')
// Dialogs add style elements, which the page's policy lets in by this.
setNonce(nonce)
followTheme()
const root = document.getElementById('root')
if (root) createRoot(root).render(<App />)
