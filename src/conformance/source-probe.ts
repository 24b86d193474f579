/** How the source cases read: through fresh readers, with splits and positions that went through JSON. */
import type { z } from 'zod'
import type { Context, Dataset, Json, Reader, RefusedRow, Source, Split } from '#connector'
import { contextOf } from './context.ts'
import { rowsOf, type Row } from './rows.ts'

export interface Place {
  readonly dataset: Dataset
  readonly split: Split
}

/** One chunk, copied. */
export interface Read {
  readonly rows: readonly Row[]
  readonly refused: readonly RefusedRow[]
  readonly position: Json | undefined
  readonly batchBytes: number
  /** Bytes of the batch without its last row. */
  readonly bytesBeforeLast: number
}

export function openReader(source: Source, options: z.input<z.ZodObject>, context: Partial<Context> = {}): Promise<Reader> {
  return source.open(source.options.parse(options), contextOf(context))
}

export async function allSplits(reader: Reader): Promise<Place[]> {
  const places: Place[] = []
  for (const dataset of await reader.discover()) {
    for await (const split of reader.enumerate(dataset)) places.push({ dataset: throughJson(dataset), split: throughJson(split) })
  }
  return places
}

export async function readSplit(reader: Reader, { dataset, split }: Place, position?: Json, encoded = false): Promise<Read[]> {
  const reads: Read[] = []
  for await (const { batch, refused = [], position: after } of reader.read(dataset, split, position, encoded)) {
    const bytesBeforeLast = batch.columns.reduce((sum, column) => sum + column.byteLength(batch.rows - 1), 0)
    const rows = rowsOf(batch)
    reads.push({ rows, refused, position: after && throughJson(after), batchBytes: batch.byteLength, bytesBeforeLast })
  }
  return reads
}

/** The rows of all splits, by dataset. */
export async function readAll(reader: Reader): Promise<Record<string, Row[]>> {
  const rows: Record<string, Row[]> = {}
  for (const place of await allSplits(reader)) {
    const read = await readSplit(reader, place)
    rows[place.dataset.id] = [...(rows[place.dataset.id] ?? []), ...read.flatMap(chunk => chunk.rows)]
  }
  return rows
}

export function throughJson<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T
}
