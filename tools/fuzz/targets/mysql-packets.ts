/** Everything of MySQL's protocol but rows. The first byte chooses the decoder. */
import type { ByteStream } from '#wire'
import { proveFurther } from '../../../src/connectors/mysql/protocol/auth.ts'
import { decodeGreeting } from '../../../src/connectors/mysql/protocol/handshake.ts'
import { PacketStream } from '../../../src/connectors/mysql/protocol/packet-stream.ts'
import {
  decodeColumn,
  decodeEnd,
  decodeError,
  decodeOk,
  decodePrepared,
  decodeTextRow,
} from '../../../src/connectors/mysql/protocol/responses.ts'
import { behindFirst, bytesOf, choiceOf, hex, type Placed, type Target } from '../target.ts'

const context = { user: 'u', place: 'p', password: 'secret', isPrivate: false, allowPublicKeyRetrieval: true }

const decoders: readonly ((packet: Buffer<ArrayBuffer>, input: Placed) => unknown)[] = [
  decodeGreeting,
  decodeOk,
  packet => decodeEnd(packet, false),
  decodeError,
  decodeColumn,
  packet => decodeTextRow(packet, 3),
  decodePrepared,
  packet => proveFurther('caching_sha2_password', packet, Buffer.alloc(20, 1), context)?.length,
  (_, input) => packetsOf(input),
]

/** All packets of a connection that ends behind them. */
async function packetsOf({ buffer, start, end }: Placed): Promise<unknown> {
  const ended = new Error('ended')
  const stream = {
    buffer,
    start,
    end,
    async fill(bytes: number) {
      if (this.end - this.start < bytes) throw ended
    },
  }
  const packets = new PacketStream(stream as unknown as ByteStream)
  const found: Buffer[] = []
  try {
    for (;;) found.push(await packets.read())
  } catch (error) {
    if (error !== ended) throw error
    return found
  }
}

/** Greetings of servers as they were sent; packets of the manual. */
const seeds = [
  '00 0a 392e372e3400 0b000000 0102030405060708 00 ffff ff 0200 ffdf 15 00000000000000000000 0102030405060708090a0b0c 00 63616368696e675f736861325f70617373776f726400',
  '00 0a 352e352e352d31302e31312e31382d4d61726961444200 0b000000 0102030405060708 00 feff 2d 0200 ff81 15 000000000000 1d000000 0102030405060708090a0b0c 00 6d7973716c5f6e61746976655f70617373776f726400',
  '01 00 01 05 0200 0000',
  '02 fe 0000 0200',
  '03 ff 4804 23 4859303030 4e6f207461626c6573',
  '04 03646566 0474657374 0174 0174 026964 026964 0c 3f00 0b000000 03 0350 00 0000',
  '05 0131 fb 03616263',
  '06 00 01000000 0200 0100 00 0000',
  '07 04',
  '07 2d2d2d2d2d424547494e205055424c4943204b45592d2d2d2d2d',
  '08 030000 00 010203 000000 01 010000 02 ff',
]

export const mysqlPackets: Target = {
  name: 'mysql-packets',
  seeds: seeds.map(hex),
  tokens: [hex('fb'), hex('fc ffff'), hex('fd ffffff'), hex('fe ffffffffffffffff'), hex('00'), hex('ffffff')],
  run(input) {
    const rest = behindFirst(input)
    return decoders[choiceOf(input, decoders.length)]!(bytesOf(rest), rest)
  },
}
