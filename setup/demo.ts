/** Brings up examples/hello, asks it for an answer, and says what to try next. Run by `npm run demo`. */
import { spawnSync } from 'node:child_process'
import { join, resolve } from 'node:path'

const repository = resolve(import.meta.dirname, '..')
const stackFile = 'examples/hello/repave.yaml'
const address = 'http://127.0.0.1:8080/'

function main(): Promise<void> {
  run('up', '-f', stackFile)
  run('status', '-f', stackFile)
  return showAnswers().then(showNextSteps)
}

function run(...commandLine: readonly string[]): void {
  console.log(`\n$ bin/repave ${commandLine.join(' ')}`)
  const { status, error } = spawnSync(join(repository, 'bin/repave'), commandLine, {
    cwd: repository,
    stdio: 'inherit',
  })
  if (error) throw error
  if (status !== 0) process.exit(status ?? 1)
}

async function showAnswers(): Promise<void> {
  console.log(`\n$ curl ${address}   (three times)`)
  for (let count = 0; count < 3; count += 1) {
    const response = await fetch(address, { headers: { connection: 'close' } })
    const body = await response.text()
    if (!response.ok) throw new Error(`${address} answered ${response.status}: ${body}`)
    console.log(body.trimEnd())
  }
}

function showNextSteps(): void {
  console.log(`
Three instances of hello/web serve at ${address}. To go on:

  edit ${stackFile}: another GREETING, say
  bin/repave plan -f ${stackFile}       what would be replaced, and why
  bin/repave up -f ${stackFile}         replaces every instance; no request is lost
  bin/repave rollback -f ${stackFile}   back to the version before
  bin/repave down -f ${stackFile}       removes the instances and the route

To see a bad version refused, add FAULT: unhealthy beside GREETING and run "up".`)
}

await main()
