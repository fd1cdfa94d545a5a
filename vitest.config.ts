import { defineConfig } from 'vitest/config'
import { closingLine } from './test/report/closing-line.ts'

const minutes = 60_000
/** Drivers whose tests need the real thing. */
const realDrivers = ['src/engine/docker/**/*.test.ts', 'src/router/haproxy/**/*.test.ts']

/** Everything in one group runs at the same time; what needs an engine runs after it, a file at a time. */
export default defineConfig({
  test: {
    reporters: ['default', closingLine],
    projects: [
      {
        test: {
          name: 'unit',
          include: ['{src,bin,bench}/**/*.test.ts', 'test/{controller,lint,load,report}/**/*.test.ts'],
          exclude: realDrivers,
          sequence: { groupOrder: 1 },
          testTimeout: minutes,
        },
      },
      {
        test: {
          name: 'simulation',
          include: ['test/simulation/**/*.test.ts'],
          sequence: { groupOrder: 2 },
          testTimeout: 10 * minutes,
        },
      },
      {
        test: {
          name: 'contract',
          include: ['test/contract/**/*.test.ts', ...realDrivers],
          sequence: { groupOrder: 3 },
          fileParallelism: false,
          testTimeout: minutes,
          hookTimeout: minutes,
        },
      },
      {
        test: {
          name: 'end-to-end',
          include: ['test/end-to-end/**/*.test.ts'],
          sequence: { groupOrder: 4 },
          fileParallelism: false,
          testTimeout: 3 * minutes,
          hookTimeout: 2 * minutes,
        },
      },
    ],
  },
})
