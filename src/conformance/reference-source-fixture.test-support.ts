/** The reference server with tables, and the fixture of a source that reads them. */
import { after } from 'node:test'
import { ReferenceServer, tableHandler } from './reference-server.test-support.ts'
import { referenceSource, type SourceFault } from './reference-source.test-support.ts'
import type { Row } from './rows.ts'

const rowsOf = (count: number): Row[] =>
  Array.from({ length: count }, (_, id) => ({ id, name: id % 5 === 0 ? null : `№ ${'x'.repeat(id)}` }))
const tables = { orders: rowsOf(26), items: rowsOf(3), none: [] }
const server = await ReferenceServer.start(tableHandler(tables))
after(() => server[Symbol.asyncDispose]())

export function sourceFixture(fault?: SourceFault) {
  const { host, port } = server
  return {
    source: referenceSource(fault),
    options: { host, port },
    brokenOptions: { host, port: 1 },
    rows: tables,
    endpoint: {
      host,
      port,
      viaProxy: (proxyHost: string, proxyPort: number) => ({ host: proxyHost, port: proxyPort }),
      large: (proxyHost: string, proxyPort: number) => ({ host: proxyHost, port: proxyPort, table: 'large' }),
    },
  }
}
