# make demo-native does what it says: a server in C is mended under load, no
# connection breaks, no answer is wrong, and nothing is left over.
. "$HOTFIX_TOP/tests/lib.sh"

case $HOTFIX_BUILD in
*/asan)
	skip 'sanitized code is not made for patches'
	finish
	;;
esac

TMPDIR=$PWD
HOTFIX=$hotfix
export TMPDIR HOTFIX HOTFIX_BUILD
run timeout 60 sh "$HOTFIX_TOP/examples/native/demo.sh"
exits 0 'the demonstration ends well'
out_has 'patchable: yes' 'S3.1 the server can be patched'
out_has '^   functions: game_damage' 'S3.3 a patch is made'
out_has '^   server: applied$' 'S3.4 the fix is pushed'
out_has 'mended: all 8 connections' 'S3.4 all connections see it'
out_has ' [1-9][0-9]* by the old rule, [1-9][0-9]* by the new, 0 wrong' \
	'S3.5 no answer is wrong, before, while and after'
out_has 'connections broken: 0' 'S3.5 no connection breaks'
out_has '1 function\(s\).* 4 other threads paused' 'S3.5 the server tells it'
out_has '^   update: .* damage live server=applied ' \
	'S3.5 after a restart it is there again'
out_has '^   patch: .* live .* functions=game_damage ' \
	'S3.5 and status shows the patch'
is "$(ls -d hotfix-demo.* 2>/dev/null)" '' 'no folder is left'
finish
