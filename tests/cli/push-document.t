# What hotfix push writes into a document: modules, events, dry runs.
. "$HOTFIX_TOP/tests/lib.sh"

"$hotfix" keygen key >/dev/null
printf 'hotfix.replace{target = "a::b", with = function() end}' >fix.lua
printf 'local m = {}\nreturn m\n' >damage.lua
printf '#!/usr/bin/lua\r\nreturn "]]"\r\n' >crlf.lua

# push OPTION...: the document in doc, its signed text in fields, its parts in
# parts.
push() {
	rm -f doc
	run "$hotfix" push -k key.sec --server-version 2.3 --write doc "$@"
	cp out told
	[ ! -e doc ] || "$hotfix" verify --head -p key.pub doc >fields
	[ ! -e doc ] || sed '1,/^$/d' doc >parts
}
has() { # LINE NAME
	grep -qxF -e "$1" fields
	ok $? "$2" || note fields
}
wrong() { # NAME REGEX OPTION...
	t_name=$1
	t_regex=$2
	shift 2
	push "$@"
	exits 2 "$t_name: wrong use"
	err_has "$t_regex" "$t_name: is named"
	one_line "$t_name: told in one line"
	[ ! -e doc ]
	ok $? "$t_name: nothing is written"
}

# --- modules ----------------------------------------------------------------

wrapped='hotfix.module("game.damage", [=[
local m = {}
return m
]=])'
push --server-module game.damage=damage.lua
exits 0 'a module is a part'
is "$(cat parts)" "$wrapped" 'its source is a string of the part'
is "$(field feature told)" damage 'the feature is named by its file'
grep -q '^client: ' fields
is $? 1 'the clients get nothing'
push --client-module game.damage=damage.lua --version '*'
is "$(cat parts)" "$wrapped" 'so on the side of the clients'
has 'max-failed: 3' 'with the bound that a client part has'
push --server fix.lua --server-module game.damage=damage.lua \
	--server-module 'b=damage.lua'
is "$(cat parts)" "$(cat fix.lua)
$wrapped
$(echo "$wrapped" | sed 's/game.damage/b/')" \
	'modules stand behind the file, in their order'
is "$(field feature told)" fix 'the feature is named by the first file'
push --both fix.lua --client-module game.damage=damage.lua --version '*'
exits 0 'one side of --both may have a module more'
is "$(cat parts)" "$(cat fix.lua fix.lua)
$wrapped" 'which the other has not'
push --client fix.lua --server-module x=damage.lua --version '*'
is "$(field feature told)" damage "the server's file is the first"
push --server-module 'm=crlf.lua'
is "$(cat parts)" 'hotfix.module("m", "#!/usr/bin/lua\r\
return \"]]\"\r\
")' 'other line ends are kept by a quoted string'
push --feature f --server-module m=- <damage.lua
is "$(cat parts)" "$(echo "$wrapped" | sed 's/game.damage/m/')" \
	'a module from standard input'
push --feature f --both - --server-module b=damage.lua --version 1 <fix.lua
is "$(cat parts)" "$(cat fix.lua)
$(echo "$wrapped" | sed 's/game.damage/b/')
$(cat fix.lua)" 'a module beside --both from standard input'
push --server-module 'm=a=b'
exits 5 'a file that is not there'
err_has 'a=b: No such file' 'the name ends at the first ='

wrong 'a module without a file' "'game' is not NAME=FILE" --server-module game
wrong 'a module with an empty file' 'NAME=FILE' --server-module game=
wrong 'a module without a name' 'name of a module' --client-module =fix.lua \
	--version 1
wrong 'a name with a quote' 'name of a module' --server-module 'a"b=fix.lua'
wrong 'a name with an apostrophe' 'name of a module' \
	--server-module "a'b=fix.lua"
wrong 'a name with a line end' 'name of a module' \
	--server-module "$(printf 'a\nb=fix.lua')"
wrong 'a name of 201 bytes' 'name of a module' \
	--server-module "$(printf %0201d 0)=fix.lua"
push --server-module "$(printf %0200d 0)=fix.lua"
exits 0 'a name of 200 bytes'
wrong 'a module twice' 'a: given twice' --server-module a=fix.lua \
	--server-module ab=fix.lua --server-module a=damage.lua
push --server-module ab=fix.lua --server-module a=fix.lua \
	--client-module a=fix.lua --version 1
exits 0 'but not on both sides, and no other that begins so'
wrong 'standard input twice' 'two files from one standard input' \
	--feature f --server - --server-module a=-
wrong 'standard input for both sides' 'two files from one standard input' \
	--feature f --server-module a=- --client-module a=- --version 1
wrong 'two parts from standard input' 'use --both' \
	--feature f --server - --client - --version 1
wrong 'standard input without a feature' 'needs --feature' --server-module a=-
wrong 'a client module without --version' 'needs --version' \
	--client-module a=fix.lua

# The largest: what wraps it is counted, too.
head -c 1048548 /dev/zero | tr '\0' '\n' >large.lua
push --server-module m=large.lua
exits 0 'a module that just fits'
is "$(wc -c <parts)" 1048576 'is a part of 1 MiB'
echo >>large.lua
push --server-module m=large.lua
exits 5 'a module of one byte more'
err_has 'large\.lua: .* server part has 1048577 bytes; at most 1048576' \
	'is told with its size'
head -c 1048577 /dev/zero >large.lua
push --server-module m=large.lua
exits 5 'a file of more than 1 MiB'
err_has 'large\.lua: ' 'is named'

# --- dry runs ----------------------------------------------------------------

push --server fix.lua --dry-run
exits 0 'a dry run'
has 'dry-run: yes' 'is signed as that'
push --server fix.lua
grep -q dry-run fields
is $? 1 'what is no dry run does not say so'

# --- events ------------------------------------------------------------------

push --server fix.lua --on round-end
exits 0 'an update for an event'
has 'on: round-end' 'names it'
grep -q '^by: ' fields
is $? 1 'and waits as long as that takes'
push --server fix.lua --on round-end --by 2999-01-01T00:00:00Z
has 'by: 2999-01-01T00:00:00.000000Z' 'unless an instant is given'
push --server fix.lua --on round-end --by +90m
is "$(date -d "$(field by fields)" +%s)" \
	"$(date -d "$(field created fields) + 90 minutes" +%s)" \
	'or a time from now'
wrong 'no event' 'on: ' --server fix.lua --on ''
wrong 'an event with a space' 'on: ' --server fix.lua --on 'round end'
wrong 'an event of two lines' 'on: ' --server fix.lua \
	--on "$(printf 'a\nb')"
wrong 'a latest instant without an event' 'give --on EVENT' \
	--server fix.lua --by +1h
wrong 'an instant that is none' '--by: ' --server fix.lua --on e --by later
wrong 'an instant that is past' '--by: .* past already' --server fix.lua \
	--on e --by 2020-01-01T00:00:00Z

# --- the same again ----------------------------------------------------------

push --client-module m=crlf.lua --version '1.4.*' --on round-end \
	--by 2999-01-01T00:00:00Z --dry-run --wait 5s
exits 0 'all of it together'
changing='/^id: /d;/^created: /d;/^take-back-until: /d'
sed "$changing" fields >want
cp parts want.parts
mv doc old
run "$hotfix" push -k key.sec --again old --write doc
exits 0 '--again'
"$hotfix" verify --head -p key.pub doc | sed "$changing" >fields
cmp -s fields want
ok $? 'says the same' || note fields
is "$(cat err)" '' 'without a word'
sed '1,/^$/d' doc | cmp -s - want.parts
ok $? 'of the same parts'
for o in --dry-run --on=e --by=+1h --server-module=m=fix.lua; do
	run "$hotfix" push -k key.sec --again old "$o" --write other
	exits 2 "--again with ${o%%=*} is wrong use"
	err_has 'everything from its DOCUMENT' 'and says why'
	run "$hotfix" push "$o" old 127.0.0.1:1
	exits 2 "a document with ${o%%=*} is wrong use"
done
push --server fix.lua --on e --by +1ms
exits 0 'an update that waits for a moment'
mv doc old
run "$hotfix" push -k key.sec --again old --write doc
exits 0 'can be made again when that is over'
is "$(field by doc)" "$(field by old)" 'and is applied at once'
is "$(cat err)" 'hotfix: push: old: the instant of its --by is past: it will '\
'not wait for the event e' 'which it says'
finish
