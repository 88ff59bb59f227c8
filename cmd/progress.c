/* How far a transfer is. */

#include "cmd/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"

#define DRAW_NS   INT64_C(200000000) /* five a second can be read */
#define NS_PER_MS 1000000
#define RATE_MS   500 /* what was moved before tells no rate */
#define NUMBER    24  /* "1023.9 MB" */

/* Bytes for people: three digits or four, and a unit. */
static const char *
amount(char out[NUMBER], double bytes)
{
	static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
	size_t i = 0;

	while (bytes >= 1000 && i + 1 < sizeof units / sizeof *units) {
		bytes /= 1000;
		i++;
	}
	snprintf(out, NUMBER, "%.*f %s", i > 0 && bytes < 100 ? 1 : 0, bytes,
	    units[i]);
	return out;
}

static const char *
duration(char out[NUMBER], double s)
{
	if (s < 100)
		snprintf(out, NUMBER, "%.0f s", s);
	else if (s < 100 * 60)
		snprintf(out, NUMBER, "%.0f min", s / 60);
	else
		snprintf(out, NUMBER, "%.0f h", s / 3600);
	return out;
}

char *
progress_format(char out[PROGRESS_WIDTH + 1], const char *what, uint64_t so_far,
    uint64_t size, uint64_t moved, int64_t ms)
{
	char a[NUMBER], b[NUMBER], rate[NUMBER], left[NUMBER];
	char all[64] = "", speed[128] = "", line[512];
	double per_s = ms >= RATE_MS ? (double)moved * 1000 / (double)ms : 0;

	if (size > 0)
		snprintf(all, sizeof all, " of %s, %" PRIu64 "%%",
		    amount(b, (double)size),
		    so_far >= size
			? 100
			: (uint64_t)((double)so_far * 100 / (double)size));
	if (per_s > 0)
		snprintf(speed, sizeof speed, ", %s/s%s%s%s",
		    amount(rate, per_s), size > so_far ? ", " : "",
		    size > so_far
			? duration(left, (double)(size - so_far) / per_s)
			: "",
		    size > so_far ? " left" : "");
	snprintf(line, sizeof line, "%s: %s%s%s", what,
	    amount(a, (double)so_far), all, speed);
	snprintf(out, PROGRESS_WIDTH + 1, "%.*s", PROGRESS_WIDTH, line);
	return out;
}

void
progress_open(struct progress *p, const struct say *s, const char *what)
{
	memset(p, 0, sizeof *p);
	text_escape(p->what, sizeof p->what, what, strlen(what), 0);
	p->on = !s->quiet && isatty(STDERR_FILENO);
}

void
progress_moved(struct progress *p, uint64_t so_far, uint64_t size)
{
	char line[PROGRESS_WIDTH + 1];
	int64_t now;

	if (!p->on)
		return;
	now = clock_mono_ns();
	/* What an earlier run left, or what is begun anew, is no speed. */
	if (!p->begun || so_far < p->began_at) {
		p->begun = 1;
		p->began_ns = now;
		p->began_at = so_far;
	}
	if (p->drawn_ns != 0 && now - p->drawn_ns < DRAW_NS)
		return;
	p->drawn_ns = now;
	p->shown = 1;
	/* To the left edge, the line, and nothing right of it. */
	fprintf(stderr, "\r%s\033[K",
	    progress_format(line, p->what, so_far, size, so_far - p->began_at,
		(now - p->began_ns) / NS_PER_MS));
	fflush(stderr);
}

void
progress_hide(struct progress *p)
{
	if (!p->shown)
		return;
	fputs("\r\033[K", stderr);
	fflush(stderr);
	p->shown = 0;
}
