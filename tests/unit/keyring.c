/* Trusted keys: the grammar of trust files, limits, who signed. */

#include <fcntl.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "tests/docs.h"
#include "tests/tap.h"

/* A trust file of one line, the key's base64 put before rest. */
static int
parse_line(struct keyring *r, int key, const char *rest, struct err *e)
{
	struct signify_sec sec = test_key(key);
	struct buf text = BUF_INIT;
	int ret;

	test_trust_line(&text, &sec, rest);
	ret = keyring_parse(r, "trust", (char *)text.data, text.len, e);
	buf_free(&text);
	return ret;
}

static void
good_file(void)
{
	struct signify_sec a = test_key(1), b = test_key(2), c = test_key(3);
	struct keyring r = KEYRING_INIT;
	struct buf text = BUF_INIT;
	struct err e;

	buf_puts(&text, "# keys of the studio\n\n");
	test_trust_line(&text, &a, "alice");
	test_trust_line(&text, &b,
	    "bob root verbs=push,revert parts=client,keys "
	    "zones=eu-*,!eu-test features=combat-*");
	buf_puts(&text, "#\ta comment is free in form \x01\n");
	test_trust_line(&text, &c, "carol-\xc3\xa9 features=ui zones=us");
	IS(keyring_parse(&r, "trust", (char *)text.data, text.len, &e), 0,
	    "a trust file is read");
	if (IS(r.n, 3, "three keys")) {
		IS_STR(r.keys[0].name, "alice", "name");
		IS(r.keys[0].root, 0, "no root unless told");
		IS(r.keys[0].verbs, KEY_ALL_VERBS, "every verb unless told");
		IS(r.keys[0].parts, KEY_ALL_PARTS, "every part unless told");
		OK(r.keys[0].zones == NULL && r.keys[0].features == NULL,
		    "every zone and feature unless told");
		IS(r.keys[1].root, 1, "root");
		IS(r.keys[1].verbs, KEY_PUSH | KEY_REVERT, "verbs");
		IS(r.keys[1].parts, KEY_CLIENT | KEY_KEYS, "parts");
		IS_STR(r.keys[1].zones, "eu-*,!eu-test", "zones");
		IS_STR(r.keys[1].features, "combat-*", "features");
		IS_STR(r.keys[2].name, "carol-\xc3\xa9", "a name of UTF-8");
		IS_STR(r.keys[2].features, "ui", "limits in any order");
	}
	keyring_free(&r);
	IS(r.n, 0, "a freed ring is empty");
	IS(keyring_parse(&r, "trust", "", 0, &e), 0, "an empty file is fine");
	keyring_free(&r);
	buf_free(&text);
}

static void
all_names(void)
{
	static const struct {
		const char *text;
		unsigned verbs, parts;
	} rows[] = {
	    {"n verbs=push", KEY_PUSH, KEY_ALL_PARTS},
	    {"n verbs=revert", KEY_REVERT, KEY_ALL_PARTS},
	    {"n verbs=retire", KEY_RETIRE, KEY_ALL_PARTS},
	    {"n verbs=notice", KEY_NOTICE, KEY_ALL_PARTS},
	    {"n verbs=open", KEY_OPEN, KEY_ALL_PARTS},
	    {"n verbs=close", KEY_CLOSE, KEY_ALL_PARTS},
	    {"n verbs=accept", KEY_ACCEPT, KEY_ALL_PARTS},
	    {"n verbs=reload", KEY_RELOAD, KEY_ALL_PARTS},
	    {"n parts=server", KEY_ALL_VERBS, KEY_SERVER},
	    {"n parts=client", KEY_ALL_VERBS, KEY_CLIENT},
	    {"n parts=native", KEY_ALL_VERBS, KEY_NATIVE},
	    {"n parts=package", KEY_ALL_VERBS, KEY_PACKAGE},
	    {"n parts=keys", KEY_ALL_VERBS, KEY_KEYS},
	    {"n verbs=push,revert,retire,notice,open,close,accept,reload",
		KEY_ALL_VERBS, KEY_ALL_PARTS},
	    {"n parts=keys,package,native,client,server", KEY_ALL_VERBS,
		KEY_ALL_PARTS},
	};
	struct keyring r;
	struct err e;
	size_t i;

	for (i = 0; i < sizeof rows / sizeof *rows; i++) {
		memset(&r, 0, sizeof r);
		OK(parse_line(&r, 1, rows[i].text, &e) == 0 && r.n == 1 &&
			r.keys[0].verbs == rows[i].verbs &&
			r.keys[0].parts == rows[i].parts,
		    "%s", rows[i].text);
		keyring_free(&r);
	}
}

static void
bad_lines(void)
{
	/* Each behind a good line and a comment: it is line 3. */
	static const char *const rows[] = {
	    "",            /* a name is missing */
	    " name",       /* two spaces */
	    "name ",       /* a space at the end */
	    "name  root",  /* two spaces */
	    "name\troot",  /* a tab */
	    "name root\r", /* two line ends */
	    "name\x7f",    /* a control byte */
	    "n\xc3",       /* broken UTF-8 */
	    "verbs=push",  /* the name forgotten, and with it the limit */
	    "a=b",         /* for the same reason */
	    "name Root",
	    "name root=yes",
	    "name root root",
	    "name admin",
	    "name verbs",
	    "name verbs=",
	    "name verbs=push,",
	    "name verbs=,push",
	    "name verbs=push,,revert",
	    "name verbs=all",
	    "name verbs=push,push",
	    "name verbs=push verbs=revert",
	    "name verbs=Push",
	    "name parts=",
	    "name parts=both",
	    "name parts=client,client",
	    "name parts=client parts=server",
	    "name zones=",
	    "name zones=a,,b",
	    "name zones=a,",
	    "name zones=!",
	    "name zones=a zones=b",
	    "name features=",
	    "name features=a,",
	    "name features=a features=b",
	    "name # a comment",
	};
	struct signify_sec good = test_key(1), bad = test_key(2);
	struct keyring r = KEYRING_INIT;
	struct buf text = BUF_INIT;
	struct err e;
	char shown[80];
	size_t i;

	for (i = 0; i < sizeof rows / sizeof *rows; i++) {
		buf_reset(&text);
		test_trust_line(&text, &good, "good");
		buf_puts(&text, "# two\n");
		test_trust_line(&text, &bad, rows[i]);
		e.text[0] = '\0';
		OK(keyring_parse(&r, "a/trust", (char *)text.data, text.len,
		       &e) == -1 &&
			strncmp(e.text, "a/trust: line 3: ", 17) == 0 &&
			r.n == 0,
		    "refused with its place, nothing added: '%s'",
		    text_escape(shown, sizeof shown, rows[i], strlen(rows[i]),
			0));
	}
	keyring_free(&r);
	buf_free(&text);
}

static void
bad_files(void)
{
	char long_name[KEYRING_NAME + 2];
	struct signify_sec sec = test_key(1);
	struct keyring r = KEYRING_INIT;
	struct buf text = BUF_INIT;
	struct err e;
	size_t n, i, passed = 0;
	char *data;

	memset(long_name, 'n', sizeof long_name);
	long_name[KEYRING_NAME + 1] = '\0';
	IS(parse_line(&r, 1, long_name, &e), -1, "a name of 65 bytes");
	long_name[KEYRING_NAME] = '\0';
	IS(parse_line(&r, 1, long_name, &e), 0, "a name of 64 bytes");
	keyring_free(&r);

	/* A file that was cut anywhere never gives a key with less limits. */
	test_trust_line(&text, &sec, "ann verbs=revert parts=client zones=eu");
	for (n = 1; n < text.len; n++)
		passed += keyring_parse(&r, "t", (char *)text.data, n, &e) == 0;
	IS(passed, 0, "a line cut at any byte is refused");

	/* The base64 is checked strictly, byte by byte. */
	for (i = 0, passed = 0; i < SIGNIFY_PUB_BASE64 - 1; i++) {
		char kept = (char)text.data[i];

		text.data[i] = '!';
		passed += keyring_parse(&r, "t", (char *)text.data, text.len,
			      &e) == 0;
		text.data[i] = (uint8_t)kept;
	}
	IS(passed, 0, "a wrong character anywhere in the base64 is refused");
	IS(r.n, 0, "nothing of all that is in the ring");

	buf_reset(&text);
	buf_reserve(&text, KEYRING_FILE + 1);
	data = (char *)text.data;
	memset(data, '\n', KEYRING_FILE + 1);
	IS(keyring_parse(&r, "t", data, KEYRING_FILE, &e), 0,
	    "a file of the largest size");
	IS(keyring_parse(&r, "t", data, KEYRING_FILE + 1, &e), -1,
	    "a file of one byte more");
	buf_free(&text);
	keyring_free(&r);
}

static void
many_keys(void)
{
	struct keyring r = KEYRING_INIT;
	struct signify_sec sec;
	struct err e;
	int i, bad = 0;

	for (i = 0; i < KEYRING_MAX; i++) {
		sec = test_key(1);
		sec.seed[0] = (uint8_t)i;
		test_trust(&r, &sec, "name");
	}
	IS(r.n, KEYRING_MAX, "as many keys as may be");
	bad = parse_line(&r, 2, "another", &e);
	IS(bad, -1, "one more is refused");
	IS(r.n, KEYRING_MAX, "and the others stay");
	keyring_free(&r);
}

static void
same_key(void)
{
	struct signify_sec sec = test_key(1), other = test_key(2), renumbered;
	struct keyring r = KEYRING_INIT;
	struct buf text = BUF_INIT;
	struct err e;

	renumbered = sec;
	memset(renumbered.keynum, 9, SIGNIFY_KEYNUM);
	test_trust(&r, &sec, "first verbs=revert");
	IS(parse_line(&r, 1, "second", &e), -1,
	    "a key comes once, under another name too");
	OK(strstr(e.text, "trust: line 1: ") == e.text, "%s", e.text);
	test_trust_line(&text, &other, "other");
	test_trust_line(&text, &renumbered, "third");
	IS(keyring_parse(&r, "t", (char *)text.data, text.len, &e), -1,
	    "a key comes once, under another number too");
	IS(r.n, 1, "all keys of a file or none");
	IS_STR(r.keys[0].name, "first", "the ring is as before");
	buf_free(&text);
	keyring_free(&r);
}

static void
pub_files(void)
{
	struct signify_sec sec = test_key(1);
	struct keyring r = KEYRING_INIT;
	struct buf text = BUF_INIT;
	struct signify_pub pub;
	struct err e;
	const char *file;

	signify_sec_public(&pub, &sec);
	signify_pub_format(&text, &pub, "some comment");
	file = buf_text(&text);
	IS(keyring_add_pub(&r, "/etc/hotfix/ops.pub", file, text.len, &e), 0,
	    "a public key file is added");
	if (IS(r.n, 1, "one key")) {
		IS_STR(r.keys[0].name, "ops", "its name is the file's");
		IS(r.keys[0].root, 0, "it is not root");
		IS(r.keys[0].verbs, KEY_ALL_VERBS, "it may do everything");
		IS_MEM(&r.keys[0].pub, &pub, sizeof pub, "it is the key");
	}
	IS(keyring_add_pub(&r, "b.pub", file, text.len, &e), -1,
	    "not a second time");
	keyring_free(&r);
	IS(keyring_add_pub(&r, "ops", file, text.len, &e), 0,
	    "a file of another name");
	IS_STR(r.keys[0].name, "ops", "has its own");
	keyring_free(&r);
	IS(keyring_add_pub(&r, "a b.pub", file, text.len, &e), -1,
	    "a name with a space");
	IS(keyring_add_pub(&r, ".pub", file, text.len, &e), 0,
	    "a file that is called .pub");
	IS_STR(r.keys[0].name, ".pub", "is no suffix");
	keyring_free(&r);
	IS(keyring_add_pub(&r, "c.pub", file, text.len - 1, &e), -1,
	    "a file cut short");
	OK(strncmp(e.text, "c.pub: ", 7) == 0, "is named: %s", e.text);
	buf_free(&text);
}

static void
who_signed(void)
{
	static const char msg[] = "hotfix-update: 1\n\n";
	struct signify_sec a = test_key(1), b = test_key(2), unknown;
	const struct trust_key *key;
	struct keyring r = KEYRING_INIT;
	struct signify_sig sig;

	/* Two keys under one number: the number only finds candidates. */
	memcpy(b.keynum, a.keynum, sizeof b.keynum);
	signify_sign(&sig, &a, msg, sizeof msg);
	IS(keyring_verify(&r, &key, &sig, msg, sizeof msg), KEYRING_UNKNOWN,
	    "an empty ring knows nobody");
	OK(key == NULL, "and gives no key");
	test_trust(&r, &a, "ann");
	test_trust(&r, &b, "bob");
	IS(keyring_verify(&r, &key, &sig, msg, sizeof msg), KEYRING_OK,
	    "the first of two keys of one number");
	OK(key == &r.keys[0], "is found");
	signify_sign(&sig, &b, msg, sizeof msg);
	IS(keyring_verify(&r, &key, &sig, msg, sizeof msg), KEYRING_OK,
	    "the second of two keys of one number");
	OK(key == &r.keys[1], "is found");
	IS(keyring_verify(&r, &key, &sig, msg, sizeof msg - 1), KEYRING_BAD,
	    "another text is a bad signature");
	OK(key == NULL, "and gives no key");
	sig.sig[0] ^= 1;
	IS(keyring_verify(&r, &key, &sig, msg, sizeof msg), KEYRING_BAD,
	    "one bit of the signature");
	unknown = test_key(3);
	signify_sign(&sig, &unknown, msg, sizeof msg);
	IS(keyring_verify(&r, &key, &sig, msg, sizeof msg), KEYRING_UNKNOWN,
	    "a good signature of a key that is not there");
	memcpy(sig.keynum, a.keynum, sizeof sig.keynum);
	IS(keyring_verify(&r, &key, &sig, msg, sizeof msg), KEYRING_BAD,
	    "a known number under a strange key's signature");
	keyring_free(&r);
}

static int
check_fd(const struct keyring *r, const struct signify_sig *sig, int fd,
    const struct trust_key **key, struct err *e)
{
	return keyring_check_fd(r, key, sig, fd, "big", e);
}

static void
who_signed_a_file(void)
{
	const size_t len = ((size_t)256 << 10) * 2 + 9; /* some pieces */
	struct signify_sec a = test_key(1), b = test_key(2);
	const struct trust_key *key;
	struct keyring r = KEYRING_INIT;
	char *text = malloc(len);
	struct signify_sig sig;
	struct err e;
	int fd;

	memset(text, 'y', len);
	IS(file_write("big", text, len, 0644, &e), 0, "a file");
	fd = open("big", O_RDWR);
	lseek(fd, 9, SEEK_SET);
	memcpy(b.keynum, a.keynum, sizeof b.keynum);
	signify_sign(&sig, &b, text, len);
	test_trust(&r, &a, "ann");
	IS(check_fd(&r, &sig, fd, &key, &e), -1, "signed by another key");
	IS(e.kind, ERR_NO, "is a no");
	OK(key == NULL, "and gives no key");
	test_trust(&r, &b, "bob");
	IS(check_fd(&r, &sig, fd, &key, &e), 0,
	    "the second of two keys of one number signed it");
	OK(key == &r.keys[1], "and is found");
	IS(pwrite(fd, "x", 1, (off_t)len - 1), 1, "its last byte is changed");
	IS(check_fd(&r, &sig, fd, &key, &e), -1, "which is found");
	OK(strncmp(e.text, "big: ", 5) == 0, "and said: %s", e.text);
	IS(pwrite(fd, "yz", 2, (off_t)len - 1), 2, "one byte more");
	IS(check_fd(&r, &sig, fd, &key, &e), -1, "is found");
	sig.keynum[0] ^= 1;
	IS(check_fd(&r, &sig, fd, &key, &e), -1, "nobody's signature");
	OK(strstr(e.text, "none of these keys") != NULL, "is said: %s", e.text);
	close(fd);
	free(text);
	keyring_free(&r);
}

static void
scopes(void)
{
	static const struct {
		const char *key; /* limits */
		enum key_verb verb;
		unsigned parts;
		const char *zone, *feature;
		int allowed;
	} rows[] = {
	    {"n", KEY_PUSH, KEY_SERVER | KEY_CLIENT, NULL, "f", 1},
	    {"n", KEY_RELOAD, 0, NULL, NULL, 1},
	    {"n", KEY_PUSH, KEY_KEYS, NULL, "f", 0},
	    {"n root", KEY_PUSH, KEY_KEYS, NULL, "f", 1},
	    {"n root", KEY_PUSH, KEY_KEYS | KEY_SERVER, NULL, "f", 1},
	    {"n parts=keys", KEY_PUSH, KEY_KEYS, NULL, "f", 0},
	    {"n root parts=client", KEY_PUSH, KEY_KEYS, NULL, "f", 0},
	    {"n verbs=push", KEY_PUSH, KEY_SERVER, NULL, "f", 1},
	    {"n verbs=push", KEY_REVERT, 0, NULL, "f", 0},
	    {"n verbs=revert,retire", KEY_RETIRE, 0, NULL, "f", 1},
	    {"n root verbs=revert", KEY_PUSH, KEY_SERVER, NULL, "f", 0},
	    {"n parts=client", KEY_PUSH, KEY_CLIENT, NULL, "f", 1},
	    {"n parts=client", KEY_PUSH, KEY_CLIENT | KEY_SERVER, NULL, "f", 0},
	    {"n parts=client", KEY_REVERT, 0, NULL, "f", 1},
	    {"n parts=package", KEY_PUSH, KEY_PACKAGE, NULL, "f", 1},
	    {"n zones=eu-*", KEY_PUSH, KEY_SERVER, "eu-1", "f", 1},
	    {"n zones=eu-*", KEY_PUSH, KEY_SERVER, "eu-1,eu-2", "f", 1},
	    {"n zones=eu-*", KEY_PUSH, KEY_SERVER, "eu-1,us-1", "f", 0},
	    {"n zones=eu-*", KEY_PUSH, KEY_SERVER, "us-1,eu-1", "f", 0},
	    {"n zones=eu-*", KEY_PUSH, KEY_SERVER, "us-1", "f", 0},
	    {"n zones=eu-*", KEY_PUSH, KEY_SERVER, NULL, "f", 0},
	    {"n zones=eu-*", KEY_PUSH, KEY_SERVER, "", "f", 0},
	    {"n zones=eu-*", KEY_PUSH, KEY_SERVER, "eu-*", "f", 0},
	    {"n zones=eu-*", KEY_PUSH, KEY_SERVER, "eu-?", "f", 0},
	    {"n zones=eu-*", KEY_PUSH, KEY_SERVER, "eu-1,eu-*", "f", 0},
	    {"n zones=eu-*", KEY_PUSH, KEY_SERVER, "!us", "f", 0},
	    {"n zones=eu-*", KEY_PUSH, KEY_SERVER, "eu-1,!eu-2", "f", 0},
	    {"n zones=!eu-test", KEY_PUSH, KEY_SERVER, "!eu-1", "f", 0},
	    {"n zones=*", KEY_PUSH, KEY_SERVER, NULL, "f", 0},
	    {"n zones=*", KEY_PUSH, KEY_SERVER, "*", "f", 0},
	    {"n zones=*", KEY_PUSH, KEY_SERVER, "eu", "f", 1},
	    {"n zones=*,!eu", KEY_PUSH, KEY_SERVER, "eu", "f", 0},
	    {"n zones=*,!eu", KEY_PUSH, KEY_SERVER, "us,eu", "f", 0},
	    {"n zones=eu", KEY_OPEN, 0, "eu", NULL, 1},
	    {"n zones=eu", KEY_OPEN, 0, NULL, NULL, 0},
	    {"n features=combat-*", KEY_PUSH, KEY_SERVER, NULL, "combat-a", 1},
	    {"n features=combat-*", KEY_PUSH, KEY_SERVER, NULL, "ui", 0},
	    {"n features=combat-*", KEY_REVERT, 0, NULL, "ui", 0},
	    {"n features=combat-*", KEY_OPEN, 0, NULL, NULL, 1},
	};
	struct keyring r = KEYRING_INIT;
	struct signify_sec sec = test_key(1);
	size_t i;

	for (i = 0; i < sizeof rows / sizeof *rows; i++) {
		test_trust(&r, &sec, rows[i].key);
		OK(keyring_allows(&r.keys[0], rows[i].verb, rows[i].parts,
		       rows[i].zone, rows[i].feature) == rows[i].allowed,
		    "%s: verb %d parts %u zone %s feature %s: %s", rows[i].key,
		    rows[i].verb, rows[i].parts,
		    rows[i].zone != NULL ? rows[i].zone : "(none)",
		    rows[i].feature != NULL ? rows[i].feature : "(none)",
		    rows[i].allowed ? "yes" : "no");
		keyring_free(&r);
	}
}

int
main(void)
{
	good_file();
	all_names();
	bad_lines();
	bad_files();
	many_keys();
	same_key();
	pub_files();
	who_signed();
	who_signed_a_file();
	scopes();
	return tap_done();
}
