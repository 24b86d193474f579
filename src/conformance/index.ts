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
 *     sinkSuite({
 *       sink: postgresSink,
 *       options: { …connection, table: ['target'] },
 *       brokenOptions: { …connection, port: 1 },
 *       dataset: { id: 'source.orders', schema, primaryKey: ['id'] },
 *       rows: [ …12 or more, extremes and NULLs of every type… ],
 *       reset: () => …the target empty as before a first run, no ledger…,
 *       read: () => …the target's rows by a foreign client (pg, mysql2, files by hand)…,
 *       seen: row => …what that client makes of a row, if it shows values in another form…,
 *       list: () => …names of all tables or files in the place…,
 *       dropLedger: () => …,                                            // transactional sinks
 *       endpoint: { host, port, viaProxy },
 *       modes: [{ title: 'update by key', options, before, rows, after }],
 *     })
 *
 * Several fixtures of one connector (server versions, a table without a key) take a `title` each. Everything that is not
 * common to all connectors, such as SQL and dialects, is tested beside the suite.
 *
 * `FaultProxy` breaks TCP connections at a byte; tests of the engine use it as well.
 */
export { contextOf } from './context.ts'
export { contextOfEnds, endsOf } from './ends.ts'
export { FaultProxy, type Direction, type Fault } from './fault-proxy.ts'
export { assertSameRows, fillBatch, rowsOf, type Row } from './rows.ts'
export { sinkSuite, type SinkEndpoint, type SinkFixture, type SinkMode } from './sink-suite.ts'
export { sourceSuite, type SourceEndpoint, type SourceFixture } from './source-suite.ts'
