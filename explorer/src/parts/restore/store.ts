/** Whether the way back is being looked at, and to which instant it leads. */
import { create } from 'zustand'
import { onLeave } from '@/state/leaving'

interface RestoreState { readonly to: string | undefined; readonly query: string | undefined }

export const useRestore = create<RestoreState>(() => ({ to: undefined, query: undefined }))

/** Ask what is to be brought back to an instant. */
export function openRestore(to: string, query?: string): void { useRestore.setState({ to, query }) }
export function closeRestore(): void { useRestore.setState({ to: undefined, query: undefined }) }
onLeave(closeRestore)
