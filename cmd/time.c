/* hotfix time: how far the clock is off. */

#include "cmd/verbs.h"

#include <stdlib.h>

#include "base/timetext.h"
#include "cmd/clock.h"
#include "net/ntp.h"

#define US_PER_MS 1000

static const char *
result_of(const struct ntp_server *v)
{
	switch (v->outcome) {
	case NTP_OUT_USED:
		return "used";
	case NTP_OUT_FALSETICKER:
		return "falseticker";
	case NTP_OUT_DISAGREES:
		return "disagrees";
	case NTP_OUT_REFUSED:
		return "refused";
	case NTP_OUT_UNREACHABLE:
		return "unreachable";
	}
	return "?";
}

static void
print_server(struct say *s, const struct ntp_server *v)
{
	char address[SOCK_TEXT];

	say_text(s, "server", v->name);
	if (v->has_addr)
		say_text(s, "address", sock_addr_format(address, &v->addr));
	if (v->outcome < NTP_OUT_REFUSED) {
		say_count(s, "stratum", v->stratum);
		if (v->leap != NTP_LEAP_NONE)
			say_text(s, "leap",
			    v->leap == NTP_LEAP_INSERT ? "insert" : "delete");
		say_seconds(s, "offset", v->offset_us);
		say_seconds(s, "delay", v->delay_us);
		say_seconds(s, "distance", v->distance_us);
	}
	say_count(s, "samples", v->samples);
	say_text(s, "result", result_of(v));
	if (v->outcome != NTP_OUT_USED)
		say_text(s, "why", v->why);
	say_end(s);
}

static void
print_combined(struct say *s, const struct clock *c)
{
	char text[TIMETEXT_SIZE];

	say_text(s, "time", timetext_format(clock_now_us(c), text));
	clock_say(s, c);
	say_end(s);
}

static int
set_clock(const struct say *s, const struct clock *c)
{
	struct err e;

	if (clock_set(c, &e) != 0)
		return say_err(s, &e);
	say_note(s, "the machine's clock was set");
	return 0;
}

static int
finish(struct say *s, const struct ntp_result *r, int64_t max_us, int set)
{
	const struct clock c = {1, r->offset_us, r->base_us, r->base_ns};
	char offset[NTP_SECONDS], limit[NTP_SECONDS];

	print_combined(s, &c);
	if (llabs(r->offset_us) > max_us) {
		say_error(s,
		    "this machine's clock is off by %s s, the limit is %s s"
		    " (--max-offset)",
		    ntp_seconds_format(offset, r->offset_us),
		    ntp_seconds_format(limit, max_us));
		return ERR_NO;
	}
	return set ? set_clock(s, &c) : 0;
}

int
cmd_time(int argc, char **argv)
{
	int64_t max_ms = -1;
	int set = 0;
	const struct option options[] = {
	    {0, "set", NULL, "set the machine's clock to that", .flag = &set},
	    {0, "max-offset", "T", "further off the answer is no (1000s)",
		.ms = &max_ms},
	};
	const struct usage usage = {
	    "[--set] [--max-offset T] [-qvh] [--json] SERVER[:PORT]...",
	    "Ask time servers (NTP, port 123) how far this machine's clock is"
	    " off: above zero,\nit is behind.\n",
	    options, sizeof options / sizeof *options, NULL, 0, NULL, 0};
	struct ntp_config config = {NULL, 0, CLOCK_FLOOR_US, NULL};
	struct say say = {0};
	struct ntp_result r;
	char **operands;
	struct err e;
	int status, bad;
	size_t i;

	status = options_parse(&say, &usage, argc, argv, &operands,
	    &config.nservers);
	if (status != OPTIONS_GO_ON)
		return status;
	if (config.nservers == 0)
		return options_complain(&say, "no SERVER");
	config.servers = (const char *const *)operands;
	bad = ntp_query(&config, &r, &e) != 0;
	if (!bad || e.kind == ERR_NO || e.kind == ERR_PEER)
		for (i = 0; i < r.n; i++)
			print_server(&say, &r.servers[i]);
	if (bad)
		return say_err(&say, &e);
	return finish(&say, &r,
	    US_PER_MS * (max_ms >= 0 ? max_ms : CLOCK_SET_MAX_MS), set);
}
