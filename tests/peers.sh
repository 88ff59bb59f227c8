# Real FTP servers for command-line tests. Sourced after tests/lib.sh:
#
#   . "$HOTFIX_TOP/tests/lib.sh"
#   . "$HOTFIX_TOP/tests/peers.sh"
#   mkdir root
#   for s in $ftp_servers; do
#           ftpd "$s" root || { skip "$ftp_why"; continue; }
#           run "$hotfix" fetch "$ftp_url/a.tar"
#   done
#
# The servers come from build/peers, where tests/deps.sh has unpacked them
# (HOTFIX_PEERS names another folder), else from the machine. A server may
# lack, so every test says what it passes over, and why.
# What is put here is read by the test.
# shellcheck shell=sh disable=SC2034

ftp_servers='vsftpd pure-ftpd proftpd'
ftp_peers=${HOTFIX_PEERS:-$HOTFIX_TOP/build/peers}
ftp_count=0
ftp_disks=

# Where a server listens, and what is put before its command: for tests in
# network namespaces of their own.
ftp_host=127.0.0.1
ftp_prefix=

# A server's program: $ftp_program.
ftp_find() {
	for ftp_dir in "$ftp_peers/usr/sbin" "$ftp_peers/usr/bin" \
		/usr/local/sbin /usr/sbin /usr/local/bin /usr/bin; do
		ftp_program=$ftp_dir/$1
		[ ! -x "$ftp_program" ] || return 0
	done
	ftp_why="no $1 here (tests/deps.sh check brings it)"
	return 1
}

# The configuration of each, as the file $ftp_name.conf; the command in
# $ftp_command. All serve $ftp_root to one user; $ftp_owner is who owns what is
# written.

ftp_vsftpd() {
	# It has no users of its own. What it has is a list of the passwords
	# that an anonymous user may come with.
	ftp_user=anonymous
	mkdir "$ftp_name.empty"
	echo "$ftp_password" >"$ftp_name.passwords"
	{
		cat <<-END
		listen=YES
		listen_ipv6=NO
		listen_address=$ftp_host
		listen_port=$ftp_port
		background=NO
		local_enable=NO
		anonymous_enable=YES
		anon_root=$ftp_root
		ftp_username=$ftp_owner
		secure_email_list_enable=YES
		email_password_file=$PWD/$ftp_name.passwords
		secure_chroot_dir=$PWD/$ftp_name.empty
		write_enable=$([ "$ftp_mode" = read-only ] && echo NO || echo YES)
		anon_upload_enable=YES
		anon_mkdir_write_enable=YES
		anon_other_write_enable=YES
		anon_umask=022
		max_per_ip=0
		max_login_fails=2
		delay_failed_login=0
		xferlog_enable=NO
		seccomp_sandbox=NO
		END
		[ "$(id -u)" = 0 ] || echo run_as_launching_user=YES
	} >"$ftp_name.conf"
	ftp_command="$ftp_program $PWD/$ftp_name.conf"
}

ftp_pure_ftpd() {
	ftp_find pure-pw || return 1
	ftp_pw=$ftp_program
	ftp_find pure-ftpd || return 1
	if [ "$(id -u)" != 0 ]; then
		ftp_why='pure-ftpd with a user of its own needs root'
		return 1
	fi
	# "/./" is where its change of root ends.
	printf '%s:%s:%s:%s::%s/./::::::::::::\n' "$ftp_user" "$ftp_hash" \
		"$(id -u "$ftp_owner")" "$(id -g "$ftp_owner")" "$ftp_root" \
		>"$ftp_name.passwords"
	chmod 600 "$ftp_name.passwords"
	"$ftp_pw" mkdb "$ftp_name.pdb" -f "$ftp_name.passwords" >/dev/null ||
		return 1
	# -I: a session whose client was killed while it waits for a data
	# connection looks at nothing else until then.
	ftp_command="$ftp_program -S $ftp_host,$ftp_port \
		-l puredb:$PWD/$ftp_name.pdb -H -E -u 1 -c 100 -C 100 -I 1 \
		-g $PWD/$ftp_name.pidfile"
}

ftp_proftpd() {
	printf '%s:%s:%s:%s::%s:/bin/sh\n' "$ftp_user" "$ftp_hash" \
		"$(id -u "$ftp_owner")" "$(id -g "$ftp_owner")" "$ftp_root" \
		>"$ftp_name.passwords"
	chmod 600 "$ftp_name.passwords"
	{
		cat <<-END
		ServerType standalone
		ServerName hotfix-test
		ServerIdent on "ready"
		DefaultAddress $ftp_host
		SocketBindTight on
		Port $ftp_port
		UseIPv6 off
		UseReverseDNS off
		User $ftp_owner
		Group $(id -gn "$ftp_owner")
		AuthUserFile $PWD/$ftp_name.passwords
		AuthOrder mod_auth_file.c
		RequireValidShell off
		DelayEngine off
		AllowOverwrite on
		AllowRetrieveRestart on
		AllowStoreRestart on
		Umask 022 022
		MaxInstances 200
		ControlsEngine off
		ControlsSocket $PWD/$ftp_name.control
		TransferLog NONE
		SystemLog NONE
		WtmpLog off
		PidFile $PWD/$ftp_name.pidfile
		ScoreboardFile $PWD/$ftp_name.board
		END
		[ "$(id -u)" != 0 ] || echo 'DefaultRoot ~'
		[ "$ftp_mode" != read-only ] ||
			printf '<Limit WRITE>\nDenyAll\n</Limit>\n'
	} >"$ftp_name.conf"
	ftp_command="$ftp_program -n -q -c $PWD/$ftp_name.conf"
}

# ftpd SERVER DIR [read-only]: serves DIR; DIR/base is made when it is not there
# and is where files may be written (vsftpd wants a root that nobody may write
# to). The files become those of $ftp_owner, whom the server works as: where we
# are root "daemon", who has a home, which vsftpd wants, too. Puts $ftp_port,
# $ftp_user, $ftp_password, $ftp_url (without the password) and $ftp_name, for
# "stop". Fails when it cannot, the reason in $ftp_why.
ftpd() {
	ftp_mode=${3-}
	ftp_root=$(cd "$2" && pwd) || return 1
	# The hash of "secret"; MD5 because some of the others take seconds.
	ftp_password=secret
	# shellcheck disable=SC2016
	ftp_hash='$1$studio$Irhnt8I7RLEm30SAGnCHA1'
	ftp_owner=$(id -un)
	[ "$(id -u)" != 0 ] || ftp_owner=daemon
	ftp_find "$1" || return 1

	# The scratch folder is its maker's only; the server goes through it.
	chmod go+x .
	mkdir -p "$ftp_root/base"
	if [ "$(id -u)" = 0 ]; then
		chown -R "$ftp_owner" "$ftp_root"
		chown root "$ftp_root"
		chmod 755 "$ftp_root"
	fi
	[ "$ftp_mode" != read-only ] || chmod -R a-w "$ftp_root"
	for ftp_try in 1 2 3 4 5 6 7 8 9 10; do
		ftp_count=$((ftp_count + 1))
		ftp_name=ftpd$ftp_count
		ftp_user=studio
		any_port
		ftp_port=$port
		case $1 in
		vsftpd) ftp_vsftpd ;;
		pure-ftpd) ftp_pure_ftpd ;;
		proftpd) ftp_proftpd ;;
		*) ftp_why="no server is called $1"; return 1 ;;
		esac || return 1
		# shellcheck disable=SC2086
		start "$ftp_name" $ftp_prefix $ftp_command
		gets_port tcp "$ftp_port"
		case $? in
		0)
			ftp_url=ftp://$ftp_user@$ftp_host:$ftp_port
			return 0
			;;
		1) ;; # the port is taken: another one
		*) break ;;
		esac
	done
	ftp_why="$1 does not start: $(cat "$ftp_name.out" "$ftp_name.err" |
		tr '\n' ' ')"
	return 1
}

# ftp_disk DIR SIZE: DIR becomes a disk of SIZE ("256k"), for a server that
# runs out of it. Fails when we may not, the reason in $ftp_why.
ftp_disk() {
	if ! mount -t tmpfs -o "size=$2,mode=755" hotfix-test "$1" 2>/dev/null
	then
		ftp_why='a small disk cannot be mounted here'
		return 1
	fi
	ftp_disks="$ftp_disks $PWD/$1"
}

ftp_cleanup() {
	t_cleanup
	for ftp_dir in $ftp_disks; do
		# A session that has not seen its end yet may be inside.
		umount "$ftp_dir" 2>/dev/null || umount -l "$ftp_dir"
	done
	# What was made read-only could not be removed.
	[ "$(id -u)" = 0 ] || chmod -R u+w . 2>/dev/null
}
trap ftp_cleanup EXIT
