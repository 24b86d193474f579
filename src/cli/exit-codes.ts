import type { SluiceError } from '#errors'

/** Exit codes of the command line (sysexits.h where it has a name for it); `docs/reference/cli.md` prints this table. */
export const EXIT_CODES = {
  ok: { code: 0, meaning: 'Done; also when a retried run had been finished before.' },
  differs: {
    code: 1,
    meaning: '`verify` or `torture` found differences, `dirty replay` left rows, or a fault of `torture` never happened.',
  },
  usage: { code: 64, meaning: 'The operator can fix it: command line, job file, missing table, missing grant.' },
  data: { code: 65, meaning: 'The data cannot be represented in the target.' },
  bug: { code: 70, meaning: 'An error of Sluice itself; please report it.' },
  transient: { code: 75, meaning: 'Time may heal it (network, locks, restarts): run the job again with `--resume`.' },
  interrupted: { code: 130, meaning: 'Stopped by a signal after everything so far was committed; `--resume` goes on.' },
} as const

export const exitCodeOf = (error: SluiceError): number => EXIT_CODES[error.fault].code
