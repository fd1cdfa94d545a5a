/** The process: sets up what all commands share, and ends with the exit code. */
import { enableCompileCache } from 'node:module'
import { homedir } from 'node:os'
import { join } from 'node:path'

// A folder of the user's own: what lies in the usual one, below /tmp, others could have put there.
enableCompileCache(join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'repave', 'compile'))

const { endWithOutput } = await import('./terminal.ts')
const { run, tellEarlyEnd } = await import('./run.ts')
const parameters = process.argv.slice(2)
const onEarlyEnd = (exitCode: number) => tellEarlyEnd(exitCode, parameters)
endWithOutput(() => process.off('exit', onEarlyEnd))
// What a stack file in TypeScript prints is for people; standard output is the command's.
console.log = console.info = console.debug = console.error
process.once('exit', onEarlyEnd)
void run(parameters).then((exitCode) => {
  process.off('exit', onEarlyEnd)
  // Not by itself: a stack file in TypeScript may have left a timer or a connection. Output that fails is told before.
  process.stdout.write('', () => setImmediate(() => process.exit(exitCode)))
})
