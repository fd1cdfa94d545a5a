/** Lists of packages as images carry them. Pure. Each throws an Error in words for what is no such list. */
import { z } from 'zod'
import type { Package } from '../../model/image-description.ts'

const mostPackages = 200_000
const mostCharacters = 512

/** dpkg's database, deb-control(5): paragraphs of fields. A package that was removed has a paragraph still. */
export function debianPackages(content: string): readonly Package[] {
  return paragraphs(content).flatMap((lines) => {
    const { Package: name, Version: version, Status: status = 'install ok installed' } = fields(lines, ': ')
    if (name === undefined) throw new Error('a paragraph of it names no package')
    const [, , state = ''] = status.split(' ')
    if (state === 'not-installed' || state === 'config-files') return []
    return [aPackage('deb', name, version)]
  })
}

/** apk's database of what is installed: `P:` is the name, `V:` the version. */
export function alpinePackages(content: string): readonly Package[] {
  return paragraphs(content).map((lines) => {
    const { P: name, V: version } = fields(lines, ':')
    return aPackage('apk', name, version)
  })
}

/** A software bill of materials in JSON: CycloneDX 1.2 and newer, or SPDX 2.2 and 2.3. */
export function listedPackages(content: string): readonly Package[] {
  const json: unknown = JSON.parse(content)
  const cycloneDx = cycloneDxSchema.safeParse(json)
  if (cycloneDx.success) return cycloneDxPackages(cycloneDx.data.components ?? [])
  const spdx = spdxSchema.safeParse(json)
  if (spdx.success) return spdx.data.packages.map(spdxPackage)
  throw new Error('it is neither CycloneDX nor SPDX in JSON')
}

function paragraphs(content: string): readonly (readonly string[])[] {
  const blocks = content.split(/\n[ \t\r]*\n/).map((block) => block.split('\n').filter((line) => line.trim() !== ''))
  const filled = blocks.filter((lines) => lines.length > 0)
  assertFew(filled.length)
  return filled
}

/** The first of each name; lines that go on from the last one are left out. */
function fields(lines: readonly string[], separator: string): Readonly<Record<string, string | undefined>> {
  const found: Record<string, string> = Object.create(null)
  for (const line of lines) {
    const end = line.indexOf(separator.trimEnd())
    if (end > 0 && !/^\s/.test(line)) found[line.slice(0, end)] ??= line.slice(end + 1).trim()
  }
  return found
}

function aPackage(type: string, name: string | undefined, version: string | undefined): Package {
  if (name === undefined || name === '') throw new Error('a package of it has no name')
  if (version === undefined || version === '') throw new Error(`its package ${name.slice(0, 80)} has no version`)
  if (Math.max(type.length, name.length, version.length) > mostCharacters)
    throw new Error('the name or version of a package is too long')
  return { type, name, version }
}

const component = z.object({
  name: z.string(),
  group: z.string().optional(),
  version: z.string().optional(),
  purl: z.string().optional(),
  components: z.array(z.unknown()).optional(),
})

const cycloneDxSchema = z.object({
  bomFormat: z.literal('CycloneDX'),
  components: z.array(z.unknown()).optional(),
})

/** Components may hold components; what has no version (a file, a service) is no package. */
function cycloneDxPackages(components: readonly unknown[]): readonly Package[] {
  const packages: Package[] = []
  const left = [...components]
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    const { name, group, version, purl, components: inner = [] } = component.parse(next)
    for (const each of inner) left.push(each)
    assertFew(packages.length + left.length)
    if (version === undefined || version === '') continue
    const whole = group === undefined || group === '' ? name : `${group}/${name}`
    packages.push(aPackage(purlType(purl), whole, version))
  }
  return packages
}

const spdxReference = z.object({ referenceType: z.string(), referenceLocator: z.string() })
const spdxSchema = z.object({
  spdxVersion: z.string(),
  packages: z
    .array(
      z.object({
        name: z.string(),
        versionInfo: z.string().default('unknown'),
        externalRefs: z.array(z.unknown()).default([]),
      }),
    )
    .max(mostPackages),
})

function spdxPackage({ name, versionInfo, externalRefs }: z.infer<typeof spdxSchema>['packages'][number]): Package {
  const references = externalRefs.flatMap((each) => spdxReference.safeParse(each).data ?? [])
  const purl = references.find(({ referenceType }) => referenceType === 'purl')?.referenceLocator
  return aPackage(purlType(purl), name, versionInfo || 'unknown')
}

/** The type of a package URL: `pkg:npm/web@1.0.0` is one of `npm`. */
function purlType(purl: string | undefined): string {
  return /^pkg:([\w.+-]+)\//.exec(purl ?? '')?.[1] ?? 'other'
}

function assertFew(count: number): void {
  if (count > mostPackages) throw new Error(`it has more than ${mostPackages} packages`)
}
