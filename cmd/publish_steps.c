/* hotfix publish: packages and documents go to the place. */

#include "cmd/publishing.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "base/timetext.h"

/* --- packages ------------------------------------------------------------
 */

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
void
publishing_hide(struct publishing *p)
{
	if (p->what != NULL)
		progress_hide(&p->progress);
	p->what = NULL;
}

/* Every file is read, then written. Where writing is seen as the upload beside
 * it, reading is all that is told here, and must not end half way. */
static void
on_pack(void *arg, uint64_t so_far, uint64_t total)
{
	const uint64_t half = total / 2;

	if (so_far <= half)
		show(arg, "read", so_far, half);
	else
		show(arg, "pack", so_far - half, total - half);
}

static void
on_trace(void *arg, const char *line)
{
	struct publishing *p = arg;

	publishing_hide(p);
	say_detail(&p->say, "%s", line);
}

/* Once. */
static int
open_store(struct publishing *p, struct err *e)
{
	const struct store_ftp_config ftp = {.url = &p->ftp,
	    .user = p->login.user,
	    .password = p->login.password,
	    .idle_ms = p->timeout_ms > 0 ? p->timeout_ms : 0,
	    .trace = p->say.verbose ? on_trace : NULL,
	    .arg = p,
	    .stop = p->stop};

	if (p->store == NULL)
		p->store = ftp_url_is(p->to) ? store_open_ftp(&ftp, e)
					     : store_open_dir(p->to, e);
	return p->store != NULL ? 0 : -1;
}

/* A server takes its time to greet, which is enough to pack a folder. But a
 * command that signs is a child, and those are not made beside threads. */
static int
begin_connecting(struct publishing *p, struct err *e)
{
	if (!ftp_url_is(p->to) || p->signer.command != NULL)
		return 0;
	if (open_store(p, e) != 0)
		return -1;
	store_begin(p->store);
	return 0;
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
	    .arg = p,
	    .stop = p->stop};
	char *path =
	    p->output == NULL ? package_file_name(p->name, p->release) : NULL;
	int ret = -1;

	if (path == NULL && p->output == NULL)
		return err_set(e, ERR_LOCAL, "out of memory");
	if (package_time(clock_now_us(&p->clock), &job.time_us, e) == 0 &&
	    package_build(&job, e) == 0 && begin_connecting(p, e) == 0)
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
	/* A command that may have to sign this one is a child, and those are
	 * not made beside threads. */
	if (p->signer.command != NULL && parcel_wait(&p->package, 1, e) != 0)
		return -1;
	if (parcel_open(&p->whole, p->full, &p->keys, &p->signer, e) != 0)
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

int
publishing_open_packages(struct publishing *p, const char *path, struct err *e)
{
	int ret;

	if (publishing_is_folder(path))
		ret = make_package(p, path, e);
	else
		ret = parcel_open(&p->package, path, &p->keys, &p->signer, e);
	if (ret != 0)
		return -1;
	parcel_name(&p->package, 0);
	if (p->name == NULL)
		publishing_name(p, p->package.info.release.name);
	return open_full(p, e);
}

void
publishing_say_digest(struct say *s, const char *name, const uint8_t *bytes,
    size_t len)
{
	char hex[2 * SHA512_SIZE + 1];

	say_text(s, name, hex_encode(hex, bytes, len));
}

/* beside: it is the full package. */
static void
say_parcel(struct publishing *u, const struct parcel *p, int beside)
{
	char url[URL_MAX + sizeof p->name];
	struct say *s = &u->say;

	if (p->fd < 0)
		return;
	snprintf(url, sizeof url, "%s/%s", u->base_url, p->name);
	say_count(s, beside ? "full-bytes" : "bytes", p->info.len);
	publishing_say_digest(s, beside ? "full-md5" : "md5", p->info.md5,
	    MD5_SIZE);
	publishing_say_digest(s, beside ? "full-sha512" : "sha512",
	    p->info.sha512, SHA512_SIZE);
	say_text(s, beside ? "full-url" : "url", url);
}

int
publishing_settle(struct publishing *p, int wait, struct err *e)
{
	int ret;

	if (p->undo || p->is_told)
		return 0;
	ret = parcel_wait(&p->package, wait, e);
	if (ret == 0)
		ret = parcel_wait(&p->whole, wait, e);
	p->is_bad = ret < 0;
	if (ret != 0)
		return ret;
	p->is_told = 1;
	publishing_hide(p);
	package_say(&p->say, &p->package.info);
	say_parcel(p, &p->package, 0);
	say_parcel(p, &p->whole, 1);
	/* Before what goes wrong, where both go to one log. */
	fflush(stdout);
	return 0;
}

/* --- the place -----------------------------------------------------------
 */

static void
on_note(void *arg, const char *text)
{
	struct publishing *p = arg;

	publishing_hide(p);
	say_note(&p->say, "%s", text);
}

static void
on_progress(void *arg, const char *what, uint64_t so_far, uint64_t total)
{
	show(arg, what, so_far, total);
}

int
publishing_open_place(struct publishing *p, struct err *e)
{
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
	if (open_store(p, e) != 0)
		return -1;
	c.store = p->store;
	p->place = publish_open(&c, &busy, e);
	return p->place != NULL ? 0 : -1;
}

struct sending {
	struct publishing *publishing;
	const struct parcel *parcel;
};

static int
check(void *arg, struct publish_file *f, int wait, struct err *e)
{
	const struct sending *s = arg;
	int ret = publishing_settle(s->publishing, wait, e);

	if (ret == 0)
		parcel_file(s->parcel, f);
	return ret;
}

static void
ready(void *arg, uint64_t upto)
{
	const struct sending *s = arg;

	parcel_ready(s->parcel, upto);
}

static int
put_parcel(struct publishing *p, const struct parcel *from, const char *field,
    struct err *e)
{
	struct sending sending = {p, from};
	struct publish_outcome out;
	struct publish_file f;
	int ret;

	parcel_file(from, &f);
	f.check = check;
	f.ready = ready;
	f.arg = &sending;
	ret = publish_package(p->place, &f, &out, e);
	publishing_hide(p);
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
	publishing_say_digest(&p->say, field, out.md5, MD5_SIZE);
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

/* --- release -------------------------------------------------------------
 */

static int
sign(struct publishing *p, struct err *e)
{
	int64_t now_us = clock_now_us(&p->clock);
	/* Two releases within one microsecond are none; but a clock that was
	 * set back may sign below the one before, and hosts take nothing older.
	 */
	const struct doc *latest = p->latest.doc;
	char when[TIMETEXT_SIZE];

	if (latest != NULL && (int64_t)latest->id >= now_us)
		return err_set(e, ERR_NO,
		    "%s was signed at %s, which is yet to come: %s",
		    p->latest_name, timetext_format((int64_t)latest->id, when),
		    p->plan.clock.ntp.n > 0
			? "hosts take nothing older, wait until then"
			: "this clock is behind, or that one was ahead (--ntp"
			  " SERVER tells); hosts take nothing older");
	if (publishing_fields(p, e) != 0)
		return -1;
	if (p->undo) {
		if (plan_make_again(&p->plan, now_us, e) != 0)
			return -1;
		publishing_override(p);
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

int
publishing_release(struct publishing *p, struct err *e)
{
	const char *name;
	char id[24];

	if (p->whole.fd >= 0 &&
	    put_parcel(p, &p->whole, "full-remote-md5", e) != 0)
		return -1;
	if (!p->undo && put_parcel(p, &p->package, "remote-md5", e) != 0)
		return -1;
	if (read_latest(p, e) != 0 ||
	    (p->undo && publishing_go_back(p, e) != 0))
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
	publishing_hide(p);
	if (survey(p) != SEND_GO_ON)
		return err_set(e, ERR_PEER, "interrupted");
	if (sign(p, e) != 0 || keep_latest(p, name, e) != 0)
		return -1;
	publishing_hide(p);
	snprintf(id, sizeof id, "%" PRIu64, p->made.doc->id);
	say_text(&p->say, "id", id);
	say_text(&p->say, "feature", p->made.doc->feature);
	/* Nobody may lose the id of something that was sent. */
	if (fflush(stdout) != 0)
		return err_errno(e, ERR_LOCAL, "standard output");
	if (publish_write(p->place, p->latest_name, p->made.bytes.data,
		p->made.bytes.len, e) != 0)
		return -1;
	publishing_hide(p);
	p->is_released = 1;
	return 0;
}
