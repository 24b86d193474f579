import type { Dialect } from './dialect.ts'
import { sqlErrors } from './errors.ts'

export interface TableName {
  /** PostgreSQL: the schema. MySQL: the database. Undefined: the default of the session. */
  readonly schema?: string
  readonly name: string
}

/** Reads `table`, `schema.table`, `"my schema"."my.table"`. An unquoted name is taken as it stands, dots apart. */
export function parseTableName(text: string, { quoteCharacter }: Pick<Dialect, 'quoteCharacter'>): TableName {
  const parts = splitName(text.trim(), quoteCharacter)
  const [first, second] = parts
  if (parts.length > 2 || first === undefined || parts.includes('')) throw sqlErrors.badTableName({ name: text })
  return second === undefined ? { name: first } : { schema: first, name: second }
}

/** Parts at dots; a dot inside quotes does not count. The last part keeps further dots, so that `db.a.b` is refused and not cut. */
function splitName(text: string, quote: string): string[] {
  const part = `${quote}(?:[^${quote}]|${quote}${quote})*${quote}|[^.${quote}]+`
  if (!new RegExp(`^(?:${part})(?:\\.(?:${part}))*$`).test(text)) return ['']
  return (text.match(new RegExp(part, 'g')) ?? []).map(name =>
    name.startsWith(quote) ? name.slice(1, -1).replaceAll(quote + quote, quote) : name.trim(),
  )
}

/** The name as users read and write it: parts are quoted only when they need it. The inverse of {@link parseTableName}. */
export function printTableName({ schema, name }: TableName, dialect: Dialect): string {
  const print = (part: string) => (/^[^\s."'`]+$/.test(part) ? part : dialect.quote(part))
  return schema === undefined ? print(name) : `${print(schema)}.${print(name)}`
}

/** The name as SQL: every part quoted. */
export function quoteTableName({ schema, name }: TableName, dialect: Dialect): string {
  return schema === undefined ? dialect.quote(name) : `${dialect.quote(schema)}.${dialect.quote(name)}`
}
