#!/bin/sh
# The two commands of the README on a bare Debian 12: a new root with nothing but git, a clone of this repository's HEAD,
# `./uptake run scenarios/care-homes.toml`, a second start in under 0.1 s, and `./uptake test`.
# Needs root, debootstrap, and a network or mirror; the mirror is the one this machine's apt uses.
# Usage: fresh_machine.sh [COMMAND...]   other commands for ./uptake than those two, one argument each, e.g. '--version'
set -eu

source=$(cd "$(dirname "$(readlink -f -- "$0")")/.." && pwd)
[ "$(id -u)" = 0 ] || { echo "needs root for debootstrap and chroot" >&2; exit 1; }
command -v debootstrap >/dev/null || { echo "needs the package debootstrap" >&2; exit 1; }

# The first mirror of a suite in the form of one line (deb [options] URI suite ...) or of a stanza (Suites: before or
# after URIs:); "security" suites do not hold a whole system.
mirror=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources 2>/dev/null | awk '
  function stanza() { if (uri != "" && suites ~ /(^| )(bookworm|stable)( |$)/ && !found) { print uri; found = 1 }; uri = suites = "" }
  /^deb / { sub(/\[[^]]*\]/, ""); if (($3 == "bookworm" || $3 == "stable") && !found) { print $2; found = 1 } }
  /^URIs:/ { uri = $2 }
  /^Suites:/ { suites = substr($0, 9) }
  /^(Types:|[ \t]*$)/ { stanza() }
  END { stanza() }')
[ -n "$mirror" ] || { echo "apt on this machine has no Debian 12 mirror" >&2; exit 1; }

root=$(mktemp -d "${TMPDIR:-/var/tmp}/uptake-fresh.XXXXXX")
leave() {
  umount "$root/proc" 2>/dev/null || true
  rm -rf --one-file-system "$root"
}
trap leave EXIT
trap 'exit 1' INT TERM

debootstrap --variant=minbase --include=git,ca-certificates bookworm "$root" "$mirror" >&2

# apt inside reaches the mirror as apt outside does.
apt-config dump | grep '^Acquire::\(http\|https\|Check\)' >"$root/etc/apt/apt.conf.d/90outside" || true
for file in /etc/resolv.conf /etc/hosts; do [ ! -f "$file" ] || cp -L "$file" "$root$file"; done
mount -t proc proc "$root/proc"
git clone --quiet --no-hardlinks "$source" "$root/root/uptake"

inside() {
  # A bare environment, except for the proxies of this machine.
  chroot "$root" /usr/bin/env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb LC_ALL=C.UTF-8 \
    ${http_proxy:+http_proxy="$http_proxy"} ${https_proxy:+https_proxy="$https_proxy"} \
    /bin/sh -c 'cd /root/uptake && exec "$@"' sh "$@"
}

if [ $# -gt 0 ]; then
  for command; do
    # shellcheck disable=SC2086 # one argument holds a command and its words
    inside ./uptake $command
  done
else
  inside ./uptake run scenarios/care-homes.toml
  inside ./uptake test
fi

# The second start reaches the program in under 0.1 s: the best of five, for this machine may be busy.
best=$(inside sh -c '
  for i in 1 2 3 4 5; do
    begin=$(date +%s%N); ./uptake --version >/dev/null; end=$(date +%s%N); echo $(((end - begin) / 1000000))
  done | sort -n | head -n 1')
echo "second start: $best ms"
[ "$best" -lt 100 ]
