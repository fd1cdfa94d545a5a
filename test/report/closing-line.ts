/** A reporter that ends a run with what its tests sum up, and one plain line: `N passed, N failed, N skipped`. */
import type { Reporter, TestModule } from 'vitest/node'

declare module 'vitest' {
  interface TaskMeta {
    /** Lines for the end of the run. */
    summary?: readonly string[]
  }
}

interface Counts {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

export const closingLine: Reporter = {
  onTestRunEnd(modules, unhandledErrors) {
    const { passed, failed, skipped } = countResults(modules, unhandledErrors.length)
    const summary = modules.flatMap((module) =>
      [...module.children.allTests()].flatMap((each) => each.meta().summary ?? []),
    )
    // The default reporter writes its summary in the same turn; this line comes after it.
    const closing = [...summary, `${passed} passed, ${failed} failed, ${skipped} skipped`]
    process.once('exit', () => console.log(closing.join('\n')))
  },
}

/** A file that can't be loaded, a suite whose set-up throws and an error outside of any test count as failures. */
function countResults(modules: readonly TestModule[], unhandledErrors: number): Counts {
  const states = modules.flatMap((module) => [...module.children.allTests()].map((test) => test.result().state))
  const brokenSuites = modules
    .flatMap((module) => [module, ...module.children.allSuites()])
    .filter((suite) => suite.errors().length > 0).length
  const count = (state: string) => states.filter((item) => item === state).length
  return {
    passed: count('passed'),
    failed: count('failed') + brokenSuites + unhandledErrors,
    skipped: count('skipped') + count('pending'),
  }
}
