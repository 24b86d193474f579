import { command } from '../command.ts'
import { EXIT_CODES } from '../exit-codes.ts'
import { loadSpec, type JobFlags } from '../load-spec.ts'
import { printWarnings } from '../print-warnings.ts'
import { safeLine, safeText } from '../secrets.ts'

export const validate = command(async (flags: JobFlags & { readonly json?: boolean }, file: string): Promise<number> => {
  const { job, spec, warnings } = await loadSpec(file, flags)
  const json = flags.json === true
  printWarnings(warnings, json)
  const facts = { file, dialect: job.dialect, job: spec.id, source: spec.source.connector, sink: spec.sink.connector }
  process.stdout.write(
    json
      ? safeLine({ event: 'valid', ...facts })
      : safeText(`${file} is valid: ${facts.dialect}, ${facts.source} → ${facts.sink}, job ${facts.job}\n`),
  )
  return EXIT_CODES.ok.code
})
