import { filterPieceAt } from '@/lang/filter-lang'
import { pieceAt } from '@/lang/highlight'
import { jsonPieceAt } from '@/lang/json'
import type { EditorLanguage } from './types'

export const QUERY: EditorLanguage = { pieceAt }
export const FILTER: EditorLanguage = { pieceAt: filterPieceAt }
export const JSON_LANGUAGE: EditorLanguage = { pieceAt: jsonPieceAt, json: true }
