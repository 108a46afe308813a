/** Makes src/api/schema.d.ts of an openapi.json: `npm run types -- openapi.json`. */
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const here = fileURLToPath(new URL('.', import.meta.url))
const [description, out = `${here}../src/api/schema.d.ts`] = process.argv.slice(2)
execFileSync(`${here}node_modules/.bin/openapi-typescript`, [description, '-o', out, '--root-types=false'], { stdio: 'inherit' })
