/*
 * By what time a host judges what expires: restarts with a clock that was set
 * back, and clocks that were ahead.
 */

#include "tests/scene.h"

#include <unistd.h>

#define MINUTE INT64_C(60000) /* ms */
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)
#define BEHIND "this machine's clock is behind: it has been "

static void
set_clock(struct scene *s, int64_t ms)
{
	s->clock.wall_us += ms * 1000;
}

/* An update that expires so long from now. */
static struct doc_spec
short_spec(struct scene *s, const char *feature, int64_t ms)
{
	struct doc_spec spec = update_spec(s, feature);

	spec.expires_us = s->clock.wall_us + ms * 1000;
	return spec;
}

static void
again(struct scene *s)
{
	buf_reset(&s->log);
	reopen(s);
}

static int
is_pushed(struct scene *s, const char *feature, int64_t ms, const char *answer)
{
	struct doc_spec spec = short_spec(s, feature, ms);

	return push_gets(s, &spec, answer);
}

/* 1 when a fresh player is given so many. */
static int
gives(struct scene *s, const char *updates)
{
	struct wire w = login(s, "ann");
	int is = heard(&w, updates);

	hang_up(&w);
	return is;
}

static void
test_set_back(void)
{
	struct doc_spec f, g;
	struct scene s;

	scene_clear(&s);
	scene_open(&s, NULL);
	f = short_spec(&s, "f", 10 * MINUTE);
	push_gets(&s, &f, "DONE applied\n");
	g = short_spec(&s, "g", 10 * MINUTE);
	OK(gives(&s, "updates: 1\n"), "what has not expired is given");
	pass(&s, HOUR);
	OK(gives(&s, "updates: 0\n"), "and is not when it has");
	again(&s);
	OK(!has(&s.log, BEHIND) && !has(&s.did, "apply f"),
	    "a start after it is without it");

	set_clock(&s, -HOUR - MINUTE);
	again(&s);
	OK(!has(&s.did, "apply f"),
	    "N13 and so is one with a clock that was set back");
	OK(has(&s.log, BEHIND "2026-11-22T11:15:"), "it says so");
	OK(gives(&s, "updates: 0\n"), "clients are not given it");
	OK(push_gets(&s, &g, "DONE refused expired\n") &&
		has(&s.log, "the clock of this end is behind"),
	    "and what had expired is not taken in");
	OK(is_pushed(&s, "h", 3 * HOUR, "DONE applied\n"),
	    "what has not is taken in as before");
	scene_close(&s);
}

/* A document of long ago that this host has never seen. */
static void
test_age(void)
{
	struct doc_spec old;
	struct scene s;

	scene_clear(&s);
	scene_open(&s, NULL);
	old = update_spec(&s, "old");
	pass(&s, 2 * DAY);
	set_clock(&s, -2 * DAY);
	again(&s);
	OK(push_gets(&s, &old, "DONE refused stale\n") &&
		has(&s.log, "the clock of this end is behind"),
	    "N13 a clock that was set back makes no old document new");
	scene_close(&s);
}

/* The future is judged by the clock alone. */
static void
test_future(void)
{
	struct doc_spec spec;
	struct scene s;

	scene_clear(&s);
	scene_open(&s, NULL);
	pass(&s, 2 * HOUR);
	set_clock(&s, -2 * HOUR);
	again(&s);
	spec = update_spec(&s, "f");
	spec.id += (uint64_t)HOUR * 1000;
	OK(push_gets(&s, &spec, "DONE refused future\n"),
	    "what was seen does not let in what is ahead of the clock");
	scene_close(&s);
}

/* What was signed then exists. */
static void
test_signed(void)
{
	struct doc_spec spec, ahead;
	struct scene s;

	scene_clear(&s);
	scene_open(&s, NULL);
	spec = short_spec(&s, "f", 1000);
	pass(&s, 2000);
	OK(is_pushed(&s, "g", HOUR, "DONE applied\n"), "a later one is live");
	set_clock(&s, -MINUTE);
	OK(push_gets(&s, &spec, "DONE refused expired\n"),
	    "what is signed later tells the time");
	ahead = update_spec(&s, "h");
	ahead.id += (uint64_t)HOUR * 1000;
	OK(push_gets(&s, &ahead, "DONE refused future\n") &&
		is_pushed(&s, "i", 5 * MINUTE, "DONE applied\n"),
	    "but not what is from the future");
	set_clock(&s, -HOUR);
	again(&s);
	OK(!has(&s.log, BEHIND) &&
		push_gets(&s, &spec, "DONE refused expired\n"),
	    "the time when it was signed has been, too");
	unlink("state/time");
	again(&s);
	OK(push_gets(&s, &spec, "DONE refused expired\n"),
	    "the ledger remembers it");
	scene_close(&s);
}

/* The build's own time. */
static void
test_build(void)
{
	struct keyring none = KEYRING_INIT;
	struct host_config c;
	struct scene s;

	scene_clear(&s);
	c = config(&s, &none);
	c.floor_us = WORLD_START_US;
	set_clock(&s, -365 * DAY);
	scene_open(&s, &c);
	OK(is_pushed(&s, "f", 364 * DAY, "DONE refused expired\n"),
	    "no time is before the program was made");
	OK(is_pushed(&s, "g", 366 * DAY, "DONE refused stale\n"),
	    "nor any age less");
	scene_close(&s);
}

/* A machine that starts with a wrong clock, until the network sets it. */
static void
test_start_ahead(void)
{
	struct scene s;

	scene_clear(&s);
	set_clock(&s, 8 * HOUR);
	scene_open(&s, NULL);
	pass(&s, MINUTE / 2);
	set_clock(&s, -8 * HOUR);
	pass(&s, 3 * MINUTE);
	again(&s);
	OK(!has(&s.log, BEHIND) && is_pushed(&s, "f", HOUR, "DONE applied\n"),
	    "what a clock said for a moment was not seen");
	scene_close(&s);
}

/* A clock that was years ahead for a while. */
static void
test_lock_out(void)
{
	struct scene s;
	int i;

	scene_clear(&s);
	scene_open(&s, NULL);
	set_clock(&s, 3650 * DAY);
	pass(&s, 10 * MINUTE);
	set_clock(&s, -3650 * DAY);
	again(&s);
	OK(has(&s.log, BEHIND "2036-11-19") &&
		is_pushed(&s, "f", HOUR, "DONE refused expired\n"),
	    "a clock that was far ahead shuts a host");
	pass(&s, HOUR - MINUTE);
	OK(is_pushed(&s, "f", HOUR, "DONE refused expired\n"), "for an hour");
	pass(&s, 2 * MINUTE);
	OK(has(&s.log, "was behind for an hour; it is believed again") &&
		is_pushed(&s, "f", HOUR, "DONE applied\n"),
	    "and no longer");
	again(&s);
	OK(!has(&s.log, BEHIND) && is_pushed(&s, "g", HOUR, "DONE applied\n"),
	    "also after a start");

	/* A clock that is set again and again is not what to go by. */
	set_clock(&s, 3650 * DAY);
	pass(&s, 2 * MINUTE);
	set_clock(&s, -3650 * DAY);
	buf_reset(&s.log);
	for (i = 0; i < 70; i++) {
		set_clock(&s, 2000);
		pass(&s, MINUTE);
	}
	OK(has(&s.log, BEHIND) && !has(&s.log, "believed again"),
	    "one that does not run by itself is not believed");
	scene_close(&s);
}

/* The network sets it right within the hour. */
static void
test_catches_up(void)
{
	struct scene s;

	scene_clear(&s);
	scene_open(&s, NULL);
	pass(&s, HOUR);
	set_clock(&s, -HOUR);
	again(&s);
	pass(&s, 50 * MINUTE);
	set_clock(&s, HOUR);
	pass(&s, 20 * MINUTE);
	OK(has(&s.log, BEHIND) && !has(&s.log, "believed again"),
	    "a clock that is right again is nothing to tell of");
	set_clock(&s, -HOUR);
	pass(&s, 50 * MINUTE);
	OK(!has(&s.log, "believed again"), "the hour is counted anew");
	scene_close(&s);
}

static void
test_file(void)
{
	struct scene s;

	scene_clear(&s);
	scene_open(&s, NULL);
	pass(&s, MINUTE + 1);
	OK(access("state/time", F_OK) == 0, "the time seen is in the folder");
	host_free(s.host);
	file_write("state/time", "hotfix-time: 1\nseen: ", 21, 0600, NULL);
	scene_open(&s, NULL);
	OK(s.host != NULL &&
		has(&s.log,
		    "state/time: damaged, it tells no time; it is made anew\n"),
	    "a damaged file stops no host");
	pass(&s, MINUTE + 1);
	again(&s);
	OK(!has(&s.log, "state/time"), "it was made anew");
	if (system("mkdir state/time.new") != 0)
		printf("# no folder\n");
	pass(&s, 3 * MINUTE);
	OK(has(&s.log, "the latest time seen is not kept") &&
		strstr(strstr(buf_text(&s.log), "is not kept") + 1,
		    "is not kept") == NULL,
	    "what cannot be written is told, once");
	scene_close(&s);
}

/* Without a state folder nobody looks. */
static void
test_no_folder(void)
{
	struct keyring none = KEYRING_INIT;
	struct host_config c;
	struct scene s;

	scene_clear(&s);
	c = config(&s, &none);
	c.state_dir = NULL;
	scene_open(&s, &c);
	OK(host_next_ns(s.host) < 0, "a host without a folder is not woken");
	scene_close(&s);
}

int
main(void)
{
	test_set_back();
	test_age();
	test_future();
	test_signed();
	test_build();
	test_start_ahead();
	test_lock_out();
	test_catches_up();
	test_file();
	test_no_folder();
	return tap_done();
}
