/** Messages of PostgreSQL's backend. The first byte chooses the decoder. */
import { ByteReader } from '#wire'
import { decodeDataRow, decodeNotice, decodeRowDescription } from '../../../src/connectors/postgres/protocol/messages.ts'
import { Scram } from '../../../src/connectors/postgres/protocol/scram.ts'
import { serverError } from '../../../src/connectors/postgres/protocol/server-error.ts'
import { behindFirst, bytesOf, choiceOf, hex, type Target } from '../target.ts'

/** Rounds of key derivation that one input may ask for. */
const MOST_ROUNDS = 5

const decoders: readonly ((body: Buffer) => unknown)[] = [
  body => decodeRowDescription(new ByteReader(body)),
  body => decodeDataRow(new ByteReader(body)),
  body => serverError(decodeNotice(new ByteReader(body)), 'localhost').message,
  body => {
    const challenge = body.toString('latin1')
    // Many rounds are what a server may ask for, and take their time.
    if (Number(/i=(\d+)/.exec(challenge)?.[1] ?? 0) > 10 ** MOST_ROUNDS) return undefined
    return new Scram({ password: 'pencil', nonce: 'rOprNGfwEbeRWgbNEkqO' }).final(challenge)
  },
]

/** Bodies as a server sends them; the challenge of RFC 7677 §3. */
const seeds = [
  hex('00 0002 696400 00004001 0001 00000017 0004 ffffffff 0000 7400 00000000 0000 00000019 ffff ffffffff 0000'),
  hex('01 0003 00000001 31 ffffffff 00000003 616263'),
  Buffer.concat([
    hex('02'),
    Buffer.from(
      'SERROR\0VERROR\0C23505\0Mduplicate key\0DKey (id)=(5) already exists.\0WCOPY t, line 3, column c: "x"\0spublic\0tt\0\0',
    ),
  ]),
  Buffer.from('\x03r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096'),
]

export const postgresMessages: Target = {
  name: 'postgres-messages',
  seeds,
  tokens: [hex('ffff'), hex('7fff'), hex('ffffffff'), hex('00'), 'C', 'i=', '22P02'],
  run: input => decoders[choiceOf(input, decoders.length)]!(bytesOf(behindFirst(input))),
}
