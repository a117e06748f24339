#!/usr/bin/env bash
# Installs what building and testing Tesseract needs, and only what is missing, so that
# running it again costs a fraction of a second. System packages: Debian and Ubuntu; other
# systems are told what to install. Node modules: any system with npm.
set -eu -o pipefail
cd "$(dirname "$0")/../.."

# The window toolkit that Wails links against, and a C compiler for it.
build_packages=(gcc libc6-dev pkg-config libgtk-3-dev libwebkit2gtk-4.1-dev)
# A screen without a screen, a window manager, a message bus, hands and eyes.
screen_packages=(xvfb openbox dbus dbus-x11 xdotool x11-utils x11-xserver-utils xclip imagemagick)
# Fonts, so that what is drawn does not depend on the machine.
font_packages=(fonts-inter fonts-jetbrains-mono fonts-noto-cjk fontconfig)
# What our patches are held against: make bench-delta.
peer_packages=(bsdiff xdelta3 zstd)
# Windows programs on Linux, and a compiler for what Wine lacks: make test-wine.
wine_packages=()
[ "$(uname -m)" = x86_64 ] && wine_packages=(wine wine64 gcc-mingw-w64-x86-64)

say() { printf 'setup: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"
  elif command -v sudo >/dev/null; then sudo "$@"
  else die "this needs root: install sudo, or run as root: $*"
  fi
}

missing_of() {
  local installed
  installed="$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null | awk '$1 == "installed" { print $2 }' || true)"
  comm -23 <(printf '%s\n' "$@" | sort -u) <(sort -u <<<"$installed")
}

system_packages() {
  case "$(uname -s)" in
    Linux) ;;
    Darwin) xcode-select -p >/dev/null 2>&1 || die "install Apple's command line tools: xcode-select --install"; return ;;
    *) return ;;
  esac
  if ! command -v apt-get >/dev/null; then
    pkg-config --exists gtk+-3.0 webkit2gtk-4.1 2>/dev/null ||
      die "install GTK 3, WebKitGTK 4.1 (both with headers), Xvfb, openbox, xdotool, xclip and ImageMagick with your package manager"
    return
  fi
  local missing
  mapfile -t missing < <(missing_of "${build_packages[@]}" "${screen_packages[@]}" "${font_packages[@]}" "${peer_packages[@]}" "${wine_packages[@]}")
  [ "${#missing[@]}" -eq 0 ] && return
  say "installing ${missing[*]}"
  as_root apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

toolchains() {
  command -v go >/dev/null || die "install Go 1.26 or newer first: https://go.dev/doc/install"
  command -v npm >/dev/null || die "install Node.js 20.19 or newer first: https://nodejs.org"
  node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' ||
    die "Node.js 20.19 or newer is needed, this is $(node --version): https://nodejs.org"
}

# npm ci starts from nothing every time; the copy of the lock file that it worked from says
# whether it has to.
node_modules() {
  [ -f frontend/package-lock.json ] || return 0
  cmp -s frontend/package-lock.json frontend/node_modules/.installed-lock.json && return
  say "installing node modules"
  (cd frontend && npm ci --no-audit --no-fund --loglevel=error)
  cp frontend/package-lock.json frontend/node_modules/.installed-lock.json
}

toolchains
system_packages
node_modules
