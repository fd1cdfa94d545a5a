/** `repave init`: writes a small stack file that works; never over one that is there. */
import { existsSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { stackFileFormat, stackFileNames } from '../config/stack-file.ts'
import { stackNameFrom, stackTemplate } from '../config/template.ts'
import { RepaveError } from '../errors.ts'
import { errorCode } from '../system/error-code.ts'
import { exitDone } from './exit.ts'
import type { Session } from './session.ts'

export async function init({ folder, file, json, terminal }: Session): Promise<number> {
  const target = resolve(folder, file ?? 'repave.yaml')
  const present = file === undefined ? stackFileNames.find((name) => existsSync(join(folder, name))) : undefined
  if (present !== undefined) throw alreadyThere(join(folder, present))
  write(target, template(target))
  if (json) terminal.printJson({ ok: true, file: target })
  else terminal.print([`wrote ${target}`, '  `repave plan` shows what it would run, `repave up` runs it.'])
  return exitDone
}

/** Builds what lies beside the file where there is a Dockerfile, else runs a well-known image. */
function template(file: string): string {
  const folder = dirname(file)
  const hasDockerfile = existsSync(join(folder, 'Dockerfile'))
  const source = hasDockerfile
    ? ({ kind: 'build', dockerfile: './Dockerfile' } as const)
    : ({ kind: 'image', reference: 'nginxinc/nginx-unprivileged:stable' } as const)
  return stackTemplate({ stack: stackNameFrom(basename(folder)), source, port: 8080 }, stackFileFormat(file))
}

function write(file: string, text: string): void {
  try {
    writeFileSync(file, text, { flag: 'wx' })
  } catch (cause) {
    const code = errorCode(cause)
    if (code === 'EEXIST') throw alreadyThere(file)
    const isFolderAbsent = code === 'ENOENT' || code === 'ENOTDIR'
    const reason = isFolderAbsent ? `there is no folder ${dirname(file)}` : (code ?? String(cause))
    throw new RepaveError(code === 'ENOSPC' ? 'DISK_FULL' : 'FILE_UNWRITABLE', `can't write ${file}: ${reason}`, {
      hint: isFolderAbsent ? `make it: mkdir -p ${dirname(file)}` : 'write to another place with -f FILE',
      at: { file },
      cause,
    })
  }
}

function alreadyThere(file: string): RepaveError {
  return new RepaveError('USAGE', `${file} is there already`, {
    hint: 'init never overwrites; remove it first, or write elsewhere with -f FILE',
    at: { file },
  })
}
