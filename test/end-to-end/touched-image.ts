/** An image for stacks that are touched: a server and the programs of busybox, with which one can do something in it. */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pack } from 'tar-stream'
import type { EngineApi } from './engine-api.ts'

/** From the Debian package busybox-static. */
const busyboxPath = '/bin/busybox'

const dockerfile = `FROM scratch
COPY bin /bin
COPY www /www
ENV PATH=/bin
ENTRYPOINT ["/bin/serve"]
`

/** The shell is the first process, so that the server, which ignores SIGTERM as such, ends with it. */
const serve = `#!/bin/sh
trap 'kill $!; exit 0' TERM
/bin/busybox httpd -f -p 8080 -h /www &
while :; do wait; done
`

/** The answer to a request at \`/\`: programs of the image are run for it. */
const answer = `#!/bin/sh
read -r host < /etc/hostname
echo "answered by $$" > /tmp/answered.$$
/bin/busybox rm /tmp/answered.$$
printf 'X-Instance: %s\\r\\nContent-Type: text/plain\\r\\n\\r\\nhello\\n' "$host"
`

/** What an application does all day, over and over, beside serving. */
const labour = `#!/bin/sh
trap 'kill $server $worker; exit 0' TERM
trap : USR1
/bin/labour-shift &
worker=$!
/bin/busybox httpd -f -p 8080 -h /www &
server=$!
while :; do
  /bin/busybox sleep 0.5
  kill -USR1 $$ $worker
done
`

const shift = `#!/bin/sh
trap : USR1
i=0
while :; do
  i=$((i + 1))
  echo "line $i"
  for name in a b c d e f g h; do echo $i > /tmp/$name; done
  echo $i > /dev/shm/$((i % 7))
  /bin/busybox mkdir -p /tmp/folder/$((i % 5))
  /bin/busybox mv /tmp/a /tmp/folder/moved
  /bin/busybox chmod 600 /tmp/folder/moved
  /bin/busybox rm -r /tmp/folder
  ( ( /bin/busybox sh -c '/bin/busybox sleep 0.01; echo left > /tmp/left' & ) & )
  /bin/busybox timeout 1 /bin/busybox nslookup localhost > /dev/null 2>&1
  echo x | /bin/busybox cat > /dev/null
  kill -USR1 $$ $PPID
  /bin/busybox sleep 5 & kill $!
  /bin/busybox sleep 0.2
done
`

const files: Readonly<Record<string, string>> = {
  Dockerfile: dockerfile,
  'bin/serve': serve,
  'bin/labour': labour,
  'bin/labour-shift': shift,
  'bin/script': '#!/bin/sh\n:\n',
  'www/healthz': 'healthy\n',
  'www/plain': 'hello\n',
  'www/cgi-bin/index.cgi': answer,
}

/** The reference of the image, which is there when the promise resolves. It stays for the next run. */
export async function touchedImage(engine: EngineApi): Promise<string> {
  const busybox = await readFile(busyboxPath).catch(() => {
    throw new Error(`${busyboxPath} is missing, which the image is made of: apt-get install busybox-static`)
  })
  const tag = createHash('sha256').update(JSON.stringify(files)).update(busybox).digest('hex').slice(0, 12)
  const reference = `repave-test-touched:${tag}`
  if (!(await engine.hasImage(reference))) await engine.build(reference, packContext(busybox))
  return reference
}

function packContext(busybox: Buffer): Readable {
  const tar = pack()
  for (const [name, content] of Object.entries(files)) tar.entry({ name, mode: 0o755 }, content)
  tar.entry({ name: 'bin/busybox', mode: 0o755 }, busybox)
  tar.entry({ name: 'bin/sh', type: 'symlink', linkname: 'busybox' })
  tar.finalize()
  return Readable.from(tar)
}
