import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseTypeName, typeName } from '#columnar'
import { membersOf, type NativeColumn } from './types.ts'
import { parameterColumn, wantedType } from './wanted-type.ts'

/** A column as the catalog describes it, from its DDL. */
function column(ddl: string): NativeColumn {
  const [, dataType = '', parameters = ''] = /^(\w+)(?:\(([^)]*)\))?/.exec(ddl) ?? []
  const [first = 0, second = 0] = parameters.split(',').map(Number)
  return {
    name: 'c',
    dataType,
    columnType: ddl,
    ...membersOf({ dataType, columnType: ddl }),
    isNullable: true,
    precision: first,
    scale: second,
    length: /char|binary/.test(dataType) ? first : undefined,
    fraction: first,
    charset: undefined,
    collation: undefined,
    comment: '',
    isGenerated: false,
    isInvisible: false,
    hasDefault: false,
    isAutoIncrement: false,
    isJson: false,
  }
}

const wanted = (source: string, ddl: string) => typeName(wantedType(parseTypeName(source) ?? assert.fail(source), column(ddl)))

test('asks for the type of the source where the column can hold all of it, else for its own', () => {
  const cases: readonly (readonly [source: string, ddl: string, wanted: string])[] = [
    ['int32', 'bigint(20)', 'int32'],
    ['uint32', 'bigint(20)', 'uint32'],
    ['uint64', 'bigint(20)', 'int64'],
    ['int8', 'tinyint(3) unsigned', 'uint8'],
    ['bool', 'tinyint(1)', 'bool'],
    ['int64', 'mediumint(9)', 'int32'],
    ['decimal(12,2)', 'decimal(14,3)', 'decimal(12,2)'],
    ['decimal(12,4)', 'decimal(12,2)', 'decimal(12,2)'],
    ['decimal(12,2)', 'decimal(12,4)', 'decimal(12,4)'],
    ['int32', 'decimal(10,0)', 'int32'],
    ['int64', 'decimal(10,0)', 'decimal(10,0)'],
    ['numeric', 'decimal(65,30)', 'numeric'],
    ['numeric', 'decimal(38,10)', 'decimal(38,10)'],
    ['float32', 'double', 'float32'],
    ['float64', 'float', 'float32'],
    ['bool', 'bit(1)', 'bool'],
    ['int16', 'bit(8)', 'uint64'],
    ['binary', 'bit(8)', 'binary'],
    ['timestamptz', 'datetime(6)', 'timestamp'],
    ['timestamp', 'timestamp(6)', 'timestamptz'],
    ['time', 'time(6)', 'time'],
    ['interval', 'time(6)', 'duration'],
    ['uuid', 'char(36)', 'uuid'],
    ['uuid', 'binary(16)', 'uuid'],
    ['uuid', 'binary(8)', 'binary'],
    ['json', 'longtext', 'json'],
    ['int32', 'varchar(20)', 'utf8'],
    ['utf8', 'json', 'utf8'],
    ['list<utf8>', 'json', 'json'],
    ['binary', 'point', 'binary'],
    ['int32', 'year(4)', 'int16'],
    ['utf8', "enum('a')", 'utf8'],
    ['uuid', "enum('a')", 'utf8'],
    ['json', "set('a')", 'utf8'],
  ]
  for (const [source, ddl, expected] of cases) assert.equal(wanted(source, ddl), expected, `${source} into ${ddl}`)
})

// What information_schema of MariaDB 10.11 and MySQL 9 says of ENUM('a','it''s','b\\c','n\nl','z\0z','r\rr','','\'','\\\'').
test('reads the members of ENUM and SET with all that the catalog escapes', () => {
  const columnType = String.raw`enum('a','it''s','b\\c','n\nl','z\0z','r\rr','','''','\\''')`
  const members = ['a', "it's", 'b\\c', 'n\nl', 'z\0z', 'r\rr', '', "'", "\\'"]
  assert.deepEqual(membersOf({ dataType: 'enum', columnType }), { members })
  assert.deepEqual(membersOf({ dataType: 'varchar', columnType: 'varchar(3)' }), {})
})

test('trims padding that means nothing in the source, for ENUM as for CHAR', () => {
  const source = { name: 's', type: { kind: 'utf8' as const }, nullable: true }
  const padded = { ...source, native: { system: 'postgres', type: 'character(5)' } }
  const spaces = (field: typeof source, ddl: string) => parameterColumn(field, field.type, column(ddl), true).trailingSpaces
  assert.deepEqual(
    [spaces(padded, 'char(5)'), spaces(padded, "enum('a')"), spaces(padded, 'varchar(5)')],
    ['trim', 'trim', 'keep'],
  )
  assert.deepEqual([spaces(source, 'char(5)'), spaces(source, "enum('a')")], ['refuse', 'keep'])
})

test('checks lengths only where the source does not bound them itself', () => {
  const source = { name: 's', type: { kind: 'utf8' as const }, nullable: true }
  const limit = (length: number | undefined, ddl: string) =>
    parameterColumn({ ...source, ...(length === undefined ? {} : { length }) }, source.type, column(ddl), true).maxChars
  assert.equal(limit(undefined, 'varchar(20)'), 20)
  assert.equal(limit(20, 'varchar(20)'), undefined)
  assert.equal(limit(21, 'varchar(20)'), 20)
  assert.equal(limit(undefined, 'text'), undefined)
})
