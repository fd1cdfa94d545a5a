/**
 * The command line: every command with its options, in the order in which people meet them. What a command does
 * is loaded only when it runs, so that help is quick.
 */
import { Command, InvalidArgumentError } from 'commander'
import { type SteerVerb, steerVerbs } from '../model/steering.ts'
import type { Session } from './session.ts'
import { processTerminal } from './terminal.ts'

/** The options that every command takes, before or after its name. */
interface SharedOptions {
  readonly file?: string
  readonly env?: string
  readonly json?: boolean
  readonly color: boolean
}

/** What runs a command: gets the arguments that its usage names, then its options. */
type Run<Rest extends unknown[]> = (session: Session, ...rest: Rest) => Promise<number>

/** `onExitCode` hears the code of the command that ran. */
export function createProgram(onExitCode: (code: number) => void): Command {
  const program = new Command('repave')
    .description('Infrastructure that is replaced, never changed.')
    .option('-f, --file <file>', 'the stack file (default: repave.yaml, .yml, .json or .ts in this folder)')
    .option('--env <name>', 'the environment of the stack file')
    .option('--json', 'one documented JSON object, or one a line while something runs')
    .option('--no-color', 'no colours; NO_COLOR in the environment says the same')
    .helpOption('-h, --help', 'show help')
    .helpCommand('help [command]', 'show help for a command')
    .configureHelp({ showGlobalOptions: true, styleTitle: (title) => title })
    .addHelpText('after', '\n`repave --version` prints the version.')
    .exitOverride()
    .configureOutput({ writeErr: () => {} })

  const declareIn =
    (parent: Command) =>
    <Rest extends unknown[]>(usage: string, summary: string, load: () => Promise<Run<Rest>>): Command =>
      parent
        .command(usage)
        .description(summary)
        .action(async (...rest: Rest) => {
          const run = await load()
          onExitCode(await run(sessionOf(program.opts<SharedOptions>()), ...rest))
        })
  const declare = declareIn(program)

  declare('init', 'write a small stack file that works', async () => (await import('./init.ts')).init)
  declare('plan', 'show what `up` would do and why, without doing it', async () => (await import('./plan.ts')).plan)
    .option('--explain', 'show every setting, and where its value comes from')
    .option('--timeline', 'simulate the rollout: capacity, shares of the requests and versions over time')
    .option('--rate <requests>', 'a timeline with this many requests a second to each service', wholeNumber)
    .option('--exit-code', 'exit 4 when there are changes')
  declare(
    'up',
    'build, pin, plan, roll out, and wait for the verdict',
    async () => (await import('./up.ts')).up,
  ).option('--refresh', 'resolve every image name anew instead of trusting repave.lock.json')
  declare(
    'status',
    'show fleets, versions, ages, health and running rollouts',
    async () => (await import('./status.ts')).status,
  )
  declare(
    'versions [service]',
    'list every version that ever ran',
    async () => (await import('./versions.ts')).versions,
  )
  declare(
    'rollback [service]',
    'go back to the previous proven version, or to any',
    async () => (await import('./rollback.ts')).rollback,
  ).option('--to <version>', 'the version: its name, id, or the first digits of it', someText)
  declareRollout(declareIn(program.command('rollout').description('steer a rollout that runs')))
  declare(
    'refuse [what]',
    'keep a version, an image, a label, a base or a package from running; alone, list what is refused',
    async () => (await import('./refuse.ts')).refuse,
  )
    .option('--label <key=value>', 'all whose image has this label, in the place of a version or sha256:…')
    .option('--base <image>', 'all whose image is built on this one: its name or digest', someText)
    .option('--package <name[@version]>', 'all whose image holds this package, of this version or of any', someText)
    .option('--reason <text>', 'why, for the record', someText)
    .option('--lift <id>', 'let run again what this refusal keeps from it; needs --reason', wholeNumber)
    .option('--list', 'list what is refused')
  declare(
    'recall [what]',
    'refuse a version, an image, a label, a base or a package, and replace what runs of it',
    async () => (await import('./recall.ts')).recall,
  )
    .option('--label <key=value>', 'all whose image has this label, in the place of a version or sha256:…')
    .option('--base <image>', 'all whose image is built on this one: its name or digest', someText)
    .option('--package <name[@version]>', 'all whose image holds this package, of this version or of any', someText)
    .requiredOption('--reason <text>', 'why, for the record', someText)
  declare(
    'replace <instance>',
    'put a clean instance in the place of this one',
    async () => (await import('./replace.ts')).replace,
  )
  declare(
    'now [service]',
    'put clean instances in the place of all, a few at a time',
    async () => (await import('./now.ts')).now,
  )
  declare(
    'acknowledge [service]',
    'say that somebody has looked at what was touched: a service that is held goes on',
    async () => (await import('./acknowledge.ts')).acknowledge,
  ).requiredOption('--reason <text>', 'why, for the record', someText)
  declareAccess(declareIn(program.command('access').description('enter an instance, which is given up for that')))
  declare(
    'drift',
    'show what is not as declared; changes nothing',
    async () => (await import('./drift.ts')).drift,
  ).option('--exit-code', 'exit 4 when there are findings')
  declare('logs <service>', 'show what the instances of a service print', async () => (await import('./logs.ts')).logs)
    .option('-n, --tail <lines>', 'begin with this many of the last lines of each instance', wholeNumber)
    .option('--follow', 'go on as more comes')
  declare('events', 'show what was decided and done', async () => (await import('./events.ts')).events)
    .option('-n, --tail <events>', 'begin with this many of the last events (default: 50)', wholeNumber)
    .option('--follow', 'go on as more comes')
  declareEvidence(declareIn(program.command('evidence').description('what is kept of instances that were touched')))
  declareLedger(declareIn(program.command('ledger').description('verify, show and copy what is on record')))
  declare(
    'down',
    "remove the stack's instances and routes; history and data stay",
    async () => (await import('./down.ts')).down,
  ).option('--data', 'remove the volumes too, for good')
  declare(
    'doctor',
    'show what this machine has and lacks, with the command that mends it',
    async () => (await import('./doctor.ts')).doctor,
  )
  declare('backup <folder>', 'copy the state folder, also while its controller is at work', async () => {
    return (await import('./backup.ts')).backup
  })
  declare('restore <folder>', "put a backup in the place of the state folder's content", async () => {
    return (await import('./restore.ts')).restore
  }).option('--replace', 'put aside what the state folder has')
  const serve = declare('serve', 'run the controller in the foreground', async () => {
    const module = await import('./serve.ts')
    return (_session: Session, options: { readonly background?: boolean; readonly metrics?: string }) =>
      module.serve(options)
  }).option(
    '--metrics <address>',
    'serve /metrics there too, for Prometheus: 127.0.0.1:9464 (default: REPAVE_METRICS)',
    someText,
  )
  serve.addOption(serve.createOption('--background', 'started by another command').hideHelp())
  return program
}

type Declare = <Rest extends unknown[]>(usage: string, summary: string, load: () => Promise<Run<Rest>>) => Command

const steering: Readonly<Record<SteerVerb, string>> = {
  pause: 'hold it as it is; one that stays paused for longer than maxPause is taken back',
  resume: 'go on with one that is paused',
  promote: 'give it all requests without waiting for the stages before; it is watched to the end',
  abort: 'take it back, for good',
}

function declareRollout(declare: Declare): void {
  for (const verb of steerVerbs)
    declare(`${verb} [service]`, steering[verb], async () => {
      const { rollout } = await import('./rollout.ts')
      return (session: Session, service: string | undefined) => rollout(session, verb, service)
    })
}

function declareEvidence(declare: Declare): void {
  declare('list', 'list what is kept of touched instances', async () => {
    return (await import('./evidence-list.ts')).evidenceList
  })
  declare('show <digest>', 'show touches, processes, sockets and changed files of one', async () => {
    return (await import('./evidence-show.ts')).evidenceShow
  })
  declare('export <digest>', 'write the bundle as it is kept, or with the key all of it in the clear', async () => {
    return (await import('./evidence-export.ts')).evidenceExport
  })
    .requiredOption('-o, --output <file>', 'a file that is not there yet')
    .option('--key <file>', 'the age identity that reads what is secret', someText)
  declare(
    'key',
    'show to whom secrets in evidence are encrypted, and where the identity is that reads them',
    async () => {
      return (await import('./evidence-key.ts')).evidenceKey
    },
  )
}

function declareAccess(declare: Declare): void {
  declare(
    'open <instance>',
    'drain and taint an instance, enter it through a recorded terminal, and destroy it',
    async () => {
      return (await import('./access-open.ts')).accessOpen
    },
  )
    .requiredOption('--reason <text>', 'why, for the record', someText)
    .option('--for <duration>', 'how long the terminal may be open, an hour at most', duration, '10m')
    .option('--command <command>', 'the program that is run in it, with its arguments', someText, '/bin/sh')
  declare('list', 'list who entered which instance, when, for how long and why', async () => {
    return (await import('./access-list.ts')).accessList
  })
  declare('replay <recording>', 'play a recording, by its number or digest; with --json, say where it is', async () => {
    return (await import('./access-replay.ts')).accessReplay
  }).option('--fast', 'without waiting')
}

function declareLedger(declare: Declare): void {
  declare('log', 'show what was decided and done', async () => (await import('./ledger-log.ts')).ledgerLog)
    .option('--folder <folder>', 'of a copy in this folder; needs no controller')
    .option('--service <name>', 'only of this service')
    .option('--version <version>', 'only of this version: its name, id, or the first digits of it')
    .option('--instance <name>', 'only of this instance')
    .option('--by <who>', 'only of this user; `repave` is the controller itself')
    .option('--since <time>', 'only from this time on: 2026-11-24T08:00:00Z, or 15m, 2h, 7d ago')
    .option('--until <time>', 'only up to this time')
    .option('-n, --tail <entries>', 'only this many of the last ones', wholeNumber)
  declare('verify [path]', 'verify a ledger, a copy of one, or a receipt; needs no controller', async () => {
    return (await import('./ledger-verify.ts')).ledgerVerify
  })
    .option('--key <key>', 'the public key (default: the one in the folder)')
    .option('--checkpoint <file>', 'a checkpoint from before: nothing since may be rewritten or cut')
    .option('--witness <key...>', 'public keys of witnesses, each of whom has to have cosigned')
  declare(
    'receipt <entry>',
    'write the proof that one entry is in the ledger, for those who have its public key alone',
    async () => {
      return (await import('./ledger-receipt.ts')).ledgerReceipt
    },
  ).option('-o, --output <file>', 'a file (default: standard output)')
  declare(
    'checkpoint [folder]',
    'show the signed head: who keeps it can prove later that nothing was rewritten',
    async () => {
      return (await import('./ledger-checkpoint.ts')).ledgerCheckpoint
    },
  )
  declare(
    'key',
    'show the public key by which the ledger is verified',
    async () => (await import('./ledger-key.ts')).ledgerKey,
  )
  declare('export <folder>', 'copy the ledger as static files, which can be verified anywhere', async () => {
    return (await import('./ledger-export.ts')).ledgerExport
  })
  declare('witness <folder>', 'cosign checkpoints of ledgers on other machines, in the foreground', async () => {
    return (await import('./ledger-witness.ts')).ledgerWitness
  })
    .option('--log <key...>', 'public keys of the ledgers that it knows')
    .option('--listen <address>', 'where it listens', '127.0.0.1:7380')
  declare('cosign <url> <key>', 'have a witness cosign every checkpoint', async () => {
    return (await import('./ledger-cosign.ts')).ledgerCosign
  })
  declare('restart', 'begin another ledger where the state is not the one that was signed', async () => {
    return (await import('./ledger-restart.ts')).ledgerRestart
  }).requiredOption('--reason <text>', 'why, for its first entry')
}

function sessionOf({ file, env, json, color }: SharedOptions): Session {
  return { file, environment: env, json: json ?? false, folder: process.cwd(), terminal: processTerminal(!color) }
}

function someText(text: string): string {
  if (text !== '') return text
  throw new InvalidArgumentError('It must not be empty.')
}

function duration(text: string): string {
  if (/^[1-9]\d{0,4}[smh]$/.test(text)) return text
  throw new InvalidArgumentError('It must be a duration: 30s, 10m or 1h.')
}

function wholeNumber(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('It must be a whole number.')
}
