/* The corrected time. */

#include "cmd/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "net/ntp.h"

#define US_PER_S  1000000
#define US_PER_MS 1000
#define NS_PER_US 1000

int
clock_check(const struct say *s, const struct clock_options *o)
{
	if (o->ntp.n > NTP_SERVERS_MAX)
		return options_complain(s, "--ntp: more than %d times",
		    NTP_SERVERS_MAX);
	if (o->ntp.n == 0 && (o->max_offset_ms >= 0 || o->set_clock))
		return options_complain(s,
		    "%s is about time servers: give --ntp SERVER",
		    o->set_clock ? "--set-clock" : "--max-offset");
	return CLOCK_GO_ON;
}

/* Those that the offset is not of. */
static void
tell_left_out(const struct say *s, const struct ntp_result *r)
{
	const struct ntp_server *v;
	size_t i;

	for (i = 0; i < r->n; i++) {
		v = &r->servers[i];
		if (v->outcome != NTP_OUT_USED)
			say_note(s, "%s: left out: %s", v->name, v->why);
	}
}

int
clock_correct(const struct say *s, const struct clock_options *o,
    struct clock *out)
{
	int64_t max_us = US_PER_MS * (o->max_offset_ms >= 0 ? o->max_offset_ms
					 : o->set_clock     ? CLOCK_SET_MAX_MS
							: CLOCK_OFFSET_MAX_MS);
	struct ntp_config config = {
	    o->ntp.items, o->ntp.n, CLOCK_FLOOR_US, o->stop};
	char offset[NTP_SECONDS], limit[NTP_SECONDS];
	const struct clock none = {0, 0, 0, 0};
	struct ntp_result r;
	struct err e;
	int status;

	*out = none;
	status = clock_check(s, o);
	if (status != CLOCK_GO_ON || o->ntp.n == 0)
		return status;
	if (ntp_query(&config, &r, &e) != 0)
		return say_err(s, &e);
	tell_left_out(s, &r);
	out->corrected = 1;
	out->offset_us = r.offset_us;
	out->base_us = r.base_us;
	out->base_ns = r.base_ns;
	ntp_seconds_format(offset, r.offset_us);
	if (llabs(r.offset_us) > max_us) {
		say_error(s,
		    "this machine's clock is off by %s s, the limit is %s s"
		    " (--max-offset)",
		    offset, ntp_seconds_format(limit, max_us));
		return ERR_NO;
	}
	say_note(s, "offset %s s, by %zu of %zu time servers", offset, r.used,
	    r.n);
	if (!o->set_clock)
		return CLOCK_GO_ON;
	if (clock_set(out, &e) != 0)
		return say_err(s, &e);
	say_note(s, "the machine's clock was set");
	return CLOCK_GO_ON;
}

int64_t
clock_now_us(const struct clock *c)
{
	if (!c->corrected)
		return clock_wall_us();
	return c->base_us + (clock_mono_ns() - c->base_ns) / NS_PER_US;
}

int64_t
clock_behind_us(const struct clock *c)
{
	return c->corrected ? clock_now_us(c) - clock_wall_us() : 0;
}

void
clock_say(struct say *s, const struct clock *c)
{
	if (c->corrected)
		say_seconds(s, "offset", c->offset_us);
}

int
clock_set(const struct clock *c, struct err *e)
{
	int64_t now_us = clock_now_us(c);
	struct timespec ts;

	ts.tv_sec = (time_t)(now_us / US_PER_S);
	ts.tv_nsec = (long)(now_us % US_PER_S) * NS_PER_US;
	if (clock_settime(CLOCK_REALTIME, &ts) == 0)
		return 0;
	if (errno == EPERM)
		return err_set(e, ERR_DENIED,
		    "may not set the machine's clock: that takes root, or the"
		    " capability CAP_SYS_TIME");
	return err_errno(e, ERR_LOCAL, "cannot set the machine's clock");
}
