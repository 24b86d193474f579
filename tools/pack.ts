/**
 * Builds the package that is published: `npm run build` writes `dist/sluice-VERSION.tgz`.
 *
 * The clone runs its source as it is, but Node strips no types below `node_modules`, so the package holds compiled
 * JavaScript and its types. Its package.json is derived from the one of the clone: the layers lie in `dist` instead of
 * `src`, and what only a clone needs (its own Node, servers, tools) is left out.
 */
import { execFile } from 'node:child_process'
import { copyFile, glob, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const staging = join(root, 'dist', 'package')
const run = promisify(execFile)

/** What the author of a connector outside of this repository imports, as `sluice/connector` and so on. */
const publicLayers = ['errors', 'columnar', 'wire', 'connector', 'conformance', 'sql', 'files']

/** Only what the derived file is made from; the rest of the fields is carried over as it is. */
interface PackageJson {
  readonly name: string
  readonly version: string
  readonly imports: Readonly<Record<string, string>>
  readonly [field: string]: unknown
}

if (import.meta.main) console.log(await packSluice(join(root, 'dist')))

/** Compiles and packs into a folder that exists; returns the path of the tarball. */
export async function packSluice(destination: string): Promise<string> {
  await rm(staging, { recursive: true, force: true })
  await compile()
  await pointWorkersToJavaScript()
  const manifest = publishedManifest(JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as PackageJson)
  await writeFile(join(staging, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)
  for (const name of ['LICENSE', 'README.md']) await copyFile(join(root, name), join(staging, name))
  await run('npm', ['pack', staging, '--pack-destination', destination, '--ignore-scripts', '--loglevel=error'], { cwd: root })
  return join(destination, `${manifest.name}-${manifest.version}.tgz`)
}

async function compile(): Promise<void> {
  const compiler = join(root, 'node_modules/typescript/bin/tsc')
  await run(process.execPath, [compiler, '-p', 'tsconfig.build.json'], { cwd: root }).catch((error: unknown) => {
    throw new Error(`The source does not compile:\n${(error as { stdout: string }).stdout}`)
  })
}

function publishedManifest(clone: PackageJson) {
  const { devDependencies: _dev, optionalDependencies: _optional, scripts: _scripts, ...rest } = clone
  return {
    ...rest,
    bin: { sluice: './dist/cli/main.js' },
    imports: Object.fromEntries(Object.entries(clone.imports).map(([name, path]) => [name, compiled(path)])),
    exports: {
      ...Object.fromEntries(publicLayers.map(layer => [`./${layer}`, `./dist/${layer}/index.js`])),
      './package.json': './package.json',
    },
  }
}

function compiled(path: string): string {
  return path.replace('./src/', './dist/').replace(/\.ts$/, '.js')
}

/** The compiler rewrites what is imported, not the file that a `new URL('./worker.ts', import.meta.url)` names. */
async function pointWorkersToJavaScript(): Promise<void> {
  for await (const file of glob('dist/**/*.js', { cwd: staging })) {
    const path = join(staging, file)
    const code = await readFile(path, 'utf8')
    const rewritten = code.replace(/(new URL\('\.[^'\n]*)\.ts(', import\.meta\.url\))/g, '$1.js$2')
    if (rewritten !== code) await writeFile(path, rewritten, { mode: (await stat(path)).mode })
  }
}
