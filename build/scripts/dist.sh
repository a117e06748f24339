#!/usr/bin/env bash
# dist.sh TAGS LDFLAGS: stripped binaries for this Linux and for Windows in build/dist/<os>-<arch>,
# with a SHA256SUMS beside them. Expects the user interface to be built.
set -eu -o pipefail
cd "$(dirname "$0")/../.."
tags="$1" ldflags="$2"

rm -rf build/dist
arch="$(go env GOARCH)"
linux="build/dist/linux-$arch" windows="build/dist/windows-amd64"
mkdir -p "$linux" "$windows"

go build -trimpath -buildvcs=false -tags "$tags" -ldflags "$ldflags" -o "$linux/tesseract" .
go build -trimpath -buildvcs=false -ldflags "-s -w" -o "$linux/vcm" ./cmd/vcm

export GOOS=windows GOARCH=amd64 CGO_ENABLED=0
go build -trimpath -buildvcs=false -tags "$tags" -ldflags "$ldflags -H windowsgui" -o "$windows/tesseract.exe" .
go build -trimpath -buildvcs=false -ldflags "-s -w" -o "$windows/vcm.exe" ./cmd/vcm

(cd build/dist && sha256sum */* > SHA256SUMS && cat SHA256SUMS)
