import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { StagedFile, WRITE_BUFFERS, WRITE_BYTES, WriteBuffers } from './staged-file.ts'

const folder = await mkdtemp(join(tmpdir(), 'sluice-staged-file-'))
after(() => rm(folder, { recursive: true, force: true }))

test('writes in order what is handed over faster than the disk takes it, with few buffers', async () => {
  const path = join(folder, 'order')
  const file = await StagedFile.create(path)
  const meter = { bytes: 0, waitMs: 0 }
  const buffers = new WriteBuffers(meter)
  const used = new Set<Uint8Array>()
  for (let i = 0; i < 40; i++) {
    const large = i % 10 === 9
    const buffer = await buffers.acquire(large ? 2 * WRITE_BYTES : undefined)
    if (!large) used.add(buffer)
    buffers.send(file, buffer.fill(i), buffer.length)
  }
  await file.finish()
  const bytes = await readFile(path)
  assert.deepEqual([used.size, bytes.length, meter.bytes], [WRITE_BUFFERS, 44 * WRITE_BYTES, 44 * WRITE_BYTES])
  for (let at = 1; at < bytes.length; at++) if (bytes[at]! < bytes[at - 1]!) assert.fail(`byte ${at} is out of order`)
})

test('never writes to a file that is there', async () => {
  const path = join(folder, 'taken')
  await (await StagedFile.create(path)).finish()
  await assert.rejects(StagedFile.create(path), { code: 'file.unwritable', message: /EEXIST/ })
})

test('a write that fails is reported when the file is finished', async () => {
  const file = await StagedFile.create(join(folder, 'failing'))
  await file.abandon()
  await file.append(new Uint8Array(10))
  assert.throws(() => file.throwIfFailed(), { code: 'file.unwritable' })
})
