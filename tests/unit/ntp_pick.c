/* Which samples and which servers are believed. */

#include "net/ntp_pick.h"

#include "tests/tap.h"

#define SLACK NTP_PICK_SLACK_US

static void
check_samples(void)
{
	struct ntp_sample best, one[] = {{7, 3}};
	struct ntp_sample two[] = {{20, 100}, {10, 5}};
	struct ntp_sample four[] = {{-900, 2000}, {10, 50}, {12, 40}, {30, 90}};
	struct ntp_sample apart[] = {{0, 0}, {SLACK + 3, 6}, {0, 0}, {0, 0}};
	int64_t apart_us = 0;

	IS(ntp_pick_sample(&best, one, 1, &apart_us), 0, "a sample alone");
	OK(best.offset_us == 7 && best.delay_us == 3, "is taken");
	IS(ntp_pick_sample(&best, two, 2, &apart_us), 0, "two samples");
	IS(best.offset_us, 10, "have no median: it is the faster one");
	IS(ntp_pick_sample(&best, four, 4, &apart_us), 0, "four samples");
	IS(best.offset_us, 12, "N11: the median of the three that were fast");
	IS(best.delay_us, 40, "with its own delay");
	IS(ntp_pick_sample(&best, apart, 4, &apart_us), 0,
	    "N11: apart by no more than their way explains");
	apart[0].offset_us = apart[1].offset_us = 0;
	apart[2].offset_us = apart[3].offset_us = 0;
	apart[1].offset_us = SLACK + 4;
	apart[0].delay_us = apart[2].delay_us = apart[3].delay_us = 0;
	apart[1].delay_us = 6;
	IS(ntp_pick_sample(&best, apart, 4, &apart_us), -1,
	    "N11: a server with two faces");
	IS(apart_us, SLACK + 4, "by how much is told");
	apart[1].offset_us = -SLACK - 4;
	IS(ntp_pick_sample(&best, apart, 4, &apart_us), -1,
	    "N11: to the other side too");
	apart[0].delay_us = 2;
	apart[2].delay_us = 2;
	apart[3].delay_us = 2;
	IS(ntp_pick_sample(&best, apart, 4, &apart_us), 0,
	    "a longer way allows more");
}

/* Offsets and how far each reaches; what is agreed on. */
static const struct {
	const char *what;
	size_t n;
	struct {
		int64_t offset_us, reach_us;
	} votes[5];
	size_t agree;
	int64_t offset_us;
	unsigned who; /* a bit each */
} elections[] = {
    {"one server", 1, {{100, 0}}, 1, 100, 1},
    {"two that agree", 2, {{100, 50}, {160, 200}}, 2, 130, 3},
    {"two that just touch", 2, {{0, 50}, {150, 100}}, 2, 50, 3},
    {"two that just do not", 2, {{0, 50}, {151, 100}}, 0, 0, 0},
    {"a falseticker", 3, {{0, 10}, {1000000, 10}, {4, 10}}, 2, 2, 5},
    {"it may be any of them", 3, {{1000000, 10}, {0, 10}, {4, 10}}, 2, 2, 6},
    {"behind the others", 3, {{0, 10}, {4, 10}, {-1000000, 10}}, 2, 2, 3},
    {"three of three", 3, {{0, 10}, {4, 10}, {9, 10}}, 3, 4, 7},
    {"three opinions", 3, {{0, 10}, {1000, 10}, {2000, 10}}, 0, 0, 0},
    {"two and two", 4, {{0, 10}, {4, 10}, {1000, 10}, {1004, 10}}, 0, 0, 0},
    {"three against two", 5,
	{{0, 10}, {1000, 10}, {1004, 10}, {4, 10}, {8, 10}}, 3, 4, 25},
    {"one that agrees with both sides decides nothing", 3,
	{{0, 10}, {500, 5000}, {1000, 10}}, 0, 0, 0},
    {"a vague one does not move a sharp one", 2, {{0, 10}, {4000, 5000}}, 2, 10,
	3},
    {"nor from the other side", 2, {{0, 10}, {-4000, 5000}}, 2, -10, 3},
    {"the same twice", 2, {{5, 0}, {5, 0}}, 2, 5, 3},
};

/* The slack would hide what is asked here: all is scaled past it. */
#define SCALE 1000

static void
check_votes(void)
{
	struct ntp_vote votes[5];
	int64_t offset_us, reach;
	unsigned who;
	size_t i, k, n;

	for (i = 0; i < sizeof elections / sizeof *elections; i++) {
		n = elections[i].n;
		who = 0;
		for (k = 0; k < n; k++) {
			reach = elections[i].votes[k].reach_us * SCALE;
			votes[k].offset_us =
			    elections[i].votes[k].offset_us * SCALE;
			/* By its delay: the root distance has a bound. */
			votes[k].delay_us =
			    reach > SLACK ? 2 * (reach - SLACK) : 0;
			votes[k].root_us = 0;
		}
		offset_us = 0;
		IS(ntp_pick_votes(&offset_us, votes, n), elections[i].agree,
		    elections[i].what);
		IS(offset_us, elections[i].offset_us * SCALE, "the offset");
		for (k = 0; k < n; k++)
			who |= (unsigned)votes[k].agrees << k;
		IS(who, elections[i].who, "who agrees");
	}
}

/* What a server claims of its own uncertainty counts so far and no further. */
static void
check_claims(void)
{
	struct ntp_vote votes[2] = {{0, 0, 0, 0}, {0, 0, 3000000, 0}};
	int64_t offset_us;

	votes[1].offset_us = NTP_PICK_ROOT_US + 2 * SLACK;
	IS(ntp_pick_votes(&offset_us, votes, 2), 2, "N11: claims are heard");
	votes[1].offset_us++;
	IS(ntp_pick_votes(&offset_us, votes, 2), 0, "N11: to a bound");
}

int
main(void)
{
	check_samples();
	check_votes();
	check_claims();
	return tap_done();
}
