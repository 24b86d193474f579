/**
 * Builds the package that is published: `npm run build` writes `dist/sluice-VERSION.tgz`.
 *
 * The clone runs its source as it is, but Node strips no types below `node_modules`. So the package holds JavaScript, in few files, as
 * each file costs time at every start (docs/decisions/0033-bundle.md), and the types of the public layers. Its package.json is derived
 * from the one of the clone: the layers lie in `dist` instead of `src`, and what only a clone needs is left out.
 */
import { execFile } from 'node:child_process'
import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'

const root = fileURLToPath(new URL('..', import.meta.url))
const staging = join(root, 'dist', 'package')
const run = promisify(execFile)

/** What the author of a connector outside of this repository imports, as `sluice/connector` and so on. */
const publicLayers = ['errors', 'columnar', 'wire', 'connector', 'conformance', 'sql', 'files']

/** Found by name at run time, so they keep files of their own. */
const programs = ['#main', '#worker-thread', '#thread-killer']

/** Only what the derived file is made from; the rest of the fields is carried over as it is. */
interface PackageJson {
  readonly name: string
  readonly version: string
  readonly imports: Readonly<Record<string, string>>
  readonly dependencies: Readonly<Record<string, string>>
  readonly peerDependencies: Readonly<Record<string, string>>
  readonly [field: string]: unknown
}

if (import.meta.main) console.log(await packSluice(join(root, 'dist')))

/** Compiles and packs into a folder that exists; returns the path of the tarball. */
export async function packSluice(destination: string): Promise<string> {
  const clone = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as PackageJson
  await rm(staging, { recursive: true, force: true })
  await mkdir(staging, { recursive: true })
  const inlined = await bundle(clone)
  await declareTypes()
  await writeFile(join(staging, 'THIRD-PARTY-LICENCES'), await licenceTexts(inlined))
  const manifest = publishedManifest(clone)
  await writeFile(join(staging, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)
  for (const name of ['LICENSE', 'README.md']) await copyFile(join(root, name), join(staging, name))
  await run('npm', ['pack', staging, '--pack-destination', destination, '--ignore-scripts', '--loglevel=error'], { cwd: root })
  return join(destination, `${manifest.name}-${manifest.version}.tgz`)
}

/** Returns the names of the packages whose code has become part of ours. */
async function bundle({ imports, peerDependencies }: PackageJson): Promise<string[]> {
  const entries = [...programs, ...publicLayers.map(layer => `#${layer}`)].map(name => imports[name] ?? '')
  await using build = await rolldown({
    cwd: root,
    platform: 'node',
    input: Object.fromEntries(entries.map(path => [path.replace('./src/', '').replace(/\.ts$/, ''), path])),
    external: id =>
      id.startsWith('node:') || Object.keys(peerDependencies).some(name => id === name || id.startsWith(`${name}/`)),
    onLog: (level, { message }) => {
      if (level === 'warn') throw new Error(`The bundler warns: ${message}`)
    },
  })
  const { output } = await build.write({
    dir: join(staging, 'dist'),
    entryFileNames: '[name].js',
    chunkFileNames: 'shared/[name]-[hash].js',
  })
  const modules = output.flatMap(chunk => (chunk.type === 'chunk' ? chunk.moduleIds : []))
  const names = modules.flatMap(id => /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(id)?.[1] ?? [])
  return [...new Set(names)].sort()
}

async function declareTypes(): Promise<void> {
  const compiler = join(root, 'node_modules/typescript/bin/tsc')
  const include = publicLayers.map(layer => join(root, 'src', layer, 'index.ts'))
  const project = join(staging, 'tsconfig.json')
  await writeFile(project, JSON.stringify({ extends: join(root, 'tsconfig.build.json'), include }))
  await run(process.execPath, [compiler, '-p', project, '--outDir', join(staging, 'dist')], { cwd: root }).catch(
    (error: unknown) => {
      throw new Error(`The source does not compile:\n${(error as { stdout: string }).stdout}`)
    },
  )
  await rm(project)
}

async function licenceTexts(names: readonly string[]): Promise<string> {
  const parts = names.map(async name => {
    const folder = join(root, 'node_modules', name)
    const { version, license } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as Record<string, string>
    // Who leaves the text out means that of the Apache License, which stands in our own LICENSE.
    const text = await readFile(join(folder, 'LICENSE'), 'utf8').catch(() => 'See LICENSE.\n')
    return `${name} ${version}, ${license}\n\n${text}`
  })
  return `Code of these packages is part of the files in dist.\n\n${(await Promise.all(parts)).join('\n')}`
}

/** The types of zod are part of the contract that connectors see; the code of all dependencies is in the bundle. */
function publishedManifest(clone: PackageJson) {
  const { devDependencies: _dev, optionalDependencies: _optional, scripts: _scripts, dependencies, ...rest } = clone
  const published = [...programs, ...publicLayers.map(layer => `#${layer}`), '#package']
  return {
    ...rest,
    dependencies: { zod: dependencies.zod },
    bin: { sluice: './dist/cli/main.js' },
    imports: Object.fromEntries(published.map(name => [name, compiled(clone.imports[name] ?? '')])),
    exports: {
      ...Object.fromEntries(publicLayers.map(layer => [`./${layer}`, `./dist/${layer}/index.js`])),
      './package.json': './package.json',
    },
  }
}

function compiled(path: string): string {
  return path.replace('./src/', './dist/').replace(/\.ts$/, '.js')
}
