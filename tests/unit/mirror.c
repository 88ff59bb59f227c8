/* What a host keeps of packages, and at which address it tells of them. */

#include "lua-host/mirror.h"
#include "tests/tap.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "pack/package.h"

struct host {
	struct loop *loop;
	struct mirror *mirror;
	int answers;
	uint64_t id;
	enum result result;
	char text[600];
};

static void
on_packaged(void *arg, uint64_t id, const struct host_package *p)
{
	struct host *h = arg;

	h->answers++;
	h->id = id;
	h->result = p->result;
	snprintf(h->text, sizeof h->text, "%.*s", (int)p->len, p->text);
}

static void
on_progress(void *arg, uint64_t id, uint64_t so_far)
{
	(void)arg;
	(void)id;
	(void)so_far;
}

static void
open_host(struct host *h, const char *dir, const char *command)
{
	static const char *const urls[] = {
	    "shop://x/a/=http://cdn/", "shop://x/=b://"};
	const struct mirror_options o = {.dir = dir,
	    .public_urls = urls,
	    .npublic_urls = 2,
	    .tries = 1,
	    .command = command,
	    .packaged = on_packaged,
	    .progress = on_progress,
	    .arg = h};
	struct err e;

	memset(h, 0, sizeof *h);
	h->loop = loop_new(LOOP_BEST);
	h->mirror = mirror_new(h->loop, &o, &e);
	if (h->mirror == NULL)
		printf("# %s\n", e.text);
}

static void
close_host(struct host *h)
{
	mirror_free(h->mirror);
	loop_free(h->loop);
}

static enum result
bring(struct host *h, const struct doc *d)
{
	struct host_package out;
	int had = h->answers;

	memset(&out, 0, sizeof out);
	if (mirror_package(h->mirror, d, &out) != 0)
		return out.result;
	while (h->answers == had)
		if (loop_once(h->loop, -1) != 0 && errno != EINTR)
			break;
	return h->result;
}

static void
pack(const char *text, const char *file, struct doc_package *out)
{
	struct package_spec spec = {.dir = "game",
	    .name = "arena",
	    .release = "1",
	    .time_us = INT64_C(1795305600000000)};
	struct package_info info;
	static char urls[8][64];
	static int n;
	struct err e;

	if (file_mkdirs("game", &e) != 0 ||
	    file_write("game/a.lua", text, strlen(text), 0644, &e) != 0 ||
	    package_create(&spec, file, &info, &e) != 0)
		printf("# %s\n", e.text);
	memset(out, 0, sizeof *out);
	out->present = 1;
	strcpy(out->name, "arena");
	strcpy(out->release, "1");
	out->len = info.len;
	memcpy(out->md5, info.md5, sizeof out->md5);
	memcpy(out->sha512, info.sha512, sizeof out->sha512);
	snprintf(urls[n], sizeof urls[n], "shop://x/a/%s", file);
	out->url = urls[n++];
}

static int
is_there(const char *path, unsigned *mode)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return 0;
	if (mode != NULL)
		*mode = (unsigned)st.st_mode & 0777;
	return 1;
}

int
main(void)
{
	static const char get[] =
	    "echo x >>fetched\ncp \"${1#shop://x/a/}\" \"$2\"\n";
	struct doc d, again;
	struct doc_package one, other;
	char from[64];
	unsigned mode = 0;
	struct host h;
	struct stat st;
	struct err e;

	memset(&d, 0, sizeof d);
	file_write("get.sh", get, sizeof get - 1, 0644, &e);
	pack("return 1", "one.tar", &one);
	pack("return 2", "other.tar", &other);
	d.id = 7;
	d.package = one;
	again = d;
	again.id = 8;
	again.package = other;

	open_host(&h, "mirror", "sh get.sh");
	IS(bring(&h, &d), RESULT_APPLIED, "a package is fetched");
	IS(h.id, 7, "of the document that asked");
	OK(is_there("mirror/arena-1.tar", &mode) && mode == 0644,
	    "others may read it");
	OK(is_there("mirror", &mode) && mode == 0755, "and its folder");
	IS(bring(&h, &d), RESULT_APPLIED, "it is here");
	OK(stat("fetched", &st) == 0 && st.st_size == 2, "fetched once");

	OK(mirror_from(h.mirror, &one, from, sizeof from), "it has an address");
	IS_STR(from, "http://cdn/one.tar", "by the first rule that fits");
	OK(!mirror_from(h.mirror, &one, from, 8), "or its own, if no room");

	/* The release, made anew. */
	IS(bring(&h, &again), RESULT_APPLIED, "other bytes of the name");
	mirror_gone(h.mirror, &one);
	OK(is_there("mirror/arena-1.tar", NULL),
	    "stay when the first are gone");
	mirror_gone(h.mirror, &other);
	OK(!is_there("mirror/arena-1.tar", NULL), "and go with their own");

	d.package.sha512[0] ^= 1;
	IS(bring(&h, &d), RESULT_GAVE_UP, "other bytes than told");
	d.package = one;
	strcpy(d.package.name, "dungeon");
	IS(bring(&h, &d), RESULT_FAILED, "another package than told");
	OK(!is_there("mirror/dungeon-1.tar", NULL), "is not kept");
	d.package = one;
	d.base = "0";
	IS(bring(&h, &d), RESULT_FAILED,
	    "a full package where one is to build "
	    "on another");
	d.base = NULL;
	close_host(&h);

	open_host(&h, NULL, "sh get.sh");
	IS(bring(&h, &d), RESULT_APPLIED, "without a folder it is checked");
	OK(!is_there("mirror/arena-1.tar", NULL), "and not kept");
	close_host(&h);

	open_host(&h, "mirror", "false");
	IS(bring(&h, &d), RESULT_GAVE_UP, "what cannot be had");
	OK(h.text[0] != '\0', "with the reason");
	close_host(&h);

	open_host(&h, "mirror", "sleep 1000;:");
	{
		struct host_package out;

		IS(mirror_package(h.mirror, &d, &out), 0, "one is under way");
		IS(mirror_package(h.mirror, &again, &out), 0, "and another");
	}
	OK(file_write("mirror/arena-1.tar.part", "half", 4, 0600, NULL) == 0,
	    "half of it came");
	mirror_cancel(h.mirror, 7);
	OK(is_there("mirror/arena-1.tar.part", NULL),
	    "one is cancelled: the other goes on");
	mirror_cancel(h.mirror, 8);
	OK(!is_there("mirror/arena-1.tar.part", NULL),
	    "the last one leaves nothing behind");
	close_host(&h);
	IS(h.answers, 0, "what is cancelled is not heard of");
	return tap_done();
}
