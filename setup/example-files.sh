#!/bin/sh
# Fills examples/hello/rootfs with what its image is made of: Node.js from the npm package and the shared
# libraries of this machine that it needs. So the example builds where there is no registry to pull from.
set -eu
cd "$(dirname "$0")/.."

root=examples/hello/rootfs
node=$(readlink -f node_modules/.bin/node)
if [ "$root/usr/bin/node" -nt "$node" ]; then exit 0; fi

echo 'setup: gathering the files of examples/hello'
rm -rf "$root" "$root.new"
mkdir -p "$root.new/usr/bin"
ldd "$node" | sed -n 's/.*=> \(\/[^ ]*\) .*/\1/p; s/^[[:space:]]*\(\/[^ ]*\) .*/\1/p' | while read -r library; do
  mkdir -p "$root.new$(dirname "$library")"
  cp -L "$library" "$root.new$library"
done
cp "$node" "$root.new/usr/bin/node"
mv "$root.new" "$root"
