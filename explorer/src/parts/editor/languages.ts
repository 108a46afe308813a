import { filterPieceAt } from '@/lang/filter-lang'
import { jsonPieceAt } from '@/lang/json'
import { queryPieceAt } from '@/lang/painted'
import type { EditorLanguage } from './types'

export const QUERY: EditorLanguage = { pieceAt: queryPieceAt }
export const FILTER: EditorLanguage = { pieceAt: filterPieceAt }
export const JSON_LANGUAGE: EditorLanguage = { pieceAt: jsonPieceAt, json: true }
