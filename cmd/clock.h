#ifndef CMD_CLOCK_H
#define CMD_CLOCK_H

#include <signal.h>
#include <stdint.h>

#include "base/err.h"
#include "cmd/options.h"
#include "cmd/say.h"

/*
 * The time that goes into what is signed: by time servers where some are named
 * (--ntp), else the machine's.
 */

/*
 * No true time is before this instant, 2025-01-01, which is before this program
 * was made: a server that has lost its date (receivers fall back by 1024 weeks,
 * boards without a battery to 1970) is not believed. It also tells which era
 * the servers' time stamps are of. A fixed date, so that the same source makes
 * the same bytes.
 */
#define CLOCK_FLOOR_US INT64_C(1735689600000000)

/* Hosts take documents from 300 s in the future; a clock that is this far off
 * is broken, and what else it stamps is wrong, too. */
#define CLOCK_OFFSET_MAX_MS 10000

/* A clock that is to be set may be further off. Past this something else is
 * wrong than a clock that drifted, with it or with the servers, and whoever
 * sets it by them should say so (--max-offset). */
#define CLOCK_SET_MAX_MS 1000000

/* A verb's rows: --ntp SERVER (list), --max-offset T (ms), --set-clock (flag;
 * not all verbs have it). */
struct clock_options {
	struct option_list ntp;
	int64_t max_offset_ms; /* -1: not said */
	int set_clock;
	/* Set by a signal handler: give up. Or NULL, where signals still end
	 * the process. */
	const volatile sig_atomic_t *stop;
};

#define CLOCK_OPTIONS_INIT          \
	{                           \
		.max_offset_ms = -1 \
	}

struct clock {
	int corrected;     /* by servers; else the machine's clock is read */
	int64_t offset_us; /* of the true time to the machine's clock */
	int64_t base_us, base_ns; /* the time then, by clock_mono_ns */
};

#define CLOCK_GO_ON (-1)

/* What is wrong with the options: CLOCK_GO_ON or 2, after a message. Asks
 * nobody. */
int clock_check(const struct say *s, const struct clock_options *o);

/*
 * Find the time: asks the servers, for up to five seconds, when there are some.
 * Which of them were left out and the offset are told on standard error.
 * Returns CLOCK_GO_ON, or the exit status after a message: 1 when the offset is
 * past --max-offset (where it is to be set, the bound is another), the servers
 * disagree or give no time; 2 wrong use; 3 when none answered; 4 when the clock
 * may not be set.
 */
int clock_correct(const struct say *s, const struct clock_options *o,
    struct clock *out);

/* The time now, in microseconds since 1970. When it was corrected nobody who
 * sets the machine's clock changes it. */
int64_t clock_now_us(const struct clock *c);

/* By so much the machine's clock is behind that now; 0 where it is what is
 * read. */
int64_t clock_behind_us(const struct clock *c);

/* The field "offset:", when it was corrected. */
void clock_say(struct say *s, const struct clock *c);

/* Set the machine's clock to that: 0, or -1 with err (ERR_DENIED: not
 * allowed). */
int clock_set(const struct clock *c, struct err *e);

#endif
