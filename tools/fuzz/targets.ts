/** All targets by name. */
import { arrow } from './targets/arrow.ts'
import { badRows } from './targets/bad-rows.ts'
import { csv } from './targets/csv.ts'
import { frames } from './targets/frames.ts'
import { job } from './targets/job.ts'
import { jsonl } from './targets/jsonl.ts'
import { mysqlPackets } from './targets/mysql-packets.ts'
import { mysqlRows } from './targets/mysql-rows.ts'
import { postgresCopy } from './targets/postgres-copy.ts'
import { postgresMessages } from './targets/postgres-messages.ts'
import { slab } from './targets/slab.ts'
import { state } from './targets/state.ts'
import type { Target } from './target.ts'

export const targets: readonly Target[] = [
  ...[mysqlRows, mysqlPackets, postgresCopy, postgresMessages, csv, jsonl, job, arrow, slab, state, badRows, frames],
]
