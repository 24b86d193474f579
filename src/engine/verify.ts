/**
 * Proof that a target holds what its source holds. Two databases of a kind compute checksums per chunk of the key themselves. Where they
 * cannot, or where theirs differ, both sides are read: rows are hashed and counted per chunk, and the rows of differing chunks are read
 * once more to name them. Order does not matter and memory is bounded.
 *
 * This is independent of how the rows were written: another connection, other statements, the types of the target.
 */
import { Caster, planCast, RowHasher, typeName, utf8, type Batch, type Schema } from '#columnar'
import { DIGEST_CHUNKS, type ChunkDigest, type Dataset, type Reader, type Target } from '#connector'
import { engineErrors } from './errors.ts'
import type { JobSpec } from './spec.ts'
import { contextOf, type Connectors } from './worker.ts'

export interface DatasetVerdict {
  readonly dataset: string
  readonly target: string
  readonly sourceRows: number
  readonly targetRows: number
  readonly chunks: number
  readonly differingChunks: number
  /** How the two were compared. */
  readonly by: 'digests in the databases' | 'reading both sides'
  /** Keys of rows that differ or stand on one side only; at most as many as were asked for. */
  readonly rows: readonly { readonly key: string; readonly where: 'only in source' | 'only in target' | 'different' }[]
  readonly isEqual: boolean
  readonly notes: readonly string[]
}

/** 16 bytes each. */
const CHUNKS = DIGEST_CHUNKS

/** What both sides of a comparison are reduced to: columns of these types, in this order, and which of them are the key. */
interface Shape {
  readonly schema: Schema
  readonly key: readonly number[]
}

export async function verifyDataset(
  spec: JobSpec,
  connectors: Connectors,
  open: { readonly dataset: Dataset; readonly target: Target; readonly reader: Reader },
  options: { readonly signal: AbortSignal; readonly rows: number },
): Promise<DatasetVerdict> {
  const { dataset, target, reader } = open
  const sink = await connectors.sink(spec.sink.connector)
  const readBack = sink.readBack?.(spec.sink.options, target)
  if (readBack === undefined) throw engineErrors.notReadable({ target: target.name, sink: sink.title })
  const source = await connectors.source(spec.sink.connector)
  const context = contextOf({ job: spec.id, limits: spec.limits, parallelism: 1, signal: options.signal })
  await using back = await source.open(source.options.parse(readBack), context)
  const [written] = await back.discover()
  if (written === undefined) throw engineErrors.notReadable({ target: target.name, sink: sink.title })
  const shape = shapeOf(dataset, written)
  const isKeyed = shape.key.length < dataset.schema.fields.length
  const common = {
    dataset: dataset.id,
    target: target.name,
    chunks: CHUNKS,
    notes: isKeyed ? [] : ['No key was read, so a row that differs shows as one row on each side.'],
  }
  const rowsByDigest = await equalByDigests({ reader, dataset }, { reader: back, dataset: written }, shape.key)
  if (rowsByDigest !== undefined) {
    const found = { sourceRows: rowsByDigest, targetRows: rowsByDigest, differingChunks: 0, rows: [], isEqual: true }
    return { ...common, ...found, by: 'digests in the databases' }
  }
  const sides = [new Side(reader, dataset, shape), new Side(back, written, shape)] as const
  const [here, there] = [await sides[0].summarise(), await sides[1].summarise()]
  const differing = here.differences(there)
  const rows = differing.size === 0 || options.rows === 0 ? [] : await nameRows(sides, differing, options.rows)
  return {
    ...common,
    sourceRows: here.rows,
    targetRows: there.rows,
    differingChunks: differing.size,
    by: 'reading both sides',
    rows,
    isEqual: differing.size === 0,
  }
}

interface Readable {
  readonly reader: Reader
  readonly dataset: Dataset
}

/** The number of rows when both systems compute the same checksums in the same way; undefined when that proves nothing. */
async function equalByDigests(here: Readable, there: Readable, key: readonly number[]): Promise<number | undefined> {
  const forms = await Promise.all([here, there].map(async ({ reader, dataset }) => reader.digests?.form(dataset)))
  if (forms[0] === undefined || forms[0] !== forms[1]) return undefined
  const [ours, theirs] = await Promise.all(
    [here, there].map(async ({ reader, dataset }) => reader.digests?.compute(dataset, key)),
  )
  if (ours === undefined || theirs === undefined || ours.size !== theirs.size) return undefined
  let rows = 0
  for (const [chunk, digest] of ours) {
    if (!isSame(digest, theirs.get(chunk))) return undefined
    rows += digest.rows
  }
  return rows
}

const isSame = (one: ChunkDigest, other: ChunkDigest | undefined) => one.rows === other?.rows && one.sum === other.sum

/** Types of the target where the source can be cast to them, else text. */
function shapeOf(dataset: Dataset, written: Dataset): Shape {
  const fields = dataset.schema.fields.map((field, index) => {
    const there = written.schema.fields[index]
    if (there === undefined) throw new Error(`the target has no column ${index}`)
    const type = planCast(field.type, there.type) ? there.type : utf8
    return { name: field.name, type, nullable: true }
  })
  const names = fields.map(({ name }) => name)
  const key = dataset.primaryKey.map(name => names.indexOf(name))
  return { schema: { fields }, key: key.length === 0 || key.includes(-1) ? fields.map((_, i) => i) : key }
}

/** Row counts and sums of row hashes per chunk of the key space. */
class Summary {
  rows = 0
  readonly counts = new Float64Array(CHUNKS)
  readonly sums = new Int32Array(CHUNKS * 2)

  add(chunk: number, first: number, second: number): void {
    this.rows++
    this.counts[chunk]!++
    this.sums[chunk * 2] = (this.sums[chunk * 2]! + first) | 0
    this.sums[chunk * 2 + 1] = (this.sums[chunk * 2 + 1]! + second) | 0
  }

  differences(other: Summary): Set<number> {
    const differing = new Set<number>()
    for (let chunk = 0; chunk < CHUNKS; chunk++) {
      const sameSums = this.sums[chunk * 2] === other.sums[chunk * 2] && this.sums[chunk * 2 + 1] === other.sums[chunk * 2 + 1]
      if (this.counts[chunk] !== other.counts[chunk] || !sameSums) differing.add(chunk)
    }
    return differing
  }
}

class Side {
  readonly #reader: Reader
  readonly #dataset: Dataset
  readonly #shape: Shape
  readonly #keys = new RowHasher()
  readonly #rows = new RowHasher()

  constructor(reader: Reader, dataset: Dataset, shape: Shape) {
    this.#reader = reader
    this.#dataset = dataset
    this.#shape = shape
  }

  async summarise(): Promise<Summary> {
    const summary = new Summary()
    for await (const { batch, keys, rows } of this.#hashed()) {
      for (let row = 0; row < batch.rows; row++) summary.add(chunkOf(keys[row * 2]!), rows[row * 2]!, rows[row * 2 + 1]!)
    }
    return summary
  }

  /** Key and hash of the rows in some chunks; stops when there are `most` of them. */
  async collect(chunks: ReadonlySet<number>, most: number): Promise<Map<string, string>> {
    const found = new Map<string, string>()
    for await (const { batch, keys, rows } of this.#hashed()) {
      for (let row = 0; row < batch.rows; row++) {
        if (!chunks.has(chunkOf(keys[row * 2]!))) continue
        found.set(this.#keyText(batch, row), `${rows[row * 2]}/${rows[row * 2 + 1]}`)
        if (found.size >= most) return found
      }
    }
    return found
  }

  async *#hashed() {
    const { schema, key } = this.#shape
    const caster = new Caster(this.#dataset.schema, schema)
    const all = schema.fields.map((_, index) => index)
    for await (const split of this.#reader.enumerate(this.#dataset)) {
      for await (const chunk of this.#reader.read(this.#dataset, split, undefined)) {
        const cast = caster.cast(chunk.batch)
        if ('refused' in cast) {
          const { column, reason } = cast.refused
          throw engineErrors.incomparable({ dataset: this.#dataset.id, column, reason, type: typeOf(schema, column) })
        }
        yield { batch: cast.batch, keys: this.#keys.hash(cast.batch, key), rows: this.#rows.hash(cast.batch, all) }
      }
    }
  }

  #keyText(batch: Batch, row: number): string {
    const values = batch.row(row)
    return this.#shape.key.map(index => `${this.#shape.schema.fields[index]?.name}=${String(values[index])}`).join(', ')
  }
}

const chunkOf = (hash: number) => hash & (CHUNKS - 1)

const typeOf = (schema: Schema, column: string) => typeName(schema.fields.find(({ name }) => name === column)?.type ?? utf8)

/** Rows of differing chunks that are kept in memory per side while looking for the differences. */
const MOST_CANDIDATES = 200_000

async function nameRows(
  sides: readonly [Side, Side],
  chunks: ReadonlySet<number>,
  most: number,
): Promise<DatasetVerdict['rows']> {
  // With many differing chunks a few of them say enough; all would not fit.
  const some = new Set([...chunks].slice(0, 64))
  const here = await sides[0].collect(some, MOST_CANDIDATES)
  const there = await sides[1].collect(some, MOST_CANDIDATES)
  const rows: { key: string; where: DatasetVerdict['rows'][number]['where'] }[] = []
  for (const [key, hash] of here) {
    const other = there.get(key)
    if (other !== hash) rows.push({ key, where: other === undefined ? 'only in source' : 'different' })
  }
  for (const key of there.keys()) if (!here.has(key)) rows.push({ key, where: 'only in target' })
  return rows.sort((a, b) => a.key.localeCompare(b.key, 'en', { numeric: true })).slice(0, most)
}
