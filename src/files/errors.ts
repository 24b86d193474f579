import { defineErrors } from '#errors'

export const fileErrors = defineErrors('file', {
  nothingFound: {
    fault: 'usage',
    message: (d: { path: string }) => `No file matches ${d.path}.`,
    hint: () =>
      'Check path and pattern on the machine that runs the job. Of a directory, files that begin with a dot or an underscore are left out.',
  },
  unreadable: {
    fault: 'usage',
    message: (d: { path: string; reason: string }) => `Cannot read ${d.path}: ${d.reason}.`,
    hint: () => 'Check that it exists on the machine that runs the job and that the user of the job may read it.',
  },
  unwritable: {
    fault: 'usage',
    message: (d: { path: string; reason: string }) => `Cannot write ${d.path}: ${d.reason}.`,
    hint: () => 'Free space or grant access, then run the job again; with `--resume` it goes on from the last commit.',
  },
  changed: {
    fault: 'usage',
    message: (d: { file: string; reason: string }) => `${d.file} is not the file that the run was planned for: ${d.reason}.`,
    hint: () => 'Bring the file back as it was, or look at what the target holds and start afresh with `--fresh`.',
  },
  corrupt: {
    fault: 'data',
    message: (d: { file: string; reason: string }) => `${d.file} cannot be decoded: ${d.reason}.`,
    hint: () => 'Check that the file is complete, and the options `compression` and `encoding`.',
  },
  badRow: {
    fault: 'data',
    message: (d: { file: string; line: string; offset: number; column?: string; reason: string }) =>
      `${d.file}, ${d.line}${d.column === undefined ? '' : `, column "${d.column}"`}: ${d.reason} (byte ${d.offset}).`,
    hint: (d: { hint: string }) => d.hint,
  },
  badHeader: {
    fault: 'usage',
    message: (d: { file: string; reason: string }) => `${d.file}: ${d.reason}.`,
    hint: () => 'Correct the file, name its columns with `columns`, or say with `header` whether its first row names them.',
  },
  noColumns: {
    fault: 'usage',
    message: (d: { path: string }) => `The files of ${d.path} hold no row that would tell their columns.`,
    hint: () => 'Name the columns with `columns`.',
  },
  unsupported: {
    fault: 'usage',
    message: (d: { column: string; type: string; format: string }) => `Column "${d.column}": ${d.format} cannot carry ${d.type}.`,
    hint: () => 'Choose another type, e.g. `json` or `utf8`.',
  },
  notEmpty: {
    fault: 'usage',
    message: (d: { path: string; found: string }) => `${d.path} is not empty: it holds ${d.found}.`,
    hint: () => 'Choose an empty directory, or `writeMode: append` or `overwrite`.',
  },
  nameTaken: {
    fault: 'usage',
    message: (d: { file: string }) => `${d.file} exists already and was not written by this run.`,
    hint: () => 'Move it away, then run the job again with `--resume`.',
  },
  stagedLost: {
    fault: 'usage',
    message: (d: { file: string; published: string }) => `${d.file} is gone before it could be published as ${d.published}.`,
    hint: () => 'Its rows are not in the target. Look at what the target holds and start afresh with `--fresh`.',
  },
  marksTorn: {
    fault: 'usage',
    message: (d: { file: string; reason: string }) =>
      `${d.file}, which records what has been published, is damaged: ${d.reason}.`,
    hint: () => 'Restore it from a copy, or look at what the target holds, remove the file and start afresh with `--fresh`.',
  },
})

/** What the system said, in short: `ENOSPC`, or the message of an error without code. */
export function reasonOf(cause: unknown): string {
  return cause instanceof Error ? ((cause as NodeJS.ErrnoException).code ?? cause.message) : String(cause)
}
