import { routerContract } from '../router-contract.ts'
import { haproxyWorld } from './haproxy-world.ts'

routerContract('the HAProxy router', haproxyWorld)
