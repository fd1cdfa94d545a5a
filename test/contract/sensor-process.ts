/** A process that follows one instance, which it is given as JSON, and says so; it hears of nothing after that. */
import { createLinuxSensor } from '../../src/sensor/linux/linux-sensor.ts'
import type { SensorSubject } from '../../src/sensor/sensor.ts'

const [subject = '', then = ''] = process.argv.slice(2)
const sensor = createLinuxSensor()
await sensor.follow([JSON.parse(subject) as SensorSubject])
process.stdout.write('following\n')
if (then === 'exit') process.exit(0)
if (then === 'block') for (;;) Math.random()
setInterval(() => {}, 60_000)
