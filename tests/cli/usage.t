# What holds for every verb: help, wrong use, standard output.
. "$HOTFIX_TOP/tests/lib.sh"

run "$hotfix" help
exits 0 'hotfix help'
cp out help
verbs=$(sed -n 's/^  \([a-z]*\) .*/\1/p' help)
for o in -h --help; do
	run "$hotfix" $o
	cmp -s out help
	ok $? "hotfix $o is the same"
done
run "$hotfix" --version
out_has '^hotfix [0-9]+\.[0-9]+\.[0-9]+$' 'hotfix --version'
run "$hotfix"
exits 2 'no verb is wrong use'
one_line 'told in one line'
run "$hotfix" frobnicate
exits 2 'an unknown verb is wrong use'
one_line 'told in one line'
run "$hotfix" "$(printf 'a\033[2Jb')"
exits 2 'a verb with control characters'
! grep -q "$(printf '\033')" err
ok $? 'is shown escaped'

for o in -q -v --json; do
	run "$hotfix" $o status 127.0.0.1
	exits 2 "$o in front of the verb"
	err_has "^hotfix: $o: .*behind the verb" 'is told to go behind it'
done
run "$hotfix" push -h
cp out push.help
run "$hotfix" help push
cmp -s out push.help
ok $? 'help VERB is VERB -h' || t_show
run "$hotfix" help frobnicate
exits 2 'help for what is no verb'
for v in push revert retire status log accept reload; do
	"$hotfix" keygen usage >/dev/null 2>&1
	case $v in
	push) run "$hotfix" $v -k usage.sec --server "$HOTFIX_TOP/README.md" ;;
	revert | retire) run "$hotfix" $v -k usage.sec fix ;;
	accept) run "$hotfix" $v -k usage.sec 1 ;;
	reload) run "$hotfix" $v -k usage.sec ;;
	*) run "$hotfix" $v ;;
	esac
	exits 2 "$v without a host"
	err_has "no HOST; see hotfix $v -h\$" 'says where to read on'
done
run "$hotfix" verify -p usage.pub "$(printf 'a\033[2J\nb')"
! grep -q "$(printf '\033')" err && [ "$(wc -l <err)" -eq 1 ]
ok $? 'a file name with control characters is shown escaped' || t_show

for v in $verbs; do
	run "$hotfix" "$v" -h
	exits 0 "$v -h"
	out_has "^usage: hotfix $v " "$v -h shows how it is used"
	run "$hotfix" "$v" --no-such-option
	exits 2 "$v: an unknown option is wrong use"
	one_line "$v: told in one line"
	run "$hotfix" "$v" -q -q
	exits 2 "$v: an option given twice is wrong use"
	run "$hotfix" "$v" -h=1
	exits 2 "$v: a letter that is no option"
	run "$hotfix" "$v" --help=1
	exits 2 "$v: a value for an option that takes none"
	"$hotfix" "$v" -h >/dev/full 2>err
	is $? 5 "$v -h with a full standard output is local trouble"
done
for v in push revert retire open close accept reload; do
	run "$hotfix" "$v" -k
	exits 2 "$v: a missing value is wrong use"
	one_line "$v: told in one line"
done
for o in 'push --at' 'push --canary' 'serve --metrics' \
	'status --metrics' 'status --wait'; do
	# shellcheck disable=SC2086
	run "$hotfix" $o x
	exits 2 "$o is refused"
	err_has 'not in this version' "$o: not in this version"
	grep -A 20 '^Not in this version' "$HOTFIX_TOP/man/hotfix.1" |
		grep -Eq -e "^.Fl (.* )?-${o#*--}( |\$)"
	ok $? "$o: the manual says so"
done

for v in serve client; do
	for o in '--fetch-timeout x' '--fetch-timeout 25h' '--fetch-tries 0' \
		'--fetch-tries 1001' '--fetch-tries x'; do
		# shellcheck disable=SC2086
		run "$hotfix" $v $o 127.0.0.1 script
		exits 2 "$v $o is refused"
		err_has " ${o%% *}: " "$v $o: is named"
	done
done
for url in x =to from= 'a b=c'; do
	run "$hotfix" serve -l 127.0.0.1:0 --public-url "$url"
	exits 2 "serve --public-url '$url' is refused"
	err_has ' --public-url: not FROM=TO' \
		"serve --public-url '$url': what it should be"
done
run "$hotfix" client --state dir
exits 2 'client --state without HOST and SCRIPT'
err_has 'HOST and SCRIPT are needed' 'says what is needed'
run "$hotfix" client --state dir --state other 127.0.0.1 script
exits 2 'client --state given twice'
for v in serve client; do
	run "$hotfix" $v -p usage.pub --state '' 127.0.0.1 x.lua
	exits 2 "$v: an empty folder is wrong use, not a path at the root"
	err_has ' --state: its DIR is empty; ' 'told as that'
done

run "$hotfix" publish -k usage.sec --to '' --version 1 -n a -r 1 .
exits 2 'publish: an empty place is wrong use, not the root'
err_has ' --to: its PLACE is empty; ' 'told as that'
run "$hotfix" publish -k usage.sec --to place --url '' --version 1 -n a -r 1 .
exits 2 'publish: an empty address, too'
err_has ' --url: its URL is empty; ' 'told as that'
for url in gopher ftp://studio@x/y 'ftp://x y/z' ftp:///x; do
	run "$hotfix" publish -k usage.sec --to place --url "$url" \
		--version 1 -n a -r 1 .
	exits 2 "publish --url '$url' is refused"
	err_has ' --url: SCHEME://HOST/PATH, without a user' \
		'with what it should be'
done
run "$hotfix" publish -k usage.sec --to place --version 1 -n a -r 1 none
exits 5 'publish: a folder that is not there'
err_has ': none: No such file or directory$' 'told as that'
run "$hotfix" pack -n a -r 1 -o - .
exits 2 'pack: no package on standard output'
err_has ' -o -: ' 'told as that'
[ ! -e ./- ] && [ ! -e place ] && [ ! -e a-1.tar ]
ok $? 'and nothing was made'
run "$hotfix" verify -p usage.sec usage.pub
exits 5 'a secret key for a public one'
err_has ': usage.sec: not a public key in the format of signify$' 'told as that'
run "$hotfix" push -k usage.pub --both x --version 1 127.0.0.1
exits 5 'a public key for a secret one'
err_has ': usage.pub: not a secret key in the format of signify$' 'told as that'

"$hotfix" help >/dev/full 2>err
is $? 5 'a full standard output is exit 5'
is "$(cat err)" 'hotfix: standard output: No space left on device' \
	'with a message'
"$hotfix" help >&- 2>err
is $? 5 'a closed standard output is exit 5'
one_line 'with a message'

run "$hotfix" push --server
exits 2 'an option without its value'
run "$hotfix" push --server=a --server b
err_has '--server: given twice' '--name=VALUE and --name VALUE are one option'
run "$hotfix" push --wait 10 --server x h
err_has '--wait: .*no duration' 'a duration needs its unit'
run "$hotfix" verify -- --head
exits 5 '-- ends the options'
err_has '^hotfix: verify: --head: ' 'what follows is an operand'

man=$HOTFIX_TOP/man/hotfix.1
sed -n '/^\.Ss Verbs/,/^\.S[sh] [^V]/p' "$man" |
	sed -n 's/^\.It Cm \([a-z]*\).*/\1/p' >documented
is "$(sort -u documented)" "$(printf '%s\n' "$verbs" | sort)" \
	"help's verbs are those of the manual"
# section VERB: of the manual, the items of its options.
section() {
	sed -n '/^\.Ss Verbs/,/^\.Ss Options of every/p' "$man" |
		awk -v verb="$1" '/^\.It Cm / { on = $3 == verb } on'
}
listed() {
	sed -n 's/^\.It Fl \(. , Fl \)\{0,1\}-\([a-z0-9-]*\).*/\2/p; s/^\.It Fl \([a-z]\) .*/\1/p'
}
# Several hosts have their options at push.
printf '%s\n' fleet select batch fleet-max-failed skip-failed >fleet
for v in $verbs; do
	"$hotfix" "$v" -h | sed -n 's/^  \(-[a-z], \|    \)--\([a-z0-9-]*\).*/\2/p; s/^  -\([a-z]\) .*/\1/p' |
		grep -Ev '^(quiet|verbose|json|help)$' | sort >options
	section "$v" >text
	{
		listed <text
		if grep -q 'he options for several hosts' text; then
			cat fleet
		fi
		case $v in
		retire) section revert | listed && cat fleet ;;
		close | accept | reload) printf '%s\n' key sign-with ;;
		esac
	} | sort -u >said
	is "$(comm -23 options said | tr '\n' ' ')" '' \
		"$v: every option is in its place in the manual"
	is "$(comm -13 options said | tr '\n' ' ')" '' \
		"$v: the manual has no others"
done
if command -v mandoc >/dev/null; then
	run mandoc -Tlint -Wwarning "$man"
	exits 0 'mandoc finds nothing wrong with the manual'
else
	skip 'mandoc is not here'
fi
finish
