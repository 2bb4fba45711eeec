#!/usr/bin/env bash
# unpack.sh WHAT FOLDER - put a real program into FOLDER/WHAT without installing anything.
#
#   WHAT   asterisk22   newest Asterisk of Debian's suite sid; an error unless its major version is 22
#          asterisk16   Asterisk 16 of bullseye
#          sipp         package sip-tester of this machine's own suite, else of bookworm
#          chromium     package chromium of this machine's own suite, else of bookworm; with a font
#
# Result: FOLDER/WHAT/bin/NAME (run it), root (the files), MANIFEST (package versions), READY (version, suite, layout).
# The folder may be moved: nothing in it holds its own path.
#
# A private apt state (own lists, own empty dpkg status) resolves the package's whole library closure down to libc and
# checks it against the archive's signature; the files are unpacked and started through their own dynamic loader. No
# maintainer script runs, no root is needed. The archive is the one that this machine's apt knows, or the environment
# variable DEBIAN_ARCHIVE.
#
# Two runs at once: the second waits and finds the work done. An interrupted run leaves FOLDER/WHAT.work with what it
# has downloaded, and the next run goes on from there. FOLDER/WHAT appears in one rename, when it is known to start.
# Exit codes: 0 done, 3 cannot be had here (the last line on standard error says why).
set -euo pipefail
export LC_ALL=C
LAYOUT=1 # must agree with LAYOUT in fetch.py

say() { echo "unpack.sh: $*" >&2; }
give_up() { say "$*"; exit 3; }
hide_addresses() { sed -E 's#[a-z]+://[^ ]*#(archive)#g'; }

WHAT=${1:?what} FOLDER=${2:?folder}
case $WHAT in
  asterisk22) PACKAGE=asterisk BINARY=usr/sbin/asterisk VERSION_PATTERN='^Asterisk 22\.' SUITES=sid MB=500 ;;
  asterisk16) PACKAGE=asterisk BINARY=usr/sbin/asterisk VERSION_PATTERN='^Asterisk 16\.' SUITES=bullseye MB=500 ;;
  sipp) PACKAGE=sip-tester BINARY=usr/bin/sipp VERSION_PATTERN='SIPp v3\.' MB=100 SUITES="$(. /etc/os-release && echo "${VERSION_CODENAME:-}") bookworm" ;;
  chromium) PACKAGE=chromium BINARY=usr/lib/chromium/chromium VERSION_PATTERN='^Chromium [0-9]' MB=1200 SUITES="$(. /etc/os-release && echo "${VERSION_CODENAME:-}") bookworm" ;;
  *) give_up "unknown: $WHAT; asterisk22, asterisk16, sipp or chromium" ;;
esac
NAME=$(basename "$BINARY")
for tool in apt-get apt-cache apt-config dpkg-deb dpkg tar flock awk sed find xargs df; do
  command -v $tool >/dev/null || give_up "the program $tool is missing"
done
case $(dpkg --print-architecture) in
  amd64) TRIPLET=x86_64-linux-gnu ;;
  arm64) TRIPLET=aarch64-linux-gnu ;;
  *) give_up "no recipe for the architecture $(dpkg --print-architecture)" ;;
esac

mkdir -p "$FOLDER"; FOLDER=$(cd "$FOLDER" && pwd)
DONE=$FOLDER/$WHAT WORK=$FOLDER/$WHAT.work
is_ready() { grep -qsx "layout $LAYOUT" "$DONE/READY"; }
exec 9>"$FOLDER/$WHAT.lock"; flock 9
if is_ready; then say "already there: $(head -1 "$DONE/READY")"; exit 0; fi
mkdir -p "$WORK"
# tar's complaints are not heard below, so a full disk has to be met here
[ "$(df -Pk "$WORK" | awk 'NR == 2 { print $4 }')" -gt $((MB * 1024)) ] || give_up "needs $MB MB in $FOLDER"

archives() { # what this machine's apt is configured with, the security archive left out
  # --print-uris works before any 'apt-get update' and takes no lock
  local found
  found=$(apt-get update --print-uris 2>/dev/null | sed -nE "s#^'([^']*)/dists/[^']*'.*#\\1#p" | grep -v security || true)
  { [ -z "${DEBIAN_ARCHIVE:-}" ] || echo "$DEBIAN_ARCHIVE"; grep -i debian <<<"$found" || true; echo "$found"; } | awk 'NF && !seen[$0]++'
}

keyring() {
  local path
  for path in /usr/share/keyrings/debian-archive-keyring.{gpg,pgp} /etc/apt/trusted.gpg.d/debian-archive-keyring.gpg; do
    [ ! -r "$path" ] || { echo "$path"; return; }
  done
  give_up "no keys of the Debian archive (package debian-archive-keyring)"
}

private_apt() { # DIR ARCHIVE SUITE KEYS: an apt of its own, whose machine has no package installed
  local dir=$1
  mkdir -p "$dir"/etc/apt/{apt.conf.d,preferences.d,sources.list.d,trusted.gpg.d} "$dir"/var/lib/apt/lists/partial \
    "$dir"/var/cache/apt/archives/partial "$dir"/var/lib/dpkg "$dir"/var/log/apt
  : >"$dir/var/lib/dpkg/status"
  echo "deb [signed-by=$4] $2 $3 main" >"$dir/etc/apt/sources.list"
  # how this machine reaches archives (proxy, access), then ours; sid's index may be past its date on a mirror
  apt-config dump | grep -E '^Acquire::(http|https|ForceIPv4|Proxy)' >"$dir/apt.conf" || true
  cat >>"$dir/apt.conf" <<E
Dir "$dir";
Dir::State::status "$dir/var/lib/dpkg/status";
Dir::Etc::netrc "/etc/apt/auth.conf";
Dir::Etc::netrcparts "/etc/apt/auth.conf.d";
APT::Architecture "$(dpkg --print-architecture)";
APT::Architectures "$(dpkg --print-architecture)";
APT::Install-Recommends "false";
APT::Sandbox::User "$(id -un)";
Acquire::Languages "none";
Acquire::Retries "3";
Acquire::http::Timeout "20";
Acquire::https::Timeout "20";
Acquire::Check-Valid-Until "false";
Acquire::Check-Date "false";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
E
}

download() { # SUITE: the closure's packages into $WORK/apt-SUITE-N; prints that folder
  local suite=$1 archive keys dir number=0
  keys=$(keyring) || return 3
  while read -r archive; do
    number=$((number + 1)) dir=$WORK/apt-$suite-$number
    private_apt "$dir" "$archive" "$suite" "$keys"
    if APT_CONFIG=$dir/apt.conf apt-get -qq update >"$WORK/log" 2>&1 9>&- \
      && APT_CONFIG=$dir/apt.conf apt-cache show "$PACKAGE" >>"$WORK/log" 2>&1 \
      && APT_CONFIG=$dir/apt.conf apt-get -qq -y --download-only install "$PACKAGE" >>"$WORK/log" 2>&1 9>&-; then
      echo "$dir"; return 0
    fi
    grep -E '^[EW]:' "$WORK/log" | tail -3 | hide_addresses >&2 || true
  done < <(archives)
  [ $number -gt 0 ] || say "this machine's apt names no archive, and DEBIAN_ARCHIVE is not set"
  return 1
}

unpack_one() { # DEB TARGET: only what runs - libraries, the loader, the program itself and its data
  local wanted=("./usr/lib/$TRIPLET/*.so*" "./lib/$TRIPLET/*.so*" './usr/lib/*.so*' './lib64/*' './usr/lib64/*')
  local unwanted=('--exclude=*/perl/*' '--exclude=*/perl-base/*' '--exclude=*/gconv/*')
  case $(basename "$1") in
    asterisk_* | asterisk-modules_* | asterisk-config_* | asterisk-core-sounds-* | sip-tester_*)
      wanted=('./*') unwanted=('--exclude=./usr/share/doc' '--exclude=./usr/share/man') ;;
    chromium_* | chromium-common_* | fonts-*) wanted=('./usr/lib/chromium/*' './usr/share/fonts/*') unwanted=() ;;
    libc6_*) [ "$PACKAGE" != chromium ] || return 0 ;;
  esac
  # most packages hold none of some patterns, which tar calls an error; what matters is whether the program starts
  dpkg-deb --fsys-tarfile "$1" |
    tar -x -C "$2" --no-same-owner --keep-directory-symlink --wildcards "${unwanted[@]}" "${wanted[@]}" 2>/dev/null || true
}
export -f unpack_one; export TRIPLET PACKAGE

write_launcher() { # TREE
  local tree=$1 loader folder libraries='' argv0=''
  loader=$(find "$tree/root" -type f \( -name 'ld-linux-*.so.*' -o -name 'ld-2.*.so' \) | head -1)
  [ -n "$loader" ] || give_up "no dynamic loader among the unpacked files"
  mkdir -p "$tree/bin" "$tree/libexec"
  cp -f "$loader" "$tree/libexec/$NAME"; chmod 755 "$tree/libexec/$NAME" # named so that ps shows the program's name
  for folder in "usr/lib/$TRIPLET" "lib/$TRIPLET" usr/lib; do
    [ ! -d "$tree/root/$folder" ] || libraries+=:\$here/root/$folder
  done
  ! "$tree/libexec/$NAME" --help 2>/dev/null | grep -q -- --argv0 || argv0="--argv0 \"\$here/bin/$NAME\" "
  cat >"$tree/bin/$NAME" <<E
#!/bin/sh
here=\$(dirname "\$(dirname "\$(readlink -f "\$0")")")
exec "\$here/libexec/$NAME" --library-path "${libraries#:}" $argv0"\$here/root/$BINARY" "\$@"
E
  chmod 755 "$tree/bin/$NAME"
}

write_browser_launcher() { # TREE: it starts itself again and again, so it runs on this machine's own loader and libc
  local tree=$1
  mkdir -p "$tree/bin" "$tree/fonts"
  cat >"$tree/fonts/fonts.conf" <<'E'
<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
<dir prefix="relative">../root/usr/share/fonts</dir>
<dir>/usr/share/fonts</dir>
<cachedir prefix="xdg">fontconfig</cachedir>
</fontconfig>
E
  cat >"$tree/bin/$NAME" <<E
#!/bin/sh
here=\$(dirname "\$(dirname "\$(readlink -f "\$0")")")
export FONTCONFIG_FILE="\$here/fonts/fonts.conf"
export LD_LIBRARY_PATH="\$here/root/usr/lib/$TRIPLET:\$here/root/lib/$TRIPLET:\$here/root/usr/lib/$TRIPLET/pulseaudio"
exec "\$here/root/$BINARY" "\$@"
E
  chmod 755 "$tree/bin/$NAME"
}

build() { # SUITE: all of it; returns 1 when the suite does not have it
  local dir tree=$WORK/tree version started=$SECONDS
  dir=$(download "$1") || return $?
  local debs=$dir/var/cache/apt/archives
  rm -rf "$tree"; mkdir -p "$tree/root"
  find "$debs" -maxdepth 1 -name '*.deb' -print0 | sort -z |
    xargs -0 -P 2 -I{} bash -c 'unpack_one "$1" "$2"' _ {} "$tree/root"
  [ -x "$tree/root/$BINARY" ] || { say "no $BINARY after unpacking"; return 1; }
  find "$debs" -maxdepth 1 -name '*.deb' -printf '%f\n' | sed 's/%3a/:/; s/\.deb$//' | sort >"$tree/MANIFEST"
  if [ "$NAME" = chromium ]; then write_browser_launcher "$tree"; else write_launcher "$tree"; fi
  case $NAME in # (sipp -v ends with an error code)
    sipp) version=$({ "$tree/bin/sipp" -v 2>&1 || true; } | grep -m1 SIPp | sed 's/^ *//; s/\.$//') || true ;;
    chromium) version=$("$tree/bin/chromium" --version 2>/dev/null) || true ;;
    *) version=$("$tree/bin/$NAME" -V 2>&1) || true ;;
  esac
  grep -qE "$VERSION_PATTERN" <<<"$version" || { say "suite $1 has \"$version\", which is not $WHAT"; return 1; }
  printf '%s\nsuite %s\nlayout %s\n' "$version" "$1" "$LAYOUT" >"$tree/READY"
  rm -rf "$DONE" && mv "$tree" "$DONE" || return 1
  rm -rf "$WORK"
  say "$version from $1 in $((SECONDS - started)) s, $(du -sm "$DONE" | cut -f1) MB"
}

for suite in $(awk 'NF && !seen[$0]++' RS='[ \n]' <<<"$SUITES"); do
  build "$suite" && exit 0
done
give_up "no archive within reach gave $PACKAGE in the version wanted ($WHAT)"
