/** The process: sets up what all commands share, and ends with the exit code. */
import { enableCompileCache } from 'node:module'
import { homedir } from 'node:os'
import { join } from 'node:path'

// A folder of the user's own: what lies in the usual one, below /tmp, others could have put there.
enableCompileCache(join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'repave', 'compile'))

const { endWithReader } = await import('./terminal.ts')
const { run } = await import('./run.ts')
endWithReader()
process.exitCode = await run(process.argv.slice(2))
