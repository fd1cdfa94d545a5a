/** Canonical JSON (RFC 8785), after a check that the value is JSON at all. */
import canonicalize from 'canonicalize'

/**
 * `value` in RFC 8785 form. Throws a `TypeError` that names the path for anything that JSON can't carry:
 * libraries turn a Map into `{}` and drop undefined, which would give two contents one name.
 */
export function canonicalJson(value: unknown): string {
  assertJson(value, '$')
  const text = canonicalize(value)
  if (text === undefined) throw new TypeError('$ has no JSON form')
  return text
}

function assertJson(value: unknown, path: string): void {
  if (value === null || typeof value === 'boolean') return
  if (typeof value === 'string') return assertWellFormed(value, path)
  if (typeof value === 'number') {
    if (Number.isFinite(value)) return
    throw new TypeError(`${path} is ${value}, which JSON can't carry`)
  }
  if (Array.isArray(value)) return value.forEach((item, index) => assertJson(item, `${path}[${index}]`))
  if (typeof value !== 'object' || ![Object.prototype, null].includes(Object.getPrototypeOf(value)))
    throw new TypeError(`${path} is not a plain JSON value`)
  for (const [key, item] of Object.entries(value)) {
    assertWellFormed(key, path)
    assertJson(item, `${path}.${key}`)
  }
}

function assertWellFormed(text: string, path: string): void {
  if (!text.isWellFormed()) throw new TypeError(`${path} has a lone surrogate, which UTF-8 can't carry`)
}
