import assert from 'node:assert/strict'
import { test } from 'node:test'
import { typeName } from '#columnar'
import { checkResumeColumn, declaredType, mapColumns, parseColumns } from './columns.ts'

const column = (name: string) => ({ kind: 'column', name })

test('parses the shapes of FlinkX', () => {
  assert.equal(parseColumns(undefined), undefined)
  for (const all of ['*', '', ['*'], [], [{ name: '*' }]]) assert.equal(parseColumns(all), undefined, JSON.stringify(all))
  assert.deepEqual(parseColumns('id, name'), [column('id'), column('name')])
  assert.deepEqual(parseColumns(['id', { name: 'name', type: 'varchar', key: '', value: null, format: '' }]), [
    column('id'),
    column('name'),
  ])
  assert.deepEqual(parseColumns([{ name: 'n', type: 'int', value: '5' }, { value: true }]), [
    { kind: 'constant', name: 'n', type: declaredType('int'), value: '5' },
    { kind: 'constant', name: 'val_true', type: declaredType('boolean'), value: 'true' },
  ])
})

test('names the entry that it cannot use', () => {
  assert.throws(() => parseColumns(['id', { index: 0, type: 'int' }]), {
    code: 'sql.bad-column',
    detail: { at: 2, reason: 'it has no `name` and no `value`' },
  })
  assert.throws(() => parseColumns(['*', 'id']), { code: 'sql.bad-column' })
  assert.throws(() => parseColumns([{ name: 'd', format: 'yyyy' }]), { code: 'sql.bad-column', message: /format/ })
  assert.throws(() => parseColumns(['a', ' ']), { code: 'sql.bad-column' })
})

test('knows the type words of FlinkX and of Sluice', () => {
  const words = {
    BIGINT: 'int64',
    'int(11)': 'int32',
    'varchar(20)': 'utf8',
    'decimal(12,2)': 'decimal(12,2)',
    NUMERIC: 'numeric',
    int16: 'int16',
    'double precision': 'float64',
    whatever: 'utf8',
    DATETIME: 'timestamp',
    timestamptz: 'timestamptz',
  }
  for (const [word, expected] of Object.entries(words)) assert.equal(typeName(declaredType(word)), expected, word)
})

const mapping = { dataset: 's.t', table: 'x.t', source: ['id', 'Name'], columns: undefined, target: ['name', 'id', 'more'] }

test('a column to resume by must be there, in the table or in the list', () => {
  const check = (column: string | undefined, list?: string[]) =>
    checkResumeColumn('x.t', column, ['id', 'Name'], parseColumns(list))
  for (const column of [undefined, 'id', 'NAME']) check(column)
  check('described', ['described', 'other'])
  assert.throws(() => check('nmae', ['id']), {
    code: 'sql.resume-column-missing',
    message: 'x.t has no column "nmae", by which the job wants to resume. It has: id, Name.',
    hint: /restoreColumnName/,
  })
})

test('maps by name when the writer names nothing, and by position when it does', () => {
  assert.deepEqual(mapColumns(mapping), ['id', 'name'])
  assert.deepEqual(mapColumns({ ...mapping, columns: parseColumns(['more', 'ID']) }), ['more', 'id'])
  assert.deepEqual(mapColumns({ ...mapping, target: undefined }), ['id', 'Name'])
})

test('refuses a mapping that loses or repeats a column', () => {
  assert.throws(() => mapColumns({ ...mapping, target: ['id'] }), { code: 'sql.column-missing', message: /"Name".*It has: id/ })
  assert.throws(() => mapColumns({ ...mapping, columns: parseColumns(['id']) }), { code: 'sql.column-count' })
  assert.throws(() => mapColumns({ ...mapping, columns: parseColumns(['id', 'id']) }), { code: 'sql.column-twice' })
  assert.throws(() => mapColumns({ ...mapping, columns: parseColumns(['id', { name: 'x', value: 1 }]) }), {
    code: 'sql.bad-column',
  })
  assert.throws(() => mapColumns({ ...mapping, source: ['a'], target: ['A', 'a '.trim().toUpperCase(), 'á'] }), {
    code: 'sql.column-missing',
  })
})
