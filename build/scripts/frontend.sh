#!/usr/bin/env bash
# Builds the user interface of the tree in the first argument (default: this one) into its
# frontend/dist.
set -eu -o pipefail
cd "${1:-$(dirname "$0")/../..}/frontend"

log="$(mktemp)"
trap 'rm -f "$log"' EXIT
if ! npm run --silent build >"$log" 2>&1; then
  cat "$log" >&2
  exit 1
fi
