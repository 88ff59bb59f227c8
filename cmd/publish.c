/* hotfix publish: a release, from a folder to everybody's notice. */

/* realpath is an extension of POSIX. */
#define _XOPEN_SOURCE 700

#include "cmd/verbs.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hex.h"
#include "base/num.h"
#include "base/text.h"
#include "cmd/clock.h"
#include "cmd/parcel.h"
#include "cmd/plan.h"
#include "cmd/progress.h"
#include "cmd/send.h"
#include "cmd/signals.h"
#include "cmd/signer.h"
#include "crypto/wipe.h"
#include "lua-host/keys.h"
#include "net/frame.h"
#include "net/netrc.h"
#include "pack/publish.h"
#include "pack/store.h"

#define SYNOPSIS                                                         \
	"-k KEY --to PLACE --version LIST [OPTION]... PACKAGE\n"         \
	"       hotfix publish -k KEY --to PLACE --version LIST -n NAME" \
	" -r RELEASE [OPTION]... DIR\n"                                  \
	"       hotfix publish -k KEY --to PLACE -n NAME --undo [OPTION]..."

#define ABOUT                                                               \
	"Put a release package into a place, ftp://[USER@]HOST[:PORT]/PATH" \
	" or a folder: it is\nuploaded, read back, compared, and gets its"  \
	" name at once; then it is the latest\nrelease, and hosts are told.\n"

/* Clients fetch before they can answer. */
#define WAIT_MS 30000

#define RETRIES_MAX 1000

/* A document with its parts, as hosts take them. */
#define LATEST_MAX ((size_t)DOC_HEAD_MAX + FRAME_BODY_MAX)

/* The field of a document that tells which release it took the place of. */
#define PREVIOUS "previous"

#define URL_MAX 1024 /* of the place; a field's line has room for more */

struct publishing {
	struct say say;
	struct plan plan;

	/* options */
	const char *to, *name, *release, *since, *build, *output, *full, *url;
	const char *readback, *retries, *trust, *said_feature;
	struct option_list exclude, unchecked, notify, pub;
	int64_t spread_ms, timeout_ms;
	int undo, break_lock;

	/* made of them */
	unsigned tries;
	char base_url[URL_MAX];
	struct keyring keys;
	struct signer signer;
	struct clock clock;
	struct hosts hosts;
	struct talk *talk;
	const volatile sig_atomic_t *stop;
	struct progress progress;
	const char *what; /* its title; NULL: none yet */
	struct ftp_url ftp;
	struct ftp_login login;
	struct lock_self self;
	struct store *store;
	struct publish *place;

	struct parcel package, whole; /* whole: --full */
	struct document latest, made;
	struct buf fields;
	char feature[DOC_FEATURE + 1];
	char latest_name[RELEASE_WORD + 16];
	char previous[RELEASE_WORD + 1]; /* the release before; "" none */
	int is_released, is_busy;
};

/* --- what was asked for ------------------------------------------------------
 */

static int
is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static int
check_word(const struct say *s, const char *option, const char *word)
{
	if (word == NULL || release_is_word(word, strlen(word)))
		return 0;
	return options_complain(s,
	    "%s: 1 to %d letters, digits and '.', '_', '+', '-', a letter or"
	    " digit first",
	    option, RELEASE_WORD);
}

/* What goes with a folder alone. */
static int
has_making(const struct publishing *p)
{
	return p->since != NULL || p->build != NULL || p->output != NULL ||
	       p->exclude.n > 0 || p->unchecked.n > 0;
}

static int
check_undo(const struct publishing *p, size_t n)
{
	const struct say *s = &p->say;

	if (n > 0 || p->release != NULL || has_making(p) || p->full != NULL)
		return options_complain(s,
		    "--undo goes back to a package that is there: it takes"
		    " none");
	if (p->name == NULL)
		return options_complain(s, "--undo of what? give -n NAME");
	if (p->plan.client != NULL || p->spread_ms >= 0 || p->url != NULL)
		return options_complain(s, "--undo takes --client, --spread"
					   " and --url from the document");
	return 0;
}

static int
check_package(const struct publishing *p, char **operands, size_t n)
{
	const struct say *s = &p->say;

	if (n != 1)
		return options_complain(s, "one DIR or PACKAGE");
	if (p->plan.version == NULL)
		return options_complain(s,
		    "a package needs --version V: the clients it was made for"
		    " ('*' if really all, those of every future build too)");
	if (access(operands[0], F_OK) != 0) {
		say_error(s, "%s: %s", operands[0], strerror(errno));
		return ERR_LOCAL;
	}
	if (is_folder(operands[0]) && (p->name == NULL || p->release == NULL))
		return options_complain(s,
		    "%s is a folder: give -n NAME and -r RELEASE", operands[0]);
	if (!is_folder(operands[0]) &&
	    (p->name != NULL || p->release != NULL || has_making(p)))
		return options_complain(s,
		    "-n, -r, -o, --since, --exclude, --build and"
		    " --no-lua-check are for a folder; a package has its name"
		    " and release");
	return 0;
}

static int
check_usage(const struct publishing *p, char **operands, size_t n)
{
	const struct say *s = &p->say;
	int status;

	if (p->to == NULL)
		return options_complain(s, "where? give --to PLACE");
	/* A variable that was not set would be the root of this machine. */
	if (*p->to == '\0')
		return options_complain(s, "--to: its PLACE is empty");
	if (p->readback != NULL && strcmp(p->readback, "yes") != 0 &&
	    strcmp(p->readback, "no") != 0)
		return options_complain(s, "--readback: yes or no");
	if (p->plan.on == NULL && p->plan.by != NULL)
		return options_complain(s, "--by is the latest for an event:"
					   " give --on EVENT");
	if (p->url != NULL && !doc_url_is_valid(p->url, strlen(p->url)))
		return options_complain(s,
		    "--url: SCHEME://HOST/PATH, without a user: everybody reads"
		    " it");
	if (p->output != NULL && strcmp(p->output, "-") == 0)
		return options_complain(s,
		    "-o -: a package is a file, with its signature beside it");
	status = check_word(s, "-n", p->name);
	if (status == 0)
		status = check_word(s, "-r", p->release);
	if (status != 0)
		return status;
	return p->undo ? check_undo(p, n) : check_package(p, operands, n);
}

/* A folder here as an address, escaped as far as is needed. What is not there
 * yet is found from where we are. 0, or -1 with err. */
static int
put_folder(struct buf *out, const char *path, struct err *e)
{
	static const char plain[] = "/-._~";
	char *real = realpath(path, NULL), *here = NULL;
	struct buf full = BUF_INIT;
	const char *at;
	int ret = -1;

	if (real != NULL || path[0] == '/') {
		buf_puts(&full, real != NULL ? real : path);
	} else {
		here = realpath(".", NULL);
		if (here == NULL) {
			err_errno(e, ERR_LOCAL, "the current folder");
			goto out;
		}
		buf_printf(&full, "%s/%s", here, path);
	}
	buf_puts(out, "file://localhost");
	for (at = buf_text(&full); at != NULL && *at != '\0'; at++) {
		if ((*at >= '0' && *at <= '9') || (*at >= 'a' && *at <= 'z') ||
		    (*at >= 'A' && *at <= 'Z') || strchr(plain, *at) != NULL)
			buf_append(out, at, 1);
		else
			buf_printf(out, "%%%02X", (unsigned)(uint8_t)*at);
	}
	ret = full.oom ? err_set(e, ERR_LOCAL, "out of memory") : 0;
out:
	buf_free(&full);
	free(real);
	free(here);
	return ret;
}

/* The address that clients are told: of the folder of releases. */
static int
find_url(struct publishing *p, struct err *e)
{
	struct buf b = BUF_INIT;
	const char *text = p->url;
	size_t len;
	int ret = -1;

	if (text == NULL && ftp_url_is(p->to)) {
		if (ftp_url_format(&b, &p->ftp) != 0 ||
		    (text = buf_text(&b)) == NULL) {
			err_set(e, ERR_LOCAL, "out of memory");
			goto out;
		}
	} else if (text == NULL && p->hosts.n > 0 && !p->undo) {
		err_set(e, ERR_USAGE,
		    "clients cannot fetch from a folder: give --url URL, where"
		    " they will find it");
		goto out;
	} else if (text == NULL) {
		/* Nobody is told; who takes the document from the folder
		 * finds the package beside it. */
		if (put_folder(&b, p->to, e) != 0)
			goto out;
		text = buf_text(&b);
		if (text == NULL) {
			err_set(e, ERR_LOCAL, "out of memory");
			goto out;
		}
	}
	len = strlen(text);
	if (!text_is_clean(text, len)) {
		err_set(e, ERR_USAGE, "--url: it has control characters");
		goto out;
	}
	while (len > 0 && text[len - 1] == '/')
		len--;
	if (len + sizeof "/release" > sizeof p->base_url) {
		err_set(e, ERR_USAGE, "%s: at most %d bytes",
		    p->url != NULL ? "--url" : "the address of the place",
		    URL_MAX);
		goto out;
	}
	snprintf(p->base_url, sizeof p->base_url, "%.*s/release", (int)len,
	    text);
	ret = 0;
out:
	buf_free(&b);
	return ret;
}

static int
find_place(struct publishing *p, struct err *e)
{
	uint64_t n;

	p->tries = PUBLISH_TRIES;
	if (p->retries != NULL) {
		if (num_parse(p->retries, strlen(p->retries), RETRIES_MAX,
			&n) != NUM_OK)
			return err_set(e, ERR_USAGE,
			    "--retries: a number up to %d", RETRIES_MAX);
		p->tries = (unsigned)n;
	}
	if (!ftp_url_is(p->to)) {
		if (strstr(p->to, "://") != NULL)
			return err_set(e, ERR_USAGE,
			    "--to: ftp://[USER@]HOST[:PORT]/PATH, or a"
			    " folder");
		return 0;
	}
	if (ftp_url_parse(&p->ftp, p->to, e) != 0)
		return -1;
	return ftp_login_find(&p->login, &p->ftp, e);
}

/* Whose signatures are believed: those of our key, and those that were named.
 */
static int
load_keys(struct publishing *p, struct err *e)
{
	struct signify_pub own;
	struct buf text = BUF_INIT;
	size_t i;
	int ret = 0;

	if (keys_load(&p->keys, p->pub.items, p->pub.n, p->trust, e) != 0)
		return -1;
	if (p->signer.command != NULL)
		return 0;
	signify_sec_public(&own, &p->signer.sec);
	for (i = 0; i < p->keys.n; i++)
		if (memcmp(&p->keys.keys[i].pub, &own, sizeof own) == 0)
			return 0;
	if (signify_pub_format(&text, &own, "own") != 0)
		ret = err_set(e, ERR_LOCAL, "out of memory");
	else
		ret = keyring_add_pub(&p->keys, "own.pub",
		    (const char *)text.data, text.len, e);
	buf_free(&text);
	return ret;
}

/* The feature is the package's name, as far as features may be called so. */
static void
name_feature(struct publishing *p, const char *name)
{
	size_t i;

	for (i = 0; i < DOC_FEATURE && name[i] != '\0'; i++) {
		p->feature[i] = name[i];
		if (name[i] >= 'A' && name[i] <= 'Z')
			p->feature[i] = (char)(name[i] - 'A' + 'a');
		else if (name[i] == '+')
			p->feature[i] = '-';
	}
	p->feature[i] = '\0';
	if (p->said_feature == NULL)
		p->plan.feature = p->feature;
	p->plan.spec.feature = p->plan.feature;
	snprintf(p->latest_name, sizeof p->latest_name, "%s.latest", name);
}

/* --- the document's fields ---------------------------------------------------
 */

static void
put_package(struct publishing *p, const char *field, const struct parcel *from,
    char *url, size_t size)
{
	struct doc_package d = {.present = 1, .len = from->info.len};

	snprintf(url, size, "%s/%s", p->base_url, from->name);
	strcpy(d.name, from->info.release.name);
	strcpy(d.release, from->info.release.release);
	memcpy(d.md5, from->info.md5, sizeof d.md5);
	memcpy(d.sha512, from->info.sha512, sizeof d.sha512);
	d.url = url;
	document_put_package(&p->fields, field, &d);
}

/* All that the plan does not know of. */
static int
make_fields(struct publishing *p, struct err *e)
{
	char url[URL_MAX + sizeof p->package.name];

	buf_reset(&p->fields);
	if (!p->undo) {
		put_package(p, "package", &p->package, url, sizeof url);
		if (p->package.info.release.base[0] != '\0')
			buf_printf(&p->fields, "base: %s\n",
			    p->package.info.release.base);
		if (p->whole.fd >= 0)
			put_package(p, "full", &p->whole, url, sizeof url);
		if (p->spread_ms >= 0)
			buf_printf(&p->fields, "spread: %" PRId64 "ms\n",
			    p->spread_ms);
	}
	if (p->previous[0] != '\0')
		buf_printf(&p->fields, PREVIOUS ": %s\n", p->previous);
	p->plan.package = buf_text(&p->fields);
	return p->plan.package != NULL ? 0
				       : err_set(e, ERR_LOCAL, "out of memory");
}

/* Whether what was said can be signed, before anything is done: with a package
 * that is made up. 0, or -1 with err. */
static int
try(struct publishing *p, struct err *e)
{
	struct parcel kept = p->package;
	int ret;

	if (p->undo)
		return 0;
	strcpy(p->package.info.release.name, "n");
	strcpy(p->package.info.release.release, "r");
	parcel_name(&p->package, 0);
	ret = make_fields(p, e) == 0
		  ? plan_try(&p->plan, clock_now_us(&p->clock), e)
		  : -1;
	p->package = kept;
	/* The rest of that field was made up here, and is right. */
	if (ret != 0 && strncmp(e->text, "package: ", 9) == 0)
		err_set(e, ERR_USAGE,
		    "%s: clients cannot be told this address: it is to be"
		    " SCHEME://HOST/PATH, without a user or a blank",
		    p->url != NULL ? "--url" : "--to");
	return ret;
}

/* --- packages
 * ------------------------------------------------------------------ */

static void
show(struct publishing *p, const char *what, uint64_t so_far, uint64_t total)
{
	if (p->what == NULL || strcmp(p->what, what) != 0 || so_far == 0) {
		if (p->what != NULL)
			progress_hide(&p->progress);
		progress_open(&p->progress, &p->say, what);
		p->what = what;
	}
	progress_moved(&p->progress, so_far, total);
}

/* Before anything else is written. */
static void
hide(struct publishing *p)
{
	if (p->what != NULL)
		progress_hide(&p->progress);
	p->what = NULL;
}

static void
on_pack(void *arg, uint64_t so_far, uint64_t total)
{
	show(arg, "pack", so_far, total);
}

static int
make_package(struct publishing *p, const char *dir, struct err *e)
{
	struct package_job job = {.say = &p->say,
	    .dir = dir,
	    .name = p->name,
	    .release = p->release,
	    .since = p->since,
	    .build = p->build,
	    .exclude = &p->exclude,
	    .unchecked = &p->unchecked,
	    .signer = &p->signer,
	    .progress = on_pack,
	    .arg = p};
	char *path =
	    p->output == NULL ? package_file_name(p->name, p->release) : NULL;
	int ret = -1;

	if (path == NULL && p->output == NULL)
		return err_set(e, ERR_LOCAL, "out of memory");
	if (package_time(clock_now_us(&p->clock), &job.time_us, e) == 0)
		ret = parcel_make(&p->package, &job,
		    p->output != NULL ? p->output : path, e);
	free(path);
	return ret;
}

/* The full package is of the same release, and has a base no more. */
static int
open_full(struct publishing *p, struct err *e)
{
	const struct release *r = &p->package.info.release, *f;

	if (p->full == NULL)
		return 0;
	if (parcel_open(&p->whole, &p->say, p->full, &p->keys, &p->signer, e) !=
	    0)
		return -1;
	f = &p->whole.info.release;
	if (r->base[0] == '\0' || f->base[0] != '\0')
		return err_set(e, ERR_USAGE,
		    "--full: the full package goes beside one that was made"
		    " --since another");
	if (strcmp(r->name, f->name) != 0 ||
	    strcmp(r->release, f->release) != 0 ||
	    memcmp(r->tree, f->tree, sizeof r->tree) != 0)
		return err_set(e, ERR_NO,
		    "%s: not the same release as the package", p->full);
	parcel_name(&p->whole, 1);
	return 0;
}

static int
open_packages(struct publishing *p, const char *path, struct err *e)
{
	int ret;

	if (is_folder(path))
		ret = make_package(p, path, e);
	else
		ret = parcel_open(&p->package, &p->say, path, &p->keys,
		    &p->signer, e);
	if (ret != 0)
		return -1;
	parcel_name(&p->package, 0);
	if (p->name == NULL)
		name_feature(p, p->package.info.release.name);
	return open_full(p, e);
}

static void
say_digest(struct say *s, const char *name, const uint8_t *bytes, size_t len)
{
	char hex[2 * SHA512_SIZE + 1];

	say_text(s, name, hex_encode(hex, bytes, len));
}

static void
say_parcel(struct publishing *u, const struct parcel *p, int beside)
{
	char url[URL_MAX + sizeof p->name];
	struct say *s = &u->say;

	if (p->fd < 0)
		return;
	snprintf(url, sizeof url, "%s/%s", u->base_url, p->name);
	say_count(s, beside ? "full-bytes" : "bytes", p->info.len);
	say_digest(s, beside ? "full-md5" : "md5", p->info.md5, MD5_SIZE);
	say_digest(s, beside ? "full-sha512" : "sha512", p->info.sha512,
	    SHA512_SIZE);
	say_text(s, beside ? "full-url" : "url", url);
}

/* --- the place
 * ------------------------------------------------------------------- */

static void
on_note(void *arg, const char *text)
{
	struct publishing *p = arg;

	hide(p);
	say_note(&p->say, "%s", text);
}

static void
on_progress(void *arg, const char *what, uint64_t so_far, uint64_t total)
{
	show(arg, what, so_far, total);
}

static void
on_trace(void *arg, const char *line)
{
	struct publishing *p = arg;

	hide(p);
	say_detail(&p->say, "%s", line);
}

static int
open_place(struct publishing *p, struct err *e)
{
	const struct store_ftp_config ftp = {.url = &p->ftp,
	    .user = p->login.user,
	    .password = p->login.password,
	    .idle_ms = p->timeout_ms > 0 ? p->timeout_ms : 0,
	    .trace = p->say.verbose ? on_trace : NULL,
	    .arg = p,
	    .stop = p->stop};
	struct publish_config c = {.self = &p->self,
	    .latest = p->latest_name,
	    .now_us = clock_now_us(&p->clock),
	    .break_lock = p->break_lock,
	    .tries = p->tries,
	    .no_readback =
		p->readback != NULL && strcmp(p->readback, "no") == 0,
	    .note = on_note,
	    .progress = on_progress,
	    .arg = p,
	    .stop = p->stop};
	struct publish_file first;
	int busy = 0;

	if (!p->undo) {
		parcel_file(&p->package, &first);
		c.name = first.name;
		c.part = first.part;
	}
	if (lock_self_get(&p->self, e) != 0)
		return -1;
	p->store = ftp_url_is(p->to) ? store_open_ftp(&ftp, e)
				     : store_open_dir(p->to, e);
	if (p->store == NULL)
		return -1;
	c.store = p->store;
	p->place = publish_open(&c, &busy, e);
	p->is_busy = p->place == NULL && busy;
	return p->place != NULL ? 0 : -1;
}

static int
put_parcel(struct publishing *p, const struct parcel *from, const char *field,
    struct err *e)
{
	struct publish_outcome out;
	struct publish_file f;
	int ret;

	parcel_file(from, &f);
	ret = publish_package(p->place, &f, &out, e);
	hide(p);
	if (ret != 0)
		return -1;
	if (out.was_there)
		say_note(&p->say, "%s is there already, and equal", from->name);
	if (p->readback != NULL && strcmp(p->readback, "no") == 0 &&
	    !out.by_place)
		say_note(&p->say,
		    "the place makes out no digest itself: %s"
		    " was read back all the same",
		    from->name);
	say_digest(&p->say, field, out.md5, MD5_SIZE);
	fflush(stdout);
	return 0;
}

/* What is the latest there, NAME.latest: nothing where there is none. */
static int
read_latest(struct publishing *p, struct err *e)
{
	char name[RELEASE_WORD + 16];
	struct buf b = BUF_INIT;
	struct refusal why;
	struct err broken;
	struct doc *d;
	int ret;

	ret = publish_read(p->place, p->latest_name, LATEST_MAX, &b, e);
	if (ret == 0 && document_take(&p->latest, p->latest_name, b.data, b.len,
			    &broken) != 0)
		ret = err_set(e, broken.kind, "%.300s%s", broken.text,
		    broken.kind == ERR_NO
			? "; put the .update file of a release in its place,"
			  " or remove it"
			: "");
	buf_free(&b);
	if (ret != 0)
		return ret < 0 ? -1 : 0;
	if (!p->latest.doc->package.present)
		return err_set(e, ERR_NO, "%s: a document without a package",
		    p->latest_name);
	/* Names of files are made of it. */
	snprintf(name, sizeof name, "%s.latest", p->latest.doc->package.name);
	if (strcmp(name, p->latest_name) != 0)
		return err_set(e, ERR_NO, "%s: it is about the package %s",
		    p->latest_name, p->latest.doc->package.name);
	/* It only tells what came before; what --undo signs is checked anew. */
	if (doc_open(&d, p->latest.bytes.data, p->latest.head_len, &p->keys,
		&why) != WORD_OK)
		say_note(&p->say,
		    "%s: signed by none of the keys that are known here;"
		    " --undo will not go back to it without -p PUB",
		    p->latest_name);
	else
		doc_free(d);
	return 0;
}

/* Its document stays to be found when the release is not the latest any more.
 */
static int
keep_latest(struct publishing *p, const char *release, struct err *e)
{
	const struct doc *d = p->latest.doc;
	char name[2 * RELEASE_WORD + 16];

	if (d == NULL || strcmp(d->package.release, release) == 0)
		return 0;
	snprintf(name, sizeof name, "%s-%s.update", d->package.name,
	    d->package.release);
	return publish_write(p->place, name, p->latest.bytes.data,
	    p->latest.bytes.len, e);
}

/* --- going back
 * -------------------------------------------------------------------- */

/* The document of the release before the latest: to p->plan.old. */
static int
read_previous(struct publishing *p, struct err *e)
{
	char name[2 * RELEASE_WORD + 16], release[RELEASE_WORD + 1];
	struct buf b = BUF_INIT;
	struct refusal why;
	struct doc *d;
	int ret;

	if (p->latest.doc == NULL)
		return err_set(e, ERR_NO, "%s: nothing was published",
		    p->latest_name);
	if (document_field(&p->latest, PREVIOUS, release, sizeof release) !=
		0 ||
	    !release_is_word(release, strlen(release)))
		return err_set(e, ERR_NO, "%s: there is no release before %s",
		    p->latest_name, p->latest.doc->package.release);
	snprintf(name, sizeof name, "%s-%s.update", p->name, release);
	ret = publish_read(p->place, name, LATEST_MAX, &b, e);
	if (ret == 0)
		ret = document_take(&p->plan.old, name, b.data, b.len, e);
	else if (ret == 1)
		ret = err_set(e, ERR_NO, "%s: it is not there any more", name);
	buf_free(&b);
	if (ret != 0)
		return -1;
	/* What is signed anew must have been signed by somebody to be believed:
	 * a password for the place is not enough to make us sign. */
	if (doc_open(&d, p->plan.old.bytes.data, p->plan.old.head_len, &p->keys,
		&why) != WORD_OK)
		return err_set(e, ERR_NO,
		    "%s: %s: %s; whose key is to be"
		    " believed is said by -p PUB",
		    name, word_name(why.word), why.text);
	doc_free(d);
	d = p->plan.old.doc;
	if (!d->package.present || strcmp(d->package.name, p->name) != 0 ||
	    strcmp(d->package.release, release) != 0)
		return err_set(e, ERR_NO, "%s: not of that release", name);
	if (document_field(&p->plan.old, PREVIOUS, p->previous,
		sizeof p->previous) != 0)
		p->previous[0] = '\0';
	p->plan.again = "the document of the release before";
	return 0;
}

/* 0 when the package of a document is still there, by its digests. */
static int
check_there(struct publishing *p, const struct doc_package *d, struct err *e)
{
	const char *slash = strrchr(d->url, '/');
	struct publish_file f = {
	    .name = slash != NULL ? slash + 1 : d->url, .len = d->len};

	memcpy(f.md5, d->md5, sizeof f.md5);
	memcpy(f.sha512, d->sha512, sizeof f.sha512);
	return publish_check(p->place, &f, e);
}

static int
go_back(struct publishing *p, struct err *e)
{
	const struct doc *d;
	int ret;

	if (read_previous(p, e) != 0)
		return -1;
	d = p->plan.old.doc;
	ret = check_there(p, &d->package, e);
	if (ret == 0 && d->full.present)
		ret = check_there(p, &d->full, e);
	hide(p);
	if (ret != 0)
		return -1;
	say_text(&p->say, "package", d->package.name);
	say_text(&p->say, "release", d->package.release);
	say_count(&p->say, "bytes", d->package.len);
	say_digest(&p->say, "md5", d->package.md5, MD5_SIZE);
	say_digest(&p->say, "sha512", d->package.sha512, SHA512_SIZE);
	say_text(&p->say, "url", d->package.url);
	return 0;
}

/* --- release
 * ------------------------------------------------------------------------ */

/* What was said on the command line wins over the document before. */
static void
override(struct publishing *p)
{
	const struct plan *o = &p->plan;
	struct doc_spec *s = &p->plan.spec;

	if (o->version != NULL)
		s->version = o->version;
	if (o->platform != NULL)
		s->platform = o->platform;
	if (o->program != NULL)
		s->program = o->program;
	if (o->server_version != NULL)
		s->server_version = o->server_version;
	if (o->server_program != NULL)
		s->server_program = o->server_program;
	if (o->zone != NULL)
		s->zone = o->zone;
	if (o->note != NULL)
		s->note = o->note;
}

static int
sign(struct publishing *p, struct err *e)
{
	int64_t now_us = clock_now_us(&p->clock);
	/* Two releases within one microsecond are none; but a clock that was
	 * set back may sign below the one before, and hosts take nothing older.
	 */
	const struct doc *latest = p->latest.doc;

	if (latest != NULL && (int64_t)latest->id >= now_us)
		return err_set(e, ERR_NO,
		    "%s was signed in the future of this clock: set it, or"
		    " give --ntp SERVER",
		    p->latest_name);
	if (make_fields(p, e) != 0)
		return -1;
	if (p->undo) {
		if (plan_make_again(&p->plan, now_us, e) != 0)
			return -1;
		override(p);
	} else if (plan_make(&p->plan, &p->hosts, now_us, e) != 0) {
		return -1;
	}
	return document_sign(&p->made, &p->plan.spec, &p->signer, e);
}

/* How many clients there are bounds how many may fail; a host that is not
 * there now may have the release later. SEND_GO_ON, or a status. */
static int
survey(struct publishing *p)
{
	if (p->hosts.n == 0)
		return SEND_GO_ON;
	return send_survey(&p->say, p->talk, &p->hosts, SEND_NEEDS_NONE);
}

/* Everything that is done under the lock, up to the moment of release. */
static int
release(struct publishing *p, struct err *e)
{
	const char *name;
	char id[24];

	if (p->whole.fd >= 0 &&
	    put_parcel(p, &p->whole, "full-remote-md5", e) != 0)
		return -1;
	if (!p->undo && put_parcel(p, &p->package, "remote-md5", e) != 0)
		return -1;
	if (read_latest(p, e) != 0 || (p->undo && go_back(p, e) != 0))
		return -1;
	name = p->undo ? p->plan.old.doc->package.release
		       : p->package.info.release.release;
	if (!p->undo && p->latest.doc != NULL) {
		/* Once more the same: what came before it still did. */
		if (strcmp(p->latest.doc->package.release, name) != 0)
			strcpy(p->previous, p->latest.doc->package.release);
		else if (document_field(&p->latest, PREVIOUS, p->previous,
			     sizeof p->previous) != 0)
			p->previous[0] = '\0';
	}
	hide(p);
	if (survey(p) != SEND_GO_ON)
		return err_set(e, ERR_PEER, "interrupted");
	if (sign(p, e) != 0 || keep_latest(p, name, e) != 0)
		return -1;
	hide(p);
	snprintf(id, sizeof id, "%" PRIu64, p->made.doc->id);
	say_text(&p->say, "id", id);
	say_text(&p->say, "feature", p->made.doc->feature);
	/* Nobody may lose the id of something that was sent. */
	if (fflush(stdout) != 0)
		return err_errno(e, ERR_LOCAL, "standard output");
	if (publish_write(p->place, p->latest_name, p->made.bytes.data,
		p->made.bytes.len, e) != 0)
		return -1;
	hide(p);
	p->is_released = 1;
	return 0;
}

/* --- hosts
 * ----------------------------------------------------------------------------
 */

static int
notify(struct publishing *p)
{
	char text[64];
	size_t i, good = 0;
	int status;

	if (p->hosts.n == 0)
		return 0;
	status = send_document(&p->say, p->talk, &p->hosts, &p->made, NULL);
	for (i = 0; i < p->hosts.n; i++)
		good += host_line_status(&p->hosts.lines[i], NULL) == 0 &&
			p->hosts.lines[i].asked;
	snprintf(text, sizeof text, "%zu of %zu", good, p->hosts.n);
	say_text(&p->say, "notified", text);
	say_end(&p->say);
	return status;
}

/* It failed, for this reason: hosts log it and tell people. Whether they could
 * be told changes nothing of that. */
static void
tell_failure(struct publishing *p, const struct err *why)
{
	char text[ERR_TEXT], line[ERR_TEXT + 32];
	struct doc_spec spec = {
	    .feature = p->plan.feature, .zone = p->plan.zone, .extra = line};
	struct document d = DOCUMENT_INIT;
	struct host_line *l;
	size_t i, untold = 0;
	struct err e;

	if (p->hosts.n == 0)
		return;
	spec.id = (uint64_t)clock_now_us(&p->clock);
	text_escape(text, sizeof text - 64, why->text, strlen(why->text), 1);
	for (i = 0; text[i] != '\0'; i++)
		if (text[i] == '\n' || text[i] == '\t')
			text[i] = ' ';
	snprintf(line, sizeof line, "notice: failed %s\n", text);
	for (i = 0; i < p->hosts.n; i++) {
		host_line_reset(&p->hosts.lines[i]);
		p->hosts.lines[i].left_out = 0;
		p->hosts.lines[i].asked = 0;
	}
	if (document_sign(&d, &spec, &p->signer, &e) == 0)
		send_document(&p->say, p->talk, &p->hosts, &d, NULL);
	else
		say_err(&p->say, &e);
	for (i = 0; i < p->hosts.n; i++) {
		l = &p->hosts.lines[i];
		untold += !l->asked || host_line_status(l, NULL) != 0;
	}
	if (untold > 0)
		say_error(&p->say,
		    "%zu of %zu hosts %s not told that it failed", untold,
		    p->hosts.n, untold == 1 ? "was" : "were");
	document_free(&d);
}

/* --- the verb
 * ---------------------------------------------------------------------------
 */

/* 0, or the status after a message: nothing was done yet anywhere. */
static int
prepare(struct publishing *p, char **operands, size_t n)
{
	const struct say *s = &p->say;
	char *names[OPTION_LIST_MAX];
	struct err e;
	int status;

	/* They are words of argv, as operands are. */
	memcpy(names, p->notify.items, sizeof names);
	status = check_usage(p, operands, n);
	if (status != 0)
		return status;
	status = clock_check(s, &p->plan.clock);
	if (status != CLOCK_GO_ON)
		return status;
	p->plan.feature = p->said_feature;
	/* A package that is to be opened yet tells its name later. */
	name_feature(p, p->name != NULL ? p->name : "n");
	if (find_place(p, &e) != 0 ||
	    signer_open(&p->signer, p->plan.key, p->plan.sign_with, &e) != 0 ||
	    load_keys(p, &e) != 0 ||
	    hosts_open(&p->hosts, &p->plan.fleet, names, p->notify.n, 1, &e) !=
		0 ||
	    find_url(p, &e) != 0 || (p->stop = signals_flag(&e)) == NULL)
		return say_err(s, &e);
	p->plan.clock.stop = p->stop;
	if (p->plan.client != NULL && plan_read_parts(&p->plan, &e) != 0)
		return say_err(s, &e);
	status = clock_correct(s, &p->plan.clock, &p->clock);
	if (status != CLOCK_GO_ON)
		return status;
	clock_say(&p->say, &p->clock);
	if (try(p, &e) != 0)
		return say_err(s, &e);
	return 0;
}

static int
interrupted(const struct publishing *p)
{
	say_error(&p->say, "interrupted; %s",
	    p->is_released ? "it is released, but not every host was told"
			   : "nothing was released; run again it goes on");
	return EXIT_INTERRUPTED;
}

static int
fail(struct publishing *p, const struct err *e)
{
	hide(p);
	return *p->stop ? interrupted(p) : say_err(&p->say, e);
}

static int
publish(struct publishing *p, char **operands, size_t n)
{
	struct say *s = &p->say;
	struct err e, why;
	int status;

	status = prepare(p, operands, n);
	if (status != 0)
		return status;
	if (!p->undo) {
		if (open_packages(p, operands[0], &e) != 0)
			return fail(p, &e);
		hide(p);
		package_say(s, &p->package.info);
		say_parcel(p, &p->package, 0);
		say_parcel(p, &p->whole, 1);
		/* Before what goes wrong, where both go to one log. */
		fflush(stdout);
	}
	p->talk = talk_open(s, &e);
	if (p->talk == NULL)
		return say_err(s, &e);
	talk_set_behind(p->talk, clock_behind_us(&p->clock));
	if (open_place(p, &e) != 0) {
		status = fail(p, &e);
		if (p->is_busy)
			say_note(s, "where nobody publishes any more"
				    " --break-lock takes a lock that is older"
				    " than an hour");
		if (!*p->stop) {
			say_text(s, "released", "no");
			say_end(s);
		}
		return status;
	}
	status = release(p, &e) != 0 ? fail(p, &e) : 0;
	if (publish_close(p->place, &why) != 0)
		say_note(s, "the lock may be left behind: %.400s", why.text);
	p->place = NULL;
	if (status == 0 || !*p->stop)
		say_text(s, "released", p->is_released ? "yes" : "no");
	say_end(s);
	if (status == 0)
		return notify(p);
	if (!*p->stop && !p->is_released)
		tell_failure(p, &e);
	return status;
}

static void
free_all(struct publishing *p)
{
	store_close(p->store);
	talk_close(p->talk);
	parcel_close(&p->package);
	parcel_close(&p->whole);
	document_free(&p->latest);
	document_free(&p->made);
	buf_free(&p->fields);
	hosts_free(&p->hosts);
	keyring_free(&p->keys);
	signer_close(&p->signer);
	crypto_wipe(&p->login, sizeof p->login);
	plan_free(&p->plan);
}

int
cmd_publish(int argc, char **argv)
{
	struct publishing p = {.plan = {.wait_ms = -1,
				   .take_back_ms = -1,
				   .clock = CLOCK_OPTIONS_INIT},
	    .spread_ms = -1,
	    .timeout_ms = -1,
	    .package = PARCEL_INIT,
	    .whole = PARCEL_INIT};
	const struct option options[] = {
	    {'k', "key", "FILE", "secret key; default: $HOTFIX_KEY",
		.text = &p.plan.key},
	    {0, "sign-with", "CMD", "have a command sign",
		.text = &p.plan.sign_with},
	    {0, "to", "PLACE", "ftp://[USER@]HOST[:PORT]/PATH, or a folder",
		.text = &p.to},
	    {'n', "name", "NAME", "of a folder's package", .text = &p.name},
	    {'r', "release", "RELEASE", "of a folder's package",
		.text = &p.release},
	    {'o', "output", "FILE", "the package (NAME-RELEASE.tar)",
		.text = &p.output},
	    {0, "since", "OLD.tar", "pack what changed since that release",
		.text = &p.since},
	    {0, "exclude", "GLOB", "leave these files out", .list = &p.exclude},
	    {0, "build", "CMD", "run this in the folder first",
		.text = &p.build},
	    {0, "no-lua-check", "GLOB", "these need not compile",
		.list = &p.unchecked},
	    {0, "full", "PACKAGE", "for clients without the base",
		.text = &p.full},
	    {0, "client", "FILE", "Lua for the clients, beside the package",
		.text = &p.plan.client},
	    {0, "spread", "T", "clients begin to fetch within this time",
		.ms = &p.spread_ms},
	    {0, "on", "EVENT", "apply it at this event of the program",
		.text = &p.plan.on},
	    {0, "by", "TIME|+T", "at the latest then, event or not",
		.text = &p.plan.by},
	    {0, "max-failed", "N|P%", "take back when more clients fail",
		.text = &p.plan.max_failed},
	    {0, "wait", "T", "wait so long for clients (30s)",
		.ms = &p.plan.wait_ms},
	    {0, "take-back", "T", "the host may take it back (wait + 60s)",
		.ms = &p.plan.take_back_ms},
	    {0, "allow-partial", NULL, "plain chunks, not to be undone",
		.flag = &p.plan.allow_partial},
	    {0, "feature", "F", "its name; default: the package's",
		.text = &p.said_feature},
	    {0, "needs", "ID", "only where this is in force",
		.list = &p.plan.needs},
	    {0, "expires", "TIME|+T", "not applied anew past it",
		.text = &p.plan.expires},
	    {0, "note", "TEXT", "one line for people", .text = &p.plan.note},
	    {0, "ntp", "SERVER", "the time by this server, not the clock",
		.list = &p.plan.clock.ntp},
	    {0, "max-offset", "T", "stop when the clock is further off (10s)",
		.ms = &p.plan.clock.max_offset_ms},
	    {0, "set-clock", NULL, "set the clock instead",
		.flag = &p.plan.clock.set_clock},
	    {0, "notify", "HOST", "tell this host", .list = &p.notify},
	    {0, "readback", "yes|no", "no: where the place makes out digests",
		.text = &p.readback},
	    {0, "url", "URL", "where clients find the place", .text = &p.url},
	    {0, "undo", NULL, "release what was before the latest",
		.flag = &p.undo},
	    {'p', "pub", "FILE", "--undo believes this key too",
		.list = &p.pub},
	    {0, "trust", "FILE", "--undo believes these keys too",
		.text = &p.trust},
	    {0, "retries", "N", "after a broken connection (5)",
		.text = &p.retries},
	    {0, "timeout", "T", "no byte in this time is a broken one (30s)",
		.ms = &p.timeout_ms},
	    {0, "break-lock", NULL, "one that is older than an hour",
		.flag = &p.break_lock},
	};
	struct option shared[PLAN_TARGET_OPTIONS + HOSTS_OPTIONS];
	const struct usage usage = {SYNOPSIS, ABOUT, options,
	    sizeof options / sizeof *options, shared,
	    sizeof shared / sizeof *shared, NULL, 0};
	char **operands;
	size_t n;
	int status;

	plan_target_options(&p.plan, shared);
	hosts_options(&p.plan.fleet, shared + PLAN_TARGET_OPTIONS);
	status = options_parse(&p.say, &usage, argc, argv, &operands, &n);
	if (status != OPTIONS_GO_ON)
		return status;
	if (p.plan.wait_ms < 0)
		p.plan.wait_ms = WAIT_MS;
	status = publish(&p, operands, n);
	free_all(&p);
	return status;
}
