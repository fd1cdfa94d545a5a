/** The `code` of a foreign error (`ENOENT`, `ERR_SQLITE_ERROR`); undefined where it has none. */
export function errorCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}
