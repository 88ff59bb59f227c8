/* hotfix verify: documents, ledgers, packages, signed files, here and at
 * addresses. */

#include "cmd/verbs.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "base/timetext.h"
#include "cmd/options.h"
#include "cmd/package.h"
#include "cmd/remote.h"
#include "cmd/verify_sums.h"
#include "crypto/signify.h"
#include "lua-host/keys.h"
#include "net/ftp_url.h"
#include "update/doc.h"
#include "update/ledger.h"

/* Of a document or ledger, which are held whole; and of what is read from
 * standard input. */
#define VERIFY_TEXT_MAX ((size_t)1 << 30)

/* What tells kinds of files apart is in front: a document's head at most. */
#define VERIFY_FRONT ((size_t)DOC_HEAD_MAX)

#define SHOWN         4096 /* of a path */
#define LEDGER_DIGEST 32   /* hex digits in front of a ledger's lines */

struct verify {
	struct say say;
	struct keyring keys;
	int head;             /* print the signed text */
	struct remote remote; /* its stop is NULL before there was an address */
};

/* One that is looked at: its path or address, open. */
struct target {
	const char *path;
	int fd;
	int is_remote;
};

enum target_kind {
	TARGET_DOCUMENT,
	TARGET_LEDGER,
	TARGET_PACKAGE,
	TARGET_ARCHIVE, /* of tar, not as packages begin */
	TARGET_FILE
};

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

/* Of an archive: its first file's name, and the mark of its kind. */
static int
is_package(const struct buf *b)
{
	return b->len >= sizeof PACKAGE_SUMS &&
	       memcmp(b->data, PACKAGE_SUMS, sizeof PACKAGE_SUMS) == 0;
}

static int
is_archive(const struct buf *b)
{
	static const char mark[] = "ustar";
	const size_t mark_at = 257;

	return b->len >= mark_at + sizeof mark &&
	       memcmp(b->data + mark_at, mark, sizeof mark - 1) == 0;
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
	if (is_ledger(text, b->len))
		return TARGET_LEDGER;
	if (is_package(b))
		return TARGET_PACKAGE;
	return is_archive(b) ? TARGET_ARCHIVE : TARGET_FILE;
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
check_document(struct verify *v, const struct target *t, const struct buf *b,
    struct err *e)
{
	size_t head = doc_head_length(b->data, b->len);
	const char *path = t->path;
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
	else if (t->is_remote && d->package.present)
		say_note(&v->say,
		    "%s: the document alone; its package is another target:"
		    " %s",
		    path, d->package.url);
	ret = 0;
out:
	doc_free(d);
	return ret;
}

/* Whether there is a signature beside it: of what is remote it is fetched, and
 * appended to text; why tells where it was not. */
static int
has_signature(struct verify *v, const struct target *t, struct buf *text,
    struct err *why)
{
	char *sig_path;
	int has;

	if (t->is_remote)
		return text->len > 0 ||
		       remote_sig(&v->remote, t->path, text, why) == 0;
	sig_path = package_sig_name(t->path);
	has = sig_path != NULL && access(sig_path, F_OK) == 0;
	free(sig_path);
	return has;
}

static int
check_package(const struct verify *v, const struct target *t,
    const struct buf *sig, struct err *e)
{
	const struct keyring *keys = v->keys.n > 0 ? &v->keys : NULL;
	struct package *p;

	/* Nothing that is not verified is parsed; that nobody changed it
	 * meanwhile is seen by the same signature in the second read. */
	if (keys != NULL &&
	    package_check_sig(keys, t->path, sig, t->fd, e) != 0)
		return -1;
	p = package_open_fd(&v->say, keys, t->path, sig, t->fd,
	    PACKAGE_NO_MD5 | PACKAGE_NO_SHA512, NULL, e);
	if (p == NULL)
		return -1;
	package_free(p);
	if (keys == NULL)
		say_note(&v->say,
		    "%s: its digests alone: no key was given to check who"
		    " signed it",
		    t->path);
	return 0;
}

/* Documents and ledgers; front is the beginning of the file. */
static int
check_text(struct verify *v, const struct target *t, enum target_kind kind,
    const struct buf *front, struct err *e)
{
	struct buf b = BUF_INIT;
	size_t lines;
	int ret = -1;

	if (buf_append(&b, front->data, front->len) != 0) {
		err_set(e, ERR_LOCAL, "%s: out of memory", t->path);
		goto out;
	}
	if (file_read_fd(t->fd, t->path, VERIFY_TEXT_MAX, &b, e) != 0)
		goto out;
	ret =
	    kind == TARGET_LEDGER
		? ledger_check(t->path, (const char *)b.data, b.len, &lines, e)
		: check_document(v, t, &b, e);
out:
	buf_free(&b);
	return ret;
}

/* The beginning of the file, VERIFY_FRONT bytes of it at most. */
static int
read_front(int fd, const char *path, struct buf *out, struct err *e)
{
	ssize_t n;

	if (buf_reserve(out, VERIFY_FRONT) != 0)
		return err_set(e, ERR_LOCAL, "%s: out of memory", path);
	while (out->len < VERIFY_FRONT) {
		n = read(fd, out->data + out->len, VERIFY_FRONT - out->len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(e, ERR_LOCAL, "%s", path);
		if (n == 0)
			break;
		out->len += (size_t)n;
	}
	return 0;
}

static int
check_file(struct verify *v, const struct target *t, struct err *e)
{
	const struct buf *given;
	struct buf front = BUF_INIT, sig = BUF_INIT;
	enum target_kind kind;
	int is_signed, ret = -1;

	if (read_front(t->fd, t->path, &front, e) != 0)
		goto out;
	kind = kind_of(&front);
	given = t->is_remote ? &sig : NULL;
	is_signed = kind == TARGET_DOCUMENT || kind == TARGET_LEDGER ||
		    has_signature(v, t, &sig, e);
	/* An archive of somebody else may be signed as any file. */
	if (kind == TARGET_ARCHIVE)
		kind = is_signed ? TARGET_FILE : TARGET_PACKAGE;
	if (v->head && kind != TARGET_DOCUMENT)
		err_set(e, ERR_NO, "%s: no update document", t->path);
	else if (kind == TARGET_LEDGER)
		ret = check_text(v, t, kind, &front, e);
	else if (!is_signed && t->is_remote && e->kind != ERR_NO)
		goto out; /* nobody knows whether it is there */
	else if (kind == TARGET_FILE && is_remains(&front) && !is_signed)
		err_set(e, ERR_NO,
		    "%s: %s: neither a whole update document nor a ledger, and"
		    " there is no %s.sig",
		    t->path, word_name(WORD_SYNTAX), t->path);
	else if (!is_signed && t->is_remote)
		goto out; /* why is told already */
	else if (kind == TARGET_PACKAGE)
		ret = check_package(v, t, given, e);
	else if (v->keys.n == 0)
		err_set(e, ERR_USAGE,
		    "%s: no key to check it with: give"
		    " -p PUB or --trust FILE",
		    t->path);
	else if (kind == TARGET_DOCUMENT)
		ret = check_text(v, t, kind, &front, e);
	else
		ret = package_check_sig(&v->keys, t->path, given, t->fd, e);
out:
	buf_free(&front);
	buf_free(&sig);
	return ret;
}

/* What is at an address. Without a key there is nothing that it could be
 * checked by, but for accidents: it is not fetched then. */
static int
check_remote(struct verify *v, const char *url, struct err *e)
{
	struct target t = {url, -1, 1};
	int ret;

	if (v->keys.n == 0)
		return err_set(e, ERR_USAGE,
		    "%s: no key to check it with: give -p PUB or --trust FILE",
		    url);
	if (v->remote.stop == NULL && remote_init(&v->remote, &v->say, e) != 0)
		return -1;
	t.fd = remote_open(&v->remote, url, e);
	if (t.fd < 0)
		return -1;
	ret = check_file(v, &t, e);
	close(t.fd);
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

/* --- unpacked folders --------------------------------------------------------
 */

struct folder {
	struct verify *verify;
	const char *path;
	int told; /* something failed and was named */
};

static void
tell_file(void *arg, const char *name, enum package_sum r, int errnum)
{
	struct folder *f = arg;
	struct verify *v = f->verify;
	char path[SHOWN], shown[SHOWN];

	snprintf(path, sizeof path, "%s/%s", f->path, name);
	if (r == PACKAGE_SUM_OK) {
		if (!v->say.quiet)
			print(&v->say, path, "OK");
		return;
	}
	f->told = 1;
	print(&v->say, path, "FAILED");
	text_escape(shown, sizeof shown, path, strlen(path), 0);
	if (r == PACKAGE_SUM_MISSING)
		say_error(&v->say, "%s: %s", shown, strerror(errnum));
	else
		say_error(&v->say, "%s: %s", shown,
		    r == PACKAGE_SUM_EXTRA ? "not listed in " PACKAGE_SUMS
					   : "not the listed bytes");
}

static int
check_folder(struct verify *v, const char *path, struct err *e)
{
	struct folder f = {v, path, 0};

	if (v->head)
		return err_set(e, ERR_NO, "%s: no update document", path);
	if (package_check_dir(path, NULL, tell_file, &f, e) == 0) {
		say_note(&v->say,
		    "%s: its digests alone: a folder has no signature", path);
		return 0;
	}
	if (!f.told)
		print(&v->say, path, "FAILED");
	return -1;
}

/* --- all targets -------------------------------------------------------------
 */

/* 0, or -1 with the reason; 1: it is a folder. */
static int
check_local(struct verify *v, const char *path, struct err *e)
{
	const int is_std = strcmp(path, "-") == 0;
	const char *name = is_std ? "standard input" : path;
	int fd = is_std ? STDIN_FILENO
			: open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	const struct target t = {path, fd, 0};
	struct stat st;
	int ret;

	if (fd < 0 || fstat(fd, &st) != 0)
		ret = err_errno(e, ERR_LOCAL, "%s", name);
	else if (!is_std && S_ISDIR(st.st_mode))
		ret = 1;
	else if (!is_std && !S_ISREG(st.st_mode))
		ret = err_set(e, ERR_LOCAL, "%s: not a regular file", name);
	else
		ret = check_file(v, &t, e);
	if (fd >= 0 && !is_std)
		close(fd);
	return ret;
}

/* 0, or -1 with the reason. The line of a file is printed here, and those of a
 * folder's files. */
static int
check(struct verify *v, const char *path, struct err *e)
{
	int ret = ftp_url_is(path) ? check_remote(v, path, e)
				   : check_local(v, path, e);

	if (ret == 1)
		return check_folder(v, path, e);
	if (!v->head && (ret != 0 || !v->say.quiet))
		print(&v->say, path, ret == 0 ? "OK" : "FAILED");
	return ret;
}

/* The worst so far: what could not be checked outweighs what failed. */
static int
check_all(struct verify *v, char **paths, size_t n)
{
	int status = 0;
	struct err e;
	size_t i;

	for (i = 0; i < n; i++) {
		if (check(v, paths[i], &e) == 0)
			continue;
		say_err(&v->say, &e);
		if (v->remote.stop != NULL && *v->remote.stop)
			return EXIT_INTERRUPTED;
		if ((int)e.kind > status)
			status = (int)e.kind;
	}
	return status;
}

int
cmd_verify(int argc, char **argv)
{
	struct verify v = {.keys = KEYRING_INIT};
	struct option_list pub = {{NULL}, 0};
	const char *trust = NULL, *sums = NULL;
	const struct option options[] = {
	    {'p', "pub", "FILE", "trust this public key", .list = &pub},
	    {0, "trust", "FILE", "trust the keys in this list", .text = &trust},
	    {0, "head", NULL, "print a document's signed text",
		.flag = &v.head},
	    {0, "sums", "FILE", "check the files in this list of digests",
		.text = &sums},
	};
	const struct usage usage = {
	    "[-qvh] [--json] [-p PUB]... [--trust FILE] [--head] TARGET...\n"
	    "       hotfix verify [-qvh] [--json] --sums FILE [DIR]",
	    "Check update documents, ledgers, release packages, unpacked"
	    " packages, and files\nwith a signify signature TARGET.sig beside"
	    " them: a line TARGET: OK or\nTARGET: FAILED for each, of a folder"
	    " for each file in it. What has an ftp://\naddress is fetched,"
	    " checked and not kept. With --sums the files in DIR that a\nlist"
	    " names, as md5sum -c does.\n",
	    options, sizeof options / sizeof *options, NULL, 0, NULL, 0};
	char **operands;
	struct err e;
	size_t n;
	int status;

	status = options_parse(&v.say, &usage, argc, argv, &operands, &n);
	if (status != OPTIONS_GO_ON)
		return status;
	if (sums != NULL && (pub.n > 0 || trust != NULL || v.head))
		return options_complain(&v.say,
		    "--sums checks digests and no signature");
	if (sums != NULL && n > 1)
		return options_complain(&v.say, "--sums takes one DIR");
	if (sums != NULL)
		return verify_sums(&v.say, sums, n > 0 ? operands[0] : NULL);
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
