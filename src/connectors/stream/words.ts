/** What the type of a column can be called: the names of Sluice, and those of FlinkX's stream reader and of its users' files. */
import { binary, bool, decimalType, float, int, list, parseTypeName, time, timestamp, typeName, utf8, type Type } from '#columnar'

/** How the values of a column are made, where its type does not say it. */
export type Special = 'id' | 'char' | 'seconds'

export interface Word {
  readonly type: Type
  readonly special?: Special
  /** Most characters of a text. */
  readonly length?: number
}

/** FlinkX has one decimal type for all (compatibility specification §4.2). */
const DECIMAL = decimalType(38, 18)

const WORDS = new Map<string, Word>(
  (
    [
      ['id', { type: int(64), special: 'id' }],
      ['tinyint byte', { type: int(8) }],
      ['short smallint int2 year', { type: int(16) }],
      ['int integer mediumint int4', { type: int(32) }],
      ['long bigint biginteger', { type: int(64) }],
      ['float real', { type: float(32) }],
      ['double', { type: float(64) }],
      ['decimal dec number bigdecimal', { type: DECIMAL }],
      ['boolean bit', { type: bool }],
      ['char character', { type: utf8, special: 'char' }],
      ['string varchar varchar2 nvarchar nvarchar2 nchar text tinytext mediumtext longtext clob', { type: utf8 }],
      ['varbinary bytes bytea blob', { type: binary }],
      ['datetime', { type: timestamp(false), special: 'seconds' }],
    ] as const
  ).flatMap(([words, word]) => words.split(' ').map(name => [name, word] as const)),
)

/** Words of more than one part. */
const PHRASES = new Map<string, Word>([
  ['double precision', { type: float(64) }],
  ['timestamp with local time zone', { type: timestamp(true) }],
])

/** What a word means: `int64`, `list<utf8>`, `BIGINT`, `varchar(20)`, `int[]`. Undefined for a word that means nothing. */
export function parseWord(text: string): Word | undefined {
  const word = text.trim().toLowerCase().replace(/\s+/g, ' ')
  const item = word.endsWith('[]') ? parseWord(word.slice(0, -2)) : undefined
  if (item) return { type: list(item.type) }
  const own = parseTypeName(word)
  if (own) return { type: own }
  const [, name = '', first, second] = /^([a-z]\w*)\s?(?:\((\d+)(?:,\s?(\d+))?\))?$/.exec(word) ?? []
  const known = WORDS.get(name) ?? PHRASES.get(word) ?? parameterless(name)
  return known && withParameters(known, first, second)
}

/** Names of our own that take no parameter but are given one, as in `timestamp(6)`. */
function parameterless(name: string): Word | undefined {
  const type = parseTypeName(name)
  return type && { type }
}

function withParameters({ type, special }: Word, first: string | undefined, second: string | undefined): Word {
  const plain = special === undefined ? { type } : { type, special }
  if (first === undefined) return plain
  if (type.kind === 'decimal') return { type: decimalType(Number(first), Number(second ?? 0)) }
  if (type.kind === 'utf8') return { type, length: Number(first) }
  if (type.kind === 'timestamp' && first === '0') return { type, special: 'seconds' }
  return plain
}

/** Words to show to somebody who used one that is not known. */
export const SOME_WORDS = [
  'id',
  'int',
  'bigint',
  'double',
  'decimal(12,2)',
  'string',
  'boolean',
  'date',
  'timestamp',
  typeName(binary),
  typeName(time),
]
