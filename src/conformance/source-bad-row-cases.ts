/** Rows that a source cannot represent: set aside where the engine asks for that, the end of the read where it does not. */
import assert from 'node:assert/strict'
import type { z } from 'zod'
import type { Json, RefusedRow, Split } from '#connector'
import { SluiceError } from '#errors'
import type { Case } from './case.ts'
import { assertSameRows, type Row } from './rows.ts'
import { allSplits, openReader, readSplit, type Place, type Read } from './source-probe.ts'
import type { BadRowFixture, SourceFixture } from './source-suite.ts'

type Fixture = SourceFixture<z.ZodObject, Split, Json>

export function sourceBadRowCases({ source }: Fixture, { options, rows, refused }: BadRowFixture<z.ZodObject>): Case[] {
  const open = (batchRows: number) => openReader(source, options, { batchRows, quarantine: true })
  return [
    ...[1, 3, 1000].map((batchRows): Case => ({
      name: `hands out bad rows as refused ones between the others, ${batchRows} at a time`,
      async run() {
        await using reader = await open(batchRows)
        const reads: (Place & { chunks: Read[] })[] = []
        for (const place of await allSplits(reader)) reads.push({ ...place, chunks: await readSplit(reader, place) })
        for (const [id, expected] of Object.entries(rows)) {
          const own = reads.filter(({ dataset }) => dataset.id === id).flatMap(({ chunks }) => chunks)
          assertSameRows(own.flatMap(goodOf), expected, id)
        }
        const found = reads.flatMap(({ chunks }) => chunks.flatMap(chunk => chunk.refused))
        assert.deepEqual(found.map(seen).sort(byText), [...refused].sort(byText))
        for (const { chunks } of reads) for (const chunk of chunks) assertOrder(chunk, batchRows)
      },
    })),
    {
      name: 'goes on behind bad rows exactly where it was',
      async run() {
        await using reader = await open(1)
        for (const place of await allSplits(reader)) {
          const chunks = await readSplit(reader, place)
          for (const [at, { position }] of chunks.entries()) {
            if (position === undefined) continue
            const rest = (await readSplit(reader, place, position)).map(content)
            assert.deepEqual(rest, chunks.slice(at + 1).map(content), `behind ${JSON.stringify(position)}`)
          }
        }
      },
    },
    {
      name: 'stops at the first bad row unless it is to be set aside',
      async run() {
        const read = async () => {
          await using reader = await openReader(source, options)
          for (const place of await allSplits(reader)) await readSplit(reader, place)
        }
        await assert.rejects(read, (error: unknown) => SluiceError.is(error) && error.fault === 'data')
      },
    },
  ]
}

function goodOf({ rows, refused }: Read): Row[] {
  const bad = new Set(refused.map(({ row }) => row))
  return rows.filter((_, row) => !bad.has(row))
}

const content = ({ rows, refused }: Read) => ({ rows, refused })
const seen = ({ column, text }: RefusedRow) => ({ column, ...(text === undefined ? {} : { text }) })
const byText = (a: object, b: object) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)

function assertOrder({ rows, refused }: Read, batchRows: number): void {
  assert(rows.length <= batchRows, `${rows.length} rows`)
  const numbers = refused.map(({ row }) => row)
  assert.deepEqual(
    numbers,
    [...new Set(numbers)].sort((a, b) => a - b),
  )
  for (const { row, reason } of refused) assert(row < rows.length && reason !== '', `row ${row}: ${reason}`)
}
