import { ledgerFilesContract } from '../ledger-files-contract.ts'
import { MemoryLedgerFiles } from './memory-ledger-files.ts'

ledgerFilesContract('memory', async () => ({ files: new MemoryLedgerFiles() }))
