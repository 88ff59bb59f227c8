/* Small files in memory. */

#include "pack/kept.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/md5.h"
#include "pack/tree.h"
#include "tests/tap.h"

#define FILES 300

static void
test_apart(void)
{
	struct kept k = KEPT_INIT;
	uint8_t *room[FILES];
	size_t i, j, len, bad = 0;

	for (i = 0; i < FILES; i++) {
		len = i * 1009 % 20000;
		room[i] = kept_room(&k, len);
		if (room[i] == NULL)
			abort();
		memset(room[i], (int)(i % 251), len + MD5_PAD_MAX);
	}
	for (i = 0; i < FILES; i++)
		for (j = 0; j < i * 1009 % 20000 + MD5_PAD_MAX; j++)
			bad += room[i][j] != i % 251;
	OK(bad == 0, "files of many lengths do not touch");
	kept_free(&k);
}

static void
test_limits(void)
{
	struct kept k = KEPT_INIT;
	size_t n = 0;

	OK(kept_room(&k, KEPT_FILE_MAX + 1) == NULL, "one that is too large");
	OK(kept_room(&k, UINT64_MAX) == NULL, "one that nothing holds");
	while (kept_room(&k, KEPT_FILE_MAX) != NULL)
		n++;
	IS(n, KEPT_MAX / (KEPT_FILE_MAX + MD5_PAD_MAX),
	    "as many of the largest as all may be");
	kept_free(&k);
	OK(kept_room(&k, KEPT_FILE_MAX) != NULL, "and anew");
	kept_free(&k);
}

/* --- reading ---------------------------------------------------------------
 */

#define MANY 700 /* more shares than threads */

static void
put(const char *name, size_t len)
{
	FILE *f = fopen(name, "w");
	size_t i;

	if (f == NULL)
		abort();
	for (i = 0; i < len; i++)
		putc((int)((i * 7 + len) % 251), f);
	fclose(f);
}

static void
name_of(char name[32], size_t i)
{
	snprintf(name, 32, "%sf%04zu", i % 3 == 0 ? "sub/" : "", i);
}

/* The folder with MANY files and one that is too large. */
static int
make_many(struct entries *all)
{
	struct tree_spec spec = {.dir = "many", .max = 2 * MANY};
	char name[32];
	struct err e;
	size_t i;

	mkdir("many", 0700);
	if (chdir("many") != 0)
		abort();
	mkdir("sub", 0700);
	for (i = 0; i < MANY; i++) {
		name_of(name, i);
		put(name, i * 97 % 9000);
	}
	put("large", KEPT_FILE_MAX + 1);
	if (chdir("..") != 0)
		abort();
	spec.fd = open("many", O_RDONLY | O_DIRECTORY);
	if (spec.fd < 0 || tree_walk(&spec, all, &e) != 0)
		abort();
	return spec.fd;
}

static void
add_up(void *arg, uint64_t more)
{
	*(uint64_t *)arg += more;
}

static void
test_read(void)
{
	struct kept k = KEPT_INIT;
	struct entries all = ENTRIES_INIT;
	const struct entry *it;
	uint64_t bytes = 0, told = 0;
	uint8_t digest[MD5_SIZE];
	size_t i, failed, kept = 0, bad = 0;
	int root = make_many(&all);

	IS(kept_read(&k, root, &all, add_up, &told, &failed), 0,
	    "many files are read");
	for (i = 0; i < all.n; i++) {
		it = &all.items[i];
		if (k.bytes[i] == NULL)
			continue;
		kept++;
		bytes += it->len;
		md5(digest, k.bytes[i], (size_t)it->len);
		bad += memcmp(digest, it->md5, sizeof digest) != 0;
		bad +=
		    it->len > 1 && k.bytes[i][1] != (7 + (size_t)it->len) % 251;
	}
	IS(kept, MANY, "all but the folder and the large one");
	IS(bad, 0, "each has its bytes and their digest");
	IS(told, bytes, "every byte was told once");
	it = entries_find(&all, "large", 5);
	OK(it != NULL && k.bytes[it - all.items] == NULL && it->md5[0] == 0 &&
		it->md5[1] == 0,
	    "the large one is left to be read");
	kept_free(&k);
	entries_free(&all);
	close(root);
}

/* kept_read when this file is not what was listed. */
static void
fails_at(int root, struct entries *all, const char *name, int error,
    const char *what)
{
	struct kept k = KEPT_INIT;
	size_t failed = 0;
	int ret = kept_read(&k, root, all, NULL, NULL, &failed), saved = errno;

	OK(ret == -1 && saved == error && failed < all->n &&
		strcmp(all->items[failed].name, name) == 0,
	    "%s", what);
	kept_free(&k);
}

static void
test_bad(void)
{
	struct entries all = ENTRIES_INIT;
	int root = make_many(&all);

	put("many/f0650", 3);
	fails_at(root, &all, "f0650", ESTALE, "a file became shorter");
	put("many/f0500", 9000);
	fails_at(root, &all, "f0500", ESTALE,
	    "the first that failed is told: one became longer");
	unlink("many/f0100");
	fails_at(root, &all, "f0100", ESTALE, "one is gone");
	mkdir("many/f0100", 0700);
	fails_at(root, &all, "f0100", ESTALE, "one is a folder");
	rmdir("many/f0100");
	if (symlink("large", "many/f0100") != 0)
		abort();
	fails_at(root, &all, "f0100", ESTALE, "one is a link");
	if (geteuid() != 0) {
		chmod("many/f0001", 0);
		fails_at(root, &all, "f0001", EACCES, "one may not be read");
	} else {
		tap_skip("one may not be read: root may");
	}
	entries_free(&all);
	close(root);
}

int
main(void)
{
	test_apart();
	test_limits();
	test_read();
	test_bad();
	return tap_done();
}
