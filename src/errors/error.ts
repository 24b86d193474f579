/** Who can make the failure go away. Retry policy, exit code and HTTP status follow from it alone. */
export type Fault =
  | 'usage' // the operator: wrong option, missing table, missing grant. Never retried.
  | 'data' // the data: a row the job cannot represent. Becomes a dirty row or stops the run.
  | 'transient' // time: network, lock, failover. Retried with back-off.
  | 'bug' // us. Never retried; the message asks for a report.

/** One row of a layer's error table. Message and hint are sentences for the operator. */
export interface ErrorSpec<Detail> {
  readonly fault: Fault
  /** What happened, naming the thing it happened to. No secrets, no stack, no trailing advice. */
  readonly message: (detail: Detail) => string
  /** What to do next. Omit it only when there is nothing useful to say. */
  readonly hint?: (detail: Detail) => string
}

// Shared through the global symbol registry, so that `SluiceError.is` also holds when two
// copies of this package end up in one process (a plugin with its own node_modules).
const brand = Symbol.for('sluice.error')

/** A SluiceError as JSON: what crosses a thread or process border, the REST body and the `--json` line. */
export interface ErrorJson {
  readonly code: string
  readonly fault: Fault
  readonly message: string
  readonly hint?: string | undefined
  readonly detail: Readonly<Record<string, unknown>>
}

/** The only error type that crosses a layer. Build one with {@link defineErrors}. */
export class SluiceError extends Error {
  override readonly name = 'SluiceError'
  readonly [brand] = true
  /** Stable identity, `<namespace>.<kebab-case>`; part of the public API. Branch on it, never on the message. */
  readonly code: string
  readonly fault: Fault
  readonly hint: string | undefined
  /** The facts behind the message, as JSON: file, table, position. Never credentials, never row values. */
  readonly detail: Readonly<Record<string, unknown>>

  constructor(
    code: string,
    fault: Fault,
    message: string,
    rest: { hint?: string | undefined; detail?: Readonly<Record<string, unknown>> | undefined; cause?: unknown } = {},
  ) {
    super(message, rest.cause === undefined ? undefined : { cause: rest.cause })
    this.code = code
    this.fault = fault
    this.hint = rest.hint
    this.detail = rest.detail ?? {}
  }

  static is(error: unknown, code?: string): error is SluiceError {
    if (!(error instanceof Error) || !(brand in error)) return false
    return code === undefined || (error as SluiceError).code === code
  }

  /**
   * Adds where we were to a failure that passes through.
   *
   * The innermost code survives: a boundary may say more about the place, but never
   * hides what went wrong. Only an error that nobody has coded yet gets `sluice.unexpected`.
   */
  static wrap(doing: string, cause: unknown): SluiceError {
    if (!SluiceError.is(cause)) return unexpected(`${doing}: ${messageOf(cause)}`, cause)
    const { code, fault, hint, detail } = cause
    return new SluiceError(code, fault, `${doing}: ${cause.message}`, { hint, detail, cause })
  }

  /** The error itself when it has a code, else `sluice.unexpected` around it. */
  static from(cause: unknown): SluiceError {
    return SluiceError.is(cause) ? cause : unexpected(messageOf(cause), cause)
  }

  static fromJSON({ code, fault, message, hint, detail }: ErrorJson): SluiceError {
    return new SluiceError(code, fault, message, { hint, detail })
  }

  toJSON(): ErrorJson {
    const { code, fault, message, hint, detail } = this
    return { code, fault, message, ...(hint === undefined ? {} : { hint }), detail }
  }
}

function unexpected(message: string, cause: unknown): SluiceError {
  return new SluiceError('sluice.unexpected', 'bug', message, {
    hint: 'This is a bug. Please report it with the job file (without secrets) and the output of `sluice --version`.',
    cause,
  })
}

type Factory<Spec> = Spec extends ErrorSpec<infer Detail> ? (detail: Detail, cause?: unknown) => SluiceError : never

/**
 * Turns a table of error specs into one factory per row, and registers the rows for the
 * generated error reference. Declare all errors of a namespace in a single table.
 */
export function defineErrors<const Specs extends Record<string, ErrorSpec<never>>>(
  namespace: string,
  specs: Specs,
): { readonly [Name in keyof Specs]: Factory<Specs[Name]> } {
  const factories: Record<string, unknown> = {}
  for (const [name, spec] of Object.entries(specs)) {
    const code = `${namespace}.${kebabCase(name)}`
    if (registry.has(code)) throw new Error(`error code ${code} is declared twice`)
    registry.set(code, spec)
    factories[name] = (detail: Record<string, unknown>, cause?: unknown) =>
      new SluiceError(code, spec.fault, spec.message(detail as never), {
        hint: spec.hint?.(detail as never),
        detail,
        cause,
      })
  }
  return factories as { readonly [Name in keyof Specs]: Factory<Specs[Name]> }
}

/** Every declared code, for `docs/reference/errors.md`. */
export const registry = new Map<string, ErrorSpec<never>>()

const kebabCase = (name: string) => name.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)
const messageOf = (cause: unknown) => (cause instanceof Error ? cause.message : String(cause))
