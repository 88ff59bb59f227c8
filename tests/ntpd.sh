# A real NTP server for command-line tests. Sourced after tests/lib.sh:
#
#   . "$HOTFIX_TOP/tests/lib.sh"
#   . "$HOTFIX_TOP/tests/ntpd.sh"
#   if ntpd; then
#           run "$hotfix" time "$ntp_server"
#   else
#           skip "$ntp_why"
#   fi
#
# It is chronyd, from build/peers, where tests/deps.sh has unpacked it
# (HOTFIX_PEERS names another folder), else from the machine. $ntp_want is a port
# that it must have, for clients that ask no other.
# What is put here is read by the test.
# shellcheck shell=sh disable=SC2034

ntp_peers=${HOTFIX_PEERS:-$HOTFIX_TOP/build/peers}
ntp_count=0
ntp_want=

# ntpd [DIRECTIVE...]: a server on a free port of 127.0.0.1, which tells this
# machine's time and never sets it: of stratum 8, or by these directives of
# chrony.conf(5) instead. Puts $ntp_server (address and port), $ntp_port and $ntp_name,
# for "stop". Fails when it cannot, the reason in $ntp_why. Where we are root it
# becomes "nobody".
ntpd() {
	[ "$#" -gt 0 ] || set -- 'local stratum 8' 'allow 127.0.0.1'
	ntp_program=
	for ntp_dir in "$ntp_peers/usr/sbin" /usr/local/sbin /usr/sbin \
		/usr/bin; do
		[ -n "$ntp_program" ] || [ ! -x "$ntp_dir/chronyd" ] ||
			ntp_program=$ntp_dir/chronyd
	done
	if [ -z "$ntp_program" ]; then
		ntp_why='no chronyd here (tests/deps.sh check brings it)'
		return 1
	fi
	# -U: not being root is fine. Who is root must let it change itself: the
	# folder that it is in may be closed to others.
	ntp_as=-U
	[ "$(id -u)" != 0 ] || ntp_as='-u nobody'
	for ntp_try in 1 2 3 4 5 6 7 8 9 10; do
		ntp_count=$((ntp_count + 1))
		ntp_name=ntpd$ntp_count
		mkdir "$ntp_name.dir"
		[ "$(id -u)" != 0 ] || chown nobody "$ntp_name.dir"
		# The scratch folder is its maker's only; it goes through it.
		chmod go+x .
		any_port
		ntp_port=${ntp_want:-$port}
		! has_port udp "$ntp_port" || continue
		# -x: never set the clock.
		# shellcheck disable=SC2086
		start "$ntp_name" "$ntp_program" $ntp_as -x -d \
			"port $ntp_port" 'bindaddress 127.0.0.1' \
			'cmdport 0' 'bindcmdaddress /' \
			"pidfile $PWD/$ntp_name.dir/pid" "$@"
		gets_port udp "$ntp_port"
		case $? in
		0)
			ntp_server=127.0.0.1:$ntp_port
			return 0
			;;
		1) ;; # the port is taken: another one
		*) break ;;
		esac
	done
	ntp_why="chronyd does not start: $(cat "$ntp_name.out" \
		"$ntp_name.err" | tr '\n' ' ')"
	return 1
}
