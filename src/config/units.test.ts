import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  durationPattern,
  parseDuration,
  parsePercent,
  parseShare,
  parseSize,
  percentPattern,
  printDuration,
  printQuantity,
  printShare,
  printSize,
  sharePattern,
  sizePattern,
} from './units.ts'

const amount = fc.integer({ min: 1, max: 999_999_999 })

test('what is printed is read as the same', () => {
  const duration = fc.tuple(fc.oneof(amount, fc.constant(0)), fc.constantFrom('ms', 's', 'm', 'h'))
  fc.assert(
    fc.property(duration, ([count, unit]) => {
      const milliseconds = parseDuration(`${count}${unit}`)
      expect(printDuration(milliseconds)).toMatch(durationPattern)
      expect(parseDuration(printDuration(milliseconds))).toBe(milliseconds)
    }),
  )
  const size = fc.tuple(fc.integer({ min: 1, max: 1000 }), fc.constantFrom('KiB', 'MiB', 'GiB', 'kB', 'MB', 'GB'))
  fc.assert(
    fc.property(size, ([count, unit]) => {
      const bytes = parseSize(`${count}${unit}`)
      expect(printSize(bytes)).toMatch(sizePattern)
      expect(parseSize(printSize(bytes))).toBe(bytes)
    }),
  )
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 100 }), (percent) => {
      expect(`${percent}%`).toMatch(percentPattern)
      expect(printQuantity(parsePercent(`${percent}%`))).toBe(`${percent}%`)
    }),
  )
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 999 }), (thousandths) => {
      const printed = printShare(thousandths / 1000)
      expect(printed).toMatch(sharePattern)
      expect(parseShare(printed)).toBe(thousandths / 1000)
    }),
  )
})

test('units mean what they mean elsewhere', () => {
  expect(['500ms', '1s', '2m', '24h'].map(parseDuration)).toEqual([500, 1000, 120_000, 86_400_000])
  expect(['1KiB', '128MiB', '1GiB', '64MB', '1kB'].map(parseSize)).toEqual([
    1024, 134_217_728, 1_073_741_824, 64_000_000, 1000,
  ])
  expect([0, 1000, 90_000, 86_400_000].map(printDuration)).toEqual(['0s', '1s', '90s', '24h'])
})

test.each(['5', '1.5s', '-1s', '1 s', '01s', '1S', 's', '1d', '', '1234567890s'])('%j is no duration', (text) => {
  expect(text).not.toMatch(durationPattern)
})

test.each(['128', '128M', '128Mi', '0MiB', '1.5GiB', '1 MiB', '1mb'])('%j is no size', (text) => {
  expect(text).not.toMatch(sizePattern)
})

test.each(['101%', '1.5%', '%', '-1%', '025%'])('%j is no percentage', (text) => {
  expect(text).not.toMatch(percentPattern)
})

test.each(['0%', '100%', '0.0%', '5', '.5%', '5.25%', '05%', '99.95%', '-1%', '5 %'])('%j is no share', (text) => {
  expect(text).not.toMatch(sharePattern)
})
