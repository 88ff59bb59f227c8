#!/bin/sh
# Install the Debian packages that a build or the tests need and that are not
# there yet; where that is not possible, say which.
#
# Servers to test against are unpacked, not installed: their packages exclude
# one another, or what keeps a machine's time, and would start services. They go
# into build/peers.
#
#   usage: deps.sh build|check|bench
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)

build='gcc libc6-dev musl-tools dpkg-dev binutils ca-certificates'
check="$build g++ perl python3 busybox-static signify-openbsd valgrind file mandoc procps clang lld"
bench="$check curl lftp iproute2 ntpsec-ntpdate"
servers='vsftpd pure-ftpd proftpd-core chrony'
case ${1-} in
build) want=$build ;;
check) want=$check ;;
bench) want=$bench ;;
*) echo 'usage: deps.sh build|check|bench' >&2; exit 2 ;;
esac

sudo=
[ "$(id -u)" = 0 ] || sudo=sudo
export DEBIAN_FRONTEND=noninteractive

have() {
	dpkg-query -W -f '${Status}' "$1" 2>/dev/null | grep -q ' installed'
}

# once_more COMMAND...: with fresh lists when it fails.
once_more() {
	"$@" >/dev/null 2>&1 && return 0
	$sudo apt-get update -qq
	"$@" >/dev/null
}

install() {
	missing=
	for p in "$@"; do
		have "$p" || missing="$missing $p"
	done
	[ -n "$missing" ] || return 0
	if ! command -v apt-get >/dev/null; then
		echo "deps: no apt-get here; these Debian packages (or their" \
			"like) are needed:$missing" >&2
		return 1
	fi
	echo "deps: installing$missing" >&2
	# shellcheck disable=SC2086
	once_more $sudo apt-get install -qq -y --no-install-recommends $missing
}

# The libraries that a package asks for, one a line.
libraries() {
	dpkg-deb -f "$1" Depends | tr ',' '\n' |
		sed -n 's/^ *\(lib[^ |]*\).*/\1/p' |
		grep -v -e '^libpam-'
}

# Tests pass over what is not there, so a server that does not come is said
# and not a failure.
peers() {
	# What is there may be of an older list.
	[ "$(cat "$top/build/peers/complete" 2>/dev/null)" != "$servers" ] ||
		return 0
	rm -rf "$top/build/peers.new"
	mkdir -p "$top/build/peers.new"
	cd "$top/build/peers.new" || return 1
	# The folder is not one that apt's own user may write to, of which it
	# would warn.
	for server in $servers; do
		echo "deps: unpacking $server" >&2
		once_more apt-get -qq -o APT::Sandbox::User=root download \
			"$server" || return 1
		dpkg -x "$server"_*.deb . || return 1
		# shellcheck disable=SC2046
		install $(libraries "$server"_*.deb) || return 1
		rm -f "$server"_*.deb
	done
	echo "$servers" >complete
	cd "$top" || return 1
	rm -rf build/peers
	mv build/peers.new build/peers
}

# shellcheck disable=SC2086
install $want
[ "$1" = build ] || ! command -v apt-get >/dev/null || peers ||
	echo 'deps: no FTP and NTP servers; their tests will be passed over' >&2
