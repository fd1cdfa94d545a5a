import { engineContract } from '../../src/engine/engine-contract.ts'
import { setUpDocker } from './docker-fixture.ts'

engineContract('docker', setUpDocker)
