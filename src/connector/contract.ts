/**
 * The contract between engine and connectors.
 *
 * A job is planned and supervised by one coordinator and run by workers. The coordinator opens the source and the sink once
 * (discover, enumerate, plan, begin or claim, finish); every worker opens both again and moves rows (read, write, commit).
 * The engine owns positions, commit policy, retries and metrics. A reader is pulled: back-pressure is not pulling, a barrier
 * falls between two pulls, cancellation is a signal.
 */
import type { z } from 'zod'
import type { Batch, Schema } from '#columnar'

/** Anything that survives JSON. Splits, positions and targets are stored and sent to workers, so they are plain data. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

/** A table, query or file set: rows that share a schema. */
export interface Dataset {
  readonly id: string
  /** The columns that will be read, in order. */
  readonly schema: Schema
  /** Names of the columns that identify a row; empty when nothing does. They need not be among those that are read. */
  readonly primaryKey: readonly string[]
  readonly comment?: string
  /** The query, or the conditions, that choose its rows; undefined when all of a table are read. A run does not go on with another. */
  readonly restriction?: string
  /** What the system believes; for progress, never for correctness. */
  readonly estimatedRows?: number
  /** The form in which the reader can hand out rows as they came from the server ({@link EncodedBatch}); equal names mean equal bytes for equal rows. */
  readonly encoding?: string
}

/** The unit of parallelism and of recovery: one worker owns one split at a time. Its content is fixed once it is enumerated. */
export type Split = { readonly id: string; readonly dataset: string } & { readonly [key: string]: Json }

/** A row of a batch that cannot go on as it is. */
export interface RefusedRow {
  /** Index in the batch. */
  readonly row: number
  /** Empty when the row as a whole is not what it should be. */
  readonly column: string
  readonly reason: string
  /** The value, or the whole row, as the source shows it, where the batch cannot hold it. */
  readonly text?: string
}

/** A batch, and the place to resume after it. */
export interface Chunk<Position extends Json> {
  /** Lent until the next pull. Never empty, never more rows than the context allows; its last row may be the one that crosses the limit in bytes. */
  readonly batch: Batch
  /** Rows of the batch with a value that is not what the source holds, ascending; only where the context says `quarantine`. They are set aside. */
  readonly refused?: readonly RefusedRow[]
  /** Everything of the split up to and including `batch` lies before this position, nothing else does. Undefined: the split can only be read from its start. */
  readonly position: Position | undefined
}

/** What a source promises. Methods that exist are not repeated here. */
export interface SourceCapabilities {
  readonly boundedness: 'bounded' | 'unbounded'
  /** `position`: resumes inside a split, where the dataset allows it (a table without a key does not). `split`: a split is read again from its start. */
  readonly resume: 'position' | 'split'
  /** `append`: only new rows. `upsert`: newest row by key. `full`: inserts, updates with before-image, deletes. */
  readonly changelog: 'append' | 'upsert' | 'full'
}

/** Something the user should know before the run: a narrowing, a weaker guarantee, a cost. */
export interface Note {
  readonly level: 'info' | 'warning'
  readonly text: string
}

export interface Log {
  debug(message: string, detail?: object): void
  warn(message: string, detail?: object): void
}

/** What the engine lends to a reader or writer. */
export interface Context {
  /** Aborted on shutdown and on failure elsewhere. Pass it to every wait. */
  readonly signal: AbortSignal
  /** Upper bounds for one batch: rows, and payload bytes unless a single row is larger. */
  readonly batchRows: number
  readonly batchBytes: number
  /** Most bytes of one row, where the user has set a limit; a larger one is `data.row-too-large`, with its place or after all rows before it. */
  readonly rowBytes?: number
  /** Workers that read, or write, at the same time. */
  readonly parallelism: number
  /** Identity of the job, e.g. for names of staging folders and sessions. */
  readonly job: string
  /** Bad rows are set aside: a source hands them out as refused, a sink offers {@link Savepoints} where it can. */
  readonly quarantine?: boolean
  /** Column that the job file names for resuming (FlinkX `restoreColumnName`), for sources that resume by a column. */
  readonly resumeColumn?: string
  readonly log: Log
  /** Where a connector adds the bytes it moved and the milliseconds it waited for its system (`ConnectOptions.meter` of #wire does both). */
  readonly meter?: { bytes: number; waitMs: number }
}

/** How a dataset will be read; shown in the plan. */
export interface ReadPlan {
  /** Statements or files, one per line of the plan; one example where every split has its own. */
  readonly statements: readonly string[]
  /** Whether an interrupted split goes on where it was, and by what; else why not. */
  readonly resume: { readonly by: 'position' | 'split'; readonly why: string }
  readonly notes: readonly Note[]
}

/** The live side of a source. */
export interface Reader<S extends Split = Split, P extends Json = Json> extends AsyncDisposable {
  /** Most memory that one `read` holds besides its batch, in bytes: socket buffers, the largest row. */
  readonly bufferBytes: number
  /** Lists what the options select, sorted by id. Coordinator. */
  discover(): Promise<Dataset[]>
  /** Coordinator. */
  explain(dataset: Dataset): Promise<ReadPlan>
  /** Divides one dataset into splits that cover it without overlap. Called once per run; the result is stored. Coordinator. */
  enumerate(dataset: Dataset): AsyncIterable<S>
  /**
   * Reads one split, from the beginning or after `position`. Worker.
   *
   * With `encoded`, batches may be {@link EncodedBatch}es in the form that `dataset.encoding` names. Leaving the iteration early must
   * release everything within a second.
   */
  read(dataset: Dataset, split: S, position: P | undefined, encoded?: boolean): AsyncIterable<Chunk<P>>
  /** Called once a checkpoint that contains `position` is durable, e.g. to advance a replication slot. */
  acknowledge?(split: S, position: P): Promise<void>
  /** Absent where the system cannot compute checksums. Coordinator. */
  readonly digests?: Digests
}

/** Chunks of the key space that checksums are computed of. More name differing rows faster. */
export const DIGEST_CHUNKS = 4096

/** Rows of a chunk, and a checksum that does not depend on their order. */
export interface ChunkDigest {
  readonly rows: number
  readonly sum: string
}

/** Checksums that a system computes itself, so that two of a kind are compared without moving their rows. */
export interface Digests {
  /**
   * What two datasets must have in common to be compared: system, and how each column becomes bytes. Undefined: not this dataset.
   * With the same form, equal checksums mean equal rows; different ones mean nothing (`1.5` and `1.50`).
   */
  form(dataset: Dataset): Promise<string | undefined>
  /** By chunk, which follows from the columns with the indexes `key`; undefined when the system refuses. */
  compute(dataset: Dataset, key: readonly number[]): Promise<ReadonlyMap<number, ChunkDigest> | undefined>
}

/** What a user of FlinkX wrote that we know of and cannot honour (yet): option name → reason. Such an option is refused by name. */
export type RefusedOptions = Readonly<Record<string, string>>

interface Declaration<Options extends z.ZodObject> {
  /** Native name: lower case, no suffix. */
  readonly name: string
  readonly title: string
  readonly summary: string
  readonly stability: 'experimental' | 'beta' | 'stable'
  /** The one description of the options: validation, types, docs, JSON Schema. `.meta({ aliases, unit, secret, advanced, examples })`. */
  readonly options: Options
  readonly refused?: RefusedOptions
  /** Options of FlinkX files that mean nothing to the result (platform bookkeeping); accepted with a warning. */
  readonly ignored?: readonly string[]
}

/** A source connector: a description that needs no I/O, and `open`, which does. */
export interface Source<
  Options extends z.ZodObject = z.ZodObject,
  S extends Split = Split,
  P extends Json = Json,
> extends Declaration<Options> {
  readonly capabilities: SourceCapabilities
  open(options: z.output<Options>, context: Context): Promise<Reader<S, P>>
}

/** Identity function that infers the type parameters, so that a connector never writes them out. */
export function defineSource<Options extends z.ZodObject, S extends Split, P extends Json>(
  source: Source<Options, S, P>,
): Source<Options, S, P> {
  return Object.freeze(source)
}

/** What a sink promises. */
export interface SinkCapabilities {
  /**
   * What it can do at best; the live writer says what holds for these options.
   * `transactional`: rows and positions become durable together, in the target (the ledger).
   * `two-phase`: rows become visible by `commit`, after the positions are durable elsewhere.
   * `plain`: neither; rows since the last durable position are written again after a crash.
   */
  readonly delivery: 'transactional' | 'two-phase' | 'plain'
  /** The changelogs it can apply. A job is refused before it starts when its source produces another one. */
  readonly accepts: readonly SourceCapabilities['changelog'][]
}

/** Where the rows of one dataset go. Plain data: it is part of the plan and is sent to the workers. */
export interface Target {
  /** Id of the source dataset. */
  readonly dataset: string
  /** What users call it: `public.orders`, a file pattern. */
  readonly name: string
  /** One field per column of the source dataset, in its order: the name in the target and the type in which the writer wants its values. The engine casts. */
  readonly schema: Schema
  /** What will be executed or created, in order: DDL, preSql, the way rows are written, postSql. */
  readonly statements: readonly string[]
  readonly guarantee: { readonly delivery: 'exactly-once' | 'at-least-once'; readonly why: string }
  readonly notes: readonly Note[]
  /** The writer takes the rows in the form that the dataset's `encoding` names; columns it must take as well. */
  readonly takesEncoded?: boolean
  /** What the writer needs to know again in the workers. */
  readonly detail: Json
}

/** One execution of a job, across all its attempts. */
export interface RunId {
  readonly job: string
  readonly run: string
}

/** How far a split is durable. Neither position nor `done`: nothing of it is. */
export interface Progress {
  readonly split: string
  readonly position?: Json
  readonly done: boolean
  /** Rows of the split that have been set aside so far; absent means none. */
  readonly bad?: number
}

/** A run as it is recorded: what is needed to go on with it, without any other memory. */
export interface RunRecord extends RunId {
  readonly finished: boolean
  /** Whoever has begun or claimed it: a random name, the same for all attempts of that engine. */
  readonly holder: string
  readonly epoch: number
  /** When it began, ISO 8601 UTC. */
  readonly began: string
  /** What the engine stored at `begin` (a digest of the plan, totals). */
  readonly memo: Json
  readonly splits: readonly { readonly split: Split; readonly position?: Json; readonly done: boolean; readonly bad?: number }[]
}

/**
 * Where runs and positions are recorded: a table of the target (transactional sinks) or the state directory (all others).
 *
 * Fencing: every run has an epoch. `begin`, `claim` and `reclaim` raise it in one transaction, which waits for a transaction that is
 * open under an older epoch; from then on every commit under an older epoch fails with `ledger.fenced` and changes nothing.
 */
export interface RunStore {
  /** The newest run of the job, finished or not. Changes nothing. */
  find(job: string): Promise<RunRecord | undefined>
  /**
   * Starts a run. In this order: fences every earlier run of the job and forgets its rows; creates missing targets and
   * executes what the options ask for before the first row (preSql); stores the splits. One transaction where the system can.
   */
  begin(run: RunId, targets: readonly Target[], splits: readonly Split[], memo: Json): Promise<RunRecord>
  /** Takes an unfinished run over, whoever holds it, for a new holder, and tells what is already durable. */
  claim(run: RunId): Promise<RunRecord>
  /**
   * The same for the holder of the record, after a failure: throws `ledger.fenced` when the run has another holder by now, and changes
   * nothing then. The epoch is not compared: an earlier `reclaim` may have been executed and its answer lost.
   */
  reclaim(run: RunRecord): Promise<RunRecord>
  /** After the last split: executes what the options ask for at the end (postSql) and marks the run as finished. */
  finish(run: RunRecord, targets: readonly Target[]): Promise<void>
}

/**
 * Points inside the open transaction, so that a row which the system refuses costs the rows around it and not all since the last commit.
 *
 * What is written between two calls of `end` is a piece, all of it for one target. A piece is accepted once the system has executed it
 * without complaint; the writer need not wait for that before it takes the next. When `write`, `end` or `settle` throws an error whose
 * fault is `data`, the writer has gone back to the start of the oldest piece that was not accepted, and the rows from there on have to be
 * written again. The error may name the bad row: `line` counts the rows of that piece, from 1, and `row` those of the last `write`,
 * from 0. It is believed once the rows before it are accepted, so it may be too late, but never too early.
 */
export interface Savepoints {
  /** Pieces that were accepted since the writer was opened. */
  readonly accepted: number
  end(): Promise<void>
  /** Returns when at most `pending` of the pieces that have ended are not accepted yet. After `end`. */
  settle(pending: number): Promise<void>
}

interface WriterBase extends AsyncDisposable {
  /** Most memory that it holds besides the batch it is given, in bytes. */
  readonly bufferBytes: number
  /** Looks at the target and says how rows of this shape will land. Changes nothing. Coordinator. */
  plan(dataset: Dataset): Promise<Target>
  /**
   * Takes a batch whose columns have the types of `target.schema`. The batch is lent for the call. It may buffer, but
   * returns late when the target is slow: that delay is the back-pressure. Worker; never called concurrently.
   *
   * Where the context says `quarantine` it may leave out rows that its format has no form for, and return them, ascending.
   */
  write(target: Target, batch: Batch): Promise<void | readonly RefusedRow[]>
  /** Offered where the context says `quarantine` and the target can go back. Commits and flushes follow `settle(0)` then. */
  readonly savepoints?: Savepoints | undefined
}

/** A writer whose rows and positions become durable together. The engine decides when to commit; the writer, how. */
export interface TransactionalWriter extends WriterBase {
  readonly delivery: 'transactional'
  /** Coordinator. */
  readonly runs: RunStore
  /** Writes on behalf of a run as it was begun or claimed; commits are guarded by its epoch. Worker, before the first write. */
  join(run: RunRecord): Promise<void>
  /** One transaction: all rows written since the last call, and these positions. Throws `ledger.fenced` when another holder has claimed the run. */
  commit(progress: readonly Progress[]): Promise<void>
  /** Disposal without commit rolls back. */
}

/** What `prepareCommit` made durable and `commit` publishes. Carries `marks`: how far each split is once it is published. */
export type Committable = { readonly marks: readonly Progress[] } & { readonly [key: string]: Json | readonly Progress[] }

/** A writer whose rows are made durable first and visible later. */
export interface TwoPhaseWriter extends WriterBase {
  readonly delivery: 'two-phase'
  /** What has been published for the newest run of the job; compared with the restored positions. Coordinator. */
  marks(
    job: string,
  ): Promise<{ readonly run: string; readonly finished: boolean; readonly marks: readonly Progress[] } | undefined>
  /** Start of a run (`fresh`: removes what the options ask to remove) or resumption: drops staged rows that are not in `keep`. Coordinator. */
  prepare(run: RunRecord, targets: readonly Target[], fresh: boolean, keep: readonly Committable[]): Promise<void>
  join(run: RunRecord): Promise<void>
  /** At a barrier: makes everything written so far durable but not visible. */
  prepareCommit(progress: readonly Progress[]): Promise<readonly Committable[]>
  /** Publishes rows and marks. Called once the checkpoint that holds the committables is durable, and again after a crash, then before any `join`. Idempotent. */
  commit(committables: readonly Committable[]): Promise<void>
  /** After the last commit of a run. Coordinator. */
  finish(run: RunRecord, targets: readonly Target[]): Promise<void>
}

/** A writer that can only make sure that rows have arrived. At-least-once, unless it says otherwise in its target. */
export interface PlainWriter extends WriterBase {
  readonly delivery: 'plain'
  /** Start of a run: creates targets; `fresh`: executes preSql. Coordinator. */
  prepare(run: RunRecord, targets: readonly Target[], fresh: boolean): Promise<void>
  join(run: RunRecord): Promise<void>
  /** Returns when all rows written so far are durable. */
  flush(): Promise<void>
  /** Coordinator. */
  finish(run: RunRecord, targets: readonly Target[]): Promise<void>
}

/** The live side of a sink. One writer belongs to one worker (or to the coordinator); nothing here is called concurrently. */
export type Writer = TransactionalWriter | TwoPhaseWriter | PlainWriter

/** A sink connector. */
export interface Sink<Options extends z.ZodObject = z.ZodObject> extends Declaration<Options> {
  readonly capabilities: SinkCapabilities
  open(options: z.output<Options>, context: Context): Promise<Writer>
  /** Source options that read the target back, for `sluice verify`; the source has the same connector name. */
  readBack?(options: z.output<Options>, target: Target): Record<string, unknown>
}

export function defineSink<Options extends z.ZodObject>(sink: Sink<Options>): Sink<Options> {
  return Object.freeze(sink)
}
