/**
 * The suites that define what a connector is, for the tests of connectors.
 *
 * A connector's test file prepares one system, says in a fixture what is in it, and calls the suite:
 *
 *     sourceSuite({
 *       source: postgresSource,
 *       options: { …connection, table: ['orders'], splitRows: 10 },   // at least two splits
 *       brokenOptions: { …connection, port: 1 },
 *       rows: { 'public.orders': [{ id: 1n, total: '12.50', at: '2024-01-01 00:00:00' }, …] },   // values as `readValue` gives them
 *       endpoint: {
 *         host, port,
 *         viaProxy: (host, port) => ({ …the same options, at that address }),
 *         large: (host, port) => ({ …options that select 64 MiB in one split, e.g. by customSql over a generated series }),
 *       },
 *     })
 *
 * Several fixtures of one source (server versions, a table without a key) take a `title` each. Everything that is not common
 * to all connectors, such as SQL and dialects, is tested beside the suite.
 *
 * `FaultProxy` breaks TCP connections at a byte; tests of the engine use it as well.
 */
export { contextOf } from './context.ts'
export { FaultProxy, type Direction, type Fault } from './fault-proxy.ts'
export { assertSameRows, fillBatch, rowsOf, type Row } from './rows.ts'
export { sourceSuite, type SourceEndpoint, type SourceFixture } from './source-suite.ts'
