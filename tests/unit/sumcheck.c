#include "pack/sumcheck.h"

#include "tests/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILES 400
#define BIG   (1024 * 1024 + 3)
#define NAME  32

/* Sizes around what is read at a time, too. */
static const size_t special[] = {32767, 32768, 32769, 32760, 32768 - 56, 65535,
    65536, 65537, 2 * 65536, 100000, BIG, BIG - 3};
#define NSPECIAL (sizeof special / sizeof *special)

struct tree {
	char names[FILES][NAME];
	struct sumcheck_entry entries[FILES];
	enum sum_result want[FILES];
};

struct seen {
	const struct tree *tree;
	size_t told;
	size_t wrong;
	size_t stop_at; /* sets stop there; 0: never */
	int errnum;     /* of the latest missing one */
	enum sum_result last;
	volatile sig_atomic_t stop;
};

static void
each(void *arg, size_t index, enum sum_result r, int errnum)
{
	struct seen *s = arg;

	if (index != s->told)
		printf("# %zu comes as %zu\n", index, s->told);
	s->wrong +=
	    index != s->told || (s->tree != NULL && r != s->tree->want[index]);
	s->told++;
	s->last = r;
	s->errnum = errnum;
	if (s->stop_at != 0 && s->told == s->stop_at)
		s->stop = 1;
}

static void
make_file(const char *name, const uint8_t *bytes, size_t len)
{
	FILE *f = fopen(name, "wb");

	if (f == NULL || fwrite(bytes, 1, len, f) != len || fclose(f) != 0) {
		perror(name);
		exit(1);
	}
}

/* Every seventh has another digest, every eleventh is not there. */
static void
tree_make(struct tree *t, const uint8_t *bytes)
{
	size_t i, len;

	for (i = 0; i < FILES; i++) {
		len = i < NSPECIAL ? special[i] : (i - NSPECIAL) % 300;
		snprintf(t->names[i], NAME, "file %zu", i);
		t->entries[i].name = t->names[i];
		md5(t->entries[i].md5, bytes + i, len);
		t->want[i] = SUM_OK;
		if (i % 11 == 10) {
			t->want[i] = SUM_MISSING;
			continue;
		}
		make_file(t->names[i], bytes + i, len);
		if (i % 7 == 6) {
			t->want[i] = SUM_FAILED;
			t->entries[i].md5[i % MD5_SIZE] ^= 1;
		}
	}
}

static void
whole_tree(const struct tree *t, unsigned threads, size_t n, int follow)
{
	struct seen seen = {.tree = t};
	struct sumcheck_spec s = {
	    AT_FDCWD, follow, t->entries, n, threads, each, &seen, &seen.stop};
	struct err e;
	char name[80];

	snprintf(name, sizeof name, "%zu files, %u threads%s", n, threads,
	    follow ? "" : ", no links");
	IS(sumcheck_run(&s, &e), 0, name);
	OK(seen.told == n && seen.wrong == 0, "%s: each in its place", name);
}

/* One entry: its result and why. */
static void
one(const char *name, int follow, enum sum_result want, int errnum,
    const char *what)
{
	struct sumcheck_entry entry = {name, {0}};
	struct seen seen = {.tree = NULL};
	struct sumcheck_spec s = {
	    AT_FDCWD, follow, &entry, 1, 1, each, &seen, NULL};
	struct err e;

	md5(entry.md5, "hello", 5);
	IS(sumcheck_run(&s, &e), 0, what);
	OK(seen.last == want && (want != SUM_MISSING || seen.errnum == errnum),
	    "%s: %d %s", what, (int)seen.last, strerror(seen.errnum));
}

static void
kinds(void)
{
	mkdir("dir", 0755);
	make_file("dir/hello", (const uint8_t *)"hello", 5);
	if (symlink("dir", "way") != 0 || symlink("dir/hello", "link") != 0 ||
	    mkfifo("fifo", 0644) != 0)
		exit(1);
	one("dir/hello", 1, SUM_OK, 0, "a file in a folder");
	one("dir/hello", 0, SUM_OK, 0, "the same without links");
	one("dir//hello", 0, SUM_OK, 0, "with two slashes");
	one("link", 1, SUM_OK, 0, "a link is followed");
	one("link", 0, SUM_MISSING, ELOOP, "or not");
	one("way/hello", 1, SUM_OK, 0, "a link on the way is followed");
	one("way/hello", 0, SUM_MISSING, ENOTDIR, "or not, neither");
	one("dir", 1, SUM_MISSING, 0, "a folder is no file");
	one("dir/", 0, SUM_MISSING, ENOENT, "nor with a slash");
	one("fifo", 1, SUM_MISSING, 0, "a FIFO is none, and does not hang");
	one("none", 1, SUM_MISSING, ENOENT, "what is not there");
	one("none/hello", 0, SUM_MISSING, ENOENT, "nor its folder");
	one("", 0, SUM_MISSING, ENOENT, "no name at all");
	one("", 1, SUM_MISSING, ENOENT, "nor with links");
	/* Its size is told as none. */
	one("/proc/self/cmdline", 1, SUM_FAILED, 0, "one of unknown size");
	one("/proc/self/mem", 1, SUM_MISSING, EIO, "one that cannot be read");
}

static void
stops(const struct tree *t)
{
	struct seen seen = {.tree = t, .stop_at = 3};
	struct sumcheck_spec s = {
	    AT_FDCWD, 1, t->entries, FILES, 2, each, &seen, &seen.stop};
	struct err e;

	IS(sumcheck_run(&s, &e), 1, "it can be stopped");
	OK(seen.told == 3 && seen.wrong == 0, "then nothing more is told");
	seen.told = 0;
	seen.stop_at = 0;
	IS(sumcheck_run(&s, &e), 1, "or before it begins");
	OK(seen.told == 0, "then none is");
}

int
main(void)
{
	static struct tree t;
	uint8_t *bytes = malloc(BIG + FILES);
	unsigned threads;
	size_t n;
	int fd;

	for (n = 0; n < BIG + FILES; n++)
		bytes[n] = (uint8_t)(n * 31 + n / 251);
	tree_make(&t, bytes);
	for (threads = 0; threads <= 9; threads += 3)
		whole_tree(&t, threads, FILES, threads % 2);
	whole_tree(&t, 1, FILES, 1);
	for (n = 0; n <= 40; n += n < 5 ? 1 : 7)
		whole_tree(&t, 2, n, 1);
	stops(&t);
	kinds();

	fd = open("dir", O_RDONLY | O_DIRECTORY);
	{
		struct sumcheck_entry entry = {"hello", {0}};
		struct seen seen = {.tree = NULL};
		struct sumcheck_spec s = {
		    fd, 0, &entry, 1, 0, each, &seen, NULL};
		struct err e;

		md5(entry.md5, "hello", 5);
		sumcheck_run(&s, &e);
		OK(seen.told == 1 && seen.last == SUM_OK,
		    "names are relative to the folder");
	}
	close(fd);
	free(bytes);
	return tap_done();
}
