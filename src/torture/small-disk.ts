/** Disks of a few pages, in memory, to be filled. */
import { execFile as execFileWithCallback } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const execFile = promisify(execFileWithCallback)

export interface SmallDisk {
  enlarge(bytes: number): Promise<void>
  /** Throws away what is on it. */
  unmount(): Promise<void>
}

/** Over an existing folder. */
export async function mountSmallDisk(folder: string, bytes: number): Promise<SmallDisk> {
  await execFile('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', folder])
  return {
    enlarge: async size => void (await execFile('mount', ['-o', `remount,size=${size}`, folder])),
    unmount: async () => void (await execFile('umount', [folder])),
  }
}

/** Why this machine allows none; undefined when it does. */
export async function whyNoSmallDisk(): Promise<string | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-disk-'))
  try {
    const disk = await mountSmallDisk(folder, 4096)
    await disk.unmount()
    return undefined
  } catch {
    return 'a small disk can be mounted by root on Linux only'
  } finally {
    await rm(folder, { recursive: true })
  }
}
