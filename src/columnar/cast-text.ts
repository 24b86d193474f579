/**
 * Casts from and to text: utf8, json, numeric, binary and uuid.
 *
 * The text of a value is the canonical one of render-bytes.ts, and what scan-bytes.ts understands becomes a value again.
 */
import { isUtf8 } from 'node:buffer'
import { checked, chain, copyColumn, loop, lossless, type Kernel, type Rule } from './cast-rule.ts'
import type { Column } from './column.ts'
import { maxTextBytes, renderOf } from './render-bytes.ts'
import { scanOf } from './scan-bytes.ts'
import { utf8, type Type } from './types.ts'

const UTC_NOTE = 'a text without a zone is taken as UTC'
const FLOAT_NOTE = 'as the nearest float'

export function textRule(from: Type, to: Type): Rule | undefined {
  switch (from.kind) {
    case 'utf8':
      return ruleFromText(to)
    case 'json':
      return to.kind === 'utf8' || to.kind === 'binary' ? lossless(() => copyColumn) : undefined
    case 'numeric':
      return to.kind === 'decimal' ? checked(() => scanLoop(to)) : ruleToText(from, to)
    case 'binary':
      return ruleFromBinary(to)
    case 'uuid':
      return to.kind === 'binary' ? lossless(uuidToBytesLoop) : ruleToText(from, to)
    default:
      return ruleToText(from, to)
  }
}

function ruleToText(from: Type, to: Type): Rule | undefined {
  const render = renderOf(from)
  if (to.kind !== 'utf8' || render === undefined) return undefined
  const room = maxTextBytes(from)
  if (room === undefined) return lossless(() => copyColumn)
  return lossless(() =>
    loop(`const at = to[row]; to[row + 1] = render(target.reserve(at, at + ${room}), at, source, row)`, { render }),
  )
}

function ruleFromText(to: Type): Rule | undefined {
  if (to.kind === 'binary') return lossless(() => copyColumn)
  const scan = scanOf(to)
  if (scan === undefined) return undefined
  const note = to.kind === 'float' ? FLOAT_NOTE : to.kind === 'timestamp' && to.zone ? UTC_NOTE : undefined
  return checked(() => scanLoop(to), note)
}

function ruleFromBinary(to: Type): Rule | undefined {
  if (to.kind === 'uuid')
    return checked(() => loop('if (!uuidOfBytes(sd, so[row], so[row + 1], tv, row)) return row', { uuidOfBytes }))
  if (to.kind === 'utf8') return checked(() => copyUtf8)
  return to.kind === 'json' ? checked(() => chain(copyUtf8, utf8, scanLoop(to))) : undefined
}

const scanLoop = (to: Type): Kernel => loop('if (!scan(sd, so[row], so[row + 1], target, row)) return row', { scan: scanOf(to) })

/** Copies bytes that are text. The run as a whole is checked: it is valid where each value is and none starts inside a character. */
function copyUtf8(source: Column, rows: number, target: Column): number {
  const { data, offsets } = source
  copyColumn(source, rows, target)
  if (isUtf8(data.subarray(0, offsets[rows])) && !startsInside(source, rows)) return -1
  for (let row = 0; row < rows; row++) {
    if (!isUtf8(data.subarray(offsets[row], offsets[row + 1]))) return row
  }
  return -1
}

/** Whether a value begins with a byte that continues a character. */
function startsInside({ data, offsets }: Column, rows: number): boolean {
  for (let row = 0; row < rows; row++) {
    if (offsets[row]! < offsets[row + 1]! && (data[offsets[row]!]! & 0xc0) === 0x80) return true
  }
  return false
}

const uuidToBytesLoop = () =>
  loop(
    'const at = to[row]; const out = target.reserve(at, at + 16); for (let i = 0; i < 16; i++) out[at + i] = sv[row * 16 + i]; to[row + 1] = at + 16',
    {},
  )

function uuidOfBytes(bytes: Uint8Array, start: number, end: number, values: Uint8Array, row: number): boolean {
  if (end - start !== 16) return false
  for (let i = 0; i < 16; i++) values[row * 16 + i] = bytes[start + i]!
  return true
}
