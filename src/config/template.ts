/** The stack file that `repave init` writes: small, commented, and working with what a newcomer has. */
import type { StackFileFormat } from './stack-file.ts'

export interface TemplateOptions {
  readonly stack: string
  readonly source:
    | { readonly kind: 'image'; readonly reference: string }
    | { readonly kind: 'build'; readonly dockerfile: string }
  /** The port that the process listens on. */
  readonly port: number
  /** Path or address of the JSON Schema, for editors. */
  readonly schema?: string
}

/** Comments are for YAML: JSON has none, and TypeScript is completed by its editor. */
export function stackTemplate(options: TemplateOptions, format: StackFileFormat = 'yaml'): string {
  switch (format) {
    case 'yaml':
      return yamlTemplate(options)
    case 'json':
      return `${JSON.stringify(stackOf(options), null, 2)}\n`
    case 'typescript':
      return typescriptTemplate(options)
  }
}

function stackOf({ stack, source, port, schema }: TemplateOptions): object {
  const image = source.kind === 'image' ? { image: source.reference } : { build: { dockerfile: source.dockerfile } }
  const web = { ...image, port, route: { listen: 8080 }, replicas: 2 }
  return { ...(schema !== undefined && { $schema: schema }), stack, services: { web } }
}

function typescriptTemplate({ stack, source, port }: TemplateOptions): string {
  const image =
    source.kind === 'image' ? `image: '${source.reference}'` : `build: { dockerfile: '${source.dockerfile}' }`
  return `import { defineStack } from 'repave'

// What runs, as a fleet of identical read-only instances. Change a line, then \`repave plan\` and \`repave up\`.
export default defineStack({
  stack: '${stack}',
  services: {
    web: {
      ${image},
      port: ${port}, // where the process listens, inside the instance
      route: { listen: 8080 }, // where people reach it: http://localhost:8080/
      replicas: 2,
    },
  },
})
`
}

function yamlTemplate({ stack, source, port, schema }: TemplateOptions): string {
  const image =
    source.kind === 'image'
      ? `image: ${source.reference}   # any reference; its digest is locked in repave.lock.json`
      : `build: { dockerfile: ${source.dockerfile} }`
  return `${schema === undefined ? '' : `# yaml-language-server: $schema=${schema}\n`}\
# What runs, as a fleet of identical read-only instances. Change a line, then:
#   repave plan   shows what would be replaced, and why
#   repave up     replaces it without losing a request
stack: ${stack}
services:
  web:
    ${image}
    port: ${port}                  # where the process listens, inside the instance
    route: { listen: 8080 }     # where people reach it: http://localhost:8080/
    replicas: 2
    # health: { http: /healthz }      # default: the port accepts a connection
    # environment: { LOG_LEVEL: info }
    # command: [/usr/bin/web, --verbose]
    # user: 1000                      # default: the image's user; never root unless asked for
    # resources: { cpus: 0.5, memory: 128MiB, pids: 64 }
    # tmpfs: [/tmp]                   # everything else is read-only
    # rollout: { strategy: canary }   # default: rolling; also blueGreen and recreate
    # standby: 1                      # healthy, and there at once when one dies
    # drain: 30s
# environments:                       # then: repave up --env production
#   staging:    { services: { web: { replicas: 1 } } }
#   production: { services: { web: { replicas: 6 } } }
`
}

/** A stack name made from that of a folder. */
export function stackNameFrom(folderName: string): string {
  const words = folderName.toLowerCase().match(/[a-z0-9]+/g) ?? []
  const name = words
    .join('-')
    .replace(/^[0-9-]+/, '')
    .slice(0, 32)
    .replace(/-$/, '')
  return name || 'app'
}
