/** Columns of a table or query as they are selected, and as the fields of batches. */
import { Column, type Field, type Type, utf8, writeValue } from '#columnar'
import { type ColumnList, type ColumnSpec, findName, mysqlDialect, sqlErrors } from '#sql'
import { type TableFacts, tableSql } from './discovery.ts'
import type { KeyColumn } from './key.ts'
import type { Session } from './options.ts'
import type { BatchField } from './read-query.ts'
import { definedType, logicalType, type NativeColumn } from './types.ts'

const { quote } = mysqlDialect

/** A column that can be selected. */
export interface ReadColumn {
  readonly field: Field
  readonly expression: string
}

export interface Picked {
  /** What is selected: the columns of the batch that are no constants, then those of the key that are not among them. */
  readonly selected: readonly Field[]
  readonly expressions: readonly string[]
  readonly fields: readonly BatchField[]
}

/** What becomes of dates that do not exist. */
export type ZeroDates = 'refuse' | 'null' | 'text'

export const named = (name: string): ColumnSpec => ({ kind: 'column', name })
export const isVisible = (column: NativeColumn) => !column.isInvisible
export const isDate = (type: Type) => type.kind === 'date' || type.kind === 'timestamp'
export const isTimed = (type: Type) => type.kind === 'duration' || type.kind === 'timestamp'

/** With `zeroDates: text` the server writes dates as text. */
export function readColumn(field: Field, zeroDates: ZeroDates): ReadColumn {
  const expression = quote(field.name)
  if (zeroDates !== 'text' || !isDate(field.type)) {
    return { field: zeroDates === 'null' && isDate(field.type) ? { ...field, nullable: true } : field, expression }
  }
  const { fraction: _fraction, ...rest } = field
  return { field: { ...rest, type: utf8 }, expression: `CAST(${expression} AS CHAR)` }
}

export async function tableColumns(session: Session, facts: TableFacts, zeroDates: ZeroDates): Promise<ReadColumn[]> {
  const unknown = facts.columns.filter(column => logicalType(column) === undefined)
  const types = await typesOfUnknown(session, facts, unknown)
  return facts.columns.map(column =>
    readColumn(fieldOf(column, logicalType(column) ?? types.get(column.name) ?? utf8), zeroDates),
  )
}

/** Types that are newer than we are, or made by a plugin: as the server sends them. */
async function typesOfUnknown(
  { connection }: Session,
  facts: TableFacts,
  columns: readonly NativeColumn[],
): Promise<Map<string, Type>> {
  if (columns.length === 0) return new Map()
  const statement = await connection.prepare(
    `SELECT ${columns.map(({ name }) => quote(name)).join(', ')} FROM ${tableSql(facts)}`,
  )
  await connection.close(statement)
  return new Map(statement.definitions.map(definition => [definition.name, definedType(definition)]))
}

function fieldOf(column: NativeColumn, type: Type): Field {
  const isBounded = column.length !== undefined && /char$|binary$|text$|blob$/.test(column.dataType)
  const native = column.isJson
    ? 'json'
    : column.collation === undefined
      ? column.columnType
      : `${column.columnType} collate ${column.collation}`
  return {
    name: column.name,
    type,
    nullable: column.isNullable,
    native: { system: 'mysql', type: native },
    ...(isBounded ? { length: column.length } : {}),
    ...(isTimed(type) ? { fraction: column.fraction } : {}),
    ...(column.comment === '' ? {} : { comment: column.comment }),
  }
}

export function pick(dataset: string, specs: NonNullable<ColumnList>, columns: readonly ReadColumn[]): Picked {
  const known = columns.map(({ field }) => field.name)
  const missing = specs.flatMap(spec => (spec.kind === 'column' && findName(known, spec.name) === undefined ? [spec.name] : []))
  if (missing.length > 0) throw sqlErrors.columnMissing({ dataset, table: dataset, columns: missing, known })
  const selected: Field[] = []
  const expressions: string[] = []
  const fields = specs.map((spec, at): BatchField => {
    if (spec.kind === 'constant') return constantField(spec, at)
    const column = columns[known.indexOf(findName(known, spec.name) ?? '')]!
    selected.push(column.field)
    expressions.push(column.expression)
    return { field: column.field, from: selected.length - 1 }
  })
  return { selected, expressions, fields }
}

function constantField(spec: Extract<ColumnSpec, { kind: 'constant' }>, at: number): BatchField {
  const field: Field = { name: spec.name, type: spec.type, nullable: false }
  const value =
    spec.type.kind === 'bool'
      ? /^(true|1|t|yes)$/i.test(spec.value)
      : spec.type.kind === 'int' && spec.type.bits === 64
        ? BigInt(spec.value)
        : spec.value
  const fill = (column: Column, rows: number) => {
    for (let row = 0; row < rows; row++) writeValue(column, row, value)
  }
  try {
    fill(new Column(spec.type, 1), 1)
  } catch (cause) {
    throw sqlErrors.badColumn({ at: at + 1, reason: `"${spec.value}" is no ${spec.type.kind}` }, cause)
  }
  return { field, constant: fill }
}

export function addKey(
  picked: Picked,
  key: readonly KeyColumn[],
  columns: readonly ReadColumn[],
): Picked & { readonly keyAt: readonly number[] } {
  const selected = [...picked.selected]
  const expressions = [...picked.expressions]
  const keyAt = key.map(({ name, type }) => {
    // A key that is read as text has lost its order; it is read once more as it is.
    const at = selected.findIndex(field => field.name === name && field.type.kind === type.kind)
    if (at >= 0) return at
    const field = columns.find(column => column.field.name === name)?.field
    selected.push({ name, type, nullable: false, ...(field?.native ? { native: field.native } : {}) })
    expressions.push(quote(name))
    return selected.length - 1
  })
  return { ...picked, selected, expressions, keyAt }
}
