/**
 * The Arrow IPC writer and reader against pyarrow, the reference implementation's Python package (tested with 26.0.1).
 *
 * `npm test` installs it and names the interpreter in SLUICE_PYTHON; skipped where that is impossible.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { parseTypeName } from '../types.ts'
import type { Value } from '../value.ts'
import { batchOf, rowsIn } from '../values.test-support.ts'
import { readIpc } from './read.ts'
import { IpcWriter } from './write.ts'

const python = process.env.SLUICE_PYTHON ?? 'python3'
const isThere = spawnSync(python, ['-c', 'import pyarrow']).status === 0
const skip = isThere ? false : `${python} has no pyarrow`

function run(script: string, input: Uint8Array): Buffer {
  const { status, stdout, stderr } = spawnSync(python, ['-c', `import sys, pyarrow as pa\n${script}`], {
    input,
    maxBuffer: 1 << 28,
  })
  assert.equal(status, 0, stderr.toString())
  return stdout
}

const typed = (name: string) => parseTypeName(name) ?? assert.fail(name)

/** Type, pyarrow's name for it, values, and what `str` makes of them in Python. */
const columns: readonly (readonly [type: string, arrow: string, values: readonly Value[], printed: readonly string[]])[] = [
  ['bool', 'bool', [true, false], ['True', 'False']],
  ['int8', 'int8', [-128, 127], ['-128', '127']],
  ['uint8', 'uint8', [255, 0], ['255', '0']],
  ['int16', 'int16', [-32768, 32767], ['-32768', '32767']],
  ['uint32', 'uint32', [4294967295, 0], ['4294967295', '0']],
  ['int64', 'int64', [-(2n ** 63n), 2n ** 63n - 1n], ['-9223372036854775808', '9223372036854775807']],
  ['uint64', 'uint64', [2n ** 64n - 1n, 0n], ['18446744073709551615', '0']],
  ['float32', 'float', [0.5, -Infinity], ['0.5', '-inf']],
  ['float64', 'double', [0.1, NaN], ['0.1', 'nan']],
  ['decimal(12,2)', 'decimal128(12, 2)', ['-9999999999.99', '0.01'], ['-9999999999.99', '0.01']],
  [
    'decimal(38,10)',
    'decimal128(38, 10)',
    ['1234567890123456789012345678.0987654321', '-0.0000000001'],
    ['1234567890123456789012345678.0987654321', '-1E-10'],
  ],
  ['numeric', 'string', ['-12.50', 'NaN'], ['-12.50', 'NaN']],
  ['utf8', 'string', ['ä\0😀', ''], ['ä\0😀', '']],
  ['json', 'extension<arrow.json>', ['{"a": [1]}', 'null'], ['{"a": [1]}', 'null']],
  ['binary', 'binary', [Uint8Array.of(0, 255), Uint8Array.of()], ["b'\\x00\\xff'", "b''"]],
  [
    'uuid',
    'extension<arrow.uuid>',
    ['01234567-89ab-cdef-0123-456789abcdef', 'ffffffff-ffff-ffff-ffff-ffffffffffff'],
    ['01234567-89ab-cdef-0123-456789abcdef', 'ffffffff-ffff-ffff-ffff-ffffffffffff'],
  ],
  ['date', 'date32[day]', ['0001-01-01', '9999-12-31'], ['0001-01-01', '9999-12-31']],
  ['time', 'time64[us]', ['00:00:00', '23:59:59.999999'], ['00:00:00', '23:59:59.999999']],
  ['duration', 'duration[us]', [-1n, 86_400_000_001n], ['-1 day, 23:59:59.999999', '1 day, 0:00:00.000001']],
  [
    'timestamp',
    'timestamp[us]',
    ['1969-12-31 23:59:59.999999', '9999-12-31 23:59:59'],
    ['1969-12-31 23:59:59.999999', '9999-12-31 23:59:59'],
  ],
  [
    'timestamptz',
    'timestamp[us, tz=UTC]',
    ['0001-01-01 00:00:00Z', '2024-02-29 12:00:00.000001Z'],
    ['0001-01-01 00:00:00+00:00', '2024-02-29 12:00:00.000001+00:00'],
  ],
  [
    'interval',
    'month_day_nano_interval',
    [
      { months: 14, days: -3, micros: 1n },
      { months: 0, days: 0, micros: -9_223_372_036_854_775n },
    ],
    ['MonthDayNano(months=14, days=-3, nanoseconds=1000)', 'MonthDayNano(months=0, days=0, nanoseconds=-9223372036854775000)'],
  ],
  ['list<int32>', 'list<item: int32>', [[1, null], []], ['[1, None]', '[]']],
  ['list<list<utf8>>', 'list<item: list<item: string>>', [[['a'], null], []], ["[['a'], None]", '[]']],
]

const types = columns.map(([type]) => typed(type))
const rows = [0, 1].map(row => columns.map(([, , values]) => values[row] ?? null))
const allNull = columns.map(() => null)

for (const format of ['stream', 'file'] as const) {
  test(`pyarrow reads a ${format} with every type`, { skip }, () => {
    const batch = batchOf(types, [rows[0]!, allNull, rows[1]!])
    const writer = new IpcWriter(batch.schema, { format })
    const bytes = Buffer.concat([writer.start(), writer.batch(batch), writer.batch(batchOf(types, [])), writer.end()])
    const printed = run(
      `import json
table = pa.ipc.open_${format}(sys.stdin.buffer.read()).read_all()
table.validate(full=True)
print(json.dumps([[str(column.type), [None if v is None else str(v) for v in column.to_pylist()]] for column in table.columns]))`,
      bytes,
    )
    const expected = columns.map(([, arrow, , [first, second]]) => [arrow, [first, null, second]])
    assert.deepEqual(JSON.parse(printed.toString()), expected)
  })

  test(`a ${format} that pyarrow has copied is read as it was`, { skip }, () => {
    const batch = batchOf(types, [rows[0]!, allNull, rows[1]!])
    const writer = new IpcWriter(batch.schema, { format })
    const bytes = Buffer.concat([writer.start(), writer.batch(batch), writer.end()])
    const copied = run(
      `table = pa.ipc.open_${format}(sys.stdin.buffer.read()).read_all()
sink = pa.BufferOutputStream()
with pa.ipc.new_${format}(sink, table.schema) as writer: writer.write_table(table)
sys.stdout.buffer.write(sink.getvalue())`,
      bytes,
    )
    assert.deepEqual([...readIpc(copied).batches].flatMap(rowsIn), [rows[0], allNull, rows[1]])
  })
}

test('slices, and NULLs with bytes behind them, are read', { skip }, () => {
  const bytes = run(
    `text = pa.Array.from_buffers(pa.string(), 3, [pa.py_buffer(bytes([0b101])), pa.array([0, 1, 3, 4], pa.int32()).buffers()[1], pa.py_buffer(b'abbc')])
lists = pa.ListArray.from_arrays(pa.array([0, 1, 3, 4], pa.int32()), pa.array([1, 2, 3, 4]), mask=pa.array([False, True, False]))
table = pa.table({'d': pa.array(['9.99', None, '-1.00']).cast(pa.decimal128(5, 2)).cast(pa.decimal32(5, 2)), 't': text, 'l': lists, 's': pa.array([b'xy', None, b'zz'], pa.binary(2)), 'b': pa.array([True, None, False])})
sink = pa.BufferOutputStream()
with pa.ipc.new_stream(sink, table.schema) as writer:
  writer.write_table(table)
  writer.write_table(table.slice(1, 2))
sys.stdout.buffer.write(sink.getvalue())`,
    Buffer.alloc(0),
  )
  const [first, second, third] = [
    ['9.99', 'a', [1n], Buffer.from('xy'), true],
    [null, null, null, null, null],
    ['-1.00', 'c', [4n], Buffer.from('zz'), false],
  ].map(row => row.map(value => (Buffer.isBuffer(value) ? Uint8Array.from(value) : value)))
  assert.deepEqual([...readIpc(bytes).batches].flatMap(rowsIn), [first, second, third, second, third])
})

test('compressed data is refused by name', { skip }, () => {
  const bytes = run(
    `table = pa.table({'a': list(range(1000))})
sink = pa.BufferOutputStream()
with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression='zstd')) as writer: writer.write_table(table)
sys.stdout.buffer.write(sink.getvalue())`,
    Buffer.alloc(0),
  )
  assert.throws(() => [...readIpc(bytes).batches], { code: 'columnar.bad-ipc', message: /compressed/ })
})
