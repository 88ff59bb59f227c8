/* peer/seen: the latest time that was seen, in a file. */

#include "peer/seen.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "tests/tap.h"

#define T0   INT64_C(1795342500123456)
#define TEXT "hotfix-time: 1\nseen: 2026-11-22T10:15:00.123456Z\n"

static void
put(const char *text, size_t len)
{
	struct err e;

	if (file_write("dir/time", text, len, 0600, &e) != 0)
		printf("# %s\n", e.text);
}

/* 1 when the file says just this. */
static int
says(const char *text)
{
	struct buf b = BUF_INIT;
	int same = file_read("dir/time", 4096, &b, NULL) == 0 &&
		   b.len == strlen(text) && memcmp(b.data, text, b.len) == 0;

	buf_free(&b);
	return same;
}

static void
check_bad(void)
{
	static const char *const texts[] = {
	    "",
	    "\n",
	    "hotfix-time: 1\nseen: \n",
	    "hotfix-time: 2\nseen: 2026-11-22T10:15:00.123456Z\n",
	    "hotfix-time: 1\nseen: 2026-11-22T10:15:00.123456Z",
	    "hotfix-time: 1\nseen: 2026-11-22T10:15:00.123456Z\n\n",
	    "hotfix-time: 1\nseen: 2026-11-22T10:15:00.12345Z\n",
	    "hotfix-time: 1\nseen: 2026-11-32T10:15:00.123456Z\n",
	    "hotfix-time: 1\nseen: 2026-11-22T10:15:00.123456Z \n",
	    "hotfix-time: 1\nseen:  2026-11-22T10:15:00.123456Z\n",
	    "hotfix-time: 1\nseen: 2026-11-22T10:15:00.123456Z ",
	    "hotfix-time: 1\nseen: 1795342500123456\n",
	};
	char zeros[sizeof TEXT - 1] = "";
	struct err e;
	int64_t us;
	size_t i;

	for (i = 0; i < sizeof texts / sizeof *texts; i++) {
		put(texts[i], strlen(texts[i]));
		us = 1;
		OK(seen_read("dir", &us, &e) == -1 && us == 0,
		    "another spelling tells no time");
	}
	OK(e.kind == ERR_LOCAL && strstr(e.text, "dir/time: ") != NULL,
	    "the file is named");
	put(zeros, sizeof zeros);
	IS(seen_read("dir", &us, &e), -1, "what a power cut leaves");
	unlink("dir/time");
	OK(mkdir("dir/time", 0700) == 0 && seen_read("dir", &us, &e) == -1,
	    "no file at all");
	OK(seen_write("dir", T0, &e) == -1 && strstr(e.text, "time") != NULL,
	    "where none can be made the reason is told");
	rmdir("dir/time");
}

int
main(void)
{
	struct err e;
	int64_t us = 1;

	if (mkdir("dir", 0700) != 0)
		return 1;
	OK(seen_read("dir", &us, &e) == 0 && us == 0, "none was seen yet");
	OK(seen_write("dir", T0, &e) == 0 && says(TEXT), "one is kept");
	OK(seen_read("dir", &us, &e) == 0 && us == T0, "and known again");
	OK(seen_write("dir", 0, &e) == 0 && seen_read("dir", &us, &e) == 0 &&
		us == 0,
	    "also an earlier one");
	/* What a kill left half written is in nobody's way. */
	OK(file_write("dir/time.new", "hotfix-ti", 9, 0600, &e) == 0 &&
		seen_write("dir", T0, &e) == 0 && says(TEXT) &&
		access("dir/time.new", F_OK) != 0,
	    "an unfinished one is written over");
	check_bad();
	return tap_done();
}
