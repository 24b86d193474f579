/**
 * Capability flags of the handshake.
 *
 * https://dev.mysql.com/doc/dev/mysql-server/latest/group__group__cs__capabilities__flags.html
 * https://mariadb.com/kb/en/connection/#capabilities
 */
export const CLIENT = {
  LONG_PASSWORD: 1, // MariaDB calls it CLIENT_MYSQL and clears it to say "extended capabilities follow".
  FOUND_ROWS: 1 << 1,
  LONG_FLAG: 1 << 2,
  CONNECT_WITH_DB: 1 << 3,
  PROTOCOL_41: 1 << 9,
  SSL: 1 << 11,
  TRANSACTIONS: 1 << 13,
  SECURE_CONNECTION: 1 << 15,
  MULTI_RESULTS: 1 << 17,
  PS_MULTI_RESULTS: 1 << 18,
  PLUGIN_AUTH: 1 << 19,
  CONNECT_ATTRS: 1 << 20,
  PLUGIN_AUTH_LENENC_DATA: 1 << 21,
  DEPRECATE_EOF: 1 << 24,
} as const

/** The upper 32 bits, which only MariaDB has. */
export const MARIADB = {
  STMT_BULK_OPERATIONS: 1 << 2,
} as const

/** Bits of the status word in OK and EOF packets. */
export const STATUS = {
  MORE_RESULTS: 8,
} as const

const REQUIRED = CLIENT.PROTOCOL_41 | CLIENT.SECURE_CONNECTION
const WANTED =
  REQUIRED |
  CLIENT.LONG_PASSWORD |
  // Affected rows then count matched rows: the ledger's compare-and-set must not depend on whether a value changed.
  CLIENT.FOUND_ROWS |
  CLIENT.LONG_FLAG |
  CLIENT.TRANSACTIONS |
  CLIENT.MULTI_RESULTS |
  CLIENT.PS_MULTI_RESULTS |
  CLIENT.PLUGIN_AUTH |
  CLIENT.CONNECT_ATTRS |
  CLIENT.PLUGIN_AUTH_LENENC_DATA |
  CLIENT.DEPRECATE_EOF

export interface Capabilities {
  readonly flags: number
  /** MariaDB's upper 32 bits; 0 for MySQL. */
  readonly extended: number
}

/** Whether the server speaks the protocol that this client needs (MySQL 4.1 and later). */
export const isSupported = (server: Capabilities) => (server.flags & REQUIRED) === REQUIRED

/** What both sides can do. */
export function negotiate(server: Capabilities, withDatabase: boolean, withTls: boolean): Capabilities {
  const offered = server.flags & (WANTED | (withDatabase ? CLIENT.CONNECT_WITH_DB : 0) | (withTls ? CLIENT.SSL : 0))
  // The extended word is only read when CLIENT_MYSQL is clear, and only MariaDB clears it.
  const extended = server.extended & MARIADB.STMT_BULK_OPERATIONS
  return { flags: extended === 0 ? offered : offered & ~CLIENT.LONG_PASSWORD, extended }
}
