/**
 * Completes package-lock.json with the packages for other platforms that the registry at hand does not serve.
 *
 * A mirror that lacks, say, the macOS build of the linter makes `npm install` leave it out of the lock file, and
 * `npm ci` then refuses the file as incomplete. The names and versions are known from the packages that depend on
 * them; npm skips such an entry where os and cpu differ, so nothing is ever fetched for it here.
 *
 * Run it after `npm install` changed the lock file: node tools/run.mjs tools/complete-lock.ts
 */
import { readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

interface LockedPackage {
  readonly version?: string
  readonly dev?: boolean
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

interface Lock {
  readonly packages: Record<string, LockedPackage>
  readonly [field: string]: unknown
}

const lockFile = fileURLToPath(new URL('../package-lock.json', import.meta.url))

const SYSTEMS = ['aix', 'android', 'darwin', 'freebsd', 'linux', 'netbsd', 'openbsd', 'openharmony', 'sunos', 'win32']
const PROCESSORS = ['arm64', 'arm', 'ia32', 'loong64', 'mips64el', 'ppc64', 'riscv64', 's390x', 'wasm32', 'x64']

if (import.meta.main) {
  const lock = JSON.parse(await readFile(lockFile, 'utf8')) as Lock
  for (const [path, entry] of missingEntries(lock)) lock.packages[path] = entry
  const sorted = Object.entries(lock.packages).sort(([a], [b]) => a.localeCompare(b, 'en'))
  await writeFile(lockFile, `${JSON.stringify({ ...lock, packages: Object.fromEntries(sorted) }, null, 2)}\n`)
}

/** Entries for the optional dependencies that a locked package names and the lock file lacks. */
export function missingEntries(lock: Lock): [path: string, entry: LockedPackage][] {
  const missing = new Map<string, LockedPackage>()
  for (const { dev, optionalDependencies = {} } of Object.values(lock.packages)) {
    for (const [name, version] of Object.entries(optionalDependencies)) {
      const path = `node_modules/${name}`
      if (lock.packages[path] === undefined) missing.set(path, { version, ...(dev === true && { dev }), ...platformOf(name) })
    }
  }
  return [...missing]
}

/** What such a package declares about itself, which its name repeats: `@oxlint/binding-linux-arm64-musl`. */
function platformOf(name: string) {
  const parts = name.split(/[/-]/)
  const os = SYSTEMS.find(system => parts.includes(system))
  const cpu = PROCESSORS.find(processor => parts.includes(processor))
  if (os === undefined && cpu === undefined)
    throw new Error(`${name} is optional, but its name tells no platform. Install it first.`)
  const libc = parts.some(part => part.startsWith('musl'))
    ? 'musl'
    : parts.some(part => part.startsWith('gnu'))
      ? 'glibc'
      : undefined
  return {
    ...(cpu !== undefined && { cpu: [cpu] }),
    optional: true,
    ...(os !== undefined && { os: [os] }),
    ...(libc !== undefined && { libc: [libc] }),
  }
}
