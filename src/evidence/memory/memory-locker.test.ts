import { lockerContract } from '../locker-contract.ts'
import { MemoryLocker } from './memory-locker.ts'

lockerContract('memory', async () => ({ locker: new MemoryLocker(), close: async () => {} }))
