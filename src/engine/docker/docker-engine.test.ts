import { engineContract } from '../engine-contract.ts'
import { setUpDocker } from './docker-fixture.ts'

engineContract('docker', setUpDocker)
