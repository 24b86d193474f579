/** `npm run docs`: writes the generated pages and removes those that are no longer generated. */
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { GENERATED_FOLDERS, generatedPages } from './pages.ts'

const pages = await generatedPages()
for (const folder of GENERATED_FOLDERS) {
  for (const name of await readdir(folder).catch(() => [])) {
    if (!pages.has(`${folder}/${name}`)) await rm(join(folder, name))
  }
}
for (const [path, text] of pages) {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, text)
}
process.stdout.write(`${pages.size} pages written\n`)
