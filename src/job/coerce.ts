/**
 * The leniencies of the FlinkX and ChunJun option parsers, united: what one of them accepts is accepted, and where another one
 * would have rejected, dropped or changed the value there is a warning. Native jobs get only what a reference such as
 * `${env:PORT}` needs, which is always text.
 *
 * Table of the originals (compatibility specification §5.5; Gson and Jackson are ChunJun's two parsers):
 *
 *                       FlinkX 1.10   Gson        Jackson
 *   "5" for a number    yes           yes         yes
 *   "" for a number     rejects       rejects     0
 *   1.7 for an integer  truncates     rejects     truncates
 *   "true" for boolean  rejects       yes         yes
 *   1 for boolean       rejects       rejects     true
 *   123 for text        rejects       yes         yes
 *   "x" for a list      rejects       rejects     rejects
 *
 * Tested by options.test.ts.
 */
import type { z } from 'zod'
import type { Dialect } from './dialects.ts'
import { isObject, type JobValue } from './node.ts'
import { choicesOf, inputOf, isWhole } from './shape.ts'

/** A value that counts as if it were not there. */
export const ABSENT = Symbol('absent')

export interface Coerced {
  readonly value: JobValue | typeof ABSENT
  /** What an original engine would have done instead; a sentence without the value. */
  readonly note?: string
}

/** Bends one scalar, or the lack of one, towards what the schema wants. Never fails: what it cannot bend stays for zod to refuse. */
export function coerce(schema: z.core.$ZodType, value: JobValue, dialect: Dialect, rawText: () => string): Coerced {
  const { type } = inputOf(schema)._zod.def
  const isNative = dialect === 'native'
  switch (type) {
    case 'number':
      return toNumber(value, isWhole(schema), isNative)
    case 'boolean':
      return toBoolean(value, dialect)
    case 'string':
      return toText(value, dialect, rawText)
    case 'enum':
    case 'literal':
      return toChoice(value, choicesOf(schema) ?? [], isNative)
    case 'array':
      return isNative ? { value } : toList(value)
    case 'object':
    case 'record':
      return !isNative && (value === '' || (Array.isArray(value) && value.length === 0)) ? { value: ABSENT } : { value }
    default:
      return { value }
  }
}

function toNumber(value: JobValue, whole: boolean, isNative: boolean): Coerced {
  if (value === '' && !isNative) return { value: ABSENT, note: 'is empty and counts as not set; FlinkX and ChunJun refuse it' }
  const isText = typeof value === 'string' && /^\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*$/.test(value)
  const number = isText ? Number(value) : value
  if (isNative || !whole || typeof number !== 'number' || !Number.isFinite(number)) return { value: number }
  if (Number.isInteger(number)) return { value: number }
  return { value: Math.trunc(number), note: 'must be a whole number; its fraction is cut off, as FlinkX does' }
}

function toBoolean(value: JobValue, dialect: Dialect): Coerced {
  if (typeof value === 'string') {
    const text = value.trim().toLowerCase()
    if (text === 'true' || text === 'false') {
      const note = 'is text instead of true or false; FlinkX 1.10 refuses it'
      return { value: text === 'true', ...(dialect === 'flinkx-1.10' ? { note } : {}) }
    }
    if (text === '' && dialect !== 'native') return { value: ABSENT, note: 'is empty and counts as not set' }
  }
  if (dialect !== 'native' && (value === 0 || value === 1)) {
    return { value: value === 1, note: 'is a number instead of true or false; most FlinkX connectors refuse it' }
  }
  return { value }
}

function toText(value: JobValue, dialect: Dialect, rawText: () => string): Coerced {
  if (typeof value !== 'number' && typeof value !== 'bigint' && typeof value !== 'boolean') return { value }
  // As it is written: 1.10 and 007 are not 1.1 and 7.
  const note = 'is text and should be in quotes; FlinkX 1.10 refuses it'
  return { value: rawText(), ...(dialect === 'flinkx-1.10' ? { note } : {}) }
}

function toChoice(value: JobValue, choices: readonly unknown[], isNative: boolean): Coerced {
  if (value === '' && !isNative && !choices.includes('')) return { value: ABSENT }
  if (choices.includes(value)) return { value }
  const text = String(value).trim().toLowerCase()
  const found = choices.find(choice => String(choice).toLowerCase() === text)
  return { value: isObject(value) || Array.isArray(value) || found === undefined ? value : (found as JobValue) }
}

function toList(value: JobValue): Coerced {
  if (Array.isArray(value)) return { value }
  if (value === '') return { value: ABSENT }
  return { value: [value], note: 'is taken as a list of one element; FlinkX and ChunJun refuse it' }
}
