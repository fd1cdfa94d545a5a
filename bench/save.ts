/** Keeps what a benchmark printed in `docs/results/`, by the day and its name. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'

export async function save(name: string, text: string): Promise<void> {
  const folder = resolve(import.meta.dirname, '../docs/results')
  const file = join(folder, `${new Date().toISOString().slice(0, 10)}-${name}.txt`)
  await mkdir(folder, { recursive: true })
  await writeFile(file, `${text}\n`)
  console.log(`saved in ${file}`)
}
