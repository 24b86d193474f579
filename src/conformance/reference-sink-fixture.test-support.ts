/** The reference server as a target, and the fixtures of the sinks that write to it. */
import { after } from 'node:test'
import type { z } from 'zod'
import { int, utf8 } from '#columnar'
import type { Dataset, Sink } from '#connector'
import { ReferenceServer } from './reference-server.test-support.ts'
import { ReferenceStore } from './reference-store.test-support.ts'
import type { Row } from './rows.ts'
import type { SinkFixture } from './sink-suite.ts'

const store = new ReferenceStore()
const server = await ReferenceServer.start(store.handle)
after(() => server[Symbol.asyncDispose]())

const dataset: Dataset = {
  id: 'public.orders',
  schema: {
    fields: [
      { name: 'id', type: int(32), nullable: false },
      { name: 'name', type: utf8, nullable: true },
    ],
  },
  primaryKey: ['id'],
}
const rows: Row[] = Array.from({ length: 14 }, (_, id) => ({ id, name: id % 4 === 0 ? null : `№ ${'x'.repeat(id * 7)}` }))

export function networkFixture<O extends z.ZodObject>(sink: Sink<O>): SinkFixture<O> {
  const { host, port } = server
  const at = (options: object) => options as z.input<O>
  const isLedger = sink.capabilities.delivery === 'transactional'
  const changed = rows.slice(3, 9).map(row => ({ ...row, name: 'changed' }))
  return {
    sink,
    options: at({ host, port }),
    brokenOptions: at({ host, port: 1 }),
    dataset,
    rows,
    reset: async () => store.clear(),
    read: async () => store.tables['target'] ?? [],
    list: async () => [...Object.keys(store.tables), ...Object.keys(store.staged)],
    dropLedger: async () => {
      store.ledger = undefined
    },
    endpoint: { host, port, viaProxy: (proxyHost, proxyPort) => at({ host: proxyHost, port: proxyPort }) },
    ...(isLedger
      ? {
          modes: [
            {
              title: 'by key',
              options: at({ host, port, mode: 'update' }),
              before: rows,
              rows: changed,
              after: [...rows.slice(0, 3), ...changed, ...rows.slice(9)],
            },
          ],
        }
      : {}),
  }
}

/** A staging sink sends nothing while it writes, so a slow server cannot hold it back: it is not offered to the network cases. */
export function localFixture<O extends z.ZodObject>(sink: Sink<O>): SinkFixture<O> {
  const { endpoint: _, ...rest } = networkFixture(sink)
  return rest
}
