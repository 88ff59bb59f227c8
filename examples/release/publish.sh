#!/bin/sh
# A release from a folder to everybody's notice, as a build machine or somebody
# who is no developer runs it:
#
#	usage: publish.sh RELEASE FOLDER
#
# What stays the same from release to release is read from the file that
# RELEASE_CONF names (./release.conf), lines of shell:
#
#	NAME=arena                                    the package's name
#	PLACE=ftp://studio@download.example.org/arena where it is put, or a folder
#	URL=https://cdn.example.org/arena             where clients find it
#	VERSION='1.4.*'                               the clients that it is for
#	HOSTS='arena-1.example.org arena-2.example.org:4683'
#	NTP='ntp1.example.org ntp2.example.org'
#	BUILD='make assets'                           run in FOLDER before
#
# All but NAME, PLACE and VERSION may be left out. The key is the file that
# HOTFIX_KEY names, the password that of ~/.netrc. What was done is in
# NAME-RELEASE.published then; the exit status is that of hotfix publish.
set -u

hotfix=${HOTFIX:-hotfix}
if [ $# -ne 2 ]; then
	echo 'usage: publish.sh RELEASE FOLDER' >&2
	exit 2
fi
release=$1
folder=$2
NAME='' PLACE='' URL='' VERSION='' HOSTS='' NTP='' BUILD=''
conf=${RELEASE_CONF:-./release.conf}
case $conf in
*/*) ;;
*) conf=./$conf ;;
esac
if [ ! -r "$conf" ]; then
	echo "publish.sh: $conf is not there; what it says is told in $0" >&2
	exit 5
fi
# shellcheck source=/dev/null
. "$conf"
if [ -z "$NAME" ] || [ -z "$PLACE" ] || [ -z "$VERSION" ]; then
	echo "publish.sh: $conf must set NAME, PLACE and VERSION" >&2
	exit 2
fi

set -- --to "$PLACE" --version "$VERSION" -n "$NAME" -r "$release"
[ -z "$URL" ] || set -- "$@" --url "$URL"
[ -z "$BUILD" ] || set -- "$@" --build "$BUILD"
for host in $HOSTS; do
	set -- "$@" --notify "$host"
done
for server in $NTP; do
	set -- "$@" --ntp "$server"
done

# Standard error stays where it is: on a terminal it shows how far it is.
log=$NAME-$release.published
"$hotfix" publish "$@" "$folder" >"$log"
status=$?
released=$(sed -n 's/^released: //p' "$log")
case $released,$status in
yes,0) echo "$NAME $release is released" ;;
yes,*)
	echo "$NAME $release is released, but not every host has it:"
	awk '/^host: / { host = $2 == "-" ? $3 : $2 " " $3 }
		/^result: / && !/ (applied|have|deferred)$/ {
			print "  " host ": " substr($0, 9) }' "$log"
	echo 'The others are not affected. Run this again to tell them again.'
	;;
*) echo "$NAME $release is not released; what was before still is" ;;
esac
exit $status
