/** How a connection is protected by default, and what the user is told about it: docs/decisions/0032-tls-defaults.md. */
import { BlockList, isIP } from 'node:net'
import type { Note } from '#connector'
import type { SqlConnection } from './settings.ts'

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8)
loopback.addAddress('::1', 'ipv6')

/** Whether what is sent to a host, or to the folder of a Unix socket, stays on this machine. */
export function isLocal(host: string): boolean {
  if (isIP(host) !== 0) return loopback.check(host, isIP(host) === 6 ? 'ipv6' : 'ipv4')
  return host.startsWith('/') || /^(?:.*\.)?localhost$/i.test(host)
}

/**
 * Whether a server that offers TLS must prove who it is although the user has not said so. What a JDBC URL leaves out means what it
 * means to the driver.
 */
export const verifiesByDefault = ({ hosts, isJdbc }: SqlConnection): boolean =>
  isJdbc !== true && !hosts.every(({ host }) => isLocal(host))

/** A connection as it has come about. */
export interface Protection {
  readonly host: string
  /** `db.example.com:5432` */
  readonly place: string
  readonly isEncrypted: boolean
  /** Whether the server has proved who it is. */
  readonly isVerified: boolean
  /** Whether the user has chosen the mode of TLS. */
  readonly isChosen: boolean
  /** Whether a password was sent as it is. */
  readonly sentPassword: boolean
}

export function protectionNotes({ host, place, ...found }: Protection): Note[] {
  if (isLocal(host) || (found.isEncrypted && (found.isVerified || found.isChosen))) return []
  if (found.isEncrypted) {
    const text = `${place} has not proved who it is, as JDBC drivers do not ask for it by themselves; \`sslMode\` can.`
    return [{ level: 'info', text }]
  }
  const what = found.sentPassword ? 'The password and all rows' : 'All rows'
  const text = `The connection to ${place} is not encrypted. ${what} can be read and changed on the way; \`sslMode\` can forbid that.`
  return [{ level: 'warning', text }]
}
