/** Which Repave this is. */
import { readFileSync } from 'node:fs'

/** The same from src/api and from dist/api. */
const packageFile = new URL('../../package.json', import.meta.url)

/** Each answer carries the controller's version here, so that a client of another one can say so. */
export const versionHeader = 'repave-version'

/** The version of this package: `0.1.0`. */
export function repaveVersion(): string {
  const { version }: { version: string } = JSON.parse(readFileSync(packageFile, 'utf8'))
  return version
}
