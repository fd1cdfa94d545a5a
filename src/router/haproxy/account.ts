/** Who HAProxy's workers are, and how much they may open, on this machine. */
import { readFile } from 'node:fs/promises'
import type { Layout } from './config.ts'

const mostConnections = 10_000
/** Descriptors that are not connections: listeners, checks, idle connections to servers. */
const otherDescriptors = 1_000

/** The unprivileged account that root's workers become: haproxy, else nobody; undefined for other users. */
export async function workerAccount(): Promise<Layout['account']> {
  if (process.getuid?.() !== 0) return undefined
  const [users, groups] = await Promise.all(['/etc/passwd', '/etc/group'].map(firstColumn))
  const user = ['haproxy', 'nobody'].find((name) => users?.has(name))
  const group = ['haproxy', 'nogroup', 'nobody'].find((name) => groups?.has(name))
  return user !== undefined && group !== undefined ? { user, group } : undefined
}

/** Two descriptors for each connection, within the hard limit of open files. */
export async function connectionLimit(): Promise<number> {
  const limits = await readFile('/proc/self/limits', 'utf8')
  const hard = Number(/^Max open files\s+\S+\s+(\d+)/m.exec(limits)?.[1] ?? 4096)
  return Math.max(100, Math.min(mostConnections, Math.floor((hard - otherDescriptors) / 2)))
}

async function firstColumn(path: string): Promise<ReadonlySet<string | undefined>> {
  const text = await readFile(path, 'utf8').catch(() => '')
  return new Set(text.split('\n').map((line) => line.split(':')[0]))
}
