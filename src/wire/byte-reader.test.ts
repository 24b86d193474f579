import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { SluiceError } from '#errors'
import { ByteReader } from './byte-reader.ts'

const hex = (text: string) => Buffer.from(text.replace(/\s/g, ''), 'hex')

test('reads numbers of every width and byte order', () => {
  const reader = new ByteReader(hex('ff  3412  563412  78563412  f0debc9a78563412  fffe  fffffffd  80000001  8000000000000000'))
  assert.equal(reader.uint8(), 255)
  assert.equal(reader.uint16le(), 0x1234)
  assert.equal(reader.uint24le(), 0x123456)
  assert.equal(reader.uint32le(), 0x12345678)
  assert.equal(reader.uint64le(), 0x123456789abcdef0n)
  assert.equal(reader.int16be(), -2)
  assert.equal(reader.int32be(), -3)
  assert.equal(reader.uint32be(), 0x80000001)
  assert.equal(reader.int64be(), -(2n ** 63n))
  assert.equal(reader.left, 0)
})

test('takes bytes as views, and what is left', () => {
  const bytes = hex('010203 0405')
  const reader = new ByteReader(bytes)
  assert.deepEqual(reader.take(3), hex('010203'))
  assert.equal(reader.take(0).length, 0)
  const rest = reader.rest()
  assert.deepEqual(rest, hex('0405'))
  assert.equal(rest.buffer, bytes.buffer)
  assert.equal(reader.rest().length, 0)
})

test('reads text up to a NUL byte, which it skips', () => {
  const reader = new ByteReader(Buffer.from('größe\0\0x'))
  assert.deepEqual([reader.cstring(), reader.cstring(), reader.left], ['größe', '', 1])
  assert.throws(() => reader.cstring(), { code: 'wire.truncated', detail: { wanted: 2, left: 1 } })
})

const reads: readonly (readonly [name: string, bytes: number, read: (reader: ByteReader) => unknown])[] = [
  ['uint8', 1, reader => reader.uint8()],
  ['uint16le', 2, reader => reader.uint16le()],
  ['uint24le', 3, reader => reader.uint24le()],
  ['uint32le', 4, reader => reader.uint32le()],
  ['uint64le', 8, reader => reader.uint64le()],
  ['int16be', 2, reader => reader.int16be()],
  ['int32be', 4, reader => reader.int32be()],
  ['uint32be', 4, reader => reader.uint32be()],
  ['int64be', 8, reader => reader.int64be()],
  ['take', 5, reader => reader.take(5)],
]

for (const [name, bytes, read] of reads) {
  test(`${name} refuses every truncation instead of reading beyond the end`, () => {
    for (let length = 0; length < bytes; length++) {
      // The buffer goes on behind the message: only the message's own end counts.
      const reader = new ByteReader(Buffer.alloc(64).subarray(0, length))
      assert.throws(() => read(reader), { code: 'wire.truncated', fault: 'transient', detail: { wanted: bytes, left: length } })
      assert.equal(reader.position, 0, 'a refused read must not move')
    }
    const reader = new ByteReader(Buffer.alloc(64).subarray(0, bytes))
    read(reader)
    assert.equal(reader.left, 0)
  })
}

test('a negative length is refused', () => {
  const reader = new ByteReader(hex('0102'))
  reader.uint8()
  assert.throws(() => reader.take(-1), { code: 'wire.truncated' })
})

test('no bytes and no order of reads make it throw anything else, or leave its bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), fc.array(fc.nat(reads.length - 1), { maxLength: 20 }), (bytes, order) => {
      const reader = new ByteReader(Buffer.from(bytes))
      for (const i of order) {
        try {
          reads[i]?.[2](reader)
        } catch (error) {
          assert(SluiceError.is(error, 'wire.truncated'))
        }
        assert(reader.position >= 0 && reader.position <= bytes.length)
      }
    }),
    { numRuns: 300 },
  )
})
