/* The machine's clocks, as parties take them. */

#include "peer/time.h"
#include "base/clock.h"

static int64_t
real_mono_ns(void *arg)
{
	(void)arg;
	return clock_mono_ns();
}

static int64_t
real_wall_us(void *arg)
{
	(void)arg;
	return clock_wall_us();
}

const struct peer_clock peer_clock_real = {real_mono_ns, real_wall_us, 0};
