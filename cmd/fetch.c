/* hotfix fetch: bring a file here and check it. */

#include "cmd/verbs.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/hex.h"
#include "base/num.h"
#include "base/text.h"
#include "cmd/options.h"
#include "cmd/package.h"
#include "cmd/progress.h"
#include "cmd/remote.h"
#include "cmd/signals.h"
#include "crypto/signify.h"
#include "lua-host/keys.h"
#include "net/ftp_url.h"
#include "pack/fetch.h"

#define SHOWN 512 /* of a path in a message */

struct fetch {
	struct say say;
	struct progress progress;
	struct keyring keys;
	const char *url, *path;
	struct signify_sig sig;
	struct keyring_check *check; /* of what came so far */
	const char *signer;          /* whose key it was */

	/* As told on the command line. */
	const char *size_text, *md5_text, *sha512_text, *tries_text;
	int64_t timeout_ms;
	uint8_t md5[MD5_SIZE], sha512[SHA512_SIZE];
	struct fetch_spec spec;
	struct fetch_result result;
};

/* --- while it runs ---------------------------------------------------------
 */

static void
on_trace(void *arg, const char *line)
{
	struct fetch *v = arg;

	progress_hide(&v->progress);
	say_detail(&v->say, "%s", line);
}

static void
on_progress(void *arg, uint64_t so_far, uint64_t size)
{
	struct fetch *v = arg;

	progress_moved(&v->progress, so_far, size);
}

static void
on_again(void *arg, const struct err *why)
{
	struct fetch *v = arg;

	progress_hide(&v->progress);
	say_note(&v->say, "%s; trying again", why->text);
}

/* The signature is checked as the bytes come: it is of those, and nothing is
 * read twice. */
static int
begin_check(void *arg, struct digests_work *work, struct err *e)
{
	struct fetch *v = arg;
	char shown[SHOWN];

	text_escape(shown, sizeof shown, v->url, strlen(v->url), 0);
	keyring_check_free(v->check);
	v->check = keyring_check_start(&v->keys, &v->sig, shown, e);
	if (v->check == NULL)
		return -1;
	*work = package_check_work(v->check);
	return 0;
}

static int
end_check(void *arg, int fd, struct err *e)
{
	struct fetch *v = arg;
	const struct trust_key *key;

	(void)fd;
	progress_hide(&v->progress);
	if (keyring_check_final(v->check, &key, e) != 0)
		return -1;
	v->signer = key->name;
	return 0;
}

/* --- before ----------------------------------------------------------------
 */

/* A number or a digest of the command line. 0, or the exit status. */
static int
parse_known(struct fetch *v)
{
	uint64_t tries;

	if (v->size_text != NULL) {
		if (num_parse(v->size_text, strlen(v->size_text),
			FETCH_SIZE_MAX, &v->spec.size) != NUM_OK)
			return options_complain(&v->say,
			    "--size: bytes, up to %" PRIu64, FETCH_SIZE_MAX);
		v->spec.has_size = 1;
	}
	if (v->md5_text != NULL) {
		if (hex_decode(v->md5, sizeof v->md5, v->md5_text,
			strlen(v->md5_text)) != 0)
			return options_complain(&v->say,
			    "--md5: 32 hexadecimal digits, in lower case");
		v->spec.md5 = v->md5;
	}
	if (v->sha512_text != NULL) {
		if (hex_decode(v->sha512, sizeof v->sha512, v->sha512_text,
			strlen(v->sha512_text)) != 0)
			return options_complain(&v->say,
			    "--sha512: 128 hexadecimal digits, in lower case");
		v->spec.sha512 = v->sha512;
	}
	if (v->tries_text != NULL) {
		if (num_parse(v->tries_text, strlen(v->tries_text),
			FETCH_TRIES_MAX, &tries) != NUM_OK ||
		    tries == 0)
			return options_complain(&v->say,
			    "--tries: a number from 1 to %d", FETCH_TRIES_MAX);
		v->spec.tries = (unsigned)tries;
	}
	return 0;
}

/* Where it goes, from the command line alone; parsed keeps the name. 0, or the
 * exit status. */
static int
choose_path(struct fetch *v, struct ftp_url *parsed)
{
	struct err e;

	if (ftp_url_parse(parsed, v->url, &e) != 0)
		return say_err(&v->say, &e);
	if (v->path == NULL)
		v->path = ftp_url_name(parsed);
	else if (strcmp(v->path, "-") == 0)
		return options_complain(&v->say,
		    "-o -: nothing is given out before it is checked");
	if (v->path[0] == '\0')
		return options_complain(&v->say, "no name of a file in URL");
	if (v->path == ftp_url_name(parsed) && v->path[0] == '.')
		return options_complain(&v->say,
		    "URL would make a hidden file: give it a name with -o");
	return 0;
}

/* --- the work --------------------------------------------------------------
 */

static int
fetch_signature(struct fetch *v, struct err *e)
{
	struct fetch_spec s = v->spec;
	struct buf text = BUF_INIT;
	char *url = remote_sig_url(v->url);
	enum signify_result r;
	char shown[SHOWN];
	size_t used;
	int ret = -1;

	s.has_size = 0;
	s.md5 = NULL;
	s.sha512 = NULL;
	s.progress = NULL;
	s.result = NULL;
	s.url = url;
	if (s.url == NULL) {
		err_set(e, ERR_LOCAL, "out of memory");
		goto out;
	}
	if (fetch_memory(&s, SIGNIFY_FILE, &text, e) != 0)
		goto out;
	r = signify_sig_parse(&v->sig, (const char *)text.data, text.len,
	    &used);
	if (r == SIGNIFY_OK && used != text.len)
		r = SIGNIFY_SYNTAX;
	if (r != SIGNIFY_OK) {
		text_escape(shown, sizeof shown, s.url, strlen(s.url), 0);
		err_set(e, ERR_NO, "%s: %s", shown, signify_strerror(r));
		goto out;
	}
	ret = 0;
out:
	free(url);
	buf_free(&text);
	return ret;
}

static int
fetch(struct fetch *v, struct err *e)
{
	struct digests_work unused;

	if (v->keys.n > 0) {
		/* Of which key it is, is told before a byte has come. */
		if (fetch_signature(v, e) != 0 ||
		    begin_check(v, &unused, e) != 0)
			return -1;
		v->spec.begin = begin_check;
		v->spec.check = end_check;
	}
	return fetch_file(&v->spec, v->path, e);
}

static void
print(struct fetch *v)
{
	char md5[2 * MD5_SIZE + 1], sha512[2 * SHA512_SIZE + 1];
	struct say *s = &v->say;

	say_text(s, "path", v->path);
	say_count(s, "bytes", v->result.size);
	say_text(s, "md5", hex_encode(md5, v->result.md5, MD5_SIZE));
	say_text(s, "sha512",
	    hex_encode(sha512, v->result.sha512, SHA512_SIZE));
	if (v->signer != NULL)
		say_text(s, "signed-by", v->signer);
	say_count(s, "tries", v->result.tries);
	say_end(s);
}

static int
run(struct fetch *v)
{
	struct fetch_spec *s = &v->spec;
	struct ftp_url parsed;
	struct err e;
	int status = choose_path(v, &parsed);

	if (status != 0)
		return status;
	s->stop = signals_flag(&e);
	if (s->stop == NULL)
		return say_err(&v->say, &e);
	s->url = v->url;
	s->timeout_ms = v->timeout_ms > 0 ? v->timeout_ms : 0;
	s->fresh = 1;
	s->trace = v->say.verbose ? on_trace : NULL;
	s->progress = on_progress;
	s->again = on_again;
	s->arg = v;
	s->result = &v->result;
	progress_open(&v->progress, &v->say, v->path);
	status = fetch(v, &e);
	progress_hide(&v->progress);
	if (status == 0) {
		print(v);
		return 0;
	}
	say_err(&v->say, &e);
	return *s->stop ? EXIT_INTERRUPTED : (int)e.kind;
}

int
cmd_fetch(int argc, char **argv)
{
	struct fetch v;
	struct option_list pub = {{NULL}, 0};
	const char *trust = NULL;
	const struct option options[] = {
	    {'p', "pub", "FILE",
		"trust this public key; URL.sig must be signed by it",
		.list = &pub},
	    {0, "trust", "FILE", "trust the keys in this list", .text = &trust},
	    {'o', "output", "FILE", "where to; default: URL's last part",
		.text = &v.path},
	    {0, "size", "N", "what it must have, in bytes",
		.text = &v.size_text},
	    {0, "md5", "HEX", "what its MD5 must be", .text = &v.md5_text},
	    {0, "sha512", "HEX", "what its SHA-512 must be",
		.text = &v.sha512_text},
	    {0, "timeout", "T", "the most that one try may take; default 10m",
		.ms = &v.timeout_ms},
	    {0, "tries", "N", "how often to try; default 3",
		.text = &v.tries_text},
	};
	const struct usage usage = {
	    "[-qvh] [--json] [-p PUB]... [--trust FILE] [-o FILE] [--size N]"
	    " [--md5 X]\n       [--sha512 X] [--timeout T] [--tries N] URL",
	    "Bring a file ftp://[user@]host[:port]/path here and check it."
	    " It gets its name\nonce it is whole and what it should be."
	    " Passwords come from ~/.netrc or\nHOTFIX_FTP_PASSWORD.\n",
	    options, sizeof options / sizeof *options, NULL, 0, NULL, 0};
	char **operands;
	struct err e;
	size_t n;
	int status;

	memset(&v, 0, sizeof v);
	v.timeout_ms = -1;
	status = options_parse(&v.say, &usage, argc, argv, &operands, &n);
	if (status != OPTIONS_GO_ON)
		return status;
	if (n != 1)
		return options_complain(&v.say, "one URL is needed");
	status = parse_known(&v);
	if (status != 0)
		return status;
	v.url = operands[0];
	if (keys_load(&v.keys, pub.items, pub.n, trust, &e) != 0)
		return say_err(&v.say, &e);
	status = run(&v);
	keyring_check_free(v.check);
	keyring_free(&v.keys);
	return status;
}
