#!/bin/sh
# Lock the requirements (exact versions, hashes, Python 3.11 and newer) and the browser libraries.
# The lock files name no index and no registry: each machine uses the one it is set up for.
set -eu
cd "$(dirname "$0")/.."
uv=$(command -v .venv/bin/uv || command -v uv) || {
    echo "make lock needs uv: .venv/bin/pip install uv" >&2
    exit 1
}
compile() {
    "$uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --only-binary :all: --no-emit-index-url --no-emit-find-links \
        --custom-compile-command "make lock" --upgrade "$@"
}
# All together first: awscli and boto3 must agree on botocore. The console's part follows it.
compile requirements.in requirements-dev.in -o requirements-dev.txt
compile requirements.in -c requirements-dev.txt -o requirements.txt
compile requirements-node.in -o requirements-node.txt
npm install --package-lock-only --ignore-scripts
if grep -nE 'https?://|^(-i|-f|--(extra-)?index-url|--find-links)|"resolved"' \
    requirements*.txt package-lock.json; then
    echo "make lock: a lock file names an address (above); it must not." >&2
    exit 1
fi
