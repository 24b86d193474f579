/** What the text of a statement needs to know about a database. */
export interface Dialect {
  /** `"a b"`; quotes inside are doubled. Every name that comes from outside goes through it. */
  quote(name: string): string
  /** `'it''s'`: a character string constant of any content. */
  literal(value: string): string
  /** Whether `(a, b) > (x, y)` is a range that an index serves. Else it is spelled out. */
  readonly comparesRows: boolean
  /** The character around quoted names, as users write it too. */
  readonly quoteCharacter: '"' | '`'
}

/** https://www.postgresql.org/docs/current/sql-syntax-lexical.html */
export const postgresDialect: Dialect = {
  quote: name => `"${name.replaceAll('"', '""')}"`,
  // With a backslash inside, only E'' means the same whatever standard_conforming_strings is.
  literal: value => `${value.includes('\\') ? ' E' : ''}'${value.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`,
  comparesRows: true,
  quoteCharacter: '"',
}

/**
 * https://dev.mysql.com/doc/refman/8.4/en/string-literals.html. Holds with backslash escapes on, which is the default: sessions
 * must not run with NO_BACKSLASH_ESCAPES.
 */
export const mysqlDialect: Dialect = {
  quote: name => `\`${name.replaceAll('`', '``')}\``,
  literal: value => `'${value.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`,
  // MySQL reads the whole index for a row comparison (https://dev.mysql.com/doc/refman/8.4/en/row-constructor-optimization.html).
  comparesRows: false,
  quoteCharacter: '`',
}
