#ifndef PEER_TIME_H
#define PEER_TIME_H

#include <stdint.h>

/*
 * Where a party takes the time from; tests have their own. mono_ns is for
 * waiting (base/clock.h), wall_us for instants.
 */
struct peer_clock {
	int64_t (*mono_ns)(void *arg);
	int64_t (*wall_us)(void *arg);
	void *arg;
};

/* The machine's own clocks. */
extern const struct peer_clock peer_clock_real;

#endif
