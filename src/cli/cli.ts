/** Runs one command line and returns the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  console.error(`sluice: unknown command ${args[0] ?? '(none)'}. This version answers only: sluice --version`)
  return 2
}
