/** Asks the registry which of the packages in package-lock.json have known holes. */
import { execFile } from 'node:child_process'

const TIMEOUT_MS = 60_000

/** What `npm audit --json` prints (https://docs.npmjs.com/cli/commands/npm-audit): findings by package, or why there is no answer. */
interface AuditReport {
  readonly vulnerabilities?: Readonly<
    Record<string, { readonly name: string; readonly severity: string; readonly range: string; readonly via: readonly unknown[] }>
  >
  readonly message?: string
  readonly error?: { readonly summary?: string }
}

/** Either the findings, a line each, or why the registry has not answered. */
export type Audit = { readonly findings: readonly string[] } | { readonly unanswered: string }

export async function audit(folder: string): Promise<Audit> {
  // npm ends with 1 both when it has found something and when it could not ask; what it prints tells them apart.
  const output = await new Promise<string>(resolve => {
    const options = { cwd: folder, timeout: TIMEOUT_MS, maxBuffer: 64 * 1024 * 1024 }
    execFile('npm', ['audit', '--json'], options, (error, stdout) =>
      resolve(stdout === '' ? `{"message":"${error?.name}"}` : stdout),
    )
  })
  return readAudit(output)
}

export function readAudit(output: string): Audit {
  let report: AuditReport
  try {
    report = JSON.parse(output) as AuditReport
  } catch {
    return { unanswered: 'npm audit printed no JSON' }
  }
  const { vulnerabilities, message, error } = report
  if (vulnerabilities === undefined) return { unanswered: message ?? error?.summary ?? 'npm audit says nothing' }
  return {
    findings: Object.values(vulnerabilities).map(
      ({ name, severity, range, via }) => `${name} ${range}: ${severity}, ${titlesOf(via)}`,
    ),
  }
}

/** Advisories, or the packages through which one is reached. */
const titlesOf = (via: readonly unknown[]) =>
  via
    .map(cause => (typeof cause === 'object' && cause !== null && 'title' in cause ? String(cause.title) : `by ${String(cause)}`))
    .join('; ')
