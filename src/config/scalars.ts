/**
 * The kinds of single values that a stack file has. Messages complete the sentence "services.web.port …".
 */
import * as z from 'zod'
import type { Quantity } from '../model/stack.ts'
import { durationPattern, parseDuration, parsePercent, parseShare, percentPattern, sharePattern } from './units.ts'

export const name = z
  .string()
  .regex(/^[a-z](?:-?[a-z0-9])*$/, {
    error: 'must be lower-case letters, digits and single dashes, and begin with a letter',
    abort: true,
  })
  .max(32, 'must be at most 32 characters long')
  .meta({ examples: ['web', 'shop-api'] })

/** Linux takes no argument and no variable of more than 128 KiB: execve(2). */
const maxTextLength = 32_768

// eslint-disable-next-line no-control-regex -- NUL is what must be refused: no engine can carry it
const text = z.string().regex(/^[^\0]*$/, { error: 'must not hold a NUL character', abort: true })
export const wellFormedText = text
  .max(maxTextLength, { error: `must be at most ${maxTextLength} characters long`, abort: true })
  .refine((value) => value.isWellFormed(), 'must be valid Unicode')
// Paths end up in the router's configuration, where a line break would begin another line.
export const filePath = z
  .string()
  // eslint-disable-next-line no-control-regex -- control characters are what must be refused
  .regex(/^[^\u0000-\u001f\u007f]+$/, { error: 'must be a path, without control characters', abort: true })
  .max(4096, 'must be at most 4096 characters long')
  .refine((value) => value.isWellFormed(), 'must be valid Unicode')

export const port = z.int().min(1).max(65_535)

export function duration(least: string, most: string, description: string) {
  return z
    .string()
    .regex(durationPattern, { error: 'must be a whole number with a unit: ms, s, m or h', abort: true })
    .refine((value) => within(parseDuration(value), parseDuration(least), parseDuration(most)), {
      error: `must be between ${least} and ${most}`,
    })
    .meta({ description, examples: ['500ms', '30s', '2m'] })
    .transform(parseDuration)
}

export function quantity(description: string) {
  return z
    .union([
      z.int().min(0).max(1000),
      z.string().regex(percentPattern, { error: 'must be a number of instances, or a percentage from 0% to 100%' }),
    ])
    .meta({ description, examples: [1, '25%'] })
    .transform((value): Quantity => (typeof value === 'number' ? { kind: 'count', count: value } : parsePercent(value)))
}

export function share(description: string) {
  return z
    .string()
    .regex(sharePattern, {
      error: 'must be a percentage from 0.1% to 99.9%, with one digit after the point at most',
      abort: true,
    })
    .meta({ description, examples: ['5%', '0.5%'] })
    .transform(parseShare)
}

export const httpUrl = z
  .string()
  .max(2048, { error: 'must be at most 2048 characters long', abort: true })
  .refine((value) => ['http:', 'https:'].includes(URL.parse(value)?.protocol ?? ''), {
    error: 'must be an address that begins with http:// or https://',
    abort: true,
  })
  .refine((value) => !hasCredentials(value), 'must not hold a user name or a password: everyone can read a stack file')

export const absolutePath = z
  .string()
  // eslint-disable-next-line no-control-regex -- control characters are what must be refused
  .regex(/^\/[^\u0000-\u001f\u007f:,]*$/, {
    error: 'must be an absolute path inside the instance, without colons, commas or control characters',
    abort: true,
  })
  .max(4096, 'must be at most 4096 characters long')
  .refine((value) => value !== '/', 'must not be the root: the rest of an instance is read-only')
  .refine((value) => value === '/' || isPlainPath(value.replace(/\/$/, '')), {
    error: 'must not hold empty, `.` or `..` segments',
  })
  .refine((value) => !/^\/(?:dev|proc|sys)(?:\/|$)/.test(value), {
    error: "must not be below /dev, /proc or /sys: those are the kernel's; /dev/shm is writable already",
  })
  .transform((value) => value.replace(/(?<=.)\/$/, ''))

export function isPlainPath(path: string): boolean {
  const segments = path.slice(1).replace(/\/$/, '').split('/')
  return path === '/' || segments.every((segment) => !['', '.', '..'].includes(segment))
}

export function within(value: number, least: number, most: number): boolean {
  return value >= least && value <= most
}

function hasCredentials(value: string): boolean {
  const address = URL.parse(value)
  return address !== null && address.username + address.password !== ''
}
