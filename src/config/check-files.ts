/** Whether the files that a stack names are there, and inside the folder where they must be. */
import { X509Certificate } from 'node:crypto'
import { constants } from 'node:fs'
import { access, readFile, realpath, stat } from 'node:fs/promises'
import { relative } from 'node:path'
import type { Stack } from '../model/stack.ts'
import { errorCode } from '../system/error-code.ts'
import { isOutside, pathEscapes } from './check.ts'
import { placeRoutes } from './check-routes.ts'
import type { StackDefinition } from './definition.ts'
import type { Finding, KeyPath } from './finding.ts'

interface NamedFile {
  readonly file: string
  readonly kind: 'file' | 'folder'
  /** `the Dockerfile of service web` */
  readonly name: string
  readonly path: KeyPath
  /** Whether it must not lead out of the stack file's folder, not even through a symbolic link. */
  readonly confined: boolean
}

const mostCertificateBytes = 1024 * 1024

/** `folder` is the stack file's. */
export async function checkFiles(
  definition: StackDefinition,
  stack: Stack,
  folder: string,
): Promise<readonly Finding[]> {
  const home = await realpath(folder)
  const findings: Finding[] = []
  // One after the other: a stack of a thousand services must not open a thousand files at once.
  for (const named of [...buildFiles(stack), ...certificateFiles(definition, stack)]) {
    const finding = await checkFile(named, folder, home)
    if (finding) findings.push(finding)
  }
  return findings
}

function buildFiles(stack: Stack): readonly NamedFile[] {
  return Object.entries(stack.services).flatMap(([service, { image }]) => {
    if (image.kind !== 'build') return []
    const path = ['services', service, 'build']
    const confined = true
    return [
      {
        file: image.context,
        kind: 'folder',
        name: `the build context of service ${service}`,
        path: [...path, 'context'],
        confined,
      },
      {
        file: image.dockerfile,
        kind: 'file',
        name: `the Dockerfile of service ${service}`,
        path: [...path, 'dockerfile'],
        confined,
      },
    ] as const
  })
}

/** Certificates may be anywhere: they belong to the machine, and what renews them likes symbolic links. */
function certificateFiles(definition: StackDefinition, stack: Stack): readonly NamedFile[] {
  return placeRoutes(definition, stack).flatMap(({ service, route: { tls }, path }) => {
    if (!tls) return []
    const kind = 'file' as const
    const confined = false
    return [
      {
        file: tls.certificate,
        kind,
        name: `the certificate of service ${service}`,
        path: [...path, 'tls', 'certificate'],
        confined,
      },
      { file: tls.key, kind, name: `the private key of service ${service}`, path: [...path, 'tls', 'key'], confined },
    ]
  })
}

async function checkFile(named: NamedFile, folder: string, home: string): Promise<Finding | undefined> {
  const { file, kind, name, path, confined } = named
  try {
    const found = await stat(file)
    if (confined && isOutside(await realpath(file), home)) return pathEscapes(path, relative(folder, file) || '.')
    if (kind === 'file' ? !found.isFile() : !found.isDirectory())
      return {
        code: 'FILE_INVALID',
        path,
        message: `${name} is not a ${kind === 'file' ? 'regular file' : 'folder'}: ${file}`,
        hint: 'correct the path',
      }
    await access(file, constants.R_OK)
    return path.at(-1) === 'certificate' ? await checkValidity(named) : undefined
  } catch (error) {
    const missing = ['ENOENT', 'ENOTDIR'].includes(errorCode(error) ?? '')
    return {
      code: missing ? 'FILE_NOT_FOUND' : 'FILE_UNREADABLE',
      path,
      message: `${name} ${missing ? 'does not exist' : "can't be read"}: ${file}`,
      hint: missing
        ? 'create it, or correct the path; relative paths start at the stack file'
        : 'check its permissions',
    }
  }
}

/** No client accepts a certificate outside of its time. One that can't be read at all is the router's to name. */
async function checkValidity({ file, name, path }: NamedFile): Promise<Finding | undefined> {
  if ((await stat(file)).size > mostCertificateBytes)
    return { code: 'FILE_TOO_LARGE', path, message: `${name} is too large: ${file}`, hint: 'name a PEM file' }
  const certificate = parseCertificate(await readFile(file))
  if (!certificate) return undefined
  const { validFromDate: from, validToDate: until } = certificate
  const now = new Date()
  if (from <= now && now < until) return undefined
  const fault = now < from ? `is valid only from ${from.toISOString()}` : `has expired on ${until.toISOString()}`
  return { code: 'CERTIFICATE_INVALID', path, message: `${name} ${fault}: ${file}`, hint: 'renew it, or name another' }
}

function parseCertificate(pem: Buffer): X509Certificate | undefined {
  try {
    return new X509Certificate(pem)
  } catch {
    return undefined
  }
}
