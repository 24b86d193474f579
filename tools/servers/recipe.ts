/** How one test server is had: where its programs come from, how its first data directory is made, how it is started. */
import type { ServerName } from './names.ts'

/** Somebody who can log in. */
export interface Account {
  readonly user: string
  readonly password: string
  /** How the server checks the password: `trust`, `md5`, `scram-sha-256`, or the name of a MySQL authentication plugin. */
  readonly auth: string
  /** True for the superuser. Everybody else may log in, and do nothing until granted something. */
  readonly isAdmin: boolean
}

/** Files of a certificate for 127.0.0.1 and localhost, in PEM. */
export interface Certificate {
  readonly ca: string
  readonly cert: string
  readonly key: string
}

/** What a start is made of. */
export interface Launch {
  /** Folder with the server's programs. */
  readonly software: string
  readonly data: string
  readonly port: number
  readonly bufferMiB: number
  readonly isDurable: boolean
  readonly certificate: Certificate | undefined
  readonly settings: Readonly<Record<string, string>>
}

export interface Recipe {
  readonly name: ServerName
  /** Family of wire protocol. */
  readonly kind: 'postgres' | 'mysql'
  /** What is installed, as text; another text means another folder in the cache. */
  readonly origin: string
  /** Everything that decides the first data directory, as text; another text means another template. */
  readonly preparation: string
  /** The superuser first. */
  readonly accounts: readonly Account[]
  /** A database that exists from the start. */
  readonly database: string
  readonly hasTls: boolean
  /** Shuts down cleanly and does not wait for clients. */
  readonly stopSignal: 'INT' | 'TERM'
  /** A folder that the machine has already and that `install` would fill in the same way. */
  readonly findInstalled?: () => string | undefined
  /** Fills an empty folder with the programs. */
  readonly install: (folder: string) => Promise<void>
  /** Folder with the server's and the client's programs. */
  readonly binOf: (software: string) => string
  /** Turns an empty folder into a data directory with the accounts and the database. */
  readonly prepare: (software: string, data: string) => Promise<void>
  /** The command that runs the server in the foreground. */
  readonly command: (launch: Launch) => readonly string[]
  /** Whether the server on `data` and `port` takes connections now. */
  readonly answers: (data: string, port: number) => Promise<boolean>
}

/** The password of every account. It protects nothing: the servers listen on 127.0.0.1 only. */
export const PASSWORD = 'sluice-test'
/** The database that every server has from the start. */
export const DATABASE = 'sluice'
