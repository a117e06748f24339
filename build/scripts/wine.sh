#!/usr/bin/env bash
# wine.sh COMMAND...: runs a command in whose environment `wine` runs 64-bit Windows programs that Go made, in a Windows of its own below
# build/cache: nothing of yours is touched, and what runs there ends with the command.
set -eu -o pipefail
cd "$(dirname "$0")/../.."

if [ "$(uname -sm)" != "Linux x86_64" ]; then
  echo "SKIPPED: Wine is used on Linux on amd64 only; nothing was tested as on Windows" >&2
  exit 0
fi
for needed in wine x86_64-w64-mingw32-gcc; do
  command -v "$needed" >/dev/null && continue
  if [ -n "${CI:-}" ]; then
    echo "wine.sh: $needed is missing" >&2
    exit 1
  fi
  echo "SKIPPED: $needed is missing (packages wine, wine64 and gcc-mingw-w64-x86-64); nothing was tested as on Windows" >&2
  exit 0
done

export WINEPREFIX="$PWD/build/cache/wine" WINEARCH=win64
export WINEDEBUG="${WINEDEBUG:--all}"                         # its remarks are about itself
export WINEDLLOVERRIDES="mscoree,mshtml,winemenubuilder.exe=" # no .NET, no browser, no entries in anybody's menus
unset DISPLAY WAYLAND_DISPLAY

server=/usr/lib/wine/wineserver64 # Debian's `wineserver` is a script that sets how long the server stays
[ -x "$server" ] || server=wineserver

prepare() {
  local system="$WINEPREFIX/drive_c/windows/system32"
  wineboot --init
  wine reg add 'HKCU\Software\Wine' /v Version /d win10 /f
  "$server" -w
  [ -f "$system/bcryptprimitives.dll" ] ||
    x86_64-w64-mingw32-gcc -O2 -Wall -Werror -shared -s -o "$system/bcryptprimitives.dll" build/wine/bcryptprimitives.c -ladvapi32
}

if [ ! -f "$WINEPREFIX/ready" ] || [ build/wine/bcryptprimitives.c -nt "$WINEPREFIX/ready" ] || [ "${BASH_SOURCE[0]}" -nt "$WINEPREFIX/ready" ]; then
  rm -rf "$WINEPREFIX"
  mkdir -p "$WINEPREFIX"
  if ! prepare >"$WINEPREFIX/log" 2>&1; then
    cat "$WINEPREFIX/log" >&2
    exit 1
  fi
  touch "$WINEPREFIX/ready"
fi

# The tests of the engine publish with the release tool, and there is no go command to build it with.
GOOS=windows CGO_ENABLED=0 go build -o build/cache/vcm.exe ./cmd/vcm
export UPDATER_TEST_VCM="Z:${PWD//\//\\}\\build\\cache\\vcm.exe"

# A first program has Windows' services start, which then end with the last one, and hold on to the first one's output: so that one has none,
# and stays until the end.
coproc wine cmd /q 2>/dev/null
trap '"$server" -k || true' EXIT
"$@"
