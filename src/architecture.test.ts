/** ARCHITECTURE.md explains the layers. This table decides them. */
import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { dirname, join, posix, sep } from 'node:path'
import { test } from 'node:test'

/** A layer may import the layers named on its line. */
const layers: readonly (readonly [name: string, imports: readonly string[]])[] = [
  ['errors', []],
  ['columnar', ['errors']],
  ['wire', ['errors']],
  ['connector', ['errors', 'columnar']],
  ['conformance', ['errors', 'columnar', 'connector']],
  ['sql', ['errors', 'columnar', 'connector']],
  ['files', ['errors', 'columnar', 'connector']],
  ['connectors', ['errors', 'columnar', 'wire', 'connector', 'sql', 'files', 'conformance']],
  ['catalog', ['connector', 'connectors']],
  ['job', ['errors', 'connector', 'catalog']],
  // A worker thread loads the connectors of its chain itself, by name.
  ['engine', ['errors', 'columnar', 'connector', 'catalog']],
  ['docs', ['errors', 'columnar', 'wire', 'connector', 'sql', 'files', 'catalog', 'job']],
  ['cli', ['errors', 'columnar', 'wire', 'connector', 'sql', 'files', 'catalog', 'job', 'engine', 'docs']],
]

/** Only the catalog names connectors, and tests, which may compare with a certain one. */
const mayNameConnectors = (file: string) => layerOf(file) === 'catalog' || isTest(file)

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
  for (const { file, target } of await imports('#')) {
    const [, layer = ''] = /^#([\w-]+)/.exec(target) ?? []
    assert(!isLayer(file) || isTest(file) || allowed.get(layerOf(file))?.includes(layer), `${file} must not import ${target}`)
    assert(allowed.has(layer), `${file} imports ${target}, which is no layer`)
    assert(layer !== 'conformance' || isTest(file), `${file} is not a test and imports ${target}`)
    assert(layer !== 'connectors' || mayNameConnectors(file), `${file} must not know the connector ${target}`)
  }
})

test('relative imports stay in their layer, and below connectors/ in their connector', async () => {
  for (const { file, target } of await imports('.')) {
    const home = homeOf(file)
    const reached = posix.join(dirname(file).split(sep).join('/'), target)
    assert(reached.startsWith(`${home}/`), `${file} must not import ${target}: it leaves ${home}`)
  }
})

test('every import is of a layer, a relative path, Node or a package', async () => {
  for (const { file, target } of await imports(''))
    assert(!target.startsWith('/') && !target.startsWith('file:'), `${file}: ${target}`)
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

function isTest(file: string): boolean {
  return file.endsWith('.test.ts')
}

/** False for the files directly in src: the library's face, and this test. */
function isLayer(file: string): boolean {
  return file.split(sep).length > 2
}

function layerOf(file: string): string {
  return file.split(sep)[1] ?? ''
}

/** The folder that relative imports of a file must not leave. */
function homeOf(file: string): string {
  const [src, layer, connector] = file.split(sep)
  if (!isLayer(file)) return 'src'
  return layer === 'connectors' ? `${src}/${layer}/${connector}` : `${src}/${layer}`
}
