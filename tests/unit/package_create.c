/* Making packages: the same bytes from the same files, and nothing of what
 * changes meanwhile. */

#include "pack/package.h"

#include <fcntl.h>
#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "pack/kept.h"
#include "tests/tap.h"

#define BIG (600 * 1024) /* some pieces */

static void
put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || file_write_all(fd, text, strlen(text)) != 0)
		abort();
	close(fd);
}

static void
put_big(const char *path, char c)
{
	char *text = malloc(BIG + 1);

	memset(text, c, BIG);
	text[BIG] = '\0';
	put(path, text);
	free(text);
}

static struct package_spec
spec_of(const char *dir, const char *release)
{
	struct package_spec s = {.dir = dir,
	    .name = "game",
	    .release = release,
	    .time_us = INT64_C(1795342500000000)};

	return s;
}

static int
create(const struct package_spec *s, const char *path, struct err *e)
{
	struct package_info info;

	memset(e, 0, sizeof *e);
	return package_create(s, path, &info, e);
}

static int
same(const char *a, const char *b)
{
	struct buf x = BUF_INIT, y = BUF_INIT;
	int r = file_read(a, 1 << 24, &x, NULL) == 0 &&
		file_read(b, 1 << 24, &y, NULL) == 0 && x.len == y.len &&
		memcmp(x.data, y.data, x.len) == 0;

	buf_free(&x);
	buf_free(&y);
	return r;
}

static int
count_names(const char *dir)
{
	DIR *d = opendir(dir);
	int n = 0;

	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n - 2;
}

static int
unpack(const char *path, const char *dir, const char *base, struct err *e)
{
	int fd = open(path, O_RDONLY);
	struct package *p = package_open(fd, path, NULL, e);
	int r = p != NULL ? package_unpack(p, dir, base, e) : -1;

	package_free(p);
	close(fd);
	return r;
}

static void
make_tree(const char *dir)
{
	char path[64];

	mkdir(dir, 0700);
	snprintf(path, sizeof path, "%s/sub", dir);
	mkdir(path, 0700);
	snprintf(path, sizeof path, "%s/empty", dir);
	mkdir(path, 0700);
	snprintf(path, sizeof path, "%s/main.lua", dir);
	put(path, "return 1\n");
	snprintf(path, sizeof path, "%s/sub/data", dir);
	put_big(path, 'd');
	snprintf(path, sizeof path, "%s/Zero", dir);
	put(path, "");
}

/* --- the same bytes
 * ------------------------------------------------------------ */

static void
test_same(void)
{
	struct package_spec a = spec_of("one", "1"), b = spec_of("two", "1");
	struct package_info info;
	struct stat st;
	struct err e;

	make_tree("two");
	make_tree("one");
	chmod("one/main.lua", 0755);
	IS(package_create(&a, "a.tar", &info, &e), 0, "a package");
	IS(create(&b, "b.tar", &e), 0, "of the same files elsewhere");
	OK(same("a.tar", "b.tar"), "it has the same bytes");
	OK(stat("a.tar", &st) == 0 && (uint64_t)st.st_size == info.len,
	    "its length");
	IS(info.nheld, 3, "its files");
	IS(info.release.bytes, BIG + 9, "their bytes");
	IS(st.st_mode & 07777, 0644, "its mode");
	b.time_us += 1000000;
	IS(create(&b, "c.tar", &e), 0, "another time");
	OK(!same("a.tar", "c.tar"), "other bytes");
	IS(unpack("a.tar", "out", NULL, &e), 0, "it is unpacked");
	OK(same("out/sub/data", "one/sub/data"), "to what it was made of");

	/* What was unpacked is a folder to be packed. */
	a.dir = "out";
	IS(create(&a, "d.tar", &e), 0, "the unpacked folder");
	OK(same("a.tar", "d.tar"), "has the same bytes");
}

/* At the edge of what is read once and what is read twice. */
static void
test_edge(void)
{
	static const size_t lens[] = {
	    0, 1, KEPT_FILE_MAX - 1, KEPT_FILE_MAX, KEPT_FILE_MAX + 1};
	struct package_spec s = spec_of("edge", "1");
	char path[64], there[64], *text = malloc(KEPT_FILE_MAX + 2);
	struct err e;
	size_t i;

	mkdir("edge", 0700);
	for (i = 0; i < sizeof lens / sizeof *lens; i++) {
		memset(text, 'a' + (int)i, KEPT_FILE_MAX + 1);
		text[lens[i]] = '\0';
		snprintf(path, sizeof path, "edge/%zu", lens[i]);
		put(path, text);
	}
	free(text);
	IS(create(&s, "edge.tar", &e), 0, "files of all lengths");
	IS(unpack("edge.tar", "edge.out", NULL, &e), 0, "are unpacked");
	for (i = 0; i < sizeof lens / sizeof *lens; i++) {
		snprintf(path, sizeof path, "edge/%zu", lens[i]);
		snprintf(there, sizeof there, "edge.out/%zu", lens[i]);
		OK(same(path, there), "%zu bytes", lens[i]);
	}
}

static void
test_there(void)
{
	struct package_spec s = spec_of("one", "1");
	struct stat before, after;
	struct err e;
	int names = count_names(".");

	stat("a.tar", &before);
	IS(create(&s, "a.tar", &e), 0, "the same package is there");
	stat("a.tar", &after);
	OK(before.st_ino == after.st_ino, "and stays");
	s.time_us++;
	IS(create(&s, "a.tar", &e), -1, "another is there");
	IS(e.kind, ERR_NO, "which is a no");
	OK(same("a.tar", "b.tar"), "and stays too");
	IS(count_names("."), names, "nothing else is left");
	IS(create(&s, "none/a.tar", &e), -1, "a folder that is not there");
	IS(e.kind, ERR_LOCAL, "is local trouble");
	IS(create(&s, "one", &e), -1, "a folder of the name");
	s.dir = "none";
	IS(create(&s, "n.tar", &e), -1, "nothing to pack");
	IS(e.kind, ERR_LOCAL, "is local trouble");
	s = spec_of("one", "1/2");
	IS(create(&s, "n.tar", &e), -1, "a release that is no word");
	IS(e.kind, ERR_USAGE, "is wrong use");
}

/* The package lies in the folder itself. */
static void
test_inside(void)
{
	struct package_spec s = spec_of("one", "1");
	struct err e;

	IS(create(&s, "one/p.tar", &e), 0, "a package in its own folder");
	put("one/p.tar.sig", "a signature");
	IS(create(&s, "one/p.tar", &e), 0, "is not packed the next time");
	OK(same("one/p.tar", "a.tar"), "nor its signature");
	unlink("one/p.tar");
	unlink("one/p.tar.sig");
	put("one/MD5SUMS", "mine");
	IS(create(&s, "n.tar", &e), -1, "somebody's own MD5SUMS");
	OK(strstr(e.text, "one/MD5SUMS: ") != NULL, "is refused: %s", e.text);
	unlink("one/MD5SUMS");
}

/* --- what changes meanwhile
 * ------------------------------------------------------ */

struct meddle {
	const char *path, *text;
	uint64_t at; /* bytes so far */
	int done;
};

static void
meddle(void *arg, uint64_t so_far, uint64_t total)
{
	struct meddle *m = arg;

	(void)total;
	if (m->done || so_far < m->at)
		return;
	m->done = 1;
	if (m->text == NULL)
		unlink(m->path);
	else if (*m->text == '+')
		put_big(m->path, 'e');
	else
		put(m->path, m->text);
}

static void
test_changes(void)
{
	static const struct {
		const char *what, *path, *text;
		uint64_t at;
	} rows[] = {
	    {"longer, before it is read", "two/sub/data", "+", 1},
	    {"shorter, while it is read first", "two/sub/data", "x",
		300 * 1024},
	    {"gone between the passes", "two/sub/data", NULL, BIG + 9},
	    {"shorter, between the passes", "two/sub/data", "x", BIG + 9},
	    {"other bytes of the same length", "two/sub/data", "+", BIG + 9},
	    {"other bytes, while it is read again", "two/sub/data", "+",
		BIG + 400 * 1024},
	    {"a line more", "two/main.lua", "return 12\n", BIG + 9},
	    {"a small one is gone", "two/main.lua", NULL, BIG + 9},
	};
	struct package_spec s = spec_of("two", "1");
	struct meddle m;
	struct err e;
	size_t i;
	int names;

	s.progress = meddle;
	s.arg = &m;
	for (i = 0; i < sizeof rows / sizeof *rows; i++) {
		make_tree("two");
		names = count_names(".");
		memset(&m, 0, sizeof m);
		m.path = rows[i].path;
		m.text = rows[i].text;
		m.at = rows[i].at;
		IS(create(&s, "m.tar", &e), -1, rows[i].what);
		OK(m.done && e.kind == ERR_NO &&
			strncmp(e.text, rows[i].path, strlen(rows[i].path)) ==
			    0 &&
			strstr(e.text, "changed") != NULL,
		    "stops it by name: %s", e.text);
		IS(count_names("."), names, "and nothing is left");
	}
	make_tree("two");
}

/* Length and time are what they were: the digest tells. */
static void
meddle_unseen(void *arg, uint64_t so_far, uint64_t total)
{
	struct meddle *m = arg;
	struct timespec times[2];
	struct stat st;

	if (m->done || so_far < m->at)
		return;
	stat(m->path, &st);
	times[0] = st.st_atim;
	times[1] = st.st_mtim;
	meddle(arg, so_far, total);
	utimensat(AT_FDCWD, m->path, times, 0);
}

static void
test_unseen(void)
{
	struct package_spec s = spec_of("two", "1");
	struct meddle m = {"two/sub/data", "+", BIG + 9, 0};
	struct err e;

	s.progress = meddle_unseen;
	s.arg = &m;
	IS(create(&s, "m.tar", &e), -1, "a change that no time tells");
	OK(strstr(e.text, "two/sub/data: changed") != NULL, "stops it: %s",
	    e.text);
	make_tree("two");
}

/* --- checks and seals
 * ------------------------------------------------------------- */

static int
check(void *arg, const char *name, const void *text, size_t len, struct err *e)
{
	struct buf *seen = arg;

	buf_printf(seen, "%s=", name);
	buf_append(seen, text, len);
	return len == 3 && memcmp(text, "BAD", 3) == 0
		   ? err_set(e, ERR_NO, "%s:1: no good", name)
		   : 0;
}

static int
seal(void *arg, int fd, const struct package_info *info, struct err *e)
{
	char byte;

	(void)arg;
	if (access("s.tar", F_OK) == 0 ||
	    pread(fd, &byte, 1, (off_t)info->len - 1) != 1 ||
	    pread(fd, &byte, 1, (off_t)info->len) != 0)
		abort();
	return err_set(e, ERR_DENIED, "no signature");
}

static void
test_checks(void)
{
	static const char *const globs[] = {"bad.*"};
	struct package_spec s = spec_of("two", "1");
	struct buf seen = BUF_INIT;
	struct err e;
	int names = count_names(".");

	s.check = check;
	s.arg = &seen;
	IS(create(&s, "s.tar", &e), 0, "sources that are good");
	IS_STR(buf_text(&seen), "main.lua=return 1\n", "each was seen whole");
	unlink("s.tar");
	put("two/sub/bad.lua", "BAD");
	IS(create(&s, "s.tar", &e), -1, "one that is not");
	IS_STR(e.text, "sub/bad.lua:1: no good", "stops it");
	IS(count_names("."), names, "before anything is written");
	s.unchecked = globs;
	s.nunchecked = 1;
	IS(create(&s, "s.tar", &e), 0, "unless it is not checked");
	unlink("s.tar");
	unlink("two/sub/bad.lua");
	s.check = NULL;
	s.seal = seal;
	IS(create(&s, "s.tar", &e), -1, "what is not sealed");
	IS(e.kind, ERR_DENIED, "stops it");
	IS(count_names("."), names, "and nothing is left");
	buf_free(&seen);
}

/* --- since another
 * ------------------------------------------------------------------ */

static void
make_release_two(void)
{
	make_tree("r2");
	put("r2/main.lua", "return 2\n");
	put("r2/RELEASE-notes", "new\n");
	unlink("r2/Zero");
	mkdir("r2/sub/new", 0700);
	put("r2/sub/new/x", "x");
}

static void
test_since(void)
{
	struct package_spec s = spec_of("r2", "2");
	struct package_info info;
	struct err e;
	struct stat st;

	make_release_two();
	IS(create(&s, "full.tar", &e), 0, "a full package");
	IS(unpack("full.tar", "full", NULL, &e), 0, "unpacked");
	s.since = "a.tar";
	IS(package_create(&s, "since.tar", &info, &e), 0,
	    "and since release 1");
	IS(info.nheld, 3, "what changed is held");
	IS(info.nremoved, 1, "what is gone is named");
	OK(info.len < 16384, "it is small");
	IS(unpack("since.tar", "merged", "out", &e), 0, "unpacked onto that");
	IS(package_check_dir("merged", NULL, NULL, NULL, &e), 0, "it is good");
	OK(same("merged/MD5SUMS", "full/MD5SUMS") &&
		same("merged/RELEASE", "full/RELEASE") &&
		same("merged/sub/data", "full/sub/data") &&
		same("merged/sub/new/x", "full/sub/new/x") &&
		same("merged/main.lua", "full/main.lua"),
	    "it is the full release");
	OK(access("merged/Zero", F_OK) != 0, "without what is gone");
	OK(access("merged/empty", F_OK) == 0, "and with its empty folder");
	OK(stat("merged/sub/data", &st) == 0 && st.st_nlink == 2,
	    "what did not change is linked");
	IS(unpack("since.tar", "again", "merged", &e), -1, "not onto itself");
	OK(strstr(e.text, "is not the base") != NULL, "%s", e.text);

	s.release = "3";
	s.since = "since.tar";
	IS(create(&s, "n.tar", &e), -1, "not since a package since another");
	s.since = "full.tar";
	s.release = "2";
	IS(create(&s, "n.tar", &e), -1, "not since itself");
	s.name = "other";
	s.release = "3";
	IS(create(&s, "n.tar", &e), -1, "not since another's");
	s.since = "two/main.lua";
	IS(create(&s, "n.tar", &e), -1, "not since what is no package");
}

/* The base was damaged after it was unpacked. */
static void
test_damaged_base(void)
{
	int names = count_names(".");
	struct err e;

	put_big("out/sub/data", 'x');
	IS(unpack("since.tar", "n", "out", &e), -1, "a base that was changed");
	OK(strstr(e.text, "sub/data") != NULL, "is named: %s", e.text);
	unlink("out/sub/data");
	IS(unpack("since.tar", "n", "out", &e), -1, "one with a file missing");
	OK(strstr(e.text, "sub/data: not there") != NULL, "too: %s", e.text);
	if (symlink("../../one/sub/data", "out/sub/data") != 0)
		abort();
	IS(unpack("since.tar", "n", "out", &e), -1, "A2 one with a link");
	put("out/MD5SUMS", "");
	IS(unpack("since.tar", "n", "out", &e), -1, "one without its list");
	IS(count_names("."), names, "A11 nothing is left of any");
}

static void
keep_written(void *arg, uint64_t so_far)
{
	*(uint64_t *)arg = so_far;
}

/* Between the steps it is whole, and nobody sees it. */
static void
test_steps(void)
{
	struct package_spec s = spec_of("one", "1");
	int names = count_names(".");
	struct package_draft *d;
	struct package_info info;
	uint64_t len, written = 0;
	char copy[64];
	struct stat st;
	struct err e;

	s.written = keep_written;
	s.arg = &written;
	d = package_draft(&s, "step.tar", &info, &e);
	OK(d != NULL && fstat(package_draft_fd(d), &st) == 0 &&
		st.st_size == 0 && strcmp(info.release.name, s.name) == 0,
	    "a package that is not written yet");
	len = info.len;
	IS(package_write(d, &e), 0, "is written");
	OK(stat("step.tar", &st) != 0, "it has no name yet");
	OK(fstat(package_draft_fd(d), &st) == 0 &&
		(uint64_t)st.st_size == len && info.len == len,
	    "it can be read, and is as long as was said");
	IS(written, len, "the last word on what is written: all");
	snprintf(copy, sizeof copy, "/proc/self/fd/%d", package_draft_fd(d));
	OK(same(copy, "a.tar"), "with its bytes");
	package_draft_free(d);
	IS(count_names("."), names, "who drops it leaves nothing");

	d = package_draft(&s, "step.tar", &info, &e);
	if (d == NULL || package_write(d, &e) != 0)
		abort();
	put("step.tar", "another");
	IS(package_finish(d, &e), -1, "a name that was taken meanwhile");
	package_draft_free(d);
	IS(count_names("."), names + 1, "stays, and nothing beside it");
	unlink("step.tar");

	d = package_draft(&s, "step.tar", &info, &e);
	IS(d != NULL && package_write(d, &e) == 0 ? package_finish(d, &e) : -1,
	    0, "it gets its name");
	package_draft_free(d);
	OK(same("step.tar", "a.tar"), "and is there");
	IS(count_names("."), names + 1, "alone");
	unlink("step.tar");
}

int
main(void)
{
	test_same();
	test_steps();
	test_edge();
	test_there();
	test_inside();
	test_changes();
	test_unseen();
	test_checks();
	test_since();
	test_damaged_base();
	return tap_done();
}
