#!/bin/sh
# Install the Debian packages that a build or the tests need and that are not
# there yet; where that is not possible, say which.
#
#   usage: deps.sh build|check
set -eu

build='gcc libc6-dev musl-tools dpkg-dev binutils ca-certificates'
check="$build perl signify-openbsd valgrind file mandoc procps"
case ${1-} in
build) want=$build ;;
check) want=$check ;;
*) echo 'usage: deps.sh build|check' >&2; exit 2 ;;
esac

missing=
for p in $want; do
	dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q ' installed' ||
		missing="$missing $p"
done
[ -n "$missing" ] || exit 0
if ! command -v apt-get >/dev/null; then
	echo "deps: no apt-get here; these Debian packages (or their like) are" \
		"needed:$missing" >&2
	exit 1
fi
sudo=
[ "$(id -u)" = 0 ] || sudo=sudo
echo "deps: installing$missing" >&2
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086
$sudo apt-get install -qq -y --no-install-recommends $missing >/dev/null 2>&1 || {
	$sudo apt-get update -qq
	$sudo apt-get install -qq -y --no-install-recommends $missing >/dev/null
}
