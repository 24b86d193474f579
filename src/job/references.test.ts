import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseJson } from './json.ts'
import { processSources, resolveReferences, type ReferenceSources } from './references.ts'

const sources = (env: Record<string, string>, files: Record<string, string> = {}): ReferenceSources => ({
  env,
  readFile: path => files[path] ?? assert.fail(path),
})

test('fills in values inside strings, anywhere in the tree', () => {
  const document = parseJson('{"a": "x${env:A}y${env:B}", "b": [{"c": "${file:p/q}"}], "${env:A}": 1, "d": "${A} $env:A"}', 'f')
  assert.deepEqual(resolveReferences(document, sources({ A: '1', B: '' }, { 'p/q': 'secret\r\n' })), [])
  assert.deepEqual(document.root.value, { a: 'x1y', b: [{ c: 'secret' }], '${env:A}': 1, d: '${A} $env:A' })
})

test('warns of what nothing fills in, by its place', () => {
  const document = parseJson('{"a": "t_${day}",\n "password": "${evn:PW}", "b": "${env:A}", "c": "$1 {x} \u0024{"}', 'f')
  assert.deepEqual(resolveReferences(document, sources({ A: '${B}' })), [])
  assert.deepEqual(
    document.warnings.map(({ code, place }) => [code, place]),
    [
      ['job.unfilled-parameter', 'f:1:7'],
      ['job.unfilled-parameter', 'f:2:14'],
    ],
  )
  assert(!JSON.stringify(document.warnings).includes('evn:PW'))
})

test('a value cannot change the structure and is not looked at again', () => {
  const document = parseJson('{"a": "${env:A}"}', 'f')
  resolveReferences(document, sources({ A: '", "b": "${env:A}' }))
  assert.deepEqual(document.root.value, { a: '", "b": "${env:A}' })
})

test('says which are missing and where, and leaves them as they are', () => {
  const document = parseJson('{"a": "${env:NOPE}",\n "b": ["${file:}", "${env:X"], "__proto__": "${env:constructor}"}', 'f')
  const problems = resolveReferences(document, { env: {}, readFile: () => assert.fail() })
  assert.deepEqual(
    problems.map(({ code, message }) => [code, message.split(' ')[0]]),
    [
      ['job.missing-variable', 'f:1:7:'],
      ['job.malformed-reference', 'f:2:8:'],
      ['job.malformed-reference', 'f:2:20:'],
      ['job.missing-variable', 'f:2:45:'],
    ],
  )
  assert.equal((document.root.value as { a: string }).a, '${env:NOPE}')
})

test('reads files beside the job file and says why it cannot', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-job-'))
  try {
    await writeFile(join(folder, 'secret'), '\ufeffpass word\n')
    await writeFile(join(folder, 'big'), 'x'.repeat(65 * 1024))
    await writeFile(join(folder, 'latin1'), Buffer.from([0xe9]))
    const read = (path: string) => {
      const document = parseJson(JSON.stringify({ a: `\${file:${path}}` }), join(folder, 'job.json'))
      const problems = resolveReferences(document, processSources(join(folder, 'job.json')))
      return problems[0]?.message.replace(/.*: /s, '') ?? document.root.value
    }
    assert.deepEqual(read('secret'), { a: 'pass word' })
    assert.deepEqual(read(join(folder, 'secret')), { a: 'pass word' })
    assert.equal(read('nope'), 'it does not exist.')
    assert.equal(read('.'), 'it is a directory.')
    assert.equal(read('big'), 'it is larger than 64 KiB.')
    assert.equal(read('latin1'), 'it is not UTF-8 text.')
    if (process.platform !== 'win32') assert.equal(read('/dev/zero'), 'it is a device or a pipe.')
  } finally {
    await rm(folder, { recursive: true })
  }
})

test('what is filled in is limited, one by one and together', () => {
  const filled = (count: number, length: number) => {
    const document = parseJson(JSON.stringify({ a: Array(count).fill('${env:A}') }), 'f')
    return resolveReferences(document, sources({ A: 'x'.repeat(length) }))
  }
  assert.deepEqual(filled(7, 1024 * 1024 - 10), [])
  assert.throws(() => filled(1, 1024 * 1024 + 1), { code: 'job.too-large', message: /one value/ })
  assert.throws(() => filled(9, 1024 * 1024 - 10), { code: 'job.too-large', message: /all values/ })
})
