/** Files that are either the old or the new content, whatever happens in between. */
import { createHash } from 'node:crypto'
import { open, readFile, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { makeFolder } from '#connector'
import { engineErrors } from './errors.ts'

/** Files of this process so far: no two of them share a name while they are written. */
let written = 0

/** A disk that has not answered for so long, a network share for instance, counts as one that cannot be written. */
export const PATIENCE_MS = 60_000

/** What comes of work on a file; throws `engine.state-unwritable` when there is no answer for so long. */
export async function inTime<T>(file: string, patienceMs: number, work: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(
    () => late.reject(engineErrors.stateUnwritable({ file, reason: `no answer for ${patienceMs} ms` })),
    patienceMs,
  )
  work.catch(() => {}) // When it fails after all, nobody waits for it any more.
  try {
    return await Promise.race([work, late.promise])
  } finally {
    clearTimeout(timer)
  }
}

/** Writes beside, syncs, renames, syncs the folder. */
async function writeNow(file: string, text: string): Promise<void> {
  const beside = `${file}.${process.pid}-${++written}.tmp`
  try {
    await makeFolder(dirname(file))
    {
      await using handle = await open(beside, 'w', 0o600)
      await handle.writeFile(text)
      await handle.sync()
    }
    await rename(beside, file)
    await using folder = await open(dirname(file))
    await folder.sync()
  } catch (cause) {
    await rm(beside, { force: true }).catch(() => {})
    throw engineErrors.stateUnwritable({ file, reason: (cause as NodeJS.ErrnoException).code ?? String(cause) }, cause)
  }
}

const FORMAT = 'sluice-state/1'

/** JSON with a digest of its own, so that a torn or edited file is noticed. */
export async function writeState(file: string, body: object, patienceMs = PATIENCE_MS): Promise<void> {
  const text = JSON.stringify(body, null, 1)
  await inTime(file, patienceMs, writeNow(file, `${JSON.stringify({ format: FORMAT, digest: digestOf(text) })}\n${text}\n`))
}

/** Undefined when the file does not exist; throws `engine.state-torn` when it is not what was written. */
export async function readState(file: string): Promise<unknown> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw engineErrors.stateTorn({ file, reason: (cause as NodeJS.ErrnoException).code ?? 'unreadable' }, cause)
  }
  const end = text.indexOf('\n')
  const body = text.slice(end + 1).trimEnd()
  const head = parse(text.slice(0, Math.max(end, 0)))
  if (head?.['format'] !== FORMAT) throw engineErrors.stateTorn({ file, reason: 'it does not begin with its format' })
  if (head['digest'] !== digestOf(body)) throw engineErrors.stateTorn({ file, reason: 'its content does not match its digest' })
  const state = parse(body)
  if (state === undefined) throw engineErrors.stateTorn({ file, reason: 'its content is not JSON' })
  return state
}

function parse(text: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(text) as Record<string, unknown>
  } catch {
    return undefined
  }
}

const digestOf = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 32)
