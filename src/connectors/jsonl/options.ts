import { z } from 'zod'

export const binaryOption = z
  .enum(['base64', 'hex'])
  .default('base64')
  .describe('How bytes are written as a string: base64, or hexadecimal digits.')
  .meta({ advanced: true })
