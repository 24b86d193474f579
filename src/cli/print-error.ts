import { styleText } from 'node:util'
import type { SluiceError } from '#errors'
import { safeError, safeLine, safeText } from './secrets.ts'

/** What a user sees of an error: code, message, hint; never a stack, except for bugs. */
export function renderError(given: SluiceError): string {
  const error = safeError(given)
  const lines = [`${styleText('red', 'error')} ${styleText('dim', error.code)}  ${error.message}`]
  const { excerpt } = error.detail
  if (typeof excerpt === 'string') lines.push(...excerpt.split('\n').map(line => `      ${line}`))
  if (error.hint)
    lines.push(...error.hint.split('\n').map((line, i) => `${i === 0 ? styleText('dim', 'hint ') : '     '} ${line}`))
  if (error.fault === 'bug') lines.push(styleText('dim', safeText(stackOf(error))))
  return lines.join('\n')
}

function stackOf(error: Error): string {
  const { cause } = error
  return (cause instanceof Error ? cause.stack : error.stack) ?? ''
}

export const errorLine = (error: SluiceError): string => safeLine({ event: 'error', ...error.toJSON() })
