/** Dialogs that make and take away twins and relationships; any part of the page opens them. */
import { create } from 'zustand'
import { onLeave } from '@/state/leaving'

export type WriteDialog =
  | { readonly kind: 'create-twin'; readonly model?: string | undefined; /** The twin that it becomes a part of. */ readonly inside?: string | undefined }
  | { readonly kind: 'create-relationship'; readonly source?: string | undefined; readonly target?: string | undefined; readonly name?: string | undefined }
  | { readonly kind: 'delete-twins'; readonly ids: readonly string[] }
  | { readonly kind: 'change-model'; readonly id: string }

export const useWriteDialog = create<{ readonly dialog: WriteDialog | undefined }>(() => ({ dialog: undefined }))

export function openDialog(dialog: WriteDialog): void { useWriteDialog.setState({ dialog }) }
export function closeDialog(): void { useWriteDialog.setState({ dialog: undefined }) }
onLeave(closeDialog)
