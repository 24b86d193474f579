import { defineErrors } from '#errors'

/** What a server says about an error, without the parts that can hold cell values. */
export interface ServerDetail {
  /** Where: `user@host:port/database`. */
  readonly place: string
  readonly sqlState: string
  readonly text: string
  readonly [more: string]: unknown
}

const at = (d: ServerDetail) => `${d.place}: ${d.text}${/[.!?]$/.test(d.text) ? '' : '.'}`

interface RowDetail extends ServerDetail {
  readonly table?: string | undefined
  readonly column?: string | undefined
  readonly constraint?: string | undefined
  readonly key?: string | undefined
}

const rowPlace = (d: RowDetail) =>
  [d.table && `table ${d.table}`, d.column && `column "${d.column}"`, d.key].filter(Boolean).join(', ')
const atRow = (d: RowDetail) => `${at(d)}${rowPlace(d) === '' ? '' : ` (${rowPlace(d)})`}`

export const postgresErrors = defineErrors('postgres', {
  loginRefused: {
    fault: 'usage',
    message: at,
    hint: () => 'Check `user` and `password`, and that pg_hba.conf of the server lets this user in from this machine.',
  },
  passwordMissing: {
    fault: 'usage',
    message: (d: { place: string }) => `${d.place} asks for a password, but none is given.`,
    hint: () => 'Set `password`.',
  },
  authenticationUnknown: {
    fault: 'usage',
    message: (d: { place: string; method: string }) =>
      `${d.place} asks for authentication by ${d.method}, which is not supported.`,
    hint: () => 'Let the server use scram-sha-256, md5 or password for this user (pg_hba.conf).',
  },
  serverNotAuthentic: {
    fault: 'usage',
    message: (d: { place: string }) => `${d.place} could not prove that it knows the password.`,
    hint: () => 'Something between this machine and the server may be tampering with the connection.',
  },
  tlsRefused: {
    fault: 'usage',
    message: (d: { place: string; mode: string }) => `${d.place} offers no TLS, but \`sslMode\` is ${d.mode}.`,
    hint: () => 'Turn TLS on in the server (`ssl = on`), or set `sslMode: prefer`.',
  },
  fileUnreadable: {
    fault: 'usage',
    message: (d: { option: string; file: string }) => `The file ${d.file} given by \`${d.option}\` cannot be read.`,
    hint: () => 'Check that it exists on the machine that runs the job and may be read.',
  },
  databaseMissing: { fault: 'usage', message: at, hint: () => 'Check `database`, or the last part of the JDBC URL.' },
  noRights: { fault: 'usage', message: at, hint: () => 'Have the right granted to this user, or log in as another one.' },
  tableMissing: {
    fault: 'usage',
    message: (d: ServerDetail) => at(d),
    hint: () => 'Check the name, its case and the schema: names are taken exactly as they are written.',
  },
  columnMissing: {
    fault: 'usage',
    message: at,
    hint: () => 'Check the name and its case: names are taken exactly as they are written.',
  },
  statementRefused: {
    fault: 'usage',
    message: (d: ServerDetail & { statement?: string }) =>
      `${at(d)}${d.statement === undefined ? '' : ` Statement: ${d.statement}`}`,
    hint: () => 'Correct the statement: it comes from `where`, `customSql`, `preSql` or `postSql`, or it needs a newer server.',
  },
  rowRefused: {
    fault: 'data',
    message: atRow,
    hint: () =>
      'Correct the row in the source, change the target table, or let the job set such rows aside (`errorLimit`); `--resume` goes on.',
  },
  duplicateKey: {
    fault: 'data',
    message: atRow,
    hint: () =>
      'The target already has a row with this key: use `writeMode: update` or `replace`, empty the target first (`preSql`), or let the job set such rows aside (`errorLimit`).',
  },
  valueRefused: {
    fault: 'data',
    message: atRow,
    hint: () =>
      'Correct the row in the source, choose a target column that can hold the value, or let the job set such rows aside (`errorLimit`); `--resume` goes on.',
  },
  busy: {
    fault: 'transient',
    message: at,
    hint: () => 'The server is starting, stopping or has no connection or memory left. It is tried again.',
  },
  conflict: {
    fault: 'transient',
    message: at,
    hint: () => 'Another transaction was in the way. The work since the last commit is done again.',
  },
  locked: {
    fault: 'transient',
    message: at,
    hint: () => 'Another session holds a lock, perhaps an engine that was thought dead. Look into pg_stat_activity and pg_locks.',
  },
  readOnly: {
    // During a failover the address may still lead to the old primary.
    fault: 'transient',
    message: at,
    hint: () => 'Write to the primary server, not to a standby.',
  },
  canceled: {
    fault: 'transient',
    message: at,
    hint: () => 'An administrator, a timeout of the server or a conflict with recovery on a standby ended the statement.',
  },
  serverFailed: { fault: 'transient', message: at, hint: () => 'The server met an internal or system error. Look into its log.' },
  protocol: {
    fault: 'transient',
    message: (d: { place: string; what: string }) => `${d.place} sent ${d.what}.`,
    hint: () =>
      'Check that host and port belong to PostgreSQL. If they do, report the version of the server, and of any proxy in between.',
  },
  transactionPooling: {
    fault: 'usage',
    message: (d: { place: string }) => `${d.place} is a pooler that gives each transaction another session of the server.`,
    hint: () =>
      'Give the address of the server itself, or of a pool by session (`pool_mode = session`): settings and temporary tables of a session must last.',
  },
  columnUnknown: {
    fault: 'usage',
    message: (d: { dataset: string; columns: readonly string[]; known: readonly string[] }) =>
      `${d.dataset} has no column ${d.columns.map(name => `"${name}"`).join(', ')}. It has: ${d.known.join(', ')}.`,
    hint: () => 'Correct the names in the options of the reader.',
  },
  schemaChanged: {
    fault: 'usage',
    message: (d: { dataset: string }) => `The columns of ${d.dataset} have changed since the run was planned.`,
    hint: () => 'Start afresh with `--fresh`.',
  },
  queryHasNoName: {
    fault: 'usage',
    message: (d: { column: string }) => `The query returns two columns with the name "${d.column}".`,
    hint: () => 'Give every column a name of its own with AS.',
  },
  listShape: {
    fault: 'data',
    message: (d: { dataset: string; column: string; shape: string }) =>
      `${d.dataset}, column "${d.column}": an array ${d.shape} is no list.`,
    hint: () => 'Set `arrays: text` to read arrays as PostgreSQL writes them.',
  },
  targetMissing: {
    fault: 'usage',
    message: (d: { table: string; ddl: string }) => `The target table ${d.table} does not exist.`,
    hint: (d: { table: string; ddl: string }) => `Set \`createTable: true\`, or create it:\n${d.ddl}`,
  },
  targetNotWritable: {
    fault: 'usage',
    message: (d: { table: string; reason: string }) => `${d.table} cannot be written: ${d.reason}.`,
    hint: (d: { hint: string }) => d.hint,
  },
  keyMissing: {
    fault: 'usage',
    message: (d: { table: string; mode: string; reason: string }) =>
      `\`writeMode: ${d.mode}\` cannot be used with ${d.table}: ${d.reason}.`,
    hint: () => 'Name the columns of a primary key or unique index of the table in `uniqueKey`, and write all of them.',
  },
  splitColumnUnusable: {
    fault: 'usage',
    message: (d: { dataset: string; column: string; reason: string }) =>
      `${d.dataset} cannot be split by "${d.column}": ${d.reason}.`,
    hint: () => 'Name a column of the table that can be ordered, or leave `splitPk` out.',
  },
  statementEndsTransaction: {
    fault: 'usage',
    message: () => 'It ends the transaction it runs in.',
    hint: () => 'Leave BEGIN, COMMIT and ROLLBACK out: what belongs together is committed together by itself.',
  },
  runBusy: {
    fault: 'transient',
    message: (d: { job: string; table: string }) =>
      `A lock that the run of job ${d.job} needs, in ${d.table} or in the tables of its statements, was not released within 30 s.`,
    hint: () =>
      'Another engine may still be at work on it, or another session uses the tables: look into pg_stat_activity and pg_locks.',
  },
})
