import { defineErrors } from '#errors'

/** Errors that every connector can raise and the engine knows by code. */
export const dataErrors = defineErrors('data', {
  /** A value that the other side cannot represent; without a column, a whole row. `row` is its index in the batch; the engine adds the key. */
  valueRefused: {
    fault: 'data',
    message: (d: { dataset: string; column: string; reason: string; row?: number; key?: string }) =>
      `${d.dataset}${d.column === '' ? '' : `, column "${d.column}"`}${d.key === undefined ? '' : `, row ${d.key}`}: ${d.reason}`,
    hint: () =>
      'Correct the row in the source, choose a target type that can hold the value, or let the job set such rows aside (`errorLimit`); `--resume` goes on.',
  },
  /**
   * A row that does not fit into the memory of the job. `bytes`: as many as are known before it has been read. `place` is completed by the
   * engine where every row before it has been handed out.
   */
  rowTooLarge: {
    fault: 'data',
    message: (d: { dataset: string; bytes: number; limit: number; place?: string }) =>
      `${d.dataset}: ${d.place ?? 'a row'} has at least ${d.bytes} bytes, and the memory of the job allows rows of ${d.limit} bytes.`,
    hint: () =>
      'Give the job more memory (setting `memory`, or `--max-memory`), leave the large column out, or exclude the row with `where`. `errorLimit` does not help: a row that cannot be held in memory cannot be set aside.',
  },
})

export const ledgerErrors = defineErrors('ledger', {
  fenced: {
    fault: 'usage',
    message: (d: { job: string; run: string }) =>
      `Run ${d.run} of job ${d.job} has been taken over by another engine; this one wrote nothing after that.`,
    hint: (d: { run: string }) =>
      `Nothing is lost: the other engine goes on from the last commit of run ${d.run}, or has begun anew. Make sure that only one of them is started.`,
  },
  missing: {
    fault: 'usage',
    message: (d: { job: string; run: string; table: string }) =>
      `The ledger table ${d.table} no longer holds run ${d.run} of job ${d.job}, so it is unknown what has been written.`,
    hint: () => 'Compare source and target (`sluice verify`), empty the target if needed, then start afresh with `--fresh`.',
  },
  noRights: {
    fault: 'usage',
    message: (d: { table: string; user: string }) => `User ${d.user} may not create the ledger table ${d.table}.`,
    hint: (d: { ddl?: string }) =>
      `Have it created once by an administrator:\n${d.ddl ?? ''}\nor set \`ledger: none\` and accept at-least-once delivery.`,
  },
})
