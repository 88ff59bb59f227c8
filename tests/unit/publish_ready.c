/* Publishing a package that is still written. */

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "pack/publish.h"
#include "tests/tap.h"

#define NOW INT64_C(1790000000000000)
#define LEN ((size_t)3 << 20) /* more than a place reads at a time */

static const char sig[] = "a signature\n";

/* Who writes: just as much as is waited for, up to some point. */
struct writer {
	uint8_t *bytes; /* LEN */
	FILE *file;
	size_t written, until;
	size_t most; /* that was waited for */
	int is_asked;
	size_t stop_at; /* who publishes is stopped then; 0: never */
	volatile sig_atomic_t stop;
};

static void
ready(void *arg, uint64_t upto)
{
	struct writer *w = arg;
	size_t to = upto < w->until ? (size_t)upto : w->until;

	if (upto > w->most)
		w->most = (size_t)upto;
	w->stop = w->stop_at > 0 && w->most >= w->stop_at;
	if (to <= w->written)
		return;
	if (fwrite(w->bytes + w->written, 1, to - w->written, w->file) !=
		to - w->written ||
	    fflush(w->file) != 0)
		abort();
	w->written = to;
}

static int
check(void *arg, struct publish_file *f, int wait, struct err *e)
{
	struct writer *w = arg;

	if (w->until < LEN && w->most > w->until)
		return err_set(e, ERR_LOCAL, "the disk is full");
	if (wait)
		ready(w, LEN);
	if (w->written < LEN)
		return 1;
	w->is_asked = 1;
	md5(f->md5, w->bytes, LEN);
	sha512(f->sha512, w->bytes, LEN);
	f->sig = sig;
	f->sig_len = strlen(sig);
	return 0;
}

static int
publish(struct writer *w, size_t until, struct publish_outcome *out,
    struct err *e)
{
	struct publish_config c = {.latest = "game.latest",
	    .now_us = NOW,
	    .tries = 1,
	    .stop = &w->stop};
	struct publish_file f = {.part = "game.part",
	    .name = "game-1.tar",
	    .len = LEN,
	    .check = check,
	    .ready = ready,
	    .arg = w};
	struct lock_self self;
	struct publish *p;
	int ret = -1, busy;

	w->written = w->most = 0;
	w->until = until;
	w->is_asked = 0;
	w->stop = 0;
	w->file = tmpfile();
	c.store = store_open_dir("place", e);
	if (w->file == NULL || c.store == NULL || lock_self_get(&self, e) != 0)
		abort();
	f.fd = fileno(w->file);
	c.self = &self;
	p = publish_open(&c, &busy, e);
	if (p != NULL) {
		ret = publish_package(p, &f, out, e);
		publish_close(p, NULL);
	}
	store_close(c.store);
	fclose(w->file);
	return ret;
}

static int
count(const char *dir)
{
	DIR *d = opendir(dir);
	int n = -2;

	while (d != NULL && readdir(d) != NULL)
		n++;
	if (d != NULL)
		closedir(d);
	return n;
}

static int
is_there(const struct writer *w)
{
	struct buf b = BUF_INIT;
	int same =
	    file_read("place/release/game-1.tar", 2 * LEN, &b, NULL) == 0 &&
	    b.len == LEN && memcmp(b.data, w->bytes, LEN) == 0;

	buf_free(&b);
	return same;
}

int
main(void)
{
	struct writer w = {.bytes = malloc(LEN)};
	struct publish_outcome out;
	struct err e;
	size_t i;

	if (w.bytes == NULL || mkdir("place", 0700) != 0)
		abort();
	for (i = 0; i < LEN; i++)
		w.bytes[i] = (uint8_t)(i * 31 >> 7);

	IS(publish(&w, LEN / 2, &out, &e), -1, "one that cannot be written");
	OK(strcmp(e.text, "the disk is full") == 0, "is that error: %s",
	    e.text);
	OK(count("place/release") == 0 && count("place/staging") == 0,
	    "and leaves nothing in the place");

	IS(publish(&w, LEN, &out, &e), 0,
	    "one that is written while it is sent");
	OK(is_there(&w), "arrives, whole");
	OK(w.is_asked, "and was waited for");
	IS(w.most, LEN, "not beyond its end");
	IS(out.sent, LEN, "all of it was sent");

	IS(publish(&w, LEN, &out, &e), 0, "once more");
	OK(out.was_there && out.sent == 0, "it is there already");

	w.bytes[LEN - 1] ^= 1;
	IS(publish(&w, LEN, &out, &e), -1, "another of its name");
	IS(e.kind, ERR_NO, "is refused");
	w.bytes[LEN - 1] ^= 1;
	OK(is_there(&w) && count("place/staging") == 0, "and the first stays");

	/* All of it had come there, and it is made anew from the same files. */
	if (unlink("place/release/game-1.tar") != 0 ||
	    file_write("place/staging/game.part", w.bytes, LEN, 0600, &e) != 0)
		abort();
	IS(publish(&w, LEN, &out, &e), 0, "one that an earlier run had sent");
	IS(out.sent, 0, "is compared with no more than is written");
	OK(is_there(&w), "and has its name");

	if (unlink("place/release/game-1.tar") != 0)
		abort();
	w.stop_at = LEN / 2;
	IS(publish(&w, LEN, &out, &e), -1, "one that is stopped");
	OK(strcmp(e.text, "interrupted") == 0, "ends there: %s", e.text);
	OK(count("place/staging") == 1 &&
		access("place/staging/game.part", F_OK) == 0,
	    "and is gone on with");
	w.stop_at = 0;
	IS(publish(&w, LEN, &out, &e), 0, "by the next run");
	OK(out.sent > 0 && out.sent < LEN && is_there(&w), "from there");
	free(w.bytes);
	return tap_done();
}
