/*
 * By what time a host judges what expires: not only by its clock, which may
 * have been set back.
 */

#include "peer/host_internal.h"
#include "base/timetext.h"
#include "peer/seen.h"

#include <stdlib.h>
#include <string.h>

static int64_t
later(int64_t a_us, int64_t b_us)
{
	return a_us > b_us ? a_us : b_us;
}

int64_t
host_late_us(const struct host *h)
{
	return later(later(host_now_us(h), h->floor_us),
	    later(h->verified_us, h->seen.latest_us));
}

void
host_time_verified(struct host *h, int64_t created_us)
{
	/* Not what is refused as future: it would be the judge of itself. */
	if (created_us - host_now_us(h) <= DOC_FUTURE_US)
		h->verified_us = later(h->verified_us, created_us);
}

static void
look(struct host *h)
{
	h->seen.looked_us = host_now_us(h);
	h->seen.looked_ns = host_now_ns(h);
}

/* The clock went on as time did since the last look. */
static int
is_steady(const struct host *h)
{
	int64_t went_us = (host_now_ns(h) - h->seen.looked_ns) / 1000;
	int64_t off_us = host_now_us(h) - h->seen.looked_us - went_us;

	return off_us <= HOST_STEADY_US && off_us >= -HOST_STEADY_US;
}

/* A disk may be full for days: its first failure is told. */
static void
save(struct host *h)
{
	struct host_seen *s = &h->seen;
	struct err e;
	int bad = seen_write(s->dir, s->latest_us, &e) != 0;

	if (bad && !s->failing)
		host_log(h, "%s; the latest time seen is not kept", e.text);
	s->failing = bad;
}

static void
begin_behind(struct host *h)
{
	char when[TIMETEXT_SIZE];

	h->seen.behind_ns = host_now_ns(h);
	host_log(h,
	    "this machine's clock is behind: it has been %s here; what had "
	    "expired by then stays expired until the clock is past that, or "
	    "has said so for an hour",
	    timetext_format(h->seen.latest_us, when));
}

int
host_time_open(struct host *h, const char *dir, struct err *e)
{
	struct host_seen *s = &h->seen;
	struct err why;

	s->dir = strdup(dir);
	if (s->dir == NULL)
		return err_set(e, ERR_LOCAL, "out of memory");
	if (seen_read(dir, &s->latest_us, &why) != 0)
		host_log(h, "%s; it is made anew", why.text);
	look(h);
	s->behind_ns = -1;
	if (s->looked_us < s->latest_us)
		begin_behind(h);
	return 0;
}

int64_t
host_time_next_ns(const struct host *h)
{
	return h->seen.dir != NULL ? h->seen.looked_ns + SEEN_EACH_NS : -1;
}

void
host_time_tick(struct host *h)
{
	struct host_seen *s = &h->seen;
	int64_t now_ns = host_now_ns(h);
	int steady;

	if (s->dir == NULL || now_ns < host_time_next_ns(h))
		return;
	steady = is_steady(h);
	look(h);
	if (s->looked_us < s->latest_us) {
		if (s->behind_ns < 0)
			begin_behind(h);
		if (now_ns - s->behind_ns < HOST_BEHIND_NS)
			return;
		if (steady)
			host_log(h,
			    "this machine's clock was behind for an hour; it "
			    "is believed again");
	}
	if (!steady)
		return;
	s->behind_ns = -1;
	s->latest_us = s->looked_us;
	save(h);
}

void
host_time_close(struct host *h)
{
	free(h->seen.dir);
}
