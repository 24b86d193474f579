import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, symlink } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { freePort, identify, isAlive, killTree, listensOn, treeOf, waitForEnd } from './processes.ts'

test('identifies a process whatever its name, and knows when it is gone', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-processes-'))
  t.after(() => rm(folder, { recursive: true }))
  await symlink('/bin/sleep', join(folder, 'a) R (b 1'))
  const child = spawn(join(folder, 'a) R (b 1'), ['60'])
  await once(child, 'spawn')
  const id = await identify(child.pid ?? 0)
  assert(id !== undefined)
  assert.match(id.startTicks, /^\d+$/)
  assert(await isAlive(id))
  assert.equal(await isAlive({ ...id, startTicks: '1' }), false, 'another process of the same number')
  child.kill('SIGKILL')
  assert(await waitForEnd(id, 60_000))
  assert.equal(await identify(id.pid), undefined)
})

test('kills a process with all that descend from it', async () => {
  const child = spawn('sh', ['-c', 'sh -c "sleep 60 & echo ready; wait" & wait'])
  await once(child.stdout, 'data')
  const tree = await treeOf(child.pid ?? 0)
  assert.equal(tree.length, 3)
  const ids = await Promise.all(tree.map(identify))
  await killTree(child.pid ?? 0)
  for (const id of ids) assert(id === undefined || (await waitForEnd(id, 60_000)))
})

test('tells whose a listening port is', async () => {
  const port = (await freePort()) ?? assert.fail('no free port')
  const other = spawn('sleep', ['60'])
  await once(other, 'spawn')
  const server = createServer().listen(port, '127.0.0.1')
  await once(server, 'listening')
  assert.equal(await freePort(port), undefined)
  assert(await listensOn(process.pid, port))
  assert.equal(await listensOn(other.pid ?? 0, port), false)
  server.close()
  await once(server, 'close')
  assert.equal(await listensOn(process.pid, port), false)
  assert.equal(await freePort(port), port)
  other.kill()
})
