import { readFile, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'
import react from '@vitejs/plugin-react'
import type { HtmlTagDescriptor, Plugin, Rolldown } from 'vite'
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

const SRC = new URL('./src/', import.meta.url).pathname

/**
 * What the first picture needs, in two files instead of fifty: each request is a way to the server and back,
 * and a browser makes six at a time. Whatever else is loaded later stays in parts of its own.
 */
const TOGETHER = [
  { name: 'start', roots: ['main.tsx'] },
  {
    name: 'first',
    roots: ['features/graph/Screen.tsx', 'graph/view.ts', 'features/inspector/Inspector.tsx', 'features/settings/AccessSheet.tsx', 'features/tour/Tour.tsx', 'parts/WriteDialogs.tsx'],
  },
]

type Graph = Pick<Rolldown.ChunkingContext, 'getModuleInfo'>

/** Modules of the same file are told by their way from its roots; what the file before it has is left to that. */
function together(): { readonly name: (id: string, graph: Graph) => string | null; readonly priority: number }[] {
  let found: Map<string, string> | undefined
  const find = (graph: Graph): Map<string, string> => {
    const names = new Map<string, string>()
    for (const { name, roots } of TOGETHER) {
      const left = roots.map((root) => SRC + root)
      for (let id = left.pop(); id !== undefined; id = left.pop()) {
        if (names.has(id)) continue
        names.set(id, name)
        left.push(...(graph.getModuleInfo(id)?.importedIds ?? []))
      }
    }
    return names
  }
  return TOGETHER.map(({ name }, index) => ({
    name: (id, graph) => ((found ??= find(graph)).get(id) === name ? name : null), priority: TOGETHER.length - index,
  }))
}

/** Has fetched at once what the first picture will need, before any program runs that asks for it. */
function fetchedAtOnce(): Plugin {
  return {
    name: 'fetched-at-once',
    apply: 'build',
    transformIndexHtml: {
      order: 'post',
      handler(_html, { bundle }) {
        const files = Object.values(bundle ?? {})
        const chunks = files.flatMap((each) => (each.type === 'chunk' ? [each] : []))
        const first = chunks.find(({ name }) => name === 'first')
        const adapter = chunks.find(({ name }) => name === 'adapter')
        const letters = files.find(({ fileName }) => /\/inter-latin-wght-normal-[^/]*\.woff2$/.test(fileName))
        if (!first || !adapter || !letters) throw new Error('What the first picture needs is not there.')
        const link = (href: string, attrs: Record<string, string | boolean>): HtmlTagDescriptor => ({ tag: 'link', injectTo: 'head', attrs: { ...attrs, crossorigin: true, href: `./${href}` } })
        return [
          link(first.fileName, { rel: 'modulepreload' }),
          ...[...first.viteMetadata?.importedCss ?? []].map((name) => link(name, { rel: 'stylesheet' })),
          link(letters.fileName, { rel: 'preload', as: 'font', type: 'font/woff2' }),
          link(adapter.fileName, { rel: 'modulepreload', fetchpriority: 'low' }),
        ]
      },
    },
  }
}

const server = process.env['KASTOR_URL'] ?? 'http://127.0.0.1:8080'
const proxied = ['/kastor', '/digitaltwins', '/query', '/models', '/eventroutes', '/jobs', '/graphs',
  '/metrics', '/healthz', '/docs', '/openapi.json', '/explorer/config.json']

export default defineConfig(({ command }) => ({
  base: command === 'build' ? './' : '/explorer/',
  plugins: [react(), precompressed(), filledIn(), fetchedAtOnce()],
  resolve: { alias: { '@': new URL('./src', import.meta.url).pathname } },
  html: { cspNonce: '__NONCE__' },
  build: { target: 'es2023', assetsInlineLimit: 0, modulePreload: { polyfill: false }, reportCompressedSize: false, chunkSizeWarningLimit: 700, rolldownOptions: { output: { codeSplitting: { groups: together() } } } },
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
