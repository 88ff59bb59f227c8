/* cmd/progress: the line. */

#include "cmd/progress.h"

#include "tests/tap.h"

int
main(void)
{
	char out[PROGRESS_WIDTH + 1];
	const char *x;

	x = progress_format(out, "a.tar", 0, 0, 0, 0);
	IS_STR(x, "a.tar: 0 B", "nothing is known");
	x = progress_format(out, "a.tar", 500, 1000, 500, 100);
	IS_STR(x, "a.tar: 500 B of 1.0 kB, 50%", "too early for a rate");
	x = progress_format(out, "a.tar", 25000000, 100000000, 25000000, 5000);
	IS_STR(x, "a.tar: 25.0 MB of 100 MB, 25%, 5.0 MB/s, 15 s left",
	    "with a rate");
	x = progress_format(out, "a.tar", 75000000, 100000000, 25000000, 5000);
	IS_STR(x, "a.tar: 75.0 MB of 100 MB, 75%, 5.0 MB/s, 5 s left",
	    "what was there before is no rate");
	x = progress_format(out, "a.tar", 100, 100, 100, 1000);
	IS_STR(x, "a.tar: 100 B of 100 B, 100%, 100 B/s", "at the end");
	x = progress_format(out, "a.tar", 200, 100, 200, 1000);
	IS_STR(x, "a.tar: 200 B of 100 B, 100%, 200 B/s", "past the end");
	x = progress_format(out, "a.tar", 2000000, 0, 2000000, 1000);
	IS_STR(x, "a.tar: 2.0 MB, 2.0 MB/s", "no size is known");
	x = progress_format(out, "a.tar", 1, 1000000, 1, 1000);
	IS_STR(x, "a.tar: 1 B of 1.0 MB, 0%, 1 B/s, 278 h left", "slowly");
	x = progress_format(out, "a.tar", 1, 601, 1, 1000);
	IS_STR(x, "a.tar: 1 B of 601 B, 0%, 1 B/s, 10 min left", "minutes");
	x = progress_format(out, "a.tar", UINT64_MAX, UINT64_MAX, UINT64_MAX,
	    INT64_MAX);
	OK(strlen(x) <= PROGRESS_WIDTH, "never longer than a line");
	return tap_done();
}
