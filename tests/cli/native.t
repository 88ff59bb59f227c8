# A host is patched while it runs: its own executable, by a fix that is compiled
# here, pushed as part of an update. What status counts as live tells which code
# is in force.
. "$HOTFIX_TOP/tests/lib.sh"

case $HOTFIX_BUILD in
*asan*)
	skip 'the sanitized executable has other flags than those of a patch'
	finish
	;;
esac
for tool in gcc readelf strip; do
	if [ "$(uname -m)" != x86_64 ] || ! command -v "$tool" >/dev/null; then
		skip "fixes are compiled by gcc for x86-64, $tool is needed"
		finish
	fi
done

# fix NAME N: NAME.patch, which makes "live" N more than it is. It has data,
# literals and a call to the C library of its own.
fix() {
	cat >"$1.c" <<-END
	#include <stdio.h>

	#include "update/catalog.h"

	static size_t calls;

	size_t mended(const struct catalog *c);

	size_t
	mended(const struct catalog *c)
	{
		char text[32];
		size_t i, n = 0;

		for (i = 0; i < c->n; i++)
			n += c->records[i]->state == RECORD_LIVE;
		snprintf(text, sizeof text, "%d", $2 + (calls++ > 100000));
		return n + (size_t)(text[0] - '0') * 1000;
	}
	END
	if ! gcc -std=c99 -D_POSIX_C_SOURCE=200809L -I"$HOTFIX_TOP" -c -O2 \
		-fPIE -mcmodel=small -fno-lto -fno-stack-protector \
		-U_FORTIFY_SOURCE -fno-asynchronous-unwind-tables \
		-o "$1.o" "$1.c" 2>cc.err; then
		ok 1 "the fix $1 compiles"
		note cc.err
		finish
	fi
	run "$built" native create -e "$built" -o "$1.patch" --id "$1" \
		catalog_nlive=mended "$1.o"
	exits 0 "a patch is made of $1"
}

live() { # ADDR
	"$hotfix" status "$1" >status.out 2>status.err
	field live status.out
}

push() {
	run "$hotfix" push -k key.sec "$@"
	id=$(field id out)
}

"$hotfix" keygen key >/dev/null
game
damage 2 >rules.lua
built=$hotfix
fix one 1000
fix two 2000
# What a machine runs is stripped; it is the same build.
strip -o shipped "$built"
# The build-id is all that tells two builds apart; it lies behind 16 bytes of its
# note.
offset=$(readelf -SW "$built" |
	sed -n 's/.* \.note\.gnu\.build-id *NOTE *[0-9a-f]* \([0-9a-f]*\) .*/\1/p')
cp shipped other
printf 'otherbuild' | dd of=other bs=1 seek=$((0x$offset + 16)) conv=notrunc \
	2>dd.err || note dd.err

# --- one host ---------------------------------------------------------------

hotfix=$PWD/shipped
serve host -p key.pub --state state server.lua
a=$addr
old=$(cat host.pid)
sees host.err '^patchable: yes \(' 'a host says at its start how it is patched'
is "$(live "$a")" 0 'nothing is live'
is "$(field patchable status.out | cut -d ' ' -f 1)" yes 'status says it, too'
push --dry-run --native one.patch "$a"
exits 0 'a dry run'
out_has '^server: ready$' 'the patch would be applied'
is "$(live "$a")" 0 'and it is not'
push --native one.patch --server-version '*' --write one.doc "$a"
exits 0 'a patch is pushed'
out_has '^feature: one$' 'its feature is the name of its file'
out_has '^server: applied$' 'it is applied'
err_has '^  applied one: 1 function\(s\), [0-9]+\+[0-9]+ bytes, [0-9]+ other threads paused [0-9]+ us, load [0-9]+ us$' \
	'with a line on what was done'
is "$(live "$a")" 1001 'the running host does what the fix says'
grep -q "^patch: one live update=$id functions=catalog_nlive " status.out
ok $? 'status names the patch'
grep -q "^update: $id one live server=applied " status.out
ok $? 'and its update'
run "$hotfix" status --json "$a"
out_has "\"patch\": *\{\"id\": *\"one\", *\"state\": *\"live\", *\"update\": *\"$id\"" \
	'in JSON it is an object'
run "$hotfix" log "$a"
out_has "server-applied.*id=$id.*native=applied%20one:" \
	'log tells what was done'
run "$hotfix" push one.doc "$a"
out_has '^result: have$' 'the same document again is there already'
one=$id
push --native one.patch --feature again "$a"
err_has '^  one: live already$' 'the same patch as another update is live already'
run "$hotfix" revert -k key.sec "$id" "$a"
exits 0 'that one is taken back'
is "$(live "$a")" 1001 'and the patch stays for the first'

# Two of one feature, and with Lua.
push --native two.patch --feature one --server rules.lua \
	--server-version '*' "$a"
exits 0 'another one takes its place, with Lua beside it'
is "$(live "$a")" 2001 'its code is in force'
grep -q '^patch: one below ' status.out
ok $? 'the older one lies below'
sees host.out '^updated one applied 2$' 'and so is its Lua'
run "$hotfix" revert -k key.sec "$id" "$a"
exits 0 'it is taken back'
err_has '^  reverted two: 1 function\(s\), ' 'the patch'
is "$(live "$a")" 0 'nothing is left of either'
sees host.out '^updated one reverted 1$' 'not of Lua either'
echo 'error "no"' >bad.lua
push --native one.patch --feature bad --server bad.lua --allow-partial "$a"
exits 1 'a patch with Lua that fails'
is "$(live "$a")" 0 'is not there'
is "$(cat host.pid)" "$old" 'all that in one process'
kill -0 "$old"
ok $? 'which runs'

# --- restarts ---------------------------------------------------------------

push --native one.patch --feature one "$a"
one=$id
# By a file: signed elsewhere, and sent on the machine of the host.
push --native two.patch --feature above --write above.update
exits 0 'a patch may be signed without a host'
run env -u HOTFIX_KEY "$hotfix" push above.update "$a"
exits 0 'its document is sent without a key'
is "$(live "$a")" 2002 'and is in force'
run "$hotfix" revert -k key.sec "$one" "$a"
exits 1 'what lies below another is not taken back'
err_has 'two' 'which is named'
run "$hotfix" log -n 1 "$a"
out_has 'taken-back	id=[0-9]+ why=server%20part%20not%20reverted:%20two%20lies%20over%20' \
	'also in the ledger'
is "$(live "$a")" 2002 'nothing changed'
run "$hotfix" revert -k key.sec "$id" "$a"
exits 0 'the upper one is'
is "$(live "$a")" 1001 'the lower one is in force'
stop host KILL
serve host -p key.pub --state state server.lua
a=$addr
await host.err "update $one .*: server part applied: applied one: "
ok $? 'after kill -9 the patch is applied again'
is "$(live "$a")" 1001 'and in force'
stop host KILL
serve host -p key.pub --state state server.lua
a=$addr
is "$(live "$a")" 1001 'once more'
stop host

# Another build: what is mended in its source needs no patch.
hotfix=$PWD/other
serve host -p key.pub --state state server.lua
a=$addr
sees host.err "^update $one .one.: not-for-me: .*; this host's part of it is left out" \
	'another build starts without it, and says so'
is "$(live "$a")" 1 'it runs its own code'
grep -q "^update: $one one live server=not-for-me " status.out
ok $? 'status tells that, too'
push --native one.patch --feature more "$a"
exits 1 'a patch for the old build is refused'
out_has '^result: refused not-for-me$' 'as not for this host'
err_has 'build' 'and why'
push --server rules.lua --server-version '*' "$a"
exits 0 'what is not native goes on'
run "$hotfix" log -n 20 "$a"
out_has "refused	id=[0-9]+ kind=update feature=more key=key from=127.0.0.1 word=not-for-me why=the%20patch%20is%20for%20another%20build," \
	'and log has it the next morning'
stop host
hotfix=$PWD/shipped
serve host -p key.pub --state state server.lua
a=$addr
is "$(live "$a")" 1002 'the old build, started again, has its patch'

# --- several hosts ----------------------------------------------------------

serve bare -p key.pub --state bare
b=$addr
hotfix=$PWD/other
serve new -p key.pub --state new server.lua
c=$addr
hotfix=$PWD/shipped
push --native two.patch --batch 1 "$c" "$a" "$b"
exits 0 'of three hosts one runs another build: the others take the patch'
is "$(sed -n 's/^result: //p' out)" 'refused not-for-me
applied
applied' 'in all batches'
builds=$(sed -n 's/^patchable: .* build //p' status.out)
"$hotfix" status "$c" >status.out
builds="$builds; what runs here is $(sed -n 's/^patchable: .* build //p' status.out)"
err_has "^hotfix: push: $c: skipped: the patch is for another build, $builds$" \
	'that one is named, with its build and that of the patch'
run "$hotfix" push -q -k key.sec --native two.patch --feature quiet "$c" "$a"
exits 0 'with -q'
! grep -q skipped err
ok $? 'it is not, for nothing is wrong' || t_show
run "$hotfix" revert -k key.sec quiet "$a"
printf 'new %s\n' "$c" >fleet
hotfix=$PWD/other
serve newer -p key.pub --state newer server.lua
hotfix=$PWD/shipped
printf 'newer %s\n' "$addr" >>fleet
push --native two.patch --fleet fleet --batch 1
exits 1 'a patch of a build that no host runs'
is "$(grep -c '^result: refused not-for-me$' out)" 2 'is asked of all'
err_has '^hotfix: push: no host took it: it is for none of them, by the build of its patch$' \
	'and then told as a mistake'
run "$hotfix" push -q -k key.sec --native two.patch --fleet fleet
is "$(grep -c 'not-for-me: the patch is for another build, ' err)" 2 \
	'with -q, too'
stop newer
is "$(live "$a")" 2003 'the first'
is "$(live "$b")" 2001 'and the second, which has no program'
is "$(live "$c")" 0 'the third knows nothing of it'
run "$hotfix" push -k key.sec --native one.patch --feature wait --on round "$b"
exits 1 'a host without a program has no event'
out_has '^result: refused unsupported$' 'to wait for'
stop bare

# --- wrong files ------------------------------------------------------------

head -c -1 one.patch >short.patch
sed 's/^id one$/id eno/' one.patch >bent.patch
sed 's/snprintf/snprintx/' one.patch >changed.patch
echo 'return 1' >text.patch
: >empty.patch
for f in short bent changed text empty; do
	push --native $f.patch --write doc "$a"
	exits 1 "$f.patch is refused"
	one_line 'in one line'
	err_has "^hotfix: push: $f.patch: patch" 'that names it'
	[ ! -e doc ] && ! grep -q . out
	ok $? 'nothing was signed'
done
push --native none.patch "$a"
exits 5 'no file is local trouble'
push --native . "$a"
exits 5 'nor is a folder one'
push --native - --server - "$a" </dev/null
exits 2 'two parts cannot be one standard input'
run "$hotfix" push -k key.sec --native - --feature in "$a" <one.patch
out_has '^result: ' 'but one may be'

# --- another user -----------------------------------------------------------

if [ "$(id -u)" -eq 0 ] && id nobody >/dev/null 2>&1; then
	chmod 755 . && mkdir mine && chown nobody mine
	cp key.pub theirs.pub && chmod 644 theirs.pub
	serve mine --user nobody -p theirs.pub --state mine
	sees mine.err '^patchable: yes \(' \
		'a host that gave up root is patched in another way'
	push --native one.patch --feature mine "$addr"
	exits 0 'it takes a patch'
	is "$(live "$addr")" 1001 'which is in force'
else
	skip 'giving up root takes root'
fi
finish
