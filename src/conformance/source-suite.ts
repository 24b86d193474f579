/**
 * The contract of a source, as tests. Every source connector runs this suite, unchanged, and passes it.
 *
 * The cases follow from what the source declares, so a connector cannot claim a capability without proving it, nor skip a
 * case by configuration.
 */
import type { z } from 'zod'
import type { Json, Source, Split } from '#connector'
import { registerCases, type Case } from './case.ts'
import { declarationCases } from './declaration-cases.ts'
import type { Row } from './rows.ts'
import { sourceAbortCases } from './source-abort-cases.ts'
import { sourceBadRowCases } from './source-bad-row-cases.ts'
import { sourceNetworkCases } from './source-network-cases.ts'
import { sourceReadCases } from './source-read-cases.ts'

/** What a connector brings to the suite: itself, and one prepared system to read from. */
export interface SourceFixture<O extends z.ZodObject, S extends Split, P extends Json> {
  /** Tells two fixtures of one source apart: a server version, a file format. */
  readonly title?: string
  readonly source: Source<O, S, P>
  /** Options that work, and that make the test data fall into at least two splits. */
  readonly options: z.input<O>
  /** Options that are well-formed but point nowhere. Absent only where nothing can be missing. */
  readonly brokenOptions?: z.input<O>
  /** The rows the system holds, by dataset id. At least 20 in one of them, in any order. */
  readonly rows: Readonly<Record<string, readonly Row[]>>
  /** For a source that can meet rows which it cannot represent. */
  readonly bad?: BadRowFixture<O>
  /** Where the system listens, if it is reached by TCP. */
  readonly endpoint?: SourceEndpoint<O>
}

export interface BadRowFixture<O extends z.ZodObject> {
  /** Options that select bad rows among others. */
  readonly options: z.input<O>
  /** The others, by dataset id. */
  readonly rows: Readonly<Record<string, readonly Row[]>>
  /** What is told of the bad ones, in any order. */
  readonly refused: readonly { readonly column: string; readonly text?: string }[]
}

export interface SourceEndpoint<O extends z.ZodObject> {
  readonly host: string
  readonly port: number
  /** `options` of the fixture, reaching the system by another address. */
  viaProxy(host: string, port: number): z.input<O>
  /** The same for options that select at least 64 MiB in one split, which need not be stored: a generated series will do. */
  large(host: string, port: number): z.input<O>
}

export function sourceSuite<O extends z.ZodObject, S extends Split, P extends Json>(fixture: SourceFixture<O, S, P>): void {
  registerCases(`source ${fixture.source.name}${fixture.title === undefined ? '' : ` (${fixture.title})`}`, sourceCases(fixture))
}

export function sourceCases<O extends z.ZodObject, S extends Split, P extends Json>(fixture: SourceFixture<O, S, P>): Case[] {
  // Inside the suite splits and positions are what they are to the engine: JSON.
  const plain = fixture as unknown as SourceFixture<z.ZodObject, Split, Json>
  return [
    ...declarationCases(plain.source, plain.options),
    ...sourceReadCases(plain),
    ...sourceAbortCases(plain),
    ...(plain.bad === undefined ? [] : sourceBadRowCases(plain, plain.bad)),
    ...(plain.endpoint === undefined ? [] : sourceNetworkCases(plain, plain.endpoint)),
  ]
}
