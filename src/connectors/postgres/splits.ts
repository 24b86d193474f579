/** Divides what a selection reads: by ranges of a key, of a column, of table blocks, or by remainders. */
import type { Note, Split } from '#connector'
import { postgresDialect, quoteTableName, rangePredicate, remainderPredicate } from '#sql'
import { postgresErrors } from './errors.ts'
import type { Connection } from './protocol/connection.ts'
import { selectStatement, type SelectedColumn, type Selection } from './selection.ts'

/** Part of a dataset. Without bounds, all of it. */
export type PgSplit = Split & {
  /** `key`: read in the order of the key. `range`: of a column. `blocks`: of the table file. `remainder`: of a column. */
  readonly by: 'key' | 'range' | 'blocks' | 'remainder' | 'all'
  /** Key values as text; the range is lower < key <= upper. */
  readonly lower?: readonly string[]
  readonly upper?: readonly string[]
  /** The first range of a column takes its NULLs, too. */
  readonly nulls?: boolean
  readonly fromBlock?: number
  readonly toBlock?: number
  /** The partition, when blocks are meant. */
  readonly schema?: string
  readonly table?: string
  readonly remainder?: number
  readonly divisor?: number
}

/** Values of the key columns of the last row read, as text. */
export type PgPosition = readonly string[]

/** Below this many rows, cutting costs more than it brings. */
const FEW_ROWS = 100_000
/** Blocks that a sample looks at per split, and at least. Neighbours are alike, so blocks count, not rows. */
const SAMPLE_BLOCKS = { even: 100, rough: 20 }
const LEAST_SAMPLE_BLOCKS = { even: 1000, rough: 100 }
/** Below this, the values of a column say nothing about where its rows lie in the table. */
const SCATTERED = 0.5
/** Ranges of ctid are read as such from this version on, before it they are a scan of the whole table each. */
const TID_RANGES = 140_000

export interface SplitOptions {
  readonly parallelism: number
  /** Rows of a split. */
  readonly splitRows: number
  readonly strategy: 'range' | 'mod'
}

/** The splits of a selection, fixed from now on. */
export async function divide(session: Connection, selection: Selection, options: SplitOptions): Promise<PgSplit[]> {
  const { key, splitColumn } = selection
  if (splitColumn !== undefined && options.strategy === 'mod') return byRemainder(selection, splitColumn, options.parallelism)
  const columns = splitColumn === undefined ? key : [splitColumn]
  if (columns.length > 0) return byRange(session, selection, columns, options)
  return selection.relation === undefined || selection.conditions.length > 0
    ? [whole(selection)]
    : byBlocks(session, selection, options)
}

const whole = ({ dataset }: Selection): PgSplit => ({ id: splitId(dataset.id, 0), dataset: dataset.id, by: 'all' })

const splitId = (dataset: string, at: number) => `${dataset}/${String(at).padStart(4, '0')}`

function byRemainder({ dataset }: Selection, { name, type }: SelectedColumn, parallelism: number): PgSplit[] {
  if (type.kind !== 'int' && !(type.kind === 'decimal' && type.scale === 0)) {
    throw postgresErrors.splitColumnUnusable({
      dataset: dataset.id,
      column: name,
      reason: '`splitStrategy: mod` needs an integer',
    })
  }
  return Array.from({ length: parallelism }, (_, at) => ({
    id: splitId(dataset.id, at),
    dataset: dataset.id,
    by: 'remainder',
    remainder: at,
    divisor: parallelism,
  }))
}

async function byRange(
  session: Connection,
  selection: Selection,
  columns: readonly SelectedColumn[],
  options: SplitOptions,
): Promise<PgSplit[]> {
  const by = selection.splitColumn === undefined ? 'key' : 'range'
  const count = await rangeCount(session, selection, columns, options)
  const bounds = count === 1 ? [] : await sampleBounds(session, selection, columns, { count, isRough: options.parallelism === 1 })
  return [...bounds, undefined].map((upper, at) => {
    const lower = bounds[at - 1]
    return {
      id: splitId(selection.dataset.id, at),
      dataset: selection.dataset.id,
      by,
      ...(lower === undefined ? {} : { lower }),
      ...(upper === undefined ? {} : { upper }),
      ...(by === 'range' && at === 0 ? { nulls: true } : {}),
    }
  })
}

const splitCount = (rows: number, { parallelism, splitRows }: SplitOptions) =>
  Math.max(Math.ceil(rows / splitRows), rows > FEW_ROWS ? parallelism : 1)

async function rangeCount(
  session: Connection,
  selection: Selection,
  columns: readonly SelectedColumn[],
  options: SplitOptions,
): Promise<number> {
  const count = splitCount(await estimateRows(session, selection), options)
  if (count <= options.parallelism || !(await isScattered(session, selection, columns))) return count
  return options.parallelism
}

/**
 * Whether every range would have to look at nearly every block of a table that the server cannot keep in memory. Then few large
 * ranges, each sorted, are better than many small ones.
 */
async function isScattered(session: Connection, { relation }: Selection, [leading]: readonly SelectedColumn[]): Promise<boolean> {
  if (relation === undefined || leading === undefined) return false
  const { rows } = await session.execute(
    `SELECT abs(s.correlation) < ${SCATTERED} AND pg_table_size($1::oid) > pg_size_bytes(current_setting('shared_buffers'))
       FROM pg_stats s WHERE s.schemaname = $2 AND s.tablename = $3 AND s.attname = $4 AND NOT s.inherited`,
    [String(relation.oid), relation.schema, relation.name, leading.name],
  )
  return rows[0]?.[0] === 't'
}

/** What the planner expects without the conditions; it looks at the size of the table even when that was never analysed. */
async function estimateRows(session: Connection, { from }: Selection): Promise<number> {
  const { rows } = await session.query(`EXPLAIN (FORMAT JSON) SELECT 1 FROM ${from}`)
  const [plan] = JSON.parse(rows.map(([line]) => line).join('\n')) as { Plan: { 'Plan Rows': number } }[]
  return plan?.Plan['Plan Rows'] ?? 0
}

/** Boundaries between `count` ranges, ascending, each different. The server sorts and compares, as it will when it reads. */
async function sampleBounds(
  session: Connection,
  selection: Selection,
  columns: readonly SelectedColumn[],
  { count, isRough }: { readonly count: number; readonly isRough: boolean },
): Promise<string[][]> {
  const names = columns.map(({ name }) => postgresDialect.quote(name))
  const { rows } = await session.query(
    `WITH sample AS MATERIALIZED (SELECT ${names.join(', ')} FROM ${await sampled(session, selection, count, isRough)}),
          ranked AS (SELECT ${names.join(', ')}, row_number() OVER (ORDER BY ${names.join(', ')}) AS sluice_rank, count(*) OVER () AS sluice_count
                       FROM sample WHERE ${names.map(name => `${name} IS NOT NULL`).join(' AND ')})
     SELECT ${names.map(name => `${name}::text`).join(', ')} FROM ranked
      WHERE sluice_rank IN (SELECT (sluice_count * part) / ${count} FROM generate_series(1, ${count - 1}) AS part)
      ORDER BY sluice_rank`,
  )
  const bounds = rows.map(row => row.map(value => value ?? ''))
  return bounds.filter((row, at) => at === 0 || row.some((value, column) => value !== bounds[at - 1]?.[column]))
}

/** The FROM clause of a sample; a rough one does where a single worker reads all ranges one after the other. Views, foreign tables and queries have no blocks; every n-th row of a whole scan is taken. */
async function sampled(session: Connection, { from, relation }: Selection, count: number, isRough: boolean): Promise<string> {
  if (relation !== undefined && ['r', 'p', 'm'].includes(relation.kind)) {
    const leaves = await leavesOf(session, relation.oid)
    const blocks = leaves.reduce((sum, leaf) => sum + leaf.blocks, 0)
    const accuracy = isRough ? 'rough' : 'even'
    const wanted = Math.max(LEAST_SAMPLE_BLOCKS[accuracy], SAMPLE_BLOCKS[accuracy] * count)
    return blocks <= wanted ? from : `${from} TABLESAMPLE SYSTEM (${(100 * wanted) / blocks}) REPEATABLE (0)`
  }
  return `${from} WHERE random() < 0.05`
}

interface Leaf {
  readonly schema: string
  readonly table: string
  readonly blocks: number
}

/** Ranges of blocks of a table without a key, or of each of its partitions. */
async function byBlocks(session: Connection, selection: Selection, options: SplitOptions): Promise<PgSplit[]> {
  const { relation, dataset } = selection
  if (relation === undefined || session.serverVersion < TID_RANGES || !['r', 'p'].includes(relation.kind))
    return [whole(selection)]
  const leaves = await leavesOf(session, relation.oid)
  const rows = await estimateRows(session, selection)
  const blocks = leaves.reduce((sum, leaf) => sum + leaf.blocks, 0)
  const count = splitCount(rows, options)
  if (count === 1) return [whole(selection)]
  const blocksPerSplit = Math.max(1, Math.ceil(blocks / count))
  const ranges = leaves.flatMap(leaf => cutBlocks(leaf, blocksPerSplit))
  return ranges.map((range, at) => ({ id: splitId(dataset.id, at), dataset: dataset.id, by: 'blocks', ...range }))
}

/** The last range of a table is open: rows may be added behind it. */
function cutBlocks({ schema, table, blocks }: Leaf, blocksPerSplit: number) {
  const count = Math.max(1, Math.round(blocks / blocksPerSplit))
  const start = (at: number) => Math.round((at * blocks) / count)
  return Array.from({ length: count }, (_, at) => ({
    schema,
    table,
    ...(at === 0 ? {} : { fromBlock: start(at) }),
    ...(at === count - 1 ? {} : { toBlock: start(at + 1) }),
  }))
}

async function leavesOf(session: Connection, oid: number): Promise<Leaf[]> {
  const { rows } = await session.execute(
    `SELECT n.nspname, c.relname, pg_relation_size(c.oid) / current_setting('block_size')::int
       FROM (SELECT relid FROM pg_partition_tree($1::oid::regclass) WHERE isleaf UNION SELECT $1::oid::regclass WHERE NOT EXISTS (SELECT FROM pg_partition_tree($1::oid::regclass))) AS leaf
       JOIN pg_class c ON c.oid = leaf.relid JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind IN ('r', 'f') ORDER BY 1, 2`,
    [String(oid)],
  )
  return rows.map(([schema, table, blocks]) => ({ schema: schema ?? '', table: table ?? '', blocks: Number(blocks) }))
}

/** The query that reads a split, from its start or behind a position. `columns` may hold more than those of the dataset. */
export function splitStatement(
  selection: Selection,
  split: PgSplit,
  columns: readonly SelectedColumn[],
  position?: PgPosition,
): string {
  switch (split.by) {
    case 'key': {
      const key = selection.key.map(({ name }) => postgresDialect.quote(name))
      return selectStatement(
        selection,
        columns,
        [rangePredicate(postgresDialect, key, { lower: position ?? split.lower, upper: split.upper })],
        key,
      )
    }
    case 'range': {
      const column = postgresDialect.quote(selection.splitColumn?.name ?? '')
      const range = rangePredicate(postgresDialect, [column], split)
      const nulls = split.nulls === true && range !== undefined ? `(${range}) OR ${column} IS NULL` : range
      return selectStatement(selection, columns, [nulls], selection.orderBy)
    }
    case 'remainder': {
      const column = postgresDialect.quote(selection.splitColumn?.name ?? '')
      return selectStatement(
        selection,
        columns,
        [remainderPredicate(column, split.remainder ?? 0, split.divisor ?? 1)],
        selection.orderBy,
      )
    }
    case 'blocks': {
      const from = `ONLY ${quoteTableName({ schema: split.schema ?? '', name: split.table ?? '' }, postgresDialect)}`
      const conditions = [
        split.fromBlock === undefined ? undefined : `ctid >= '(${Number(split.fromBlock)},0)'::tid`,
        split.toBlock === undefined ? undefined : `ctid < '(${Number(split.toBlock)},0)'::tid`,
      ]
      return selectStatement(selection, columns, conditions, [], from)
    }
    case 'all':
      return selectStatement(selection, columns, [], selection.orderBy)
  }
}

/** Whether, and why, a split of this selection resumes inside. */
export function resumeOf(selection: Selection): { by: 'position' | 'split'; why: string; notes: Note[] } {
  const { key, splitColumn, relation, orderBy } = selection
  if (key.length > 0)
    return { by: 'position', why: `read in the order of the key (${key.map(({ name }) => name).join(', ')})`, notes: [] }
  if (splitColumn !== undefined) return { by: 'split', why: `"${splitColumn.name}" does not identify a row`, notes: [] }
  if (orderBy.length > 0)
    return { by: 'split', why: `ordered by ${orderBy.join(', ')}, which need not identify a row`, notes: [] }
  if (relation === undefined) return { by: 'split', why: 'a query has no key', notes: [] }
  const text = `${relation.label} has no key: rows that are updated while it is read may be read twice or not at all.`
  return {
    by: 'split',
    why: 'the table has no primary key and no unique key without NULLs',
    notes: relation.kind === 'r' || relation.kind === 'p' ? [{ level: 'warning', text }] : [],
  }
}
