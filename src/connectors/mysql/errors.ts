import { defineErrors, type SluiceError } from '#errors'
import type { ServerError } from './protocol/responses.ts'

interface Answer {
  readonly place: string
  readonly errno: number
  /** The server's own words. They may quote a value of the row, so only messages that cannot are passed on. */
  readonly text: string
}

const said = (d: Answer) => `${d.place} says: ${d.text} (error ${d.errno}).`

interface RowAnswer extends Answer {
  readonly dataset?: string
  readonly key?: string
}

const saidOfRow = (d: RowAnswer) =>
  [d.dataset, d.key === undefined ? undefined : `row ${d.key}`, said(d)].filter(part => part !== undefined).join(', ')

export const mysqlErrors = defineErrors('mysql', {
  unknownProtocol: {
    fault: 'usage',
    message: (d: { protocol: number }) => `The server speaks protocol version ${d.protocol}, not 10.`,
    hint: () => 'Check that host and port belong to MySQL or MariaDB (the X protocol on port 33060 is another one).',
  },
  brokenPacket: {
    fault: 'transient',
    message: (d: { what: string }) => `A packet does not follow the protocol: ${d.what}.`,
    hint: () => 'Report the name and version of the server, and of any proxy in between.',
  },
  noTls: {
    fault: 'usage',
    message: (d: { place: string; mode: string }) => `${d.place} offers no TLS, and sslMode is ${d.mode}.`,
    hint: () => 'Enable TLS on the server, or set `sslMode` to `preferred` or `disabled`.',
  },
  clearPasswordRefused: {
    fault: 'usage',
    message: (d: { user: string; place: string }) =>
      `${d.place} asks for the password of ${d.user} in clear text over an unencrypted connection.`,
    hint: () => 'Set `sslMode: required`, or let the account use another authentication plugin.',
  },
  publicKeyNotAllowed: {
    fault: 'usage',
    message: (d: { user: string; place: string }) =>
      `${d.place} wants the password of ${d.user} encrypted with its public key, which would have to be fetched over an unencrypted connection.`,
    hint: () => 'Set `sslMode: required`, or allow it with `allowPublicKeyRetrieval=true`.',
  },
  unknownAuthPlugin: {
    fault: 'usage',
    message: (d: { plugin: string; user: string; place: string }) =>
      `${d.place} authenticates ${d.user} with the plugin ${d.plugin}, which is not supported.`,
    hint: () =>
      'Use an account with caching_sha2_password, mysql_native_password, sha256_password (TLS) or MariaDB ed25519, e.g. ALTER USER … IDENTIFIED WITH caching_sha2_password BY …',
  },
  tableMissing: {
    fault: 'usage',
    message: (d: { table: string; place: string; database: string }) =>
      d.database === ''
        ? `${d.table} names no database, and none is selected.`
        : `${d.place} has no table ${d.table} in database ${d.database}, or the account may not see it.`,
    hint: () => 'Check the name and its case, the database in the JDBC URL, and the privileges of the account.',
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
    hint: () => 'Give the table a primary key or unique index, and write all columns of it.',
  },
  runBusy: {
    fault: 'transient',
    message: (d: { job: string; table: string }) =>
      `Another engine holds the run of job ${d.job} in ${d.table} and did not let go within 30 s.`,
    hint: () => 'End that engine, or its session on the target server (SHOW PROCESSLIST).',
  },
  notConnectedToDatabase: {
    fault: 'usage',
    message: (d: { place: string }) => `No database is selected at ${d.place}.`,
    hint: () => 'Name it in the JDBC URL or in `database`.',
  },
  splitColumnUnusable: {
    fault: 'usage',
    message: (d: { dataset: string; column: string; reason: string }) =>
      `${d.dataset} cannot be divided by "${d.column}": ${d.reason}.`,
    hint: () => 'Name an integer, decimal, date, text or binary column in `splitPk`, or leave it out.',
  },
  badPosition: {
    fault: 'usage',
    message: (d: { dataset: string; split: string }) =>
      `The position recorded for split ${d.split} of ${d.dataset} does not fit the key of the table.`,
    hint: () => 'The key was altered since the run began. Start afresh with `--fresh`.',
  },
  columnChanged: {
    fault: 'usage',
    message: (d: { dataset: string; column: string }) =>
      `Column "${d.column}" of ${d.dataset} has another type than when the run was planned.`,
    hint: () => 'The table was altered meanwhile. Start afresh with `--fresh`.',
  },
  fileUnreadable: {
    fault: 'usage',
    message: (d: { option: string; file: string }) => `The file ${d.file} given by \`${d.option}\` cannot be read.`,
    hint: () => 'Check that it exists on the machine that runs the job and may be read.',
  },
  accessDenied: {
    fault: 'usage',
    message: (d: Answer) => said(d),
    hint: () => 'Check `username` and `password`, and from which hosts the account may connect.',
  },
  noRights: {
    fault: 'usage',
    message: (d: Answer) => said(d),
    hint: () => 'Grant the missing privilege to the account, or use another one.',
  },
  unknownDatabase: {
    fault: 'usage',
    message: (d: Answer) => said(d),
    hint: () => 'Check the database name in the JDBC URL or in `database`.',
  },
  unknownTable: {
    fault: 'usage',
    message: (d: Answer) => said(d),
    hint: () => 'Check the table name and the database; names are case-sensitive on most servers.',
  },
  unknownColumn: {
    fault: 'usage',
    message: (d: Answer) => said(d),
    hint: () => 'Compare the columns of the job with those of the table.',
  },
  syntax: {
    fault: 'usage',
    message: (d: Answer) => said(d),
    hint: () => 'Check `where`, `customSql`, `preSql` and `postSql`; try the statement from `sluice plan` in a client.',
  },
  tooManyConnections: {
    fault: 'transient',
    message: (d: Answer) => said(d),
    hint: () => 'Wait, lower the number of channels, or raise `max_connections` of the server.',
  },
  lockWait: {
    fault: 'transient',
    message: (d: Answer) => said(d),
    hint: () =>
      'Another transaction holds the rows. Find it with SHOW ENGINE INNODB STATUS; the run goes on from the last commit.',
  },
  deadlock: {
    fault: 'transient',
    message: (d: Answer) => said(d),
    hint: () => 'The run goes on from the last commit by itself.',
  },
  serverGone: {
    fault: 'transient',
    message: (d: Answer) => said(d),
    hint: () => 'The run goes on from the last commit by itself when the server answers again.',
  },
  interrupted: {
    fault: 'transient',
    message: (d: Answer) => said(d),
    hint: () =>
      'Somebody or a time limit of the server ended the statement; look at `max_statement_time` and `max_execution_time`.',
  },
  queryTimeout: {
    fault: 'transient',
    message: (d: { place: string; seconds: number }) => `${d.place} has not started to answer a query within ${d.seconds} s.`,
    hint: () => 'Look for locks or a missing index, or raise `queryTimeOut`.',
  },
  packetTooLarge: {
    fault: 'usage',
    message: (d: Answer) => said(d),
    hint: () => 'Raise `max_allowed_packet` on the server: it bounds the largest row.',
  },
  readOnly: {
    // During a failover the address may still lead to the old primary.
    fault: 'transient',
    message: (d: Answer) => said(d),
    hint: () => 'Write to the primary server, not to a replica.',
  },
  duplicateKey: {
    fault: 'data',
    message: (d: RowAnswer) => saidOfRow(d),
    hint: () =>
      'The target already has a row with this key: use `writeMode: update` or `replace`, empty the target first (`preSql`), or let the job set such rows aside (`errorLimit`).',
  },
  cannotGoBack: {
    fault: 'usage',
    message: (d: { table: string; reason: string }) =>
      `${d.table} has no transactions, so a bad row cannot be told from its neighbours and set aside: ${d.reason}`,
    hint: () => 'Write to an InnoDB table, or set `errorLimit.record` to 0, which stops at the first bad row.',
  },
  valueRejected: {
    fault: 'data',
    message: (d: RowAnswer) => saidOfRow(d),
    hint: () =>
      'Correct the row in the source, change the target table, or let the job set such rows aside (`errorLimit`); `--resume` goes on.',
  },
  refused: {
    fault: 'usage',
    message: (d: Answer) => said(d),
    hint: () => 'Look the error number up in the manual of the server.',
  },
})

type Code =
  | 'accessDenied'
  | 'noRights'
  | 'unknownDatabase'
  | 'unknownTable'
  | 'unknownColumn'
  | 'syntax'
  | 'tooManyConnections'
  | 'lockWait'
  | 'deadlock'
  | 'serverGone'
  | 'interrupted'
  | 'packetTooLarge'
  | 'readOnly'
  | 'duplicateKey'
  | 'valueRejected'

/** https://dev.mysql.com/doc/mysql-errors/8.4/en/server-error-reference.html and https://mariadb.com/kb/en/mariadb-error-codes/ */
const CODES: Readonly<Record<Code, readonly number[]>> = {
  accessDenied: [1045, 1130, 1251, 1524, 1698, 1862, 3118, 3159, 4151],
  noRights: [1044, 1142, 1143, 1227, 1370, 1419, 3553],
  unknownDatabase: [1046, 1049],
  unknownTable: [1051, 1109, 1146],
  unknownColumn: [1054],
  syntax: [1064, 1149],
  tooManyConnections: [1040, 1129, 1203, 1226],
  lockWait: [1205, 3572],
  deadlock: [1213, 1020, 1614, 3058],
  serverGone: [1053, 1077, 1079, 1080, 1152, 1158, 1159, 1160, 1161, 1184, 1927, 2006, 2013, 3032, 3168, 4031, 1047],
  interrupted: [1317, 1028, 1969, 3024, 3169],
  packetTooLarge: [1153, 1162],
  readOnly: [1290, 1792, 1836],
  duplicateKey: [1022, 1062, 1169, 1586],
  valueRejected: [
    1048, 1118, 1138, 1216, 1217, 1263, 1264, 1265, 1292, 1300, 1364, 1365, 1366, 1367, 1369, 1399, 1406, 1411, 1416, 1441, 1451,
    1452, 1526, 1643, 1644, 1690, 1713, 1748, 1907, 1977, 3037, 3038, 3140, 3141, 3156, 3617, 3643, 3819, 3988, 4025, 4079, 6136,
  ],
}

/** SIGNAL of a trigger, whatever number its author gave it; by the standard, 22 is about a value and 23 about a constraint. */
const ABOUT_A_ROW = /^(22|23|45)/

const codeOf = new Map(Object.entries(CODES).flatMap(([code, numbers]) => numbers.map(errno => [errno, code as Code])))

/**
 * The error of a server's answer. Words of `valueRejected` and `duplicateKey` quote the value (`Duplicate entry 'x'`), which is no
 * business of a log, so the quotation is cut out; the writer adds the key of the row.
 */
export function serverError({ errno, text, state }: ServerError, place: string): SluiceError {
  const code = codeOf.get(errno) ?? (ABOUT_A_ROW.test(state) ? 'valueRejected' : undefined)
  const answer = { place, errno, state, text: withoutValues(errno, text) }
  return code === undefined ? mysqlErrors.refused(answer) : mysqlErrors[code](answer)
}

const withoutValues = (errno: number, text: string) => {
  const code = codeOf.get(errno)
  if (code === 'duplicateKey') return text.replace(/^Duplicate entry '.*' for key/s, 'Duplicate entry for key').replace(/\.$/, '')
  if (code === 'valueRejected') return text.replace(/(value): '.*?'(?= for )/s, '$1').replace(/\.$/, '')
  return text.replace(/\.$/, '')
}
