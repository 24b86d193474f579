/** A folder for targets that read files. All threads of the process share it, as one that is terminated cannot remove its own. */
import { mkdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export const scratch = join(tmpdir(), `sluice-fuzz-${process.pid}`)
mkdirSync(scratch, { recursive: true })
process.once('exit', () => rmSync(scratch, { recursive: true, force: true }))
