#!/bin/sh
# For hotfix serve and client --fetch-with 'sh get.sh': packages from a folder of
# this machine, in place of a download server, to try things out.
#
#	usage: get.sh file://localhost/PATH FILE
set -eu
case $1 in
file://localhost/*) cp "${1#file://localhost}" "$2" ;;
*)
	echo "get.sh: $1: not a file://localhost/ address" >&2
	exit 1
	;;
esac
