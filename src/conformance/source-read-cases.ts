import assert from 'node:assert/strict'
import { sameType, typeName } from '#columnar'
import type { Json, Split } from '#connector'
import type { z } from 'zod'
import { within, type Case } from './case.ts'
import { assertUnreachable } from './declaration-cases.ts'
import { assertSameRows, rowsOf, type Row } from './rows.ts'
import { allSplits, openReader, readAll, readSplit, throughJson, type Place, type Read } from './source-probe.ts'
import type { SourceFixture } from './source-suite.ts'

type Fixture = SourceFixture<z.ZodObject, Split, Json>

/** Positions of one split that are resumed from; more are thinned out evenly, the first and the last stay. */
const RESUMED_POSITIONS = 40

/** What a source reads, when nothing goes wrong. */
export function sourceReadCases(fixture: Fixture): Case[] {
  const { source, options, rows: expected } = fixture
  const isBounded = source.capabilities.boundedness === 'bounded'
  return [
    ...(fixture.brokenOptions === undefined ? [] : [unreachableCase(fixture, fixture.brokenOptions)]),
    {
      name: 'discovers the same datasets every time, in order of id, as plain data',
      async run() {
        await using reader = await openReader(source, options)
        const found = await reader.discover()
        const ids = found.map(({ id }) => id)
        assert.deepEqual(ids, Object.keys(expected).sort())
        assert.deepEqual(
          (await reader.discover()).map(({ id }) => id),
          ids,
        )
        for (const dataset of found) assert.deepEqual(throughJson(dataset), dataset)
      },
    },
    {
      name: 'says what it promises: an end',
      run: () => assert(isBounded, 'a source without an end needs a suite of its own, which does not exist yet'),
    },
    {
      name: 'makes splits and positions that survive JSON',
      async run() {
        await using reader = await openReader(source, options)
        for (const dataset of await reader.discover()) {
          for await (const split of reader.enumerate(dataset)) {
            assert.deepEqual(throughJson(split), split)
            assert.equal(split.dataset, dataset.id)
            for await (const { position } of reader.read(dataset, split, undefined)) {
              if (position !== undefined) assert.deepEqual(throughJson(position), position)
            }
          }
        }
      },
    },
    {
      name: 'gives every split another id, and the fixture at least two',
      async run() {
        await using reader = await openReader(source, options)
        const ids = (await allSplits(reader)).map(({ split }) => split.id)
        assert(ids.length >= 2, 'the fixture must make at least two splits')
        assert.equal(new Set(ids).size, ids.length, `${ids.join()}`)
      },
    },
    {
      name: 'reads every row exactly once over all splits',
      async run() {
        assert(
          Object.values(expected).some(rows => rows.length >= 20),
          'one dataset of the fixture must have 20 rows',
        )
        await using reader = await openReader(source, options)
        const read = await readAll(reader)
        for (const [id, rows] of Object.entries(expected)) assertSameRows(read[id] ?? [], rows, id)
      },
    },
    {
      name: 'gives batches of the columns that were discovered',
      async run() {
        await using reader = await openReader(source, options)
        for (const { dataset, split } of await allSplits(reader)) {
          for await (const { batch } of reader.read(dataset, split, undefined)) {
            const shape = batch.schema.fields.map(({ name, type }) => `${name} ${typeName(type)}`)
            assert.deepEqual(
              shape,
              dataset.schema.fields.map(({ name, type }) => `${name} ${typeName(type)}`),
            )
            for (const [at, column] of batch.columns.entries()) assert(sameType(column.type, batch.schema.fields[at]!.type))
            for (const [at, { name, nullable }] of batch.schema.fields.entries()) {
              assert(nullable || batch.columns[at]!.nulls === 0, `${dataset.id}.${name} is declared NOT NULL and holds NULL`)
            }
          }
        }
      },
    },
    ...[1, 7].map(batchRows => ({
      name: `never gives an empty batch nor one above ${batchRows} ${batchRows === 1 ? 'row' : 'rows'}`,
      async run() {
        await using reader = await openReader(source, options, { batchRows })
        for (const place of await allSplits(reader)) {
          for (const { rows } of await readSplit(reader, place))
            assert(rows.length >= 1 && rows.length <= batchRows, `${rows.length}`)
        }
      },
    })),
    {
      name: 'ends a batch with the row that reaches the limit of bytes',
      async run() {
        const batchBytes = 128
        await using reader = await openReader(source, options, { batchBytes })
        for (const place of await allSplits(reader)) {
          for (const { rows, bytesBeforeLast } of await readSplit(reader, place)) {
            assert(rows.length === 1 || bytesBeforeLast <= batchBytes, `${bytesBeforeLast} bytes before the last row`)
          }
        }
      },
    },
    {
      name: 'gives the same rows and positions, in the same batches, where they may stay encoded',
      async run() {
        await using reader = await openReader(source, options, { batchRows: 3 })
        for (const place of await allSplits(reader)) {
          if (place.dataset.encoding === undefined) continue
          const [decoded, encoded] = [await readSplit(reader, place), await readSplit(reader, place, undefined, true)]
          const seen = (reads: readonly Read[]) => reads.map(({ rows, position }) => ({ rows, position }))
          assert.deepEqual(seen(encoded), seen(decoded))
        }
      },
    },
    {
      name: 'reads several splits at the same time through one reader',
      async run() {
        await using reader = await openReader(source, options, { batchRows: 2 })
        const places = await allSplits(reader)
        const reading = places.map(({ dataset, split }) => ({
          id: dataset.id,
          chunks: reader.read(dataset, split, undefined)[Symbol.asyncIterator](),
        }))
        const read: Record<string, Row[]> = Object.fromEntries(Object.keys(expected).map(id => [id, []]))
        for (let open = reading; open.length > 0;) {
          const results = await Promise.all(open.map(({ chunks }) => chunks.next()))
          // Looked at only now: a batch is lent until its own read goes on, whatever the others do.
          for (const [at, { value }] of results.entries())
            if (value !== undefined) read[open[at]!.id]?.push(...rowsOf(value.batch))
          open = open.filter((_, at) => results[at]?.done !== true)
        }
        for (const [id, rows] of Object.entries(expected)) assertSameRows(read[id] ?? [], rows, id)
      },
    },
    resumeCase(fixture),
  ]
}

function unreachableCase({ source }: Fixture, brokenOptions: z.input<z.ZodObject>): Case {
  return {
    name: 'reports a system that is not there as a usage or transient error with a hint',
    async run() {
      const attempt = async () => {
        await using reader = await openReader(source, brokenOptions)
        await reader.discover()
      }
      await within(30_000, 'finding out that nothing is there', assert.rejects(attempt, assertUnreachable))
    },
  }
}

function resumeCase({ source, options }: Fixture): Case {
  if (source.capabilities.resume === 'split') {
    return {
      name: 'resumes by split: gives no positions, and says so in the plan',
      async run() {
        await using reader = await openReader(source, options)
        for (const dataset of await reader.discover()) assert.equal((await reader.explain(dataset)).resume.by, 'split')
        for (const place of await allSplits(reader)) {
          for (const { position } of await readSplit(reader, place)) assert.equal(position, undefined)
        }
      },
    }
  }
  return {
    name: 'resumes after every position without loss or repetition, in a fresh reader, and says so in the plan',
    async run() {
      await using reader = await openReader(source, options, { batchRows: 1 })
      let inside = 0
      for (const place of await allSplits(reader)) {
        const chunks = await readSplit(reader, place)
        const { by } = (await reader.explain(place.dataset)).resume
        const positions = chunks.filter(({ position }) => position !== undefined).length
        assert.equal(by, positions > 0 || chunks.length === 0 ? by : 'split', `the plan promises positions of ${place.split.id}`)
        if (by === 'split') assert.equal(positions, 0, `the plan denies the positions of ${place.split.id}`)
        inside += Math.max(0, positions - 1)
        await resumeEverywhere({ source, options }, place, chunks)
      }
      assert(inside > 0, 'the source declares that it resumes by position and gave none inside a split')
    },
  }
}

async function resumeEverywhere({ source, options }: Pick<Fixture, 'source' | 'options'>, place: Place, chunks: readonly Read[]) {
  const step = Math.max(1, Math.ceil(chunks.length / RESUMED_POSITIONS))
  for (const [at, { position }] of chunks.entries()) {
    if (position === undefined || (at % step !== 0 && at !== chunks.length - 1)) continue
    // Nothing but the position carries over, and the size of batches may change between two runs.
    await using second = await openReader(source, options, { batchRows: 3 })
    const rest = (await readSplit(second, place, position)).flatMap(({ rows }) => rows)
    assertSameRows(
      rest,
      chunks.slice(at + 1).flatMap(({ rows }) => rows),
      `${place.split.id} after chunk ${at}`,
    )
  }
}
