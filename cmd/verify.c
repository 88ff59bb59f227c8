/* hotfix verify: documents, ledgers, signed files. */

#include "cmd/verbs.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "base/timetext.h"
#include "cmd/options.h"
#include "crypto/signify.h"
#include "lua-host/keys.h"
#include "update/doc.h"
#include "update/ledger.h"

/* A file is held whole while it is checked: the signature takes two passes
 * over its message. */
#define VERIFY_FILE_MAX ((size_t)1 << 30)

#define SHOWN         4096 /* of a path */
#define LEDGER_DIGEST 32   /* hex digits in front of a ledger's lines */

struct verify {
	struct say say;
	struct keyring keys;
	int head; /* print the signed text */
};

enum target_kind { TARGET_DOCUMENT, TARGET_LEDGER, TARGET_FILE };

/* How many digits of a ledger's digest it begins with. */
static size_t
count_digits(const char *text, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	size_t n = 0;

	while (n < len && n < LEDGER_DIGEST &&
	       memchr(digits, text[n], sizeof digits - 1) != NULL)
		n++;
	return n;
}

/* A damaged ledger is still one: its first line has either a digest or a time.
 * A list of digests has two blanks, or an asterisk, behind each. */
static int
is_ledger(const char *text, size_t len)
{
	const size_t at = LEDGER_DIGEST + 1;
	int64_t us;

	if (len < at + TIMETEXT_SIZE || text[LEDGER_DIGEST] != ' ')
		return 0;
	return timetext_parse(text + at, TIMETEXT_SIZE - 1, &us) == 0 ||
	       (count_digits(text, len) == LEDGER_DIGEST && text[at] >= '0' &&
		   text[at] <= '9');
}

/* A damaged document is still one: either its first words or its first field
 * tell. Key files begin with the same words, but have no empty line. */
static enum target_kind
kind_of(const struct buf *b)
{
	static const char comment[] = "untrusted comment: ";
	static const char mark[] = "\nhotfix-update: ";
	const char *text = (const char *)b->data;
	size_t head = doc_head_length(b->data, b->len);
	size_t i;

	if (head > sizeof comment &&
	    memcmp(text, comment, sizeof comment - 1) == 0)
		return TARGET_DOCUMENT;
	for (i = 0; i + sizeof mark - 1 <= head; i++)
		if (memcmp(text + i, mark, sizeof mark - 1) == 0)
			return TARGET_DOCUMENT;
	return is_ledger(text, b->len) ? TARGET_LEDGER : TARGET_FILE;
}

/* 1 when it begins as a document or a ledger does and may be what is left of
 * one; so may nothing at all. */
static int
is_remains(const struct buf *b)
{
	static const char *const starts[] = {
	    "untrusted comment: ", "hotfix-update: "};
	const char *text = (const char *)b->data;
	size_t i, len;

	if (b->len == 0 || count_digits(text, b->len) == b->len ||
	    count_digits(text, b->len) == LEDGER_DIGEST)
		return 1;
	for (i = 0; i < sizeof starts / sizeof *starts; i++) {
		len = strlen(starts[i]);
		if (memcmp(text, starts[i], b->len < len ? b->len : len) == 0)
			return 1;
	}
	return 0;
}

static int
check_document(struct verify *v, const char *path, const struct buf *b,
    struct err *e)
{
	size_t head = doc_head_length(b->data, b->len);
	struct refusal why;
	struct doc *d;
	int ret = -1;

	if (doc_open(&d, b->data, head, &v->keys, &why) != WORD_OK)
		return err_set(e, ERR_NO, "%s: %s: %s", path,
		    word_name(why.word), why.text);
	if (doc_check_body(d, -1, b->data + head, b->len - head, &why) !=
	    WORD_OK) {
		err_set(e, ERR_NO, "%s: %s: %s", path, word_name(why.word),
		    why.text);
		goto out;
	}
	if (v->head)
		fwrite(d->head + d->signed_at, 1, d->head_len - d->signed_at,
		    stdout);
	ret = 0;
out:
	doc_free(d);
	return ret;
}

/* The name of the file's signature, to free; NULL: out of memory. */
static char *
signature_of(const char *path)
{
	size_t size = strlen(path) + sizeof ".sig";
	char *sig_path = malloc(size);

	if (sig_path != NULL)
		snprintf(sig_path, size, "%s.sig", path);
	return sig_path;
}

static int
has_signature(const char *path)
{
	char *sig_path = signature_of(path);
	int has = sig_path != NULL && access(sig_path, F_OK) == 0;

	free(sig_path);
	return has;
}

static int
check_signed(const struct verify *v, const char *path, const struct buf *b,
    struct err *e)
{
	const struct trust_key *key;
	struct buf text = BUF_INIT;
	struct signify_sig sig;
	enum signify_result r;
	char *sig_path = signature_of(path);
	size_t used;
	int ret = -1;

	if (sig_path == NULL) {
		err_set(e, ERR_LOCAL, "out of memory");
		goto out;
	}
	if (file_read(sig_path, SIGNIFY_FILE, &text, e) != 0)
		goto out;
	r = signify_sig_parse(&sig, (const char *)text.data, text.len, &used);
	if (r == SIGNIFY_OK && used != text.len)
		r = SIGNIFY_SYNTAX;
	if (r != SIGNIFY_OK) {
		err_set(e, ERR_NO, "%s: %s", sig_path, signify_strerror(r));
		goto out;
	}
	switch (keyring_verify(&v->keys, &key, &sig, b->data, b->len)) {
	case KEYRING_OK:
		ret = 0;
		break;
	case KEYRING_UNKNOWN:
		err_set(e, ERR_NO, "%s: signed by none of these keys", path);
		break;
	case KEYRING_BAD:
		err_set(e, ERR_NO, "%s: the signature is not of this file",
		    path);
		break;
	}
out:
	free(sig_path);
	buf_free(&text);
	return ret;
}

/* 0, or -1 with the reason. */
static int
check(struct verify *v, const char *path, struct err *e)
{
	struct buf b = BUF_INIT;
	enum target_kind kind;
	size_t lines;
	int ret = -1;

	if (file_read(path, VERIFY_FILE_MAX, &b, e) != 0)
		goto out;
	kind = kind_of(&b);
	if (v->head && kind != TARGET_DOCUMENT)
		err_set(e, ERR_NO, "%s: no update document", path);
	else if (kind == TARGET_LEDGER)
		ret =
		    ledger_check(path, (const char *)b.data, b.len, &lines, e);
	else if (kind == TARGET_FILE && is_remains(&b) && !has_signature(path))
		err_set(e, ERR_NO,
		    "%s: %s: neither a whole update document nor a ledger, and"
		    " there is no %s.sig",
		    path, word_name(WORD_SYNTAX), path);
	else if (v->keys.n == 0)
		err_set(e, ERR_USAGE,
		    "%s: no key to check it with: give"
		    " -p PUB or --trust FILE",
		    path);
	else if (kind == TARGET_DOCUMENT)
		ret = check_document(v, path, &b, e);
	else
		ret = check_signed(v, path, &b, e);
out:
	buf_free(&b);
	return ret;
}

static void
print(struct say *s, const char *path, const char *word)
{
	char name[SHOWN];

	if (s->json) {
		say_text(s, "path", path);
		say_text(s, "result", word);
	} else {
		say_text(s,
		    text_escape(name, sizeof name, path, strlen(path), 0),
		    word);
	}
	say_end(s);
}

/* The worst so far: what could not be checked outweighs what failed. */
static int
check_all(struct verify *v, char **paths, size_t n)
{
	int status = 0;
	struct err e;
	size_t i;

	for (i = 0; i < n; i++) {
		if (check(v, paths[i], &e) == 0) {
			if (!v->head && !v->say.quiet)
				print(&v->say, paths[i], "OK");
			continue;
		}
		if (!v->head)
			print(&v->say, paths[i], "FAILED");
		say_err(&v->say, &e);
		if ((int)e.kind > status)
			status = (int)e.kind;
	}
	return status;
}

int
cmd_verify(int argc, char **argv)
{
	static const char *const later[] = {"sums", NULL};
	struct verify v = {{0}, KEYRING_INIT, 0};
	struct option_list pub = {{NULL}, 0};
	const char *trust = NULL;
	const struct option options[] = {
	    {'p', "pub", "FILE", "trust this public key", .list = &pub},
	    {0, "trust", "FILE", "trust the keys in this list", .text = &trust},
	    {0, "head", NULL, "print a document's signed text",
		.flag = &v.head},
	};
	const struct usage usage = {
	    "[-qvh] [--json] [-p PUB]... [--trust FILE] [--head] TARGET...",
	    "Check update documents, ledgers, and files with a signify"
	    " signature TARGET.sig\nbeside them: a line TARGET: OK or"
	    " TARGET: FAILED for each.\n",
	    options, sizeof options / sizeof *options, NULL, 0, later, 0};
	char **operands;
	struct err e;
	size_t n;
	int status;

	status = options_parse(&v.say, &usage, argc, argv, &operands, &n);
	if (status != OPTIONS_GO_ON)
		return status;
	if (n == 0)
		return options_complain(&v.say, "no TARGET");
	if (v.head && n > 1)
		return options_complain(&v.say, "--head takes one TARGET");
	if (keys_load(&v.keys, pub.items, pub.n, trust, &e) != 0)
		return say_err(&v.say, &e);
	status = check_all(&v, operands, n);
	keyring_free(&v.keys);
	return status;
}
