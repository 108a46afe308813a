import './editors.css'
import type { ReactNode } from 'react'
import { writeJson } from '@/api/json'
import { GEOSPATIAL } from '@/dtdl/model'
import { fits } from '../values/read'
import { ArrayEditor } from './ArrayEditor'
import { BooleanEditor, EnumEditor } from './ChoiceEditors'
import { GeoEditor } from './GeoEditor'
import { MapEditor } from './MapEditor'
import { ObjectEditor } from './ObjectEditor'
import { BytesEditor, DurationEditor, InstantEditor, UuidEditor } from './SpecialEditors'
import { type EditorProps, TextEditor } from './TextEditor'

const SHAPES = new Set<string>(GEOSPATIAL)

/** The editor of a schema. A value that does not fit its schema is shown as it is, and left alone. */
export function Editor(props: EditorProps): ReactNode {
  const { schema, value } = props
  switch (schema.kind) {
    case 'object': case 'scaledDecimal': return <ObjectEditor {...props} />
    case 'array': return <ArrayEditor {...props} />
    case 'map': return <MapEditor {...props} />
    case 'ref': return <pre className="ed-json mono">{value === undefined ? '' : writeJson(value, 2)}</pre>
    default: break
  }
  if (SHAPES.has(schema.kind)) return <GeoEditor {...props} />
  if (value !== undefined && typeof value === 'object' && !fits(schema, value)) return <pre className="ed-json mono">{writeJson(value, 2)}</pre>
  switch (schema.kind) {
    case 'boolean': return <BooleanEditor {...props} />
    case 'enum': return <EnumEditor {...props} />
    case 'date': case 'time': case 'dateTime': return <InstantEditor {...props} />
    case 'duration': return <DurationEditor {...props} />
    case 'uuid': return <UuidEditor {...props} />
    case 'bytes': return <BytesEditor {...props} />
    default: return <TextEditor {...props} />
  }
}
