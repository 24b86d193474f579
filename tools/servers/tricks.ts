/** Libraries that play tricks on the program they are loaded into: a clock that jumps, a disk that fails. */
import { fileOf, installTool } from './tools.ts'
import { reasonToSkip } from './testing.ts'

/** What a test file gets: the environment of a program with the trick, or the reason why its tests are skipped. */
export interface Trick {
  /** For the options of `describe` and `test`: false, or the reason. */
  readonly skip: string | false
  readonly env: Readonly<Record<string, string>>
}

/**
 * A wall clock that is as wrong as the file says (`-3600`, `+0`; seconds) from the moment that it says so. Clocks that only go
 * forward go on, as they do when somebody sets the time of a machine.
 *
 * https://github.com/wolfcw/libfaketime
 */
export async function wrongClock(file: string): Promise<Trick> {
  return await trick('libfaketime', folder => ({
    LD_PRELOAD: fileOf(folder, 'usr/lib/*/faketime/libfaketimeMT.so.1'),
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_NO_CACHE: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
  }))
}

/**
 * System calls that fail as the commands say, one a line; see fiu-ctrl(1), and libfiu's `preload/posix/modules` for the names.
 *
 * https://blitiri.com.ar/p/libfiu
 */
export async function failingCalls(commands: readonly string[]): Promise<Trick> {
  return await trick('fiu-utils', folder => ({
    LD_LIBRARY_PATH: `${folder}/usr/lib`,
    LD_PRELOAD: ['run', 'posix'].map(part => `${folder}/usr/lib/fiu/fiu_${part}_preload.so`).join(' '),
    FIU_ENABLE: commands.map(command => `${command}\n`).join(''),
  }))
}

async function trick(name: string, envOf: (folder: string) => Record<string, string>): Promise<Trick> {
  try {
    return { skip: false, env: envOf(await installTool(name)) }
  } catch (error) {
    return { skip: reasonToSkip(error), env: {} }
  }
}
