/** The errors of job files. Tested by mistakes.test.ts. */
import { defineErrors, SluiceError } from '#errors'

/** Facts that every located problem carries. `place` is `file:line:column`, or only the file when nothing smaller is known. */
export interface Where {
  readonly place: string
  /** The thing as the file spells it: `job.content[0].reader.parameter.fetchSize`. */
  readonly path?: string
}

/** Names that would have been right: those close to what was written, and all. */
interface Names {
  readonly near: readonly string[]
  readonly known: readonly string[]
}

export const errors = defineErrors('job', {
  unreadable: {
    fault: 'usage',
    message: (d: { file: string; reason: string }) => `Cannot read ${d.file}: ${d.reason}.`,
    hint: () => 'Check the path and that the file may be read.',
  },
  notUtf8: {
    fault: 'usage',
    message: (d: { file: string }) => `${d.file} is not UTF-8 text.`,
    hint: () => 'Save it as UTF-8, e.g. `iconv -f GBK -t UTF-8 old.json > new.json`.',
  },
  tooLarge: {
    fault: 'usage',
    message: (d: Where & { what: string; limit: number }) => `${d.place}: The job file has more than ${d.limit} ${d.what}.`,
    hint: () => 'A job file describes a job and holds no data. Check that this is the right file.',
  },
  syntax: {
    fault: 'usage',
    message: (d: Where & { problem: string; expected: string; excerpt: string }) => `${d.place}: ${d.problem}`,
    hint: (d: { expected: string }) => d.expected,
  },
  sqlJob: {
    fault: 'usage',
    message: (d: { file: string }) => `${d.file} is an SQL job, which Sluice does not run.`,
    hint: () => 'Write it as a job with a reader and a writer (`job.content`), or as `source` and `sink`.',
  },
  unknownShape: {
    fault: 'usage',
    message: (d: Where) =>
      `${d.place}: This is neither a FlinkX job (\`job.content\`) nor a Sluice job (\`source\` and \`sink\`).`,
    hint: () => 'Write `{ "source": { "connector": … }, "sink": { … } }`, or FlinkX\'s `{ "job": { "content": [ … ] } }`.',
  },
  unknownDialect: {
    fault: 'usage',
    message: (d: { dialect: string; known: readonly string[] }) => `There is no job dialect "${d.dialect}".`,
    hint: (d: { known: readonly string[] }) => `Known: ${d.known.join(', ')}.`,
  },
  incomplete: {
    fault: 'usage',
    message: (d: Where & { problem: string; remedy: string }) => `${d.place}: ${d.problem}`,
    hint: (d: { remedy: string }) => d.remedy,
  },
  unknownConnector: {
    fault: 'usage',
    message: (d: Where & Names & { kind: string; name: string; otherKind: boolean }) =>
      d.otherKind
        ? `${d.place}: "${d.name}" cannot be used as a ${d.kind}.`
        : `${d.place}: There is no connector "${d.name}" to be used as a ${d.kind}.`,
    hint: (d: Names) => didYouMean(d, 'Connectors that can'),
  },
  unknownSetting: {
    fault: 'usage',
    message: (d: Where & Names) => `${d.place}: There is no setting "${d.path}".`,
    hint: (d: Names) => didYouMean(d, 'Settings here'),
  },
  invalidSetting: {
    fault: 'usage',
    message: (d: Where & { expected: string; found: string }) =>
      `${d.place}: Setting "${d.path}" must be ${d.expected}; found ${d.found}.`,
    hint: () => 'Correct the value, or leave the setting out to get its default.',
  },
  missingSetting: {
    fault: 'usage',
    message: (d: Where & { expected: string }) => `${d.place}: Setting "${d.path}" is missing.`,
    hint: (d: { expected: string }) => `Set it to ${d.expected}.`,
  },
  unsupportedSetting: {
    fault: 'usage',
    message: (d: Where & { reason: string }) => `${d.place}: Setting "${d.path}" is not supported yet. ${d.reason}`,
    hint: () => 'Remove the setting to run the job without it.',
  },
  unknownOption: {
    fault: 'usage',
    message: (d: Where & Names & { owner: string }) => `${d.place}: The ${d.owner} has no option "${d.path}".`,
    hint: (d: Names) => didYouMean(d, 'Its options'),
  },
  invalidOption: {
    fault: 'usage',
    message: (d: Where & { owner: string; expected: string; found: string }) =>
      `${d.place}: Option "${d.path}" of the ${d.owner} must be ${d.expected}; found ${d.found}.`,
    hint: () => 'Correct the value in the job file.',
  },
  missingOption: {
    fault: 'usage',
    message: (d: Where & { owner: string; expected: string; description: string }) =>
      `${d.place}: Option "${d.path}" of the ${d.owner} is missing.`,
    hint: (d: { expected: string; description: string }) =>
      `Set it to ${d.expected}.${d.description === '' ? '' : ` ${d.description}`}`,
  },
  inconsistent: {
    fault: 'usage',
    message: (d: Where & { owner: string; problem: string }) =>
      `${d.place}: The ${d.owner} cannot be used like this. ${d.problem}`,
    hint: () => 'Correct the options in the job file.',
  },
  unsupportedOption: {
    fault: 'usage',
    message: (d: Where & { owner: string; reason: string }) =>
      `${d.place}: Option "${d.path}" of the ${d.owner} is not supported yet. ${d.reason}`,
    hint: () => 'Remove the option to run the job without it.',
  },
  invalidParameter: {
    fault: 'usage',
    message: (d: { entry: number; reason: string }) => `Entry ${d.entry} of the job parameters (-p) ${d.reason}.`,
    hint: () => 'Write `-p name=value,name2=value2`. A value cannot contain a comma.',
  },
  missingVariable: {
    fault: 'usage',
    message: (d: Where & { name: string }) => `${d.place}: The environment has no variable ${d.name}.`,
    hint: (d: { name: string }) => `Set it before starting, e.g. \`export ${d.name}=…\`.`,
  },
  unreadableReference: {
    fault: 'usage',
    message: (d: Where & { file: string; reason: string }) =>
      `${d.place}: Cannot take the value from the file ${d.file}: ${d.reason}.`,
    hint: () => 'The path is relative to the folder of the job file. The file must be UTF-8 text of at most 64 KiB.',
  },
  malformedReference: {
    fault: 'usage',
    message: (d: Where & { kind: string }) => `${d.place}: A \${${d.kind}:…} reference is malformed.`,
    hint: () => 'Write `${env:NAME}` or `${file:PATH}`.',
  },
  problems: {
    fault: 'usage',
    message: (d: { file: string; problems: readonly unknown[]; text: string }) =>
      `${d.problems.length} problems in ${d.file}:\n${d.text}`,
  },
})

/** Several problems of one job file, found in one go. `detail.problems` holds them as JSON. */
export class JobProblems extends SluiceError {
  readonly problems: readonly SluiceError[]

  constructor(file: string, problems: readonly SluiceError[]) {
    const text = problems.map(problem => `  ${problem.message}`).join('\n')
    const { code, fault, message, detail } = errors.problems({ file, problems: problems.map(problem => problem.toJSON()), text })
    super(code, fault, message, { detail: { file, problems: detail['problems'] } })
    this.problems = problems
  }
}

/** Throws what was found: nothing, the one problem as it is, or all of them as {@link JobProblems}. */
export function throwProblems(file: string, problems: readonly SluiceError[]): void {
  const [first, second] = problems
  if (second !== undefined) throw new JobProblems(file, problems)
  if (first !== undefined) throw first
}

/** The single problems behind an error of this layer, for a printer. */
export function problemsOf(error: SluiceError): readonly SluiceError[] {
  if (error instanceof JobProblems) return error.problems
  return [error]
}

function didYouMean({ near, known }: Names, otherwise: string): string {
  if (near.length > 0) return `Did you mean ${near.map(name => `"${name}"`).join(' or ')}?`
  return `${otherwise}: ${known.join(', ')}.`
}
