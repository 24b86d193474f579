import { createHash } from 'node:crypto'
import type { Side } from './job.ts'
import { isObject, type JobValue } from './node.ts'
import { isSecretName } from './secrets.ts'

/** Who connects, not what is copied. Compared in lower case, without "-" and "_". */
const ACCOUNT = /^(?:user(?:name|id)?|login|role|principal(?:name)?|keytab(?:path)?|accessid|krb5conf)$/

/** How fast rows are copied, not which. Compared like {@link ACCOUNT}. */
const TUNING = new Set([
  'fetchsize',
  'batchsize',
  'batchrows',
  'batchbytes',
  'splitbytes',
  'samplerows',
  'querytimeout',
  'connecttimeout',
  'connectiontimeout',
  'sockettimeout',
  'timeout',
  'flushintervalmills',
  'flushinterval',
  'requestaccumulatorinterval',
  'pollinginterval',
  'properties',
  'maxretries',
  'retries',
  'poolsize',
  'connections',
  'buffersize',
  'buffersizebytes',
  'nextcheckrows',
  'isautocommit',
  'initreporter',
  'print',
  'sourceids',
  'sourceid',
  'datasourceid',
  'dtcentersourceid',
  'session',
  'executepresqlnodata',
  'executepostsqlnodata',
  'tls',
  'ssl',
  'sslmode',
  'sslca',
  'sslrootcert',
  'sslcert',
  'sslkey',
])

type Essence = Pick<Side, 'connector' | 'options'>

const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567'
const DIGITS = 16

/**
 * Under which name a job's runs are recorded: its own, or else 16 letters and digits that follow from source and sink.
 *
 * Credentials, tuning options, empty options, the order of keys and the query of a URL (drivers keep their switches there)
 * do not count: changing them between a crash and the next start must not lose the place.
 */
export function jobIdentity(job: { readonly name?: string; readonly source: Essence; readonly sink: Essence }): string {
  if (job.name !== undefined) return job.name
  const text = JSON.stringify([job.source, job.sink].map(sideOf))
  return base32(createHash('sha256').update(text).digest())
}

function sideOf({ connector, options }: Essence) {
  return [connector, essence(options)]
}

/** The value without what does not count; undefined when nothing is left. */
function essence(value: JobValue): unknown {
  if (value === null || value === '') return undefined
  if (typeof value === 'string') return withoutAccount(value)
  if (typeof value === 'bigint') return String(value)
  if (Array.isArray(value)) return value.length === 0 ? undefined : value.map(element => essence(element) ?? null)
  if (!isObject(value)) return value
  const entries = Object.entries(value).flatMap(([key, child]) => {
    const name = key.toLowerCase()
    const plain = name.replace(/[-_]/g, '')
    const kept = isSecretName(key) || ACCOUNT.test(plain) || TUNING.has(plain) ? undefined : essence(child)
    return kept === undefined ? [] : [[name, kept] as const]
  })
  return entries.length === 0 ? undefined : entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
}

/** A URL without account and switches; of its parameters those stay that choose what is read or written. */
function withoutAccount(text: string): string {
  if (!/^[\w+.:-]+:\/\//.test(text)) return text
  const [address = '', query = ''] = text.split(/\?(.*)/s)
  const chosen = query
    .split('&')
    .filter(parameter => /^[^=]*(?:schema|database|catalog|search_path)[^=]*=/i.test(parameter))
    .sort()
  const plain = address.replace(/:\/\/[^/@]*@/, '://').replace(/;(?:user(?:name)?|password)=[^;]*/gi, '')
  return chosen.length === 0 ? plain : `${plain}?${chosen.join('&')}`
}

function base32(bytes: Uint8Array): string {
  let text = ''
  for (let bit = 0; text.length < DIGITS; bit += 5) {
    const pair = (bytes[bit >> 3]! << 8) | bytes[(bit >> 3) + 1]!
    text += BASE32[(pair >> (11 - (bit & 7))) & 31]
  }
  return text
}
