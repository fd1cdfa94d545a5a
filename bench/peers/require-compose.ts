/** docker-compose 1.29, which Debian 12 has as a package; nothing else of the project needs it. */
import { execFileSync, spawnSync } from 'node:child_process'

const install = ['apt-get', 'install', '-y', '-qq', '--no-install-recommends', 'docker-compose'] as const

/** Installs it where it is absent, and says so; fails with what to do where it can't. */
export function requireCompose(): void {
  if (answers('docker-compose')) return
  if (process.getuid?.() !== 0 || !answers('apt-get'))
    throw new Error(`docker-compose is missing on this machine; as root: ${install.join(' ')}`)
  console.error(`installing a Debian package: ${install.join(' ')}`)
  const [program, ...parameters] = install
  execFileSync('apt-get', ['update', '-qq'], { stdio: ['ignore', 'ignore', 'inherit'] })
  execFileSync(program, parameters, {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
}

function answers(program: string): boolean {
  return spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0
}
