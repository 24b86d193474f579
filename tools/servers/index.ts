/**
 * Real database servers for tests, benchmarks and people: installed without touching the machine, started in less than a
 * second, stopped without a trace. docs/decisions/0010-test-servers.md says why they are made like this.
 */
export { type Database, type DatabaseOptions, execute, freshDatabase } from './database.ts'
export { installServer } from './install.ts'
export { type ServerName, serverNames } from './names.ts'
export type { Account } from './recipe.ts'
export type { Server, ServerFacts } from './server.ts'
export { shareServers, type SharedServers } from './shared.ts'
export { startServer, type StartOptions } from './start.ts'
export { fileServer, type FileServer, testServer } from './testing.ts'
