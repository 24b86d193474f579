/**
 * The contract of a sink, as tests. Every sink connector that can be read back runs this suite, unchanged, and passes it.
 *
 * The delivery that it declares decides which cases there are: a ledger, two phases, or only a flush.
 */
import type { z } from 'zod'
import type { Dataset, Sink } from '#connector'
import { registerCases, type Case } from './case.ts'
import { declarationCases } from './declaration-cases.ts'
import { fencingCases } from './fencing-cases.ts'
import { ledgerCases } from './ledger-cases.ts'
import { plainCases } from './plain-cases.ts'
import type { Row } from './rows.ts'
import { sinkNetworkCases } from './sink-network-cases.ts'
import { sinkWriteCases } from './sink-write-cases.ts'
import { twoPhaseCases } from './two-phase-cases.ts'

/** What a connector brings to the suite: itself, one place to write to, and a foreign client that looks at it. */
export interface SinkFixture<O extends z.ZodObject> {
  /** Tells two fixtures of one sink apart: a server version, a file format. */
  readonly title?: string
  readonly sink: Sink<O>
  /** Options that work; rows are added to what is there. */
  readonly options: z.input<O>
  /** Options that are well-formed but point nowhere. */
  readonly brokenOptions?: z.input<O>
  readonly dataset: Dataset
  /** At least 12 rows of `dataset`, no two of them alike: extreme values of every type and NULLs. */
  readonly rows: readonly Row[]
  /** Puts the place into the state in which a first run finds it: the target empty or absent, no ledger. */
  reset(): Promise<void>
  /** The rows that everybody can see in the target, by a foreign client; none when there is no target. */
  read(): Promise<readonly Row[]>
  /** What the foreign client sees of a row, where that is not what was written. */
  readonly seen?: (row: Row) => Row
  /** Names of everything in the place, tables or files: a plan adds none, and a finished run leaves nothing that was staged. */
  list(): Promise<readonly string[]>
  /** For a sink with a ledger: removes it, as a careless administrator would. */
  dropLedger?(): Promise<void>
  /** Where the system listens, if it is reached by TCP. */
  readonly endpoint?: SinkEndpoint<O>
  /** Other ways to write, such as updating by key. */
  readonly modes?: readonly SinkMode<O>[]
}

export interface SinkEndpoint<O extends z.ZodObject> {
  readonly host: string
  readonly port: number
  /** `options` of the fixture, reaching the system by another address. */
  viaProxy(host: string, port: number): z.input<O>
}

/** Two runs into one target, one after the other. */
export interface SinkMode<O extends z.ZodObject> {
  readonly title: string
  readonly options: z.input<O>
  /** Written by a first run, with the same options. */
  readonly before: readonly Row[]
  /** Written by a second run. */
  readonly rows: readonly Row[]
  /** What is in the target then. */
  readonly after: readonly Row[]
}

export function sinkSuite<O extends z.ZodObject>(fixture: SinkFixture<O>): void {
  registerCases(`sink ${fixture.sink.name}${fixture.title === undefined ? '' : ` (${fixture.title})`}`, sinkCases(fixture))
}

export function sinkCases<O extends z.ZodObject>(fixture: SinkFixture<O>): Case[] {
  // Inside the suite the options are only handed through.
  const plain = fixture as unknown as SinkFixture<z.ZodObject>
  const { delivery } = plain.sink.capabilities
  return [
    ...declarationCases(plain.sink, plain.options),
    ...sinkWriteCases(plain),
    ...(delivery === 'transactional' ? [...ledgerCases(plain), ...fencingCases(plain)] : []),
    ...(delivery === 'two-phase' ? twoPhaseCases(plain) : []),
    ...(delivery === 'plain' ? plainCases(plain) : []),
    ...(plain.endpoint === undefined ? [] : sinkNetworkCases(plain, plain.endpoint)),
  ]
}
