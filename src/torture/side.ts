/** The two ends of a round, and what judges them: everything here speaks to servers through foreign clients, never through our own code. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Fingerprint } from './rows.ts'

export interface Side {
  readonly name: string
  /** Its half of a native job file. */
  readonly options: Readonly<Record<string, unknown>>
  /** Where its server listens; undefined for files. */
  readonly endpoint?: { readonly host: string; readonly port: number }
  /** Where its files are; undefined for servers. */
  readonly folder?: string
  fingerprint(): Promise<Fingerprint>
  /** Empties the target, the ledger included, as if nothing had ever run. */
  reset(): Promise<void>
  /** To meddle with the database; undefined for files. */
  readonly sql?: Sql
  /** Makes the next commit wait, so that a fault falls inside it; returns how to let go. Undefined where there is nothing to lock. */
  holdCommits?(): Promise<() => Promise<void>>
}

export interface Sql {
  readonly system: 'postgres' | 'mysql'
  readonly table: string
  /** Executes statements in a session of their own; an open transaction is rolled back. */
  ask(...statements: readonly string[]): Promise<void>
}

/** A source is filled when it is opened. */
export type Role = 'source' | 'target'

/** Where a side has its table. */
export interface DatabaseAddress {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
  readonly database: string
}

export const LEDGER = 'sluice_ledger'

/** Until a job that has begun has made its ledger. */
export const LEDGER_MS = 60_000

export async function waitFor(what: string, patienceMs: number, condition: () => Promise<boolean>): Promise<void> {
  const until = Date.now() + patienceMs
  while (!(await condition())) {
    if (Date.now() > until) throw new Error(`waited ${patienceMs / 1000} s for ${what}`)
    await sleep(2)
  }
}
