/** Source for JSON Lines files (https://jsonlines.org): one JSON object per line, UTF-8. */
import { z } from 'zod'
import { defineSource } from '#connector'
import { FileReader, namedColumns, sourceShape } from '#files'
import { JsonlFormat } from './format.ts'
import { binaryOption } from './options.ts'

const options = z.strictObject({ ...sourceShape, binary: binaryOption })

export const jsonlSource = defineSource({
  name: 'jsonl',
  title: 'JSON Lines files',
  summary: 'Reads files with one JSON object per line, plain or compressed, in parallel, resumable at any line.',
  stability: 'beta',
  options,
  capabilities: { boundedness: 'bounded', resume: 'position', changelog: 'append' },
  async open(settings, context) {
    const { sampleRows, binary } = settings
    const { quarantine = false } = context
    const format = new JsonlFormat({ columns: namedColumns(settings.columns), sampleRows, binary, quarantine })
    return new FileReader(settings, format, context)
  },
})
