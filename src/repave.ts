/** What the package `repave` exports: the type of a stack file, for `repave.ts`. */
import type { StackInput } from './config/definition.ts'

export type { StackInput }

/**
 * Types the default export of a `repave.ts`:
 *
 *     import { defineStack } from 'repave'
 *     export default defineStack({ stack: 'shop', services: { web: { image: 'nginx:1.27', port: 80 } } })
 */
export function defineStack(stack: StackInput): StackInput {
  return stack
}
