import { readFile, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'
import react from '@vitejs/plugin-react'
import type { Plugin } from 'vite'
import { defineConfig } from 'vitest/config'

const COMPRESSIBLE = /\.(?:js|css|html|svg|json)$/

/** Puts `.gz` and `.br` beside each file, so that the server compresses nothing. */
function precompressed(): Plugin {
  return {
    name: 'precompressed',
    apply: 'build',
    async writeBundle(options) {
      const folder = options.dir ?? 'dist'
      const names = await readdir(folder, { recursive: true })
      await Promise.all(
        names.filter((name) => COMPRESSIBLE.test(name)).map(async (name) => {
          const path = join(folder, name)
          const content = await readFile(path)
          const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }
          await writeFile(`${path}.gz`, await promisify(gzip)(content, { level: 9 }))
          await writeFile(`${path}.br`, await promisify(brotliCompress)(content, quality))
        }),
      )
    },
  }
}

/** While developing there is no server that fills these in. */
function filledIn(): Plugin {
  return {
    name: 'filled-in',
    apply: 'serve',
    transformIndexHtml: (html) => html.replace('__BASE__', '/explorer/').replaceAll('__NONCE__', ''),
  }
}

const server = process.env['KASTOR_URL'] ?? 'http://127.0.0.1:8080'
const proxied = ['/kastor', '/digitaltwins', '/query', '/models', '/eventroutes', '/jobs', '/graphs',
  '/metrics', '/healthz', '/docs', '/openapi.json', '/explorer/config.json']

export default defineConfig(({ command }) => ({
  base: command === 'build' ? './' : '/explorer/',
  plugins: [react(), precompressed(), filledIn()],
  resolve: { alias: { '@': new URL('./src', import.meta.url).pathname } },
  html: { cspNonce: '__NONCE__' },
  build: { target: 'es2023', assetsInlineLimit: 0, modulePreload: { polyfill: false }, reportCompressedSize: false },
  worker: { format: 'es' as const },
  server: {
    proxy: Object.fromEntries(
      proxied.map((path) => [path, {
        target: server,
        changeOrigin: true,
        // A page of another origin would be refused: here it is the same page.
        configure: (proxy) => { proxy.on('proxyReq', (request) => { request.removeHeader('origin') }) },
      }]),
    ),
  },
  test: {
    environment: 'jsdom',
    projects: [
      // To begin a file with a page of its own takes most of a second, so those that render nothing share one.
      { extends: true, test: { name: 'parts', include: ['test/unit/**/*.test.ts'], isolate: false, setupFiles: ['test/setup.ts'] } },
      { extends: true, test: { name: 'rendered', include: ['test/unit/**/*.test.tsx'] } },
    ],
  },
}))
