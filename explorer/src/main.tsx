import { createRoot } from 'react-dom/client'
import '@/ui/base.css'
import '@/ui/ui.css'
import { App } from '@/app/App'
import { followTheme } from '@/state/settings'

performance.mark('app')
followTheme()
const root = document.getElementById('root')
if (root) createRoot(root).render(<App />)
