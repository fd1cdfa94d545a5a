/**
 * The catalogue of touches: how each is done for real, and what tells of it. docs/touches.md has its words from here
 * (`npm run catalogue`), and touches.test.ts does all of it.
 */
import { spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { appendFile, chmod, copyFile, mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type Command,
  entering,
  mounting,
  remountWritable,
  takingDescriptor,
  tracing,
  writingMemory,
} from '../contract/strangers.ts'
import { eventually } from './eventually.ts'
import { attempt, groupFile, host, processesIn, shell, type Target } from './touch-target.ts'

interface Row {
  /** Of the test, too. */
  readonly name: string
  /** For the page. */
  readonly how: string
  /** Answers what is to be undone once it has been answered. */
  readonly touch: (target: Target) => Promise<unknown>
}

export interface SeenTouch extends Row {
  /** As the record has it, `exec (events)`: each of them is right, since the first one to tell is the one on record. */
  readonly seenAs: readonly string[]
  /** It has ended with that: there may be nothing left to take evidence of. */
  readonly isItsEnd?: true
}

export interface UnseenTouch extends Row {
  readonly why: string
  /** What becomes of the instance all the same. */
  readonly outcome: 'stays' | 'is replaced'
}

const docker = (...parameters: readonly string[]) => host('docker', ...parameters)

export const engineTouches: readonly SeenTouch[] = [
  {
    name: 'exec',
    how: '`docker exec INSTANCE /bin/busybox true`',
    touch: ({ id }) => attempt('docker', 'exec', id, '/bin/busybox', 'true'),
    seenAs: ['exec (events)', 'execution (executions)'],
  },
  {
    name: 'an exec that is never started',
    how: '`POST /containers/INSTANCE/exec`',
    touch: ({ engine, id }) => engine.call('POST', `/containers/${id}/exec`, { Cmd: ['/bin/busybox', 'true'] }),
    seenAs: ['exec (events)'],
  },
  {
    name: 'exec in its sandbox',
    how: '`POST /containers/SANDBOX/exec`',
    touch: ({ engine, sandbox }) => engine.call('POST', `/containers/${sandbox}/exec`, { Cmd: ['/pause'] }),
    seenAs: ['exec (events)'],
  },
  {
    name: 'attach',
    how: '`POST /containers/INSTANCE/attach`',
    touch: ({ engine, id }) => engine.call('POST', `/containers/${id}/attach?logs=1`),
    seenAs: ['attach (events)'],
  },
  {
    name: 'copy out',
    how: '`docker cp INSTANCE:/bin/script -`',
    touch: ({ id }) => docker('cp', `${id}:/bin/script`, '-'),
    seenAs: ['copy (events)', 'mount (mounts)'],
  },
  {
    name: 'export',
    how: '`docker export INSTANCE`',
    touch: ({ id }) => host('sh', '-c', `docker export ${id} > /dev/null`),
    seenAs: ['export (events)'],
  },
  {
    name: 'commit',
    how: '`docker commit INSTANCE`',
    touch: async ({ id }) => docker('rmi', (await docker('commit', id)).trim()),
    seenAs: ['commit (events)', 'pause (events)', 'limits (groups)'],
  },
  {
    name: 'signal by the engine',
    how: '`docker kill --signal USR1 INSTANCE`',
    touch: ({ id }) => docker('kill', '--signal', 'USR1', id),
    seenAs: ['signal (events)'],
  },
  {
    name: 'kill by the engine',
    how: '`docker kill INSTANCE`',
    touch: ({ id }) => docker('kill', id),
    seenAs: ['signal (events)'],
    isItsEnd: true,
  },
  {
    name: 'stop',
    how: '`docker stop INSTANCE`',
    touch: ({ id }) => attempt('docker', 'stop', id),
    seenAs: ['signal (events)'],
    isItsEnd: true,
  },
  {
    name: 'restart',
    how: '`docker restart INSTANCE`',
    touch: ({ id }) => attempt('docker', 'restart', id),
    seenAs: ['signal (events)'],
    isItsEnd: true,
  },
  {
    name: 'removal',
    how: '`docker rm --force INSTANCE`',
    touch: ({ id }) => docker('rm', '--force', id),
    seenAs: ['signal (events)'],
    isItsEnd: true,
  },
  {
    name: 'pause',
    how: '`docker pause INSTANCE`',
    touch: ({ id }) => docker('pause', id),
    seenAs: ['pause (events)', 'limits (groups)'],
  },
  {
    name: 'rename',
    how: '`docker rename INSTANCE other`',
    touch: ({ id, name }) => docker('rename', id, `${name}-other`),
    seenAs: ['rename (events)'],
  },
  {
    name: 'update',
    how: '`docker update --pids-limit 77 INSTANCE`',
    touch: ({ id }) => docker('update', '--pids-limit', '77', id),
    seenAs: ['update (events)', 'limits (groups)'],
  },
  {
    name: 'network connect',
    how: '`docker network connect NETWORK SANDBOX`',
    touch: async ({ engine, sandbox }) => {
      const name = `repave-touch-${sandbox.slice(0, 8)}`
      await docker('network', 'create', name)
      await docker('network', 'connect', name, sandbox)
      return async () => {
        await eventually('the sandbox is gone', async () => (await engine.firstProcess(sandbox)) === 0)
        await docker('network', 'rm', name)
      }
    },
    seenAs: ['network (events)'],
  },
  {
    name: 'network disconnect',
    how: '`docker network disconnect NETWORK SANDBOX`',
    touch: async ({ engine, sandbox }) => {
      const { NetworkSettings } = await engine.inspect(sandbox)
      for (const network of Object.keys(NetworkSettings.Networks))
        await docker('network', 'disconnect', network, sandbox)
    },
    seenAs: ['network (events)'],
  },
  {
    name: 'pause of its sandbox',
    how: '`docker pause SANDBOX`',
    touch: ({ sandbox }) => docker('pause', sandbox),
    seenAs: ['pause (events)'],
  },
]

const entered: readonly SeenTouch[] = (
  [
    ['network', '-n'],
    ['IPC', '-i'],
    ['host name', '-u'],
    ['control group', '-C'],
    ['process', '-p'],
  ] as const
).map(([namespace, flag]) => ({
  name: `a program of the host in its ${namespace} namespace`,
  how: `\`nsenter -t PID ${flag} /bin/busybox sleep 0.2\``,
  touch: ({ pid }) => attempt('nsenter', '-t', String(pid), flag, '/bin/busybox', 'sleep', '0.2'),
  seenAs: ['joined (processes)'],
}))

export const entranceTouches: readonly SeenTouch[] = [
  {
    name: 'its own program in all of its namespaces',
    how: '`nsenter -t PID -a /bin/busybox true`',
    touch: ({ pid }) => attempt('nsenter', '-t', String(pid), '-a', '/bin/busybox', 'true'),
    seenAs: ['execution (executions)', 'joined (processes)'],
  },
  {
    name: 'its own program in its mount namespace',
    how: '`nsenter -t PID -m /bin/busybox true`',
    touch: ({ pid }) => attempt('nsenter', '-t', String(pid), '-m', '/bin/busybox', 'true'),
    seenAs: ['execution (executions)', 'joined (processes)'],
  },
  ...entered,
  {
    name: 'entering without a program',
    how: '`setns(2)` into its network',
    touch: async ({ pid }) => begin(entering(pid)),
    seenAs: ['joined (processes)'],
  },
  {
    name: 'forking twice to become a child of its first process',
    how: '`nsenter -t PID -p sh -c "( sleep 2 & ) &"`',
    touch: ({ pid }) => attempt('nsenter', '-t', String(pid), '-p', 'sh', '-c', '( sleep 2 & ) & sleep 0.1'),
    seenAs: ['joined (processes)'],
  },
  {
    name: 'its own program, run from the host in its root',
    how: '`chroot /proc/PID/root /bin/busybox true`',
    touch: ({ pid }) => attempt('chroot', `/proc/${pid}/root`, '/bin/busybox', 'true'),
    seenAs: ['execution (executions)'],
  },
  {
    name: 'its own program, run from the host by its path',
    how: '`/proc/PID/root/bin/busybox true`',
    touch: ({ pid }) => attempt('sh', '-c', `/proc/${pid}/root/bin/busybox true`),
    seenAs: ['execution (executions)'],
  },
  {
    name: 'a tracer',
    how: '`ptrace(PTRACE_SEIZE)`',
    touch: async ({ pid }) => begin(tracing(pid)),
    seenAs: ['trace (processes)'],
  },
  {
    name: 'its memory opened',
    how: '`: < /proc/PID/mem`',
    touch: (target) => shell(target, ': < /proc/$PID/mem'),
    seenAs: ['trace (processes)'],
  },
  {
    name: 'a process put into its control group',
    how: '`echo $$ > …/cgroup.procs`',
    touch: (target) => host('sh', '-c', `echo $$ > ${groupFile(target, ['pids', 'cgroup.procs'], 'cgroup.procs')}`),
    seenAs: ['joined (groups)', 'joined (processes)'],
  },
  {
    name: 'its process moved out of its control groups',
    how: '`echo PID > /sys/fs/cgroup/…/cgroup.procs`',
    touch: async ({ pid }) => {
      for (const folder of ['', ...readdirSync('/sys/fs/cgroup')])
        await writeFile(join('/sys/fs/cgroup', folder, 'cgroup.procs'), String(pid)).catch(() => {})
    },
    seenAs: ['limits (groups)'],
  },
]

const limit = (
  what: string,
  first: readonly [controller: string, file: string, value: string],
  second: readonly [file: string, value: string],
): SeenTouch => ({
  name: `its ${what} limit, past the engine`,
  how: `\`echo ${second[1]} > …/${second[0]}\``,
  touch: async (target) => {
    const file = groupFile(target, [first[0], first[1]], second[0])
    await writeFile(file, file.endsWith(`/${second[0]}`) && first[1] !== second[0] ? second[1] : first[2])
  },
  seenAs: ['limits (groups)'],
})

export const changeTouches: readonly SeenTouch[] = [
  {
    name: 'a write to its tmpfs',
    how: '`echo x > /proc/PID/root/tmp/f`',
    touch: (target) => shell(target, 'echo x > /proc/$PID/root/tmp/f'),
    seenAs: ['write (files)'],
  },
  {
    name: 'a folder in its tmpfs',
    how: '`mkdir /proc/PID/root/tmp/folder`',
    touch: ({ pid }) => mkdir(`/proc/${pid}/root/tmp/folder`),
    seenAs: ['write (files)'],
  },
  {
    name: 'a write to its shared memory',
    how: '`echo x > /proc/PID/root/dev/shm/f`',
    touch: (target) => shell(target, 'echo x > /proc/$PID/root/dev/shm/f'),
    seenAs: ['write (files)'],
  },
  {
    name: 'a library for LD_PRELOAD in its tmpfs',
    how: '`cp … /proc/PID/root/tmp/preload.so`',
    touch: ({ pid }) => copyFile('/bin/busybox', `/proc/${pid}/root/tmp/preload.so`),
    seenAs: ['write (files)'],
  },
  {
    name: 'a copy into its tmpfs by the engine',
    how: '`docker cp f INSTANCE:/tmp/f`',
    touch: ({ id, merged }) => attempt('docker', 'cp', join(merged, 'bin/script'), `${id}:/tmp/script`),
    seenAs: ['copy (events)', 'mount (mounts)', 'write (files)'],
  },
  {
    name: 'a write to its root, as it sees it',
    how: '`echo x > …/merged/f`',
    touch: ({ merged }) => writeFile(join(merged, 'stranger'), 'x'),
    seenAs: ['write (files)'],
  },
  {
    name: 'a write below its root',
    how: '`echo x > …/upper/f`',
    touch: ({ upper }) => writeFile(join(upper, 'stranger'), 'x'),
    seenAs: ['write (files)'],
  },
  {
    name: 'the mode of a file of its image',
    how: '`chmod 700 …/merged/bin/script`',
    touch: ({ merged }) => chmod(join(merged, 'bin/script'), 0o700),
    seenAs: ['write (files)'],
  },
  {
    name: 'a file of its image deleted',
    how: '`rm …/merged/bin/script`',
    touch: ({ merged }) => rm(join(merged, 'bin/script')),
    seenAs: ['write (files)'],
  },
  {
    name: 'a file of its image deleted and replaced',
    how: '`mv other …/merged/bin/script`',
    touch: async ({ merged }) => {
      await writeFile(join(merged, 'bin/other'), '#!/bin/sh\n', { mode: 0o755 })
      await rename(join(merged, 'bin/other'), join(merged, 'bin/script'))
    },
    seenAs: ['write (files)'],
  },
  {
    name: 'its root mounted writable',
    how: '`mount -o remount,bind,rw /` in its mount namespace',
    touch: ({ pid }) => host(...mounting(pid, remountWritable)),
    seenAs: ['mount (mounts)'],
  },
  {
    name: 'something mounted over its files',
    how: '`mount -t tmpfs none /www/cgi-bin` in its mount namespace',
    touch: ({ pid }) => host(...mounting(pid, "mount('none', '/www/cgi-bin', 'tmpfs', 0, null)")),
    seenAs: ['mount (mounts)'],
  },
  {
    name: 'its tmpfs taken away',
    how: '`umount --lazy /tmp` in its mount namespace',
    touch: ({ pid }) => host(...mounting(pid, "umount('/tmp', 2)")),
    seenAs: ['mount (mounts)'],
  },
  limit('processes', ['pids', 'pids.max', '77'], ['pids.max', '77']),
  limit('CPU', ['cpu', 'cpu.cfs_quota_us', '50000'], ['cpu.max', '50000 100000']),
  limit('memory', ['memory', 'memory.limit_in_bytes', '100000000'], ['memory.max', '100000000']),
  {
    name: 'frozen past the engine',
    how: '`echo 1 > …/cgroup.freeze`',
    touch: async (target) => {
      const file = groupFile(target, ['freezer', 'freezer.state'], 'cgroup.freeze')
      await writeFile(file, file.endsWith('state') ? 'FROZEN' : '1')
    },
    seenAs: ['limits (groups)'],
  },
]

export const seenTouches: readonly SeenTouch[] = [...engineTouches, ...entranceTouches, ...changeTouches]

export const unseenTouches: readonly UnseenTouch[] = [
  {
    name: 'a signal from the host that it ignores or handles',
    how: '`kill -USR1 PID`',
    touch: async ({ pid }) => process.kill(pid, 'SIGUSR1'),
    why: 'the kernel tells nobody of signals',
    outcome: 'stays',
  },
  {
    name: 'a signal from the host that ends it',
    how: '`kill -9 PID`',
    touch: async ({ pid }) => process.kill(pid, 'SIGKILL'),
    why: 'the kernel tells of its end, and not who brought it about: it looks like a crash',
    outcome: 'is replaced',
  },
  {
    name: 'a signal from the host that halts it',
    how: '`kill -STOP PID…`',
    touch: async ({ pid }) => {
      for (const each of processesIn(pid)) process.kill(each, 'SIGSTOP')
    },
    why: 'as any signal; it answers no more, and is unhealthy',
    outcome: 'is replaced',
  },
  {
    name: 'its memory read and written without a tracer',
    how: '`process_vm_writev(2)`',
    touch: ({ pid }) => host(...writingMemory(pid)),
    why: 'a system call that takes no file, no tracer and no namespace; an audit rule on the host can tell',
    outcome: 'stays',
  },
  {
    name: 'a copy of its descriptor',
    how: '`pidfd_getfd(2)`',
    touch: ({ pid }) => host(...takingDescriptor(pid)),
    why: 'as `process_vm_writev(2)`',
    outcome: 'stays',
  },
  {
    name: 'a line in its output',
    how: '`echo x > /proc/PID/fd/1`',
    touch: (target) => shell(target, 'echo x > /proc/$PID/fd/1'),
    why: 'a pipe is no file of its own: the kernel tells nobody who writes to it',
    outcome: 'stays',
  },
  {
    name: 'the priority of its process',
    how: '`renice 5 -p PID`',
    touch: ({ pid }) => host('renice', '5', '-p', String(pid)),
    why: 'a process may change its own; whose doing it was shows nowhere',
    outcome: 'stays',
  },
  {
    name: 'a limit of its process, by prlimit(2)',
    how: '`prlimit --pid PID --core=0`',
    // As its own user: root needs a capability for that which it does not have everywhere.
    touch: (target) => {
      const user = '--reuid $(stat -c %u /proc/$PID) --regid $(stat -c %g /proc/$PID) --clear-groups'
      return shell(target, `setpriv ${user} prlimit --pid $PID --core=0`)
    },
    why: 'as the priority of its process; those that its version declares are limits of its control group',
    outcome: 'stays',
  },
  {
    name: 'who is ended first when memory runs out',
    how: '`echo 500 > /proc/PID/oom_score_adj`',
    touch: ({ pid }) => writeFile(`/proc/${pid}/oom_score_adj`, '500'),
    why: 'as the priority of its process',
    outcome: 'stays',
  },
  {
    name: 'its log on the host',
    how: '`echo >> …-json.log`',
    touch: ({ logFile }) => appendFile(logFile, '\n'),
    why: "the engine's file and not the instance's, and written to all the time",
    outcome: 'stays',
  },
  {
    name: 'a file added to the layers of its image on the host',
    how: '`echo x > …/lower/www/planted`',
    touch: async ({ lower }) => {
      await writeFile(join(lower, 'www/planted'), 'x')
      return () => rm(join(lower, 'www/planted'))
    },
    why: "below the overlay, where its events don't reach; programs are known by their digests when they run",
    outcome: 'stays',
  },
  {
    name: 'a request past the router',
    how: '`curl http://ADDRESS:8080/`',
    touch: async ({ engine, sandbox }) => {
      const { NetworkSettings } = await engine.inspect(sandbox)
      const [network] = Object.values(NetworkSettings.Networks)
      await host('curl', '-sf', `http://${network?.IPAddress}:8080/plain`)
    },
    why: 'to the application, a client as any other',
    outcome: 'stays',
  },
  {
    name: "the host's end of its network taken down",
    how: '`ip link set VETH down`',
    touch: async (target) => {
      const index = await shell(target, 'cat /proc/$PID/root/sys/class/net/eth0/iflink')
      const links = await host('ip', '-o', 'link')
      const [, name = ''] = new RegExp(`^${index.trim()}: ([^@:]+)`, 'm').exec(links) ?? []
      await host('ip', 'link', 'set', name, 'down')
    },
    why: 'it is no part of the instance; it answers no more, and is unhealthy',
    outcome: 'is replaced',
  },
]

function begin([program, ...parameters]: Command): () => void {
  const child = spawn(program, parameters, { stdio: 'ignore' })
  return () => void child.kill('SIGKILL')
}
