/** Everything in `docs/` that is generated, by path. */
import { readdir, readFile } from 'node:fs/promises'
import * as catalog from '#catalog'
import type { TortureReport } from '#torture'
import { connectorPage, overviewPage, type System } from './connector-page.ts'
import { errorsPage } from './errors-page.ts'
import { exactnessPage } from './exactness-page.ts'
import { licencesPage, type LockFile } from './licences-page.ts'
import { inputSchema } from './option-docs.ts'
import { reliabilityPage, type PeakMemory } from './reliability-page.ts'
import { settingsPage } from './settings-page.ts'
import { typesPage } from './types-page.ts'

/** Folders in which nothing is written by hand. */
export const GENERATED_FOLDERS = ['docs/connectors', 'docs/schema']

export async function generatedPages(): Promise<Map<string, string>> {
  const systems = await Promise.all(catalog.names().map(systemOf))
  await loadErrors()
  const lock = JSON.parse(await readFile(new URL('../../package-lock.json', import.meta.url), 'utf8')) as LockFile
  return new Map([
    ['docs/connectors/README.md', overviewPage(systems)],
    ...systems.map(system => [`docs/connectors/${system.name}.md`, connectorPage(system)] as const),
    ...systems.flatMap(schemaFiles),
    ['docs/reference/errors.md', errorsPage()],
    ['docs/reference/exactness.md', await exactnessPage()],
    ['docs/reference/licences.md', licencesPage(lock)],
    ['docs/reference/settings.md', settingsPage()],
    ['docs/reference/types.md', typesPage()],
    [
      'docs/reliability.md',
      reliabilityPage(await committed<TortureReport>('reliability'), await committed<PeakMemory[]>('memory')),
    ],
  ])
}

/** The last result that a measurement wrote and somebody committed. */
async function committed<T>(name: 'reliability' | 'memory'): Promise<T> {
  return JSON.parse(await readFile(new URL(`../../docs/${name}.json`, import.meta.url), 'utf8')) as T
}

async function systemOf(name: string): Promise<System> {
  return {
    name,
    source: catalog.has('source', name) ? await catalog.source(name) : undefined,
    sink: catalog.has('sink', name) ? await catalog.sink(name) : undefined,
    aliases: catalog.aliasesOf(name),
  }
}

/** JSON Schema of the options, for editors. */
function schemaFiles({ name, source, sink }: System): (readonly [path: string, text: string])[] {
  const ends = { source, sink }
  return Object.entries(ends).flatMap(([kind, connector]) =>
    connector === undefined
      ? []
      : [
          [
            `docs/schema/${name}-${kind}.json`,
            `${JSON.stringify({ title: `${kind} ${name}`, ...inputSchema(connector.options) }, null, 2)}\n`,
          ],
        ],
  )
}

/** Tables of errors register themselves when they are loaded. Those of layers that this one does not use are found by their name. */
async function loadErrors(): Promise<void> {
  const src = new URL('../', import.meta.url)
  for (const name of (await readdir(src, { recursive: true })).toSorted()) {
    if (/(?:^|[\\/])errors\.ts$/.test(name)) await import(new URL(name.replaceAll('\\', '/'), src).href)
  }
}
