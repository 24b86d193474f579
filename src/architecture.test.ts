/** ARCHITECTURE.md explains the layers. This table decides them. */
import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { dirname, join, posix, sep } from 'node:path'
import { test } from 'node:test'

/** A layer may import the layers named on its line. Only the catalog names connectors, only tests and torture import `#conformance`. */
const layers: readonly (readonly [name: string, imports: readonly string[]])[] = [
  ['errors', []],
  ['columnar', ['errors']],
  ['wire', ['errors']],
  ['connector', ['errors', 'columnar']],
  ['conformance', ['errors', 'columnar', 'connector']],
  ['sql', ['errors', 'columnar', 'connector']],
  ['files', ['errors', 'columnar', 'connector', 'sql']],
  ['connectors', ['errors', 'columnar', 'wire', 'connector', 'sql', 'files']],
  ['catalog', ['errors', 'connector', 'connectors']],
  ['job', ['errors', 'connector', 'catalog']],
  // A worker thread loads the connectors of its chain itself, by name.
  ['engine', ['errors', 'columnar', 'connector', 'catalog']],
  // It sees jobs from outside, as processes.
  ['torture', ['errors', 'conformance']],
  ['docs', ['errors', 'columnar', 'wire', 'connector', 'sql', 'files', 'catalog', 'job', 'torture']],
  ['cli', ['errors', 'columnar', 'wire', 'connector', 'sql', 'files', 'catalog', 'job', 'engine', 'torture', 'docs']],
]

interface Import {
  readonly file: string
  readonly target: string
}

test('the layers have no cycle: everything a layer imports stands above it', () => {
  const names = layers.map(([name]) => name)
  for (const [at, [name, imports]] of layers.entries()) {
    for (const target of imports) assert(names.slice(0, at).includes(target), `${name} -> ${target}`)
  }
})

test('every folder of src is a layer', async () => {
  const names = new Set(layers.map(([name]) => name))
  for (const entry of await readdir('src', { withFileTypes: true })) {
    assert(!entry.isDirectory() || names.has(entry.name), `src/${entry.name} is not in the table of layers`)
  }
})

test('layers import only what their line allows, and only by their public face', async () => {
  const allowed = new Map(layers)
  const wrong = (await imports('#')).filter(({ file, target }) => {
    const layer = /^#([\w-]+)/.exec(target)?.[1] ?? ''
    // A test may look at its code from any side; only what is run by users has layers.
    if (isTest(file)) return !allowed.has(layer)
    if (layer === 'conformance') return layerOf(file) !== 'torture'
    if (layer === 'connectors') return layerOf(file) !== 'catalog'
    return allowed.get(layerOf(file))?.includes(layer) !== true
  })
  assert.deepEqual(wrong, [])
})

test('relative imports stay in their layer, and below connectors/ in their connector', async () => {
  const wrong = (await imports('.')).filter(({ file, target }) => {
    const reached = posix.join(dirname(file).split(sep).join('/'), target)
    // The servers that tests need are started by the tools.
    return !reached.startsWith(`${homeOf(file)}/`) && !(isTest(file) && reached.startsWith('tools/'))
  })
  assert.deepEqual(wrong, [])
})

test('what is published imports only Node and the dependencies of package.json', async () => {
  const manifest = JSON.parse(await readFile('package.json', 'utf8')) as Record<'dependencies' | 'peerDependencies', object>
  const declared = { ...manifest.dependencies, ...manifest.peerDependencies }
  const wrong = (await imports('')).filter(({ file, target }) => {
    const name = /^(@[^/]+\/)?[^/]+/.exec(target)?.[0] ?? ''
    return !isTest(file) && !/^(#|\.|node:)/.test(target) && !Object.hasOwn(declared, name)
  })
  assert.deepEqual(wrong, [])
})

/**
 * Imports that begin with a prefix: static ones, those of types alone, exports from elsewhere, and dynamic ones.
 *
 * Text is searched, not syntax: what a comment or a string says like an import counts as one, which nobody needs.
 */
async function imports(prefix: string): Promise<Import[]> {
  const found: Import[] = []
  for (const file of await sources()) {
    const text = await readFile(file, 'utf8')
    for (const [, target = ''] of text.matchAll(/(?:\bfrom|\bimport|\bimport\()\s*'([^'\n]+)'/g)) {
      if (target.startsWith(prefix)) found.push({ file, target })
    }
  }
  return found
}

async function sources(): Promise<string[]> {
  const names = await readdir('src', { recursive: true })
  return names.map(name => join('src', name)).filter(name => name.endsWith('.ts'))
}

/** A test, or what only tests share: neither is published. */
function isTest(file: string): boolean {
  return /\.test(-support)?\.ts$/.test(file)
}

function layerOf(file: string): string {
  return file.split(sep)[1] ?? ''
}

/** The folder that relative imports of a file must not leave. */
function homeOf(file: string): string {
  const [src, ...folders] = file.split(sep).slice(0, -1)
  return [src, ...folders.slice(0, folders[0] === 'connectors' ? 2 : 1)].join('/')
}
