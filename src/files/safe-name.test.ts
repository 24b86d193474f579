import assert from 'node:assert/strict'
import { basename } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { placeOf, publishedName } from './file-place.ts'
import { safeName } from './safe-name.ts'

test('keeps what is readable and writes out the rest', () => {
  const names = {
    'public.orders': 'public.orders',
    'Bestellungen_2024-01': 'Bestellungen_2024-01',
    订单: '订单',
    '../../etc/passwd': '%2E.%2F..%2Fetc%2Fpasswd',
    '.hidden': '%2Ehidden',
    'a b*?': 'a%20b%2A%3F',
    '100%': '100%25',
    '': '%',
  }
  for (const [text, expected] of Object.entries(names)) assert.equal(safeName(text), expected)
})

test('is one file name for every text, and another for another text', () => {
  const text = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 300 }), fc.string({ maxLength: 300 }))
  fc.assert(
    fc.property(text, text, (a, b) => {
      const [name, other] = [safeName(a), safeName(b)]
      assert(!/[/\\\0*?[\]{}\s]|^[._]/.test(name), name)
      assert(Buffer.byteLength(name) <= 200)
      assert(a === b || name !== other)
    }),
  )
})

test('no dataset leaves the directory', () => {
  for (const layout of ['flat', 'folders'] as const) {
    for (const dataset of ['../x', '/etc/x', '..', '.', 'a/../../b', 'x\0y', 'C:\\x']) {
      const name = publishedName(placeOf({ layout }, dataset), 'run', '01234567', 1, '.csv')
      const parts = name.split('/')
      assert.equal(parts.length, layout === 'flat' ? 1 : 2)
      assert(!parts.includes('..') && basename(name) !== '', name)
    }
  }
})
