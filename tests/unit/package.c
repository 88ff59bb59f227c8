/* Checking and unpacking packages: every row of what may be wrong with one. */

#include "pack/package.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "pack/entries.h"
#include "pack/listing.h"
#include "tests/packages.h"
#include "tests/tap.h"

#define N(a) (sizeof(a) / sizeof *(a))

static const struct item plain[] = {
    {.name = "a", .text = "first\n"},
    {.name = "d/"},
    {.name = "d/b", .text = "second\n"},
    {.name = "d/e/"},
    {.name = "z", .text = ""},
};

struct told {
	struct buf lines;
	size_t n;
};

static void
tell(void *arg, const char *line)
{
	struct told *t = arg;

	buf_printf(&t->lines, "%s\n", line);
	t->n++;
}

/* The package with these bytes, as the file "p.tar"; *fd stays open. */
static struct package *
open_bytes(const void *bytes, size_t len, int *fd,
    const struct package_ask *ask, struct err *e)
{
	memset(e, 0, sizeof *e);
	unlink("p.tar");
	*fd = open("p.tar", O_RDWR | O_CREAT | O_EXCL, 0644);
	if (*fd < 0 || file_write_all(*fd, bytes, len) != 0)
		abort();
	return package_open(*fd, "p.tar", ask, e);
}

static int
opens(const void *bytes, size_t len, struct err *e)
{
	int fd;
	struct package *p = open_bytes(bytes, len, &fd, NULL, e);

	package_free(p);
	close(fd);
	return p != NULL;
}

/* Refused, with these words in the reason. */
static void
refused(const struct buf *b, const char *words, const char *what)
{
	struct err e;

	OK(!opens(b->data, b->len, &e) && e.kind == ERR_NO &&
		strstr(e.text, words) != NULL,
	    "%s: %s", what, e.text);
}

/* How many names are in the folder. */
static int
count_names(const char *dir)
{
	DIR *d = opendir(dir);
	int n = 0;

	if (d == NULL)
		return -1;
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n - 2;
}

static int
is_file(const char *path, const char *want, unsigned mode)
{
	struct buf b = BUF_INIT;
	struct stat st;
	int ok = lstat(path, &st) == 0 && S_ISREG(st.st_mode) &&
		 (st.st_mode & 07777) == mode &&
		 file_read(path, 1 << 20, &b, NULL) == 0 &&
		 strcmp(buf_text(&b), want) == 0;

	buf_free(&b);
	return ok;
}

/* --- what is good ------------------------------------------------------------
 */

static void
test_good(void)
{
	struct buf b = BUF_INIT;
	struct package_info info;
	struct package *p;
	struct stat st;
	mode_t mask = umask(077);
	struct err e;
	int fd;

	build(&b, plain, N(plain), "");
	p = open_bytes(b.data, b.len, &fd, NULL, &e);
	if (!OK(p != NULL, "a package: %s", e.text))
		return;
	IS_STR(package_info(p)->release.name, "game", "its name");
	IS(package_info(p)->len, b.len, "its length");
	IS(package_info(p)->nheld, 3, "its files");
	IS(package_info(p)->nremoved, 0, "nothing is removed");

	IS(package_unpack(p, "out/", NULL, &e), 0, "it is unpacked");
	OK(is_file("out/a", "first\n", 0644), "A10 a file, 0644");
	OK(is_file("out/d/b", "second\n", 0644), "A10 in a folder");
	OK(stat("out/d", &st) == 0 && (st.st_mode & 07777) == 0755,
	    "A10 the folder is 0755");
	OK(stat("out", &st) == 0 && (st.st_mode & 07777) == 0755,
	    "A10 and so is the whole");
	IS(count_names("out/d/e"), 0, "an empty folder");
	IS(package_check_dir("out", &info, NULL, NULL, &e), 0,
	    "the folder is good");
	IS_STR(info.release.release, "1", "and says its release");
	IS(package_read_dir("out", &info, &e), 0, "so it does unchecked");
	IS(info.release.files, 3, "with the number of its files");
	IS(package_unpack(p, "out", NULL, &e), -1, "not a second time");
	IS(e.kind, ERR_NO, "because it is there");
	IS(package_unpack(p, "none/out", NULL, &e), -1,
	    "not in a folder that is not there");
	IS(package_remove_dir("out", &e), 0, "it is removed");
	IS(access("out", F_OK), -1, "and is gone");
	IS(package_remove_dir("out", &e), 0, "once more is fine");
	package_free(p);
	close(fd);
	buf_free(&b);
	umask(mask);
}

static void
test_empty(void)
{
	struct buf b = BUF_INIT;
	struct err e;

	build(&b, plain, 0, "");
	OK(opens(b.data, b.len, &e), "a package of nothing: %s", e.text);
	buf_append(&b, b.data + b.len - BLOCK, BLOCK);
	OK(opens(b.data, b.len, &e), "A6 a third block of zeros");
	buf_free(&b);
}

/* --- what is wrong with the archive
 * ------------------------------------------- */

static void
test_entries(void)
{
	static const struct {
		const char *what, *words;
		struct item items[4];
		size_t n;
	} rows[] = {
	    {"A7 a name twice", "not sorted, or there twice",
		{{.name = "a", .text = "x"},
		    {.name = "a", .text = "x", .unlisted = 1}},
		2},
	    {"A7 not sorted", "not sorted",
		{{.name = "b", .text = "x", .unlisted = 1},
		    {.name = "a", .text = "x", .unlisted = 1}},
		2},
	    {"A7 a file that is a folder", "a file and a folder",
		{{.name = "a", .text = "x"}, {.name = "a/"},
		    {.name = "a/b", .text = "x"}},
		3},
	    {"A7 a file in no folder", "its folder is not there",
		{{.name = "a/b", .text = "x"}}, 1},
	    {"A7 a file below a file", "its folder is not there",
		{{.name = "a", .text = "x"}, {.name = "a/b", .text = "x"}}, 2},
	    {"A7 MD5SUMS once more", "there twice",
		{{.name = "MD5SUMS", .text = "x", .unlisted = 1}}, 1},
	    {"A7 RELEASE once more", "there twice",
		{{.name = "RELEASE", .text = "x", .unlisted = 1}}, 1},
	    {"A7 a folder RELEASE", "there twice", {{.name = "RELEASE/"}}, 1},
	    {"A2 a symbolic link", "neither a file nor a folder",
		{{.name = "a", .text = "", .type = '2'}}, 1},
	    {"A2 a hard link", "neither a file nor a folder",
		{{.name = "a", .text = "", .type = '1'}}, 1},
	    {"A2 a device", "neither a file nor a folder",
		{{.name = "a", .text = "", .type = '3'}}, 1},
	    {"A3 an extended header", "neither a file nor a folder",
		{{.name = "a", .text = "19 path=../../../x\n", .type = 'x'}},
		1},
	    {"A3 a long name", "neither a file nor a folder",
		{{.name = "././@LongLink",
		    .text = "../x",
		    .unlisted = 1,
		    .type = 'L'}},
		1},
	    {"A12 a folder with content", "a folder with content",
		{{.name = "a/", .text = "hidden"}}, 1},
	    {"A1 a way out", "'..'",
		{{.name = "../x", .text = "x", .unlisted = 1}}, 1},
	    {"A1 a way from the root", "empty part",
		{{.name = "/x", .text = "x", .unlisted = 1}}, 1},
	    {"A8 an escape", "control",
		{{.name = "\x1b[2J", .text = "x", .unlisted = 1}}, 1},
	    {"M3 a way out that is listed", "'..'",
		{{.name = "../x", .text = "x"}}, 1},
	    {"M3 a list that lists itself", "lists itself",
		{{.name = "MD5SUMS", .text = "x", .absent = 1}}, 1},
	    {"M2 a list with an escaped name", "backslash",
		{{.name = "a\\b", .text = "x", .absent = 1}}, 1},
	};
	struct buf b = BUF_INIT;
	size_t i;

	for (i = 0; i < N(rows); i++) {
		build(&b, rows[i].items, rows[i].n, "");
		refused(&b, rows[i].words, rows[i].what);
	}
	buf_free(&b);
}

/* Case twins are two files here. Where they are one, the second cannot be
 * made, and nothing is unpacked. */
static void
test_twins(void)
{
	static const struct item twins[] = {
	    {.name = "A", .text = "1"}, {.name = "a", .text = "2"}};
	struct buf b = BUF_INIT;
	struct package *p;
	struct err e;
	int fd;

	build(&b, twins, N(twins), "");
	p = open_bytes(b.data, b.len, &fd, NULL, &e);
	OK(p != NULL && package_unpack(p, "twins", NULL, &e) == 0 &&
		is_file("twins/A", "1", 0644) && is_file("twins/a", "2", 0644),
	    "A7 case twins are two files");
	package_free(p);
	close(fd);
	buf_free(&b);
}

static void
test_sizes(void)
{
	struct buf b = BUF_INIT;
	uint8_t *h;

	build(&b, plain, N(plain), "");
	h = header_of(&b, "d/b");
	memcpy(h + 124, "77777777777", 11);
	resum(h);
	refused(&b, "larger than a file may be", "A9 a file of 8 GiB");
	memcpy(h + 124, "40000000001", 11);
	resum(h);
	refused(&b, "larger than a file may be", "A9 of 4 GiB and a byte");
	memcpy(h + 124, "40000000000", 11);
	resum(h);
	refused(&b, "cut", "A4 of 4 GiB that are not there");
	snprintf((char *)h + 124, 12, "%011o", 8 * BLOCK);
	resum(h);
	refused(&b, "cut", "A4 that goes on behind the end");
	memset(h + 124, 0xff, 12);
	resum(h);
	refused(&b, "not a size", "A4 a negative size");
	buf_free(&b);
}

static void
test_cuts(void)
{
	struct buf b = BUF_INIT;
	struct err e;
	size_t len;

	build(&b, plain, N(plain), "");
	for (len = 0; len < b.len; len++)
		if (opens(b.data, len, &e) || e.kind != ERR_NO)
			break;
	IS(len, b.len, "A6 cut anywhere it is refused");
	buf_puts(&b, "x");
	refused(&b, "512", "A6 one byte more");
	while (b.len % BLOCK != 0)
		buf_append(&b, "", 1);
	refused(&b, "behind its end", "A6 a block behind the end");
	buf_free(&b);
}

static void
test_hidden(void)
{
	struct buf b = BUF_INIT;

	build(&b, plain, N(plain), "");
	header_of(&b, "a")[BLOCK + 6] = 'x';
	refused(&b, "bytes behind its end", "A3 bytes behind a file's end");
	buf_free(&b);
}

/* A header of one entry, of all kinds of noise, is never taken for another:
 * whatever byte of a package changes, it is refused or says the same. */
static void
test_flips(void)
{
	struct buf b = BUF_INIT;
	struct package *p;
	size_t i, taken = 0;
	struct err e;
	int fd, same = 1;

	build(&b, plain, N(plain), "");
	for (i = 0; i < b.len; i++) {
		b.data[i] ^= 1;
		p = open_bytes(b.data, b.len, &fd, NULL, &e);
		if (p != NULL) {
			taken++;
			same = same && package_info(p)->nheld == 3;
		}
		package_free(p);
		close(fd);
		b.data[i] ^= 1;
	}
	OK(taken == 0, "one bit of any byte is found (%zu were not)", taken);
	OK(same, "or does not matter");
	buf_free(&b);
}

/* --- the list
 * ------------------------------------------------------------------ */

static void
test_misses(void)
{
	static const struct item items[] = {
	    {.name = "a", .text = "x", .listed = "y"},
	    {.name = "b", .text = "x", .absent = 1},
	    {.name = "c", .text = "x", .unlisted = 1},
	    {.name = "d", .text = "x"},
	    {.name = "e", .text = "x", .absent = 1},
	};
	struct told told = {BUF_INIT, 0};
	struct package_ask ask = {.miss = tell, .arg = &told};
	struct buf b = BUF_INIT;
	struct err e;
	int fd;

	build(&b, items, N(items), "");
	OK(open_bytes(b.data, b.len, &fd, &ask, &e) == NULL && e.kind == ERR_NO,
	    "M1 what is listed and what is there differ: %s", e.text);
	close(fd);
	IS_STR(buf_text(&told.lines),
	    "a: not the listed bytes\nb: listed, but not there\n"
	    "c: there, but not listed\ne: listed, but not there\n",
	    "M1 each is named");
	OK(strstr(e.text, "4 files") != NULL, "and counted");
	buf_free(&told.lines);
	buf_free(&b);
}

static void
test_many_misses(void)
{
	const size_t n = PACKAGE_MISSES_MAX + 50;
	struct item *items = calloc(n, sizeof *items);
	char(*names)[8] = calloc(n, sizeof *names);
	struct told told = {BUF_INIT, 0};
	struct package_ask ask = {.miss = tell, .arg = &told};
	struct buf b = BUF_INIT;
	struct err e;
	size_t i;
	int fd;

	for (i = 0; i < n; i++) {
		snprintf(names[i], sizeof *names, "f%04zu", i);
		items[i].name = names[i];
		items[i].text = "x";
		items[i].absent = 1;
	}
	build(&b, items, n, "");
	OK(open_bytes(b.data, b.len, &fd, &ask, &e) == NULL, "150 misses");
	close(fd);
	IS(told.n, PACKAGE_MISSES_MAX + 1, "M1 a hundred are told, and a line");
	OK(strstr(buf_text(&told.lines), "and 50 more\n") != NULL,
	    "with the number of the others");
	free(items);
	free(names);
	buf_free(&told.lines);
	buf_free(&b);
}

static void
test_entries_max(void)
{
	static const char digest[] = "0123456789abcdef0123456789abcdef";
	struct entries names = ENTRIES_INIT;
	struct listing list;
	uint8_t found[MD5_SIZE];
	char line[64];
	struct err e;
	unsigned i;
	int n;

	listing_begin(&list, &names, "p");
	for (i = 0; i <= PACKAGE_ENTRIES_MAX + 1; i++) {
		n = snprintf(line, sizeof line, "%s  %07u\n", digest, i);
		if (listing_feed(&list, line, (size_t)n, &e) != 0)
			break;
	}
	IS(i, PACKAGE_ENTRIES_MAX + 1, "A9 a million names and RELEASE");
	OK(strstr(e.text, "more names") != NULL, "A9 not one more: %s", e.text);
	IS(listing_end(&list, found, &e), -1, "no RELEASE, no list");
	entries_free(&names);
}

static void
test_asked(void)
{
	struct buf b = BUF_INIT;
	uint8_t digest[SHA512_SIZE];
	struct package_ask ask = {0};
	struct err e;
	int fd;

	build(&b, plain, N(plain), "");
	ask.max_bytes = b.len - 1;
	OK(open_bytes(b.data, b.len, &fd, &ask, &e) == NULL && e.kind == ERR_NO,
	    "A9 larger than it may be: %s", e.text);
	close(fd);
	ask.max_bytes = b.len;
	sha512(digest, b.data, b.len);
	ask.sha512 = digest;
	package_free(open_bytes(b.data, b.len, &fd, &ask, &e));
	OK(e.kind == ERR_NONE, "exactly as large, and with its digest");
	close(fd);
	digest[0] ^= 1;
	OK(open_bytes(b.data, b.len, &fd, &ask, &e) == NULL,
	    "M13 not with another digest: %s", e.text);
	close(fd);
	buf_free(&b);
}

/* One byte of RELEASE is another, and the list has its digest. */
static void
test_release(void)
{
	static const char *const texts[] = {"files: 3", "bytes: 13", "tree: "};
	struct buf b = BUF_INIT;
	char prefix[SUMS_PREFIX];
	uint8_t digest[MD5_SIZE];
	char *text, *line;
	size_t i, len;

	for (i = 0; i < N(texts); i++) {
		build(&b, plain, N(plain), "");
		text = (char *)header_of(&b, "RELEASE") + BLOCK;
		len = strlen(text);
		line = strstr(text, texts[i]);
		if (line == NULL)
			abort();
		line += strlen("files: ");
		*line = *line == '4' ? '5' : '4';
		md5(digest, text, len);
		sums_prefix(prefix, digest);
		line = strstr((char *)b.data + BLOCK, "  RELEASE\n");
		memcpy(line - 2 * MD5_SIZE, prefix, sizeof prefix);
		refused(&b, "not of these files", "M1 a RELEASE that lies");
	}
	buf_free(&b);
}

/* --- nothing half done
 * ---------------------------------------------------------- */

static void
test_changed(void)
{
	static const char other[] = "another file under its name";
	struct buf b = BUF_INIT;
	struct package *p;
	struct err e;
	int fd, before;

	build(&b, plain, N(plain), "");
	p = open_bytes(b.data, b.len, &fd, NULL, &e);
	before = count_names(".");
	header_of(&b, "d/b")[BLOCK] ^= 1;
	IS(pwrite(fd, b.data, b.len, 0), b.len, "one byte changes");
	IS(package_unpack(p, "changed", NULL, &e), -1,
	    "M13 what changed since it was checked is not unpacked");
	IS(e.kind, ERR_NO, "because it is another");
	IS(count_names("."), before, "A11 and leaves nothing behind");
	package_free(p);
	close(fd);

	build(&b, plain, N(plain), "");
	p = open_bytes(b.data, b.len, &fd, NULL, &e);
	IS(file_write("p.tar", other, sizeof other, 0644, &e), 0,
	    "another file gets its name");
	IS(package_unpack(p, "held", NULL, &e), 0,
	    "M13 the file that was checked is unpacked, not its name");
	OK(is_file("held/a", "first\n", 0644), "as it was");
	package_free(p);
	close(fd);
	buf_free(&b);
}

/* --- since another
 * ---------------------------------------------------------------- */

static void
test_since(void)
{
	static const struct item changed[] = {{.name = "a", .text = "new"}};
	char base[512], hex[2 * SHA512_SIZE + 1];
	struct buf b = BUF_INIT;
	struct package *p;
	struct err e;
	int fd;

	memset(hex, '0', sizeof hex);
	hex[sizeof hex - 1] = '\0';
	snprintf(base, sizeof base, "base: 0\nbase-tree: %s\nremoved: a\n",
	    hex);
	build(&b, changed, 1, base);
	refused(&b, "removed, but there", "a file that is and is not");

	snprintf(base, sizeof base, "base: 0\nbase-tree: %s\n", hex);
	build(&b, changed, 1, base);
	p = open_bytes(b.data, b.len, &fd, NULL, &e);
	OK(p != NULL, "a package since another: %s", e.text);
	IS_STR(package_info(p)->release.base, "0", "its base");
	IS(package_unpack(p, "since", NULL, &e), -1, "not without its base");
	IS(package_unpack(p, "since", "held", &e), -1, "nor onto another");
	OK(strstr(e.text, "is not the base") != NULL, "which is said: %s",
	    e.text);
	IS(access("since", F_OK), -1, "A11 and nothing is there");
	package_free(p);
	close(fd);
	buf_free(&b);
}

/* --- folders
 * ------------------------------------------------------------------------ */

static void
tell_sum(void *arg, const char *name, enum package_sum r, int errnum)
{
	struct buf *b = arg;

	buf_printf(b, "%s %d%s\n", name, (int)r,
	    errnum == ENOENT ? " gone" : "");
}

static void
test_folder(void)
{
	struct buf b = BUF_INIT, lines = BUF_INIT;
	struct package *p;
	struct err e;
	int fd;

	build(&b, plain, N(plain), "");
	p = open_bytes(b.data, b.len, &fd, NULL, &e);
	IS(package_unpack(p, "f", NULL, &e), 0, "a folder");
	IS(file_write("f/a", "forst\n", 6, 0644, &e), 0, "a change");
	IS(unlink("f/d/b"), 0, "a loss");
	IS(file_write("f/d/new", "", 0, 0644, &e), 0, "a gain");
	IS(unlink("f/z") | symlink("a", "f/z"), 0, "a link");
	IS(package_check_dir("f", NULL, tell_sum, &lines, &e), -1, "fails");
	IS_STR(buf_text(&lines), "RELEASE 0\na 1\nd/b 2 gone\nz 1\nd/new 3\n",
	    "each file has its line");
	OK(strstr(e.text, "4 files") != NULL, "and they are counted: %s",
	    e.text);
	IS(package_check_dir("none", NULL, NULL, NULL, &e), -1, "no folder");
	IS(e.kind, ERR_LOCAL, "is local trouble");
	IS(package_check_dir(".", NULL, NULL, NULL, &e), -1, "no package");
	IS(e.kind, ERR_NO, "is a no");
	package_free(p);
	close(fd);
	buf_free(&b);
	buf_free(&lines);
}

static void
test_switch(void)
{
	char to[64];
	struct err e;
	ssize_t n;

	IS(package_switch("current", "1", &e), 0, "a new link");
	IS(package_switch("current", "2", &e), 0, "leads elsewhere");
	n = readlink("current", to, sizeof to);
	OK(n == 1 && to[0] == '2', "where it should");
	IS(mkdir("real", 0755), 0, "a folder");
	IS(package_switch("real", "2", &e), -1, "is not switched");
	IS(e.kind, ERR_NO, "and stays");
	IS(package_switch("none/current", "2", &e), -1, "no folder for it");
	IS(symlink("real", "link"), 0, "a link to a folder");
	IS(file_write("real/x", "", 0, 0644, &e), 0, "with a file");
	IS(package_remove_dir("link", &e), 0, "is removed");
	IS(access("real/x", F_OK), 0, "and not what it led to");
}

/* --- who is asked before anything is told
 * --------------------------------------
 */

struct asking {
	struct told told;
	size_t had; /* bytes, by also */
	struct sha512 hash;
	int answer, asked, told_before;
	int fd; /* progress makes it shorter; -1: no */
};

static void
also_had(void *arg, const void *bytes, size_t len)
{
	struct asking *a = arg;

	a->had += len;
	sha512_update(&a->hash, bytes, len);
}

static int
on_settle(void *arg, struct err *e)
{
	struct asking *a = arg;

	a->asked++;
	a->told_before = a->told.n > 0;
	return a->answer == 0 ? 0 : err_set(e, ERR_DENIED, "not for you");
}

static void
on_miss(void *arg, const char *line)
{
	tell(&((struct asking *)arg)->told, line);
}

static void
on_progress(void *arg, uint64_t so_far, uint64_t total)
{
	struct asking *a = arg;

	(void)so_far;
	(void)total;
	if (a->fd >= 0 && ftruncate(a->fd, 512) != 0)
		abort();
}

/* 1 when it was opened; a tells what happened. */
static int
ask(struct asking *a, const struct buf *b, int answer, int shorten,
    struct err *e)
{
	const struct digests_work also = {also_had, a};
	const struct package_ask how = {.also = &also,
	    .settle = on_settle,
	    .miss = on_miss,
	    .progress = on_progress,
	    .arg = a};
	struct package *p;
	int fd;

	buf_free(&a->told.lines);
	memset(a, 0, sizeof *a);
	a->answer = answer;
	sha512_init(&a->hash);
	memset(e, 0, sizeof *e);
	unlink("p.tar");
	fd = open("p.tar", O_RDWR | O_CREAT | O_EXCL, 0644);
	if (fd < 0 || file_write_all(fd, b->data, b->len) != 0)
		abort();
	a->fd = shorten ? fd : -1;
	p = package_open(fd, "p.tar", &how, e);
	package_free(p);
	close(fd);
	return p != NULL;
}

/* Whatever the bytes are: a no tells nothing of them, and had them all. */
static void
is_kept_quiet(const struct buf *b, const char *what)
{
	uint8_t want[SHA512_SIZE], got[SHA512_SIZE];
	struct asking a = {.fd = -1};
	struct err e;

	IS(ask(&a, b, -1, 0, &e), 0, what);
	IS_STR(e.text, "not for you", "tells why nothing is told");
	IS(e.kind, ERR_DENIED, "in the words of who was asked");
	IS(a.asked, 1, "once");
	IS(a.told.n, 0, "and nothing else");
	IS(a.had, b->len, "who had all bytes");
	sha512(want, b->data, b->len);
	sha512_final(got, &a.hash);
	IS_MEM(got, want, sizeof want, "as they are");
	buf_free(&a.told.lines);
}

static void
test_settle(void)
{
	static const struct item damaged[] = {
	    {.name = "a", .text = "x", .listed = "y"},
	    {.name = "b", .text = "x", .listed = "y"},
	};
	const size_t many = 3 * DIGESTS_PIECE + 5; /* some pieces */
	char *text = malloc(many);
	const struct item large[] = {
	    {.name = "a", .text = text},
	    {.name = "b", .text = "x", .listed = "y"},
	};
	struct asking a = {.fd = -1};
	struct buf b = BUF_INIT;
	struct err e;

	memset(text, 't', many - 1);
	text[many - 1] = '\0';
	build(&b, plain, N(plain), "");
	IS(ask(&a, &b, 0, 0, &e), 1, "a yes, and a good package");
	IS(a.asked, 1, "was asked once");
	is_kept_quiet(&b, "a no, and a good package");
	b.data[1]++;
	is_kept_quiet(&b, "one that does not begin well");
	IS(ask(&a, &b, 0, 0, &e), 0, "that with a yes");
	IS(a.asked, 1, "is asked for");
	IS(e.kind, ERR_NO, "and is what it is");
	b.data[1]--;
	b.len -= 700;
	is_kept_quiet(&b, "no whole blocks");
	b.len = 0;
	is_kept_quiet(&b, "nothing");

	build(&b, damaged, N(damaged), "");
	is_kept_quiet(&b, "damaged files");
	IS(ask(&a, &b, 0, 0, &e), 0, "those with a yes");
	IS(a.told.n, 2, "are told");
	IS(a.told_before, 0, "not before it");

	build(&b, large, N(large), "");
	is_kept_quiet(&b, "a large one");
	b.data[1]++;
	is_kept_quiet(&b, "one that is large, and does not begin well");
	b.data[1]--;
	IS(ask(&a, &b, 0, 1, &e), 0, "one that becomes shorter meanwhile");
	OK(strstr(e.text, "ends in the middle") != NULL, "is told: %s", e.text);
	IS(a.asked, 0, "before anybody is asked");
	IS(a.told.n, 0, "and no more than that");
	buf_free(&a.told.lines);
	buf_free(&b);
	free(text);
}

int
main(void)
{
	test_good();
	test_empty();
	test_entries();
	test_twins();
	test_sizes();
	test_cuts();
	test_hidden();
	test_flips();
	test_misses();
	test_many_misses();
	test_entries_max();
	test_asked();
	test_release();
	test_changed();
	test_since();
	test_folder();
	test_switch();
	test_settle();
	return tap_done();
}
