import { expect, test } from 'vitest'
import { createNoSensor } from './no-sensor.ts'
import { sensorLayers } from './sensor.ts'

test('every layer is missing, with the reason, what is not seen, and the remedy', async () => {
  const senses = await createNoSensor('the sensor needs root', 'run the controller as root').senses()
  expect(senses.map(({ layer }) => layer)).toEqual(sensorLayers)
  expect(senses[0]).toEqual({
    layer: 'files',
    state: 'missing',
    detail: 'the sensor needs root: files that others write into an instance are not seen',
    remedy: 'run the controller as root',
  })
})

test('a watch ends when it is to', async () => {
  const sensor = createNoSensor('no', 'none')
  const over = new AbortController()
  const watch = sensor.watch(() => {}, over.signal)
  await sensor.follow([])
  over.abort()
  await watch
  await sensor.watch(() => {}, over.signal)
})
