import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { SluiceError } from '#errors'
import { applyParameters, parseParameters } from './parameters.ts'

test('parses k=v pairs as FlinkX writes them', () => {
  assert.deepEqual(parseParameters(''), {})
  assert.deepEqual(parseParameters('a=1,b.c-d=x y'), { a: '1', 'b.c-d': 'x y' })
  assert.deepEqual(parseParameters(' a =1=2,a=,b= '), { a: '', b: ' ' })
  assert.deepEqual(Object.keys(parseParameters('__proto__=x')), ['__proto__'])
})

test('says which entry is wrong, without its text', () => {
  for (const [text, message] of [
    ['a=1,secret', 'Entry 2 of the job parameters (-p) has no "=".'],
    ['=secret', 'Entry 1 of the job parameters (-p) has no name of letters, digits, "_", "." and "-".'],
    ['env:X=secret', 'Entry 1 of the job parameters (-p) has no name of letters, digits, "_", "." and "-".'],
  ] as const) {
    assert.throws(
      () => parseParameters(text),
      (error: unknown) => SluiceError.is(error, 'job.invalid-parameter') && error.message === message,
    )
  }
})

test('replaces every mention in the raw text and leaves others alone', () => {
  const { source, unused } = applyParameters(
    'job.json',
    '{"a": "${a}/${a}", "b": ${b}, "c": "${c}${env:D}${}"}',
    { a: 'x', b: '[1]', e: '5' },
    1000,
  )
  assert.equal(source.text, '{"a": "x/x", "b": [1], "c": "${c}${env:D}${}"}')
  assert.deepEqual(unused, ['e'])
})

test('a value is not looked at again', () => {
  assert.equal(applyParameters('job.json', '${a}', { a: '${b}', b: 'x' }, 1000).source.text, '${b}')
})

test('places are those of the file, whatever was put in', () => {
  const original = '{"a": "${a}",\n "b": ${b}, "c": 1}'
  const { source } = applyParameters('job.json', original, { a: 'line\nline\nline', b: '' }, 1000)
  assert.equal(source.place(source.text.indexOf('"c"')), 'job.json:2:13')
  assert.equal(source.place(source.text.indexOf('"b"')), 'job.json:2:2')
  assert.equal(source.place(source.text.indexOf('line') + 7), 'job.json:1:8')
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('x', '\n', '${a}', '${b}', '${a', ' '), { maxLength: 30 }),
      fc.string(),
      fc.string(),
      (parts, a, b) => {
        const text = `${parts.join('')}@`
        // Whatever is put in, what stands behind it is where it was.
        const marker = (value: string) => value.replaceAll('@', '')
        const replaced = applyParameters('f', text, { a: marker(a), b: marker(b) }, 10_000).source
        const plain = applyParameters('f', text, {}, 10_000).source
        assert.equal(replaced.place(replaced.text.length - 1), plain.place(text.length - 1))
      },
    ),
  )
})

test('a file cannot be blown up', () => {
  assert.throws(() => applyParameters('job.json', '${a}'.repeat(1000), { a: 'x'.repeat(10_000) }, 1_000_000), {
    code: 'job.too-large',
  })
})
