/** The thread in which the sensor waits: nothing that the controller does makes an instance wait for an answer. */
import { isMainThread, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { openLibc } from './libc.ts'
import { SensorLoop } from './loop.ts'
import type { Command, Message, WorkerOptions } from './messages.ts'

if (!isMainThread && parentPort !== null) work(parentPort, workerData)

function work(port: NonNullable<typeof parentPort>, { bell }: WorkerOptions): void {
  const tell = (message: Message) => port.postMessage(message)
  const libc = openLibc()
  const loop = new SensorLoop(libc, {
    touched: (sensed) => tell({ kind: 'touched', sensed }),
    failed: (error) => tell({ kind: 'failed', reason: String(error) }),
  })
  let isOver = false
  const rings = Buffer.alloc(8)
  try {
    tell({ kind: 'began', senses: loop.senses(), descriptors: loop.descriptors() })
    loop.run(bell, takeCommands, () => isOver)
  } finally {
    loop.close()
    tell({ kind: 'stopped' })
    port.close()
  }

  function takeCommands(): void {
    libc.read(bell, rings)
    for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port))
      obey(next.message)
  }

  function obey(command: Command): void {
    if (command.kind === 'stop') isOver = true
    else follow(command.id, command.subjects)
  }

  function follow(id: number, subjects: Parameters<SensorLoop['follow']>[0]): void {
    try {
      loop.follow(subjects)
      tell({ kind: 'followed', id })
    } catch (error) {
      tell({ kind: 'followed', id, failure: String(error) })
    }
  }
}
