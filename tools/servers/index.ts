/**
 * Real database servers for tests, benchmarks and people: installed without touching the machine, started in about a
 * second, stopped without a trace. docs/decisions/0010-test-servers.md says why they are made like this.
 *
 * A test file takes one for all its tests with `fileServer`, gives each test a database with `freshDatabase`, and takes
 * one of its own with `testServer` when it changes settings or kills it.
 */
export { type Database, execute, freshDatabase } from './database.ts'
export { serverNames } from './names.ts'
export type { Server, ServerFacts } from './server.ts'
export { shareServers } from './shared.ts'
export { startServer } from './start.ts'
export { fileServer, forFile, testServer } from './testing.ts'
export { CLIENT, clientCertificate } from './tls.ts'
export { filePooler } from './pooler.ts'
export { failingCalls, wrongClock } from './tricks.ts'
