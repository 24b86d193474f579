/**
 * Errors of a server as ours.
 *
 * Fields: https://www.postgresql.org/docs/current/protocol-error-fields.html
 * Codes: https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
import type { SluiceError } from '#errors'
import { postgresErrors, type ServerDetail } from '../errors.ts'

type Factory = (detail: ServerDetail, cause?: unknown) => SluiceError

const BY_STATE: Readonly<Record<string, Factory>> = {
  '28000': postgresErrors.loginRefused,
  '28P01': postgresErrors.loginRefused,
  '3D000': postgresErrors.databaseMissing,
  '42501': postgresErrors.noRights,
  '42P01': postgresErrors.tableMissing,
  '3F000': postgresErrors.tableMissing,
  '42703': postgresErrors.columnMissing,
  '23505': postgresErrors.duplicateKey,
  '55P03': postgresErrors.locked,
  '57014': postgresErrors.canceled,
  // "invalid_authorization" of a pooler that is out of connections comes as 08P01.
  '08P01': postgresErrors.statementRefused,
  '25P03': postgresErrors.busy,
  '25006': postgresErrors.readOnly,
  // "index row size exceeds maximum"
  '54000': postgresErrors.rowRefused,
}

const BY_CLASS: Readonly<Record<string, Factory>> = {
  '08': postgresErrors.busy,
  '22': postgresErrors.valueRefused,
  '23': postgresErrors.rowRefused,
  '25': postgresErrors.statementRefused,
  '40': postgresErrors.conflict,
  '42': postgresErrors.statementRefused,
  '44': postgresErrors.rowRefused,
  '53': postgresErrors.busy,
  '57': postgresErrors.busy,
  '58': postgresErrors.serverFailed,
  // RAISE of a trigger
  P0: postgresErrors.rowRefused,
  XX: postgresErrors.serverFailed,
}

/** `statement` is shown when the server points into it; never one that holds values. */
export function serverError(fields: ReadonlyMap<string, string>, place: string, statement?: string): SluiceError {
  const sqlState = fields.get('C') ?? 'XX000'
  const table = [fields.get('s'), fields.get('t')].filter(name => name !== undefined && name !== '').join('.')
  const context = copyContext(fields.get('W') ?? '')
  // A trigger raises whatever codes its author likes.
  const other = context.line === undefined ? postgresErrors.statementRefused : postgresErrors.rowRefused
  const factory = BY_STATE[sqlState] ?? BY_CLASS[sqlState.slice(0, 2)] ?? other
  return factory({
    place,
    sqlState,
    text: withoutValues(fields.get('M') ?? 'unknown error', sqlState),
    ...given('table', table === '' ? context.table : table),
    ...given('column', fields.get('c') ?? context.column),
    ...given('line', context.line),
    ...given('constraint', fields.get('n')),
    ...given('key', keyOf(fields.get('D') ?? '')),
    ...(statement === undefined ? {} : { statement }),
  })
}

const given = (name: string, value: unknown) => (value === undefined || value === '' ? {} : { [name]: value })

/** Messages of class 22 quote the value at the end: `invalid input syntax for type inet: "…"`. */
const withoutValues = (text: string, sqlState: string) => (sqlState.startsWith('22') ? text.replace(/:? ".*"/s, '') : text)

/** `Key (id)=(5) already exists.` names a row by its key; other details show whole rows. */
const keyOf = (detail: string) => /^(Key \(.*?\)=\(.*\))/s.exec(detail)?.[1]

/** `COPY t, line 3, column c: "…"`. Where a trigger copies as well, or a value looks like that, nothing is certain. */
function copyContext(where: string) {
  const [match, second] = where.matchAll(/^COPY (.+?), line (\d+)(?:, column ([^:]+))?/gm)
  if (second !== undefined) return {}
  return { table: match?.[1], line: match?.[2] === undefined ? undefined : Number(match[2]), column: match?.[3] }
}
