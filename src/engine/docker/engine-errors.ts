/** Translates what goes wrong between the driver and dockerd, by errno and status, once. */
import { statfs } from 'node:fs/promises'
import { RepaveError } from '../../errors.ts'

/** A connection that could not be made or broke. */
export function connectionError(cause: unknown, socketPath: string): RepaveError {
  const code = errorCode(cause)
  switch (code) {
    case 'ENOENT':
      return new RepaveError('ENGINE_MISSING', `no Docker engine: ${socketPath} does not exist`, {
        hint: 'start it with `systemctl start docker`, install it with `apt-get install docker.io`, or name its socket in DOCKER_HOST',
        cause,
      })
    case 'ECONNREFUSED':
      return new RepaveError('ENGINE_UNREACHABLE', `no Docker engine listens on ${socketPath}`, {
        hint: 'start it with `systemctl start docker`, or `dockerd` where there is no systemd',
        cause,
      })
    case 'EACCES':
    case 'EPERM':
      return new RepaveError(
        'ENGINE_UNREACHABLE',
        `the Docker engine's socket ${socketPath} is not open to this user`,
        {
          hint: 'run as root, or add the user to the group that owns the socket: `usermod -aG docker $USER`',
          cause,
        },
      )
    default:
      return new RepaveError('ENGINE_UNREACHABLE', `the Docker engine on ${socketPath} broke off (${code})`, {
        hint: 'see whether dockerd still runs: `docker version`, `journalctl -u docker`',
        cause,
      })
  }
}

function errorCode(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code
  return error instanceof Error ? error.message : String(error)
}

/** An answer that the driver has no use for. */
export function refusal(action: string, status: number, words: string): RepaveError {
  return new RepaveError('ENGINE_FAILED', `the Docker engine failed to ${action}: ${words} (status ${status})`, {
    hint: 'see its log: `journalctl -u docker`; the call is repeated as long as it is needed',
  })
}

export function malformedAnswer(action: string, cause: unknown): RepaveError {
  return new RepaveError('ENGINE_FAILED', `the Docker engine answered ${action} with something unintelligible`, {
    hint: 'see whether the socket belongs to a Docker engine of version 20.10 or newer: `docker version`',
    cause,
  })
}

/** `error`, or DISK_FULL where the engine's disk has no room: dockerd has one status for all of its failures. */
export async function unlessDiskFull(error: RepaveError, dataRoot: string | undefined): Promise<RepaveError> {
  if (dataRoot === undefined || !(await isFull(dataRoot))) return error
  return new RepaveError('DISK_FULL', `the disk that holds ${dataRoot} is full: ${error.message}`, {
    hint: `make room, for example by removing images that nothing uses: \`docker image prune\`; see \`df -h ${dataRoot}\``,
    cause: error,
  })
}

const leastFreeBytes = 1024 * 1024

async function isFull(path: string): Promise<boolean> {
  try {
    const disk = await statfs(path)
    return disk.bavail * disk.bsize < leastFreeBytes || (disk.files > 0 && disk.ffree === 0)
  } catch {
    return false
  }
}
