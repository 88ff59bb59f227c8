#!/bin/sh
# Put the C sources of Lua 5.4 into DIR, for the Makefile to compile.
#
#   usage: get-lua.sh DIR
#
# Taken from, the first that works:
#   1. the folder $LUA_SRC (an unpacked Lua 5.4, or its src/ folder);
#   2. Debian's source package lua5.4, with the security patches of the
#      distribution, fetched with a private apt state so that the machine's
#      own package configuration stays as it is (apt checks the signature of
#      the index, dpkg-source the digests of the files);
#   3. the upstream tarball lua-5.4.4.tar.gz, checked against its SHA-256.
# DIR appears whole or not at all.
set -eu

SHA256=164c7849653b80ae67bec4b7473b884bf5cc8d2dca05653475ec2ed27b9ebf61
TARBALL=https://www.lua.org/ftp/lua-5.4.4.tar.gz

say() { printf 'get-lua: %s\n' "$*" >&2; }

[ $# -eq 1 ] || { say 'usage: get-lua.sh DIR'; exit 2; }
dir=$1
[ ! -e "$dir/lua.h" ] || exit 0
mkdir -p "$(dirname "$dir")"
tmp=$(mktemp -d "$dir.XXXXXX")
tmp=$(cd "$tmp" && pwd) # apt takes its folders by absolute name
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM

# take FOLDER: the Lua sources lie in FOLDER or in FOLDER/src
take() {
	src=$1
	[ -e "$src/lua.h" ] || src=$1/src
	grep -q '^#define LUA_VERSION_NUM[	 ]*504' "$src/lua.h" 2>/dev/null || {
		say "$1: no Lua 5.4 sources here"
		return 1
	}
	mkdir "$tmp/out"
	cp "$src"/*.[ch] "$tmp/out/"
	# Debian's luaconf.h includes a header that its packaging makes. It
	# names a folder of C libraries, and none are loaded here.
	if grep -q lua5.4-deb-multiarch.h "$tmp/out/luaconf.h"; then
		echo '#define DEB_HOST_MULTIARCH ""' \
			>"$tmp/out/lua5.4-deb-multiarch.h"
	fi
	rm -rf "$dir"
	mv "$tmp/out" "$dir"
}

from_debian() {
	command -v apt-get >/dev/null && command -v dpkg-source >/dev/null ||
		return 1
	apt=$tmp/apt
	mkdir -p "$apt/parts" "$apt/lists/partial" "$apt/cache/archives/partial"
	chmod 755 "$tmp" "$apt" "$apt"/*
	# The machine's own Debian mirrors, asked for sources instead.
	for f in /etc/apt/sources.list.d/*.sources; do
		[ -e "$f" ] || continue
		sed 's/^Types:.*/Types: deb-src/' "$f" \
			>"$apt/parts/$(basename "$f")"
	done
	for f in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
		[ -e "$f" ] || continue
		sed -n 's/^deb[[:space:]]/deb-src /p' "$f" \
			>>"$apt/parts/machine.list"
	done
	set -- -qq -o Dir::Etc::SourceList="$apt/none" \
		-o Dir::Etc::SourceParts="$apt/parts" \
		-o Dir::State::Lists="$apt/lists" -o Dir::Cache="$apt/cache" \
		-o APT::Sandbox::User=root
	: >"$apt/none"
	(cd "$apt" && apt-get "$@" update &&
		apt-get "$@" source --download-only lua5.4 &&
		dpkg-source --no-copy -x lua5.4_*.dsc unpacked) >"$tmp/log" 2>&1 ||
		{ tail -n 3 "$tmp/log" >&2; return 1; }
	take "$apt/unpacked"
}

from_upstream() {
	if command -v curl >/dev/null; then
		curl -fsSL -m 120 -o "$tmp/lua.tar.gz" "$TARBALL" || return 1
	elif command -v wget >/dev/null; then
		wget -q -T 120 -O "$tmp/lua.tar.gz" "$TARBALL" || return 1
	else
		return 1
	fi
	echo "$SHA256  $tmp/lua.tar.gz" | sha256sum -c --status || {
		say "$TARBALL: wrong SHA-256, not used"
		return 1
	}
	tar -xzf "$tmp/lua.tar.gz" -C "$tmp"
	take "$tmp/lua-5.4.4"
}

if [ -n "${LUA_SRC:-}" ]; then
	take "$LUA_SRC"
elif from_debian || from_upstream; then
	:
else
	say 'no Lua 5.4 sources to be had; set LUA_SRC to a folder with them'
	exit 1
fi
