/* Whole files: with a bound, at once or not at all, nothing left behind. */

#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/tap.h"

/* The file's bytes as text, or NULL; good until the next call. */
static const char *
content(struct buf *b, const char *path)
{
	buf_reset(b);
	return file_read(path, 1 << 20, b, NULL) == 0 ? buf_text(b) : NULL;
}

static int
count_entries(const char *path)
{
	DIR *dir = opendir(path);
	int n = 0;

	if (dir == NULL)
		return -1;
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n - 2;
}

static unsigned
mode_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? st.st_mode & 07777 : 0;
}

/* 1 when it failed as promised: -1, a local error that names the path. */
static int
failed(int r, const struct err *e, const char *path)
{
	int good = r == -1 && e->kind == ERR_LOCAL &&
		   strstr(e->text, path) != NULL &&
		   strstr(e->text, "uccess") == NULL;

	if (!good)
		printf("# %d %d '%s'\n", r, (int)e->kind, e->text);
	return good;
}

static void
check_write(void)
{
	struct buf b = BUF_INIT;
	struct err e = {ERR_NONE, ""};
	mode_t mask = umask(077);

	IS(mkdir("w", 0700), 0, "a folder");
	IS(file_write("w/f", "one", 3, 0644, &e), 0, "a new file");
	IS_STR(content(&b, "w/f"), "one", "holds the bytes");
	IS(mode_of("w/f"), 0644, "has the mode, whatever the mask");
	IS(file_write("w/f", "twelve", 6, 0600, &e), 0, "replaced");
	IS_STR(content(&b, "w/f"), "twelve", "by the new bytes");
	IS(mode_of("w/f"), 0600, "and the new mode");
	IS(file_write("w/f", "", 0, 0600, &e), 0, "by nothing");
	IS_STR(content(&b, "w/f"), "", "is empty");
	IS(count_entries("w"), 1, "nothing lies beside it");
	umask(mask);

	OK(failed(file_write("none/f", "x", 1, 0600, &e), &e, "none/f"),
	    "no such folder: %s", e.text);
	IS(mkdir("w/dir", 0700), 0, "a folder in the way");
	OK(failed(file_write("w/dir", "x", 1, 0600, &e), &e, "w/dir"),
	    "is not replaced: %s", e.text);
	IS(count_entries("w"), 2, "and nothing lies beside it");
	IS(file_write("here", "x", 1, 0600, &e), 0, "a name without a folder");

	IS(symlink("f", "w/link"), 0, "a link");
	IS(file_write("w/link", "new", 3, 0600, &e), 0, "is replaced");
	IS_STR(content(&b, "w/f"), "", "what it points at is not touched");
	buf_free(&b);
}

static void
check_create(void)
{
	struct buf b = BUF_INIT;
	struct err e = {ERR_NONE, ""};

	IS(mkdir("c", 0700), 0, "a folder");
	IS(file_create("c/f", "one", 3, 0600, &e), 0, "created");
	IS(mode_of("c/f"), 0600, "with its mode");
	OK(failed(file_create("c/f", "two", 3, 0600, &e), &e, "c/f"),
	    "one that exists is an error: %s", e.text);
	IS_STR(content(&b, "c/f"), "one", "and stays");
	IS(symlink("target", "c/link"), 0, "a link to nothing");
	OK(failed(file_create("c/link", "x", 1, 0600, &e), &e, "c/link"),
	    "is not followed");
	OK(access("c/target", F_OK) != 0, "nothing is made behind it");
	buf_free(&b);
}

/* A disk that is full, by the limit of file sizes. */
static void
check_full(void)
{
	struct rlimit before, small;
	struct buf b = BUF_INIT;
	struct err e = {ERR_NONE, ""}, e2 = {ERR_NONE, ""};
	char *big = malloc(10000);
	int r, r2;

	memset(big, 'x', 10000);
	IS(mkdir("d", 0700), 0, "a folder");
	IS(file_write("d/f", "old", 3, 0600, &e), 0, "a file");
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &before);
	small = before;
	small.rlim_cur = 4096;
	setrlimit(RLIMIT_FSIZE, &small);
	r = file_write("d/f", big, 10000, 0600, &e);
	r2 = file_create("d/g", big, 10000, 0600, &e2);
	setrlimit(RLIMIT_FSIZE, &before);
	signal(SIGXFSZ, SIG_DFL);
	OK(failed(r, &e, "d/f"), "no room to replace: %s", e.text);
	IS_STR(content(&b, "d/f"), "old", "the old file is whole");
	OK(failed(r2, &e2, "d/g"), "no room to create: %s", e2.text);
	OK(access("d/g", F_OK) != 0, "there is no half file");
	IS(count_entries("d"), 1, "nor anything beside");
	free(big);
	buf_free(&b);
}

static void
check_read(void)
{
	struct buf b = BUF_INIT;
	struct err e = {ERR_NONE, ""};
	uint8_t *big = malloc(200000);
	int fds[2], in;
	size_t i;

	for (i = 0; i < 200000; i++)
		big[i] = (uint8_t)(i * 7 + i / 256);
	IS(file_write("big", big, 200000, 0600, &e), 0, "a larger file");
	buf_puts(&b, "before");
	IS(file_read("big", 200000, &b, &e), 0, "of exactly the limit");
	OK(b.len == 200006 && memcmp(b.data, "before", 6) == 0 &&
		memcmp(b.data + 6, big, 200000) == 0,
	    "is appended whole");
	buf_reset(&b);
	buf_puts(&b, "before");
	OK(failed(file_read("big", 199999, &b, &e), &e, "big"),
	    "one byte over the limit: %s", e.text);
	IS_STR(buf_text(&b), "before", "nothing is appended");
	IS(file_write("empty", "", 0, 0600, &e), 0, "an empty file");
	IS(file_read("empty", 0, &b, &e), 0, "is read, even with no limit");
	OK(failed(file_read("none", 10, &b, &e), &e, "none"),
	    "no such file: %s", e.text);
	OK(failed(file_read(".", 10, &b, &e), &e, "."), "a folder: %s", e.text);
	IS(mkfifo("fifo", 0600), 0, "a pipe with a name");
	OK(failed(file_read("fifo", 10, &b, &e), &e, "fifo"),
	    "does not block: %s", e.text);
	OK(failed(file_read("/dev/zero", 10, &b, &e), &e, "/dev/zero"),
	    "a device: %s", e.text);
	IS_STR(buf_text(&b), "before", "nothing was appended");

	in = dup(STDIN_FILENO);
	if (pipe(fds) == 0 && write(fds[1], "piped", 5) == 5) {
		close(fds[1]);
		dup2(fds[0], STDIN_FILENO);
		close(fds[0]);
		buf_reset(&b);
		IS(file_read("-", 5, &b, &e), 0, "standard input");
		IS_STR(buf_text(&b), "piped", "is read to its end");
		OK(fcntl(STDIN_FILENO, F_GETFD) >= 0, "and not closed");
	}
	if (in >= 0)
		dup2(in, STDIN_FILENO);
	close(in);
	b.oom = 1;
	OK(failed(file_read("big", 200000, &b, &e), &e, "big"), "no memory: %s",
	    e.text);
	buf_free(&b);
	free(big);
}

static void
check_mkdirs(void)
{
	struct err e = {ERR_NONE, ""};

	IS(file_mkdirs("m/n/o", &e), 0, "three folders");
	IS(mode_of("m/n/o"), 0700, "for the owner alone");
	IS(mode_of("m"), 0700, "those above too");
	IS(file_mkdirs("m/n/o", &e), 0, "are fine where they are");
	IS(file_mkdirs("m//n/./p/", &e), 0, "written otherwise");
	OK(access("m/n/p", F_OK) == 0, "likewise");
	IS(file_mkdirs("/", &e), 0, "the root is there");
	IS(file_write("m/f", "x", 1, 0600, &e), 0, "a file");
	OK(failed(file_mkdirs("m/f", &e), &e, "m/f"), "is no folder: %s",
	    e.text);
	OK(failed(file_mkdirs("m/f/g", &e), &e, "m/f/g"), "has none: %s",
	    e.text);
	errno = 0;
	OK(failed(file_mkdirs("", &e), &e, ""), "no path: %s", e.text);
}

static void
check_own(void)
{
	struct err e = {ERR_NONE, ""};

	IS(file_mkdirs("own", &e), 0, "a folder");
	IS(file_check_own("own", &e), 0, "is its maker's");
	chmod("own", 0755);
	IS(file_check_own("own", &e), 0, "others may read it");
	chmod("own", 0720);
	OK(failed(file_check_own("own", &e), &e, "own"), "nor its group: %s",
	    e.text);
	chmod("own", 0702);
	OK(failed(file_check_own("own", &e), &e, "own"), "not write: %s",
	    e.text);
	OK(failed(file_check_own("nowhere", &e), &e, "nowhere"), "none: %s",
	    e.text);
	if (geteuid() != 0)
		OK(failed(file_check_own("/", &e), &e, "/"), "root's: %s",
		    e.text);
	IS(file_check_lacks("own", "mark", "an owl", &e), 0, "no mark");
	IS(file_check_lacks("nowhere", "mark", "an owl", &e), 0, "no folder");
	file_write("own/mark", "", 0, 0600, &e);
	OK(failed(file_check_lacks("own", "mark", "an owl", &e), &e, "own") &&
		strstr(e.text, "the folder of an owl (it has mark)") != NULL,
	    "a mark: %s", e.text);
	IS(file_check_lacks("own/mark", "mark", "an owl", &e), 0, "no folder");
	unlink("own/mark");
}

static void
check_small(void)
{
	struct err e = {ERR_NONE, ""};
	int fds[2];
	char *path = file_join("a/b", "c");

	IS_STR(path, "a/b/c", "joined");
	free(path);
	IS(file_sync_dir(".", &e), 0, "a folder is synced");
	OK(failed(file_sync_dir("none", &e), &e, "none"), "no folder: %s",
	    e.text);
	OK(failed(file_sync_dir("big", &e), &e, "big"), "a file is not: %s",
	    e.text);
	OK(file_write_all(-1, "x", 1) == -1 && errno == EBADF,
	    "a write that fails");
	IS(file_write_all(-1, "x", 0), 0, "nothing to write");
	signal(SIGPIPE, SIG_IGN);
	if (pipe(fds) == 0) {
		close(fds[0]);
		OK(file_write_all(fds[1], "x", 1) == -1 && errno == EPIPE,
		    "errno tells why");
		close(fds[1]);
	}
}

static void
check_unfinished(void)
{
	OK(file_is_unfinished("state.new-aB3dEf", 5), "a name for a time");
	OK(!file_is_unfinished("state", 5) &&
		!file_is_unfinished("state.sqlite", 5) &&
		!file_is_unfinished("state.new-aB3dE", 5) &&
		!file_is_unfinished("state.old-aB3dEf", 5) &&
		!file_is_unfinished("state.new-aB3dEf", 4),
	    "other names");
}

static void
check_temporary(void)
{
	struct stat st;
	struct err e;
	char *dir;

	file_mkdirs("top", &e);
	setenv("TMPDIR", "top", 1);
	dir = file_make_temporary(&e);
	OK(dir != NULL && strncmp(dir, "top/hotfix-", 11) == 0,
	    "a folder where TMPDIR says");
	OK(dir != NULL && stat(dir, &st) == 0 && (st.st_mode & 0777) == 0700,
	    "for nobody else");
	free(dir);
	setenv("TMPDIR", "nowhere", 1);
	OK(file_make_temporary(&e) == NULL && e.kind == ERR_LOCAL &&
		strstr(e.text, "nowhere/hotfix-") == e.text,
	    "or the reason: %s", e.text);
}

int
main(void)
{
	check_write();
	check_create();
	check_full();
	check_read();
	check_mkdirs();
	check_own();
	check_small();
	check_unfinished();
	check_temporary();
	return tap_done();
}
