/*
 * Setting the machine's clock: with clock_settime in our own hands (the linker
 * puts __wrap_clock_settime in its place), so that no clock is ever set.
 */

#include "cmd/clock.h"

#include <errno.h>
#include <time.h>

#include "base/clock.h"
#include "tests/tap.h"

#define S_US INT64_C(1000000)

int __wrap_clock_settime(clockid_t id, const struct timespec *ts);

static clockid_t set_id;
static struct timespec set_to;
static int sets, set_errno;

int
__wrap_clock_settime(clockid_t id, const struct timespec *ts)
{
	sets++;
	set_id = id;
	set_to = *ts;
	errno = set_errno;
	return set_errno == 0 ? 0 : -1;
}

static void
check_set(void)
{
	struct clock c = {1, -5 * S_US, 0, 0};
	struct err e = {0};
	int64_t before_us, set_us;

	c.base_us = INT64_C(1900000000999999);
	c.base_ns = clock_mono_ns() - INT64_C(10000000000);
	before_us = clock_now_us(&c);
	IS(clock_set(&c, &e), 0, "the clock is set");
	set_us = (int64_t)set_to.tv_sec * S_US + set_to.tv_nsec / 1000;
	IS(sets, 1, "once");
	IS(set_id, CLOCK_REALTIME, "the one of the machine");
	OK(set_us >= before_us && set_us <= clock_now_us(&c) &&
		set_us >= c.base_us + 10 * S_US,
	    "to the time that it is by now");
	OK(set_to.tv_nsec >= 0 && set_to.tv_nsec < 1000000000, "in its form");
	set_errno = EPERM;
	IS(clock_set(&c, &e), -1, "who may not set it");
	OK(e.kind == ERR_DENIED && strstr(e.text, "CAP_SYS_TIME") != NULL,
	    "hears so: %s", e.text);
	set_errno = EINVAL;
	IS(clock_set(&c, &e), -1, "what cannot be set");
	OK(e.kind == ERR_LOCAL && strstr(e.text, strerror(EINVAL)) != NULL,
	    "is told: %s", e.text);
}

static void
check_now(void)
{
	struct clock machine = {0, 0, 0, 0}, right = {1, 0, 0, 0};
	int64_t before_us = clock_wall_us(), now_us = clock_now_us(&machine);

	OK(now_us >= before_us && now_us <= clock_wall_us(),
	    "with no servers it is the machine's time");
	IS(clock_behind_us(&machine), 0, "which is not behind itself");
	right.base_ns = clock_mono_ns();
	right.base_us = clock_wall_us() + 100 * S_US;
	OK(clock_behind_us(&right) > 99 * S_US &&
		clock_behind_us(&right) < 101 * S_US,
	    "a clock that is 100 s behind");
}

static void
check_options(void)
{
	struct clock_options o = CLOCK_OPTIONS_INIT;
	struct say s = {.verb = "test"};
	struct clock c;
	size_t i;

	IS(clock_check(&s, &o), CLOCK_GO_ON, "no options");
	IS(clock_correct(&s, &o, &c), CLOCK_GO_ON, "nobody is asked then");
	IS(c.corrected, 0, "and nothing corrected");
	o.max_offset_ms = 0;
	IS(clock_check(&s, &o), 2, "a limit without a server");
	o.max_offset_ms = -1;
	o.set_clock = 1;
	IS(clock_check(&s, &o), 2, "--set-clock without a server");
	o.set_clock = 0;
	for (i = 0; i < 17; i++)
		o.ntp.items[o.ntp.n++] = "127.0.0.1:1";
	IS(clock_correct(&s, &o, &c), 2, "more servers than are asked");
}

int
main(void)
{
	check_set();
	check_now();
	check_options();
	return tap_done();
}
