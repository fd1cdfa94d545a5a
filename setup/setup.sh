#!/bin/sh
# Makes a checkout ready to run: npm packages (Node.js 24 among them), HAProxy, a container engine that
# answers, the example's files and the compiled sources. Each step looks first and does only what is missing.
#
# POSIX sh, because it has to begin where there is nothing but a shell and some Node.js with npm.
set -eu
cd "$(dirname "$0")/.."

SOCKET=${DOCKER_HOST:-unix:///var/run/docker.sock}
SOCKET=${SOCKET#unix://}
ENGINE_LOG=${REPAVE_ENGINE_LOG:-/var/log/dockerd.log}

main() {
  require_node
  install_npm_packages
  install_system_packages
  unpack_prometheus
  start_engine
  sh setup/example-files.sh
  build
}

say() { echo "setup: $*"; }

fail() {
  echo "setup: $1" >&2
  shift
  for line in "$@"; do echo "  $line" >&2; done
  exit 1
}

require_node() {
  if command -v node >/dev/null && command -v npm >/dev/null; then return; fi
  fail 'Node.js 20 or newer with npm is needed to begin with' "$(how_to_install nodejs npm)"
}

# The copy of the lock file says what node_modules was made from; times would not survive a clone.
# Not `npm ci`: it refuses a lock file without the binaries of other platforms, which a mirror may not have.
# `--no-save` keeps the lock file as it is.
install_npm_packages() {
  stamp=node_modules/.made-from-package-lock.json
  if cmp -s package-lock.json "$stamp"; then return; fi
  say 'installing npm packages'
  npm install --no-save --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null ||
    fail 'npm could not install the packages'
  [ -x node_modules/.bin/node ] || fail "there is no Node.js 24 package for $(uname -sm)" \
    'Repave runs on Linux, on x64 and arm64 with glibc.'
  cp package-lock.json "$stamp"
}

install_system_packages() {
  missing=$(missing_packages)
  if [ -z "$missing" ]; then return; fi
  # shellcheck disable=SC2086
  if ! command -v apt-get >/dev/null || [ "$(id -u)" != 0 ]; then
    fail "missing on this machine: $missing" "$(how_to_install $missing)" 'Then run this again.'
  fi
  say "installing Debian packages: $missing"
  # shellcheck disable=SC2086
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing; } \
    </dev/null >setup.log 2>&1 || fail "apt-get could not install: $missing" "$(tail -n 15 setup.log)"
  rm -f setup.log
}

# An engine that answers needs no package: it may be a desktop's, or another machine's socket.
missing_packages() {
  path=$PATH:/usr/sbin:/sbin
  set --
  PATH=$path command -v haproxy >/dev/null || set -- "$@" haproxy
  engine_answers || PATH=$path command -v dockerd >/dev/null || set -- "$@" docker.io
  engine_answers || PATH=$path command -v iptables >/dev/null || set -- "$@" iptables
  # For the tests: an image without a registry, certificates, an engine of their own, another's opinion on a ledger.
  is_static /bin/busybox || set -- "$@" busybox-static
  command -v openssl >/dev/null || set -- "$@" openssl
  PATH=$path command -v ip >/dev/null || set -- "$@" iproute2
  command -v go >/dev/null || set -- "$@" golang-go
  [ -d /usr/share/gocode/src/golang.org/x/mod/sumdb ] || set -- "$@" golang-golang-x-mod-dev
  echo "$*"
}

is_static() { [ -x "$1" ] && ! ldd "$1" >/dev/null 2>&1; }

# For a test. Unpacked, not installed: the package would bring 330 MB and run it as a service.
unpack_prometheus() {
  program=node_modules/.cache/prometheus
  if [ -x "$program" ] || command -v prometheus >/dev/null; then return; fi
  if ! command -v apt-get >/dev/null; then fail 'missing on this machine: prometheus' "$(how_to_install prometheus)"; fi
  say 'unpacking Prometheus'
  folder=$(mktemp -d)
  (cd "$folder" && { download_prometheus || { apt-get update -qq && download_prometheus; } } &&
    dpkg-deb -x ./prometheus_*.deb .) </dev/null >setup.log 2>&1 ||
    fail 'apt-get could not download: prometheus' "$(tail -n 15 setup.log)" "$(how_to_install prometheus)"
  mkdir -p node_modules/.cache
  mv "$folder/usr/bin/prometheus" "$program"
  rm -rf "$folder" setup.log
}

download_prometheus() { apt-get download -qq prometheus; }

how_to_install() {
  # shellcheck source=/dev/null
  distribution=$(. /etc/os-release 2>/dev/null && echo "${ID:-} ${ID_LIKE:-}")
  case " $distribution " in
    *\ debian\ * | *\ ubuntu\ *) echo "As root: apt-get install -y --no-install-recommends $*" ;;
    *\ fedora\ * | *\ rhel\ *) echo "As root: dnf install -y $(echo "$*" | sed 's/docker.io/moby-engine/; s/golang-go /golang /; s/golang-golang-x-mod-dev/golang-x-mod-devel/; s/prometheus/golang-github-prometheus/')" ;;
    *\ arch\ *) echo "As root: pacman -S --needed $(echo "$*" | sed 's/docker.io/docker/')" ;;
    *suse*) echo "As root: zypper install -y $(echo "$*" | sed 's/docker.io/docker/')" ;;
    *) echo "Install these with your distribution's package manager: $(echo "$*" | sed 's/docker.io/docker/')" ;;
  esac
}

start_engine() {
  if engine_answers; then return; fi
  if [ "$(id -u)" != 0 ]; then
    fail "no container engine answers on $SOCKET" \
      "If one runs, let this user in (as root: usermod -aG docker $(id -un), then log in again)," \
      'else start it (as root: systemctl enable --now docker). DOCKER_HOST=unix:///PATH names another socket.'
  fi
  if [ -d /run/systemd/system ]; then
    say 'starting the Docker engine (systemctl start docker)'
    systemctl start docker || fail 'systemd could not start docker' 'See: journalctl -u docker'
  else
    say "starting a Docker engine (log: $ENGINE_LOG)"
    run_dockerd
  fi
  await_engine
}

# Descriptors above 2 are closed: a daemon that inherits a lock keeps it for ever.
run_dockerd() {
  forget_dead_engine
  PATH=$PATH:/usr/sbin:/sbin setsid dockerd --live-restore --host "unix://$SOCKET" \
    </dev/null >>"$ENGINE_LOG" 2>&1 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&- &
  engine_pid=$!
}

# dockerd refuses to start over a pid file whose number some other process has got by now.
forget_dead_engine() {
  for file in /var/run/docker.pid /var/run/docker/containerd/containerd.pid; do
    [ -f "$file" ] || continue
    case $(cat "/proc/$(cat "$file")/comm" 2>/dev/null) in
      dockerd | containerd) ;;
      *) rm -f "$file" ;;
    esac
  done
}

await_engine() {
  tries=0
  until engine_answers; do
    tries=$((tries + 1))
    if [ "$tries" -gt 300 ] || { [ -n "${engine_pid:-}" ] && ! kill -0 "$engine_pid" 2>/dev/null; }; then
      fail 'the Docker engine does not come up; its last words:' "$(tail -n 15 "$ENGINE_LOG" 2>/dev/null)"
    fi
    sleep 0.2
  done
}

engine_answers() {
  [ -S "$SOCKET" ] && node -e '
    const request = require("node:http").get({ socketPath: process.argv[1], path: "/_ping", timeout: 3000 })
    request.on("response", (response) => process.exit(response.statusCode === 200 ? 0 : 1))
    request.on("timeout", () => process.exit(1)).on("error", () => process.exit(1))' "$SOCKET"
}

build() {
  stamp=dist/.built
  if [ -f "$stamp" ] && [ -z "$(find src package.json tsconfig.json tsconfig.build.json -newer "$stamp" -print | head -n 1)" ]; then
    return
  fi
  say 'compiling'
  npm run --silent build
}

main
