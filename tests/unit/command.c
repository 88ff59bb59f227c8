/* update/command: signed commands, made and checked. */

#include "base/hex.h"
#include "tests/tap.h"
#include "update/command.h"

#define HOST "arena-east-1"

static const char nonce[] = "00112233445566778899aabbccddeeff"
			    "00112233445566778899aabbccddeeff";

struct setting {
	struct keyring keys;
	struct signify_sec may, may_not, stranger;
	struct buf text; /* the last one that was made */
};

static void
make_key(struct signify_sec *sec, uint8_t fill)
{
	memset(sec->keynum, fill, sizeof sec->keynum);
	memset(sec->seed, fill, sizeof sec->seed);
}

static void
trust(struct keyring *r, const struct signify_sec *sec, const char *rest)
{
	char base64[SIGNIFY_PUB_BASE64], line[256];
	struct signify_pub pub;
	struct err e;

	signify_sec_public(&pub, sec);
	snprintf(line, sizeof line, "%s %s\n", signify_pub_encode(base64, &pub),
	    rest);
	if (keyring_parse(r, "test", line, strlen(line), &e) != 0)
		OK(0, "a key is taken: %s", e.text);
}

/* The text under its signature, in s->text. */
static void
sign(struct setting *s, const struct signify_sec *sec, const char *text,
    size_t len)
{
	struct signify_sig sig;

	buf_reset(&s->text);
	signify_sign(&sig, sec, text, len);
	signify_sig_format(&s->text, &sig, "ops");
	buf_append(&s->text, text, len);
}

static enum word
open_text(struct setting *s, struct command *out)
{
	struct refusal why = {WORD_OK, ""};
	enum word w = command_open(out, s->text.data, s->text.len, &s->keys,
	    HOST, nonce, 7, &why);

	if (w != WORD_OK && (why.word != w || why.text[0] == '\0'))
		OK(0, "%s comes with its reason", word_name(w));
	return w;
}

static enum word
open_signed(struct setting *s, const char *text)
{
	struct command c;

	sign(s, &s->may, text, strlen(text));
	return open_text(s, &c);
}

static enum word
open_command(struct setting *s, const char *command, struct command *out)
{
	struct buf b = BUF_INIT;

	buf_printf(&b,
	    "hotfix-command: 1\nhost: " HOST "\nnonce: %s\nseq: 7\n"
	    "command: %s\n\n",
	    nonce, command);
	sign(s, &s->may, (char *)b.data, b.len);
	buf_free(&b);
	return open_text(s, out);
}

static void
test_commands(struct setting *s)
{
	static const char *const good[] = {"open 192.0.2.7 3600", "open self 1",
	    "open 2001:DB8::7 86400", "close self", "close 192.0.2.7",
	    "accept 1", "accept 9223372036854775807", "reload"};
	static const char *const bad[] = {"", " ", "open", "open self",
	    "open self 0", "open self 86401", "open self 01", "open self -1",
	    "open self 1s", "open self 18446744073709551617", "open  self 1",
	    "open self  1", "open self 1 ", " open self 1", "open self 1 2",
	    "open self 1\t", "open selfish 1", "open example.org 1",
	    "open 192.0.2.0/24 1", "open 192.0.2.7,::1 1", "open  1",
	    "Open self 1", "close", "close self 1", "close ", "close *",
	    "accept", "accept 0", "accept 01", "accept -1",
	    "accept 9223372036854775808", "accept 1 2", "accept x", "reload ",
	    "reload 1", "reload self", "push", "reloa", "reloads"};
	struct command c;
	char long_one[160];
	size_t i;

	for (i = 0; i < sizeof good / sizeof good[0]; i++)
		OK(open_command(s, good[i], &c) == WORD_OK, "'%s' is one",
		    good[i]);
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++)
		OK(open_command(s, bad[i], &c) == WORD_SYNTAX, "'%s' is none",
		    bad[i]);
	open_command(s, "open 192.0.2.7 3600", &c);
	IS(c.verb, KEY_OPEN, "open is told");
	IS_STR(c.address, "192.0.2.7", "with the address as it was written");
	IS(c.seconds, 3600, "and its seconds");
	IS_STR(c.key_name, "ops", "and who signed it");
	open_command(s, "close self", &c);
	IS(c.verb, KEY_CLOSE, "close is told");
	open_command(s, "accept 9223372036854775807", &c);
	OK(c.verb == KEY_ACCEPT && c.id == INT64_MAX, "accept with its id");
	open_command(s, "reload", &c);
	IS(c.verb, KEY_RELOAD, "reload is told");

	memset(long_one, '1', sizeof long_one);
	memcpy(long_one, "close ", 6);
	long_one[6 + COMMAND_ADDRESS - 1] = '\0';
	IS(open_command(s, long_one, &c), WORD_OK, "an address may be long");
	long_one[6 + COMMAND_ADDRESS - 1] = '1';
	long_one[6 + COMMAND_ADDRESS] = '\0';
	IS(open_command(s, long_one, &c), WORD_SYNTAX, "not longer");
}

static void
test_build(struct setting *s)
{
	static const char want[] =
	    "hotfix-command: 1\nhost: arena-east-1\nnonce: "
	    "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n"
	    "seq: 7\ncommand: open self 60\n\n";
	struct buf b = BUF_INIT;
	struct command c;

	IS(command_build(&b, HOST, nonce, 7, "open self 60"), 0,
	    "a command is built");
	IS_STR(buf_text(&b), want, "as the protocol has it");
	sign(s, &s->may, (char *)b.data, b.len);
	IS(open_text(s, &c), WORD_OK, "signed, it opens");
	buf_reset(&b);
	IS(command_build(&b, HOST, nonce, 7, "open self 60\nseq: 8"), -1,
	    "what is no command is not built");
	OK(b.len == 0 && !b.oom, "nothing of it");
	buf_free(&b);
}

static void
test_fields(struct setting *s)
{
#define N                                         \
	"nonce: 00112233445566778899aabbccddeeff" \
	"00112233445566778899aabbccddeeff\n"
#define V    "hotfix-command: 1\n"
#define H    "host: " HOST "\n"
#define S    "seq: 7\n"
#define C    "command: reload\n"
#define REST H N S C
	static const struct {
		const char *text;
		enum word want;
		const char *what;
	} cases[] = {
	    {V REST "\n", WORD_OK, "the whole"},
	    {V C S N H "\n", WORD_OK, "the fields in another order"},
	    {V "x-note: \n" REST "\n", WORD_OK, "an unknown field"},
	    {V REST "must-x: 1\n\n", WORD_UNSUPPORTED,
		"an unknown must- field"},
	    {V REST "must-: 1\n\n", WORD_UNSUPPORTED, "must- alone"},
	    {V REST "must-x\n\n", WORD_SYNTAX, "must-x that is no field"},
	    {"hotfix-command: 2\n" REST "\n", WORD_UNSUPPORTED, "version 2"},
	    {"hotfix-command: 18446744073709551616\n" REST "\n",
		WORD_UNSUPPORTED, "a large version"},
	    {"hotfix-command: 01\n" REST "\n", WORD_SYNTAX, "version 01"},
	    {"hotfix-command: \n" REST "\n", WORD_SYNTAX, "no version"},
	    {"hotfix-update: 1\n" REST "\n", WORD_SYNTAX, "a document's text"},
	    {H V N S C "\n", WORD_SYNTAX, "the version not first"},
	    {REST "\n", WORD_SYNTAX, "the version missing"},
	    {V REST V "\n", WORD_SYNTAX, "the version twice"},
	    {V H S C "\n", WORD_SYNTAX, "no nonce"},
	    {V N S C "\n", WORD_SYNTAX, "no host"},
	    {V H N C "\n", WORD_SYNTAX, "no seq"},
	    {V H N S "\n", WORD_SYNTAX, "no command"},
	    {V REST "command: reload\n\n", WORD_SYNTAX, "two commands"},
	    {V REST H "\n", WORD_SYNTAX, "two hosts"},
	    {V "a: 1\n" REST "a: 2\n\n", WORD_SYNTAX, "an unknown field twice"},
	    {V REST, WORD_SYNTAX, "no empty line"},
	    {V REST "\n\n", WORD_SYNTAX, "two empty lines"},
	    {V REST "\nx", WORD_SYNTAX, "a byte behind the empty line"},
	    {V "\n" REST "\n", WORD_SYNTAX, "an empty line inside"},
	    {V REST "X: 1\n\n", WORD_SYNTAX, "a capital in a name"},
	    {V REST "x:1\n\n", WORD_SYNTAX, "no space"},
	    {V REST "x :1\n\n", WORD_SYNTAX, "a space before the colon"},
	    {V REST ": 1\n\n", WORD_SYNTAX, "no name"},
	    {V REST "x\n\n", WORD_SYNTAX, "no colon"},
	    {V REST "x: \001\n\n", WORD_SYNTAX, "a control byte"},
	    {V REST "x: \xc3\x28\n\n", WORD_SYNTAX, "broken UTF-8"},
	    {V REST "x: \xc3\xa4\n\n", WORD_OK, "UTF-8"},
	    {V H N S "command: reload\r\n\n", WORD_SYNTAX, "a CR"},
	    {V "host: arena-east-2\n" N S C "\n", WORD_NOT_FOR_ME,
		"another host"},
	    {V "host: arena-east-1 \n" N S C "\n", WORD_NOT_FOR_ME,
		"a host with a space"},
	    {V "host: \n" N S C "\n", WORD_NOT_FOR_ME, "no name of a host"},
	    {V H N "seq: 6\n" C "\n", WORD_STALE, "the seq before"},
	    {V H N "seq: 8\n" C "\n", WORD_STALE, "the seq after"},
	    {V H N "seq: 07\n" C "\n", WORD_SYNTAX, "seq 07"},
	    {V H "nonce: 00112233445566778899aabbccddeeff"
		 "00112233445566778899aabbccddeefe\n" S C "\n",
		WORD_STALE, "another nonce"},
	    {V H "nonce: 00112233445566778899aabbccddeeff"
		 "00112233445566778899aabbccddeeF0\n" S C "\n",
		WORD_SYNTAX, "a nonce with a capital"},
	    {V H "nonce: 0011\n" S C "\n", WORD_SYNTAX, "a short nonce"},
	    {"", WORD_SYNTAX, "nothing"},
	    {"\n", WORD_SYNTAX, "an empty line"},
	};
#undef N
#undef V
#undef H
#undef S
#undef C
#undef REST
	size_t i;

	for (i = 0; i < sizeof cases / sizeof cases[0]; i++)
		OK(open_signed(s, cases[i].text) == cases[i].want, "%s: %s",
		    cases[i].what, word_name(cases[i].want));
}

static void
test_trust(struct setting *s)
{
	struct buf b = BUF_INIT;
	struct command c;
	size_t i, bit;
	enum word w;
	int bad = 0, words = 0;

	command_build(&b, HOST, nonce, 7, "reload");
	sign(s, &s->may_not, (char *)b.data, b.len);
	IS(open_text(s, &c), WORD_OUT_OF_SCOPE, "a key that may not");
	sign(s, &s->stranger, (char *)b.data, b.len);
	IS(open_text(s, &c), WORD_UNTRUSTED_KEY, "a key that nobody knows");
	memcpy(s->stranger.keynum, s->may.keynum, SIGNIFY_KEYNUM);
	sign(s, &s->stranger, (char *)b.data, b.len);
	IS(open_text(s, &c), WORD_BAD_SIGNATURE, "under a known number");

	/* The order: scope is last, the signature is before the fields. */
	buf_reset(&b);
	command_build(&b, "elsewhere", nonce, 8, "reload");
	sign(s, &s->may_not, (char *)b.data, b.len);
	IS(open_text(s, &c), WORD_NOT_FOR_ME, "the host comes before the rest");
	buf_reset(&b);
	command_build(&b, HOST, nonce, 8, "reload");
	sign(s, &s->may_not, (char *)b.data, b.len);
	IS(open_text(s, &c), WORD_STALE, "the seq before the scope");

	buf_reset(&b);
	command_build(&b, HOST, nonce, 7, "reload");
	sign(s, &s->may, (char *)b.data, b.len);
	for (i = 0; i < s->text.len; i++) {
		for (bit = 0; bit < 8; bit++) {
			s->text.data[i] ^= (uint8_t)(1 << bit);
			w = open_text(s, &c);
			/* The comment is not signed, and not believed. */
			bad += w == WORD_OK && s->text.data[i] != '\n' &&
			       memchr(s->text.data, '\n', i) != NULL;
			words |= 1 << w;
			s->text.data[i] ^= (uint8_t)(1 << bit);
		}
	}
	IS(bad, 0, "with any one bit flipped it is refused");
	OK((words & 1 << WORD_BAD_SIGNATURE) != 0, "for its signature too");

	bad = 0;
	for (i = 0; i < s->text.len; i++) {
		struct refusal why;

		bad += command_open(&c, s->text.data, i, &s->keys, HOST, nonce,
			   7, &why) == WORD_OK;
	}
	IS(bad, 0, "cut at any byte too");
	buf_append(&s->text, "\n", 1);
	IS(open_text(s, &c), WORD_SYNTAX, "a byte more is no command");
	buf_free(&b);
}

static void
test_size(struct setting *s)
{
	struct buf b = BUF_INIT;
	struct command c;
	size_t lines, i;

	buf_printf(&b,
	    "hotfix-command: 1\nhost: " HOST "\nnonce: %s\nseq: 7\n"
	    "command: reload\nx: ",
	    nonce);
	sign(s, &s->may, "", 0);
	lines = s->text.len;
	for (i = b.len + lines + 2; i < COMMAND_MAX; i++)
		buf_append(&b, "x", 1);
	buf_append(&b, "\n\n", 2);
	sign(s, &s->may, (char *)b.data, b.len);
	IS(s->text.len, COMMAND_MAX, "a command of the largest size");
	IS(open_text(s, &c), WORD_OK, "is one");
	b.len -= 2;
	buf_append(&b, "x\n\n", 3);
	sign(s, &s->may, (char *)b.data, b.len);
	IS(open_text(s, &c), WORD_TOO_LARGE, "of one byte more is none");
	buf_free(&b);
}

int
main(void)
{
	struct setting s = {
	    KEYRING_INIT, {{0}, {0}}, {{0}, {0}}, {{0}, {0}}, BUF_INIT};

	make_key(&s.may, 1);
	make_key(&s.may_not, 2);
	make_key(&s.stranger, 3);
	trust(&s.keys, &s.may, "ops");
	trust(&s.keys, &s.may_not, "builder verbs=push,revert");
	test_commands(&s);
	test_build(&s);
	test_fields(&s);
	test_trust(&s);
	test_size(&s);
	keyring_free(&s.keys);
	buf_free(&s.text);
	return tap_done();
}
