/*
 * NTP packets: what is sent, and every reason for which an answer is passed
 * over or refused, at its limit and one past it. The answers are made by hand
 * after figure 8 of RFC 5905.
 */

#include "net/ntp_packet.h"

#include "tests/tap.h"

#define S_US  INT64_C(1000000)
#define S_NS  INT64_C(1000000000)
#define MS_NS INT64_C(1000000)

/* 2026-11-22T00:00:00Z, in both counts. */
#define NOW_S   INT64_C(1795305600)
#define NOW_NTP UINT64_C(4004294400)

/* RFC 5905, figure 4: the first day of era 1 is 2036-02-07, 06:28:16. */
#define ERA_1_S INT64_C(2085978496)

static const uint8_t cookie[NTP_COOKIE] = {1, 2, 3, 4, 0xf5, 0xf6, 0xf7, 0xf8};

static void
put_32(uint8_t *p, uint64_t n)
{
	p[0] = (uint8_t)(n >> 24);
	p[1] = (uint8_t)(n >> 16);
	p[2] = (uint8_t)(n >> 8);
	p[3] = (uint8_t)n;
}

static void
put_64(uint8_t *p, uint64_t n)
{
	put_32(p, n >> 32);
	put_32(p + 4, n & 0xffffffff);
}

/* What the server's clock showed: seconds of era 0 and 2^-32 ones. */
static void
put_times(uint8_t *p, uint64_t receive_s, uint64_t receive_f,
    uint64_t transmit_s, uint64_t transmit_f)
{
	put_64(p + 32, receive_s << 32 | receive_f);
	put_64(p + 40, transmit_s << 32 | transmit_f);
}

/* An answer of stratum 2 that takes no time at the server, which is right. */
static void
make(uint8_t p[NTP_PACKET_LEN])
{
	memset(p, 0, NTP_PACKET_LEN);
	p[0] = 0 << 6 | 4 << 3 | 4;
	p[1] = 2;
	put_32(p + 4, 0x8000); /* 0.5 s */
	put_32(p + 8, 0x4000); /* 0.25 s */
	memcpy(p + 12, "GPS", 3);
	memcpy(p + 24, cookie, NTP_COOKIE);
	put_times(p, NOW_NTP, 0, NOW_NTP, 0);
}

static struct ntp_asked
asked_now(void)
{
	struct ntp_asked a;

	memcpy(a.cookie, cookie, NTP_COOKIE);
	a.sent_us = NOW_S * S_US;
	a.took_ns = 0;
	a.floor_us = (NOW_S - 86400) * S_US;
	return a;
}

static void
check_built(void)
{
	uint8_t p[NTP_PACKET_LEN], zero[NTP_PACKET_LEN] = {0};

	memset(p, 0xaa, sizeof p);
	ntp_packet_build(p, cookie);
	IS(p[0], 0x23, "no leap, version 4, a client");
	IS_MEM(p + 40, cookie, NTP_COOKIE, "the cookie is the transmit time");
	IS_MEM(p + 1, zero, 39, "and nothing else is told");
}

/* --- refusals ------------------------------------------------------------- */

/* Answers made otherwise at one place. */
static const struct {
	const char *what;
	unsigned at;
	uint8_t byte;
	enum ntp_verdict want;
} bent[] = {
    {"N1: an origin that is off by one bit", 24, 0, NTP_ORIGIN},
    {"N1: at its end too", 31, 0xf9, NTP_ORIGIN},
    {"N3: a kiss", 1, 0, NTP_KISS}, /* "GPS" is its code */
    {"N4: stratum 15", 1, 15, NTP_GOOD},
    {"N4: stratum 16", 1, 16, NTP_STRATUM},
    {"N4: stratum 17", 1, 17, NTP_STRATUM},
    {"N4: stratum 255", 1, 255, NTP_STRATUM},
    {"N4: leap 3, version 4, mode 4", 0, 0xe4, NTP_UNSYNCHRONIZED},
    {"N5: mode 0", 0, 0x20, NTP_MODE},
    {"N5: mode 1", 0, 0x21, NTP_MODE},
    {"N5: mode 2", 0, 0x22, NTP_MODE},
    {"N5: mode 3, as our own", 0, 0x23, NTP_MODE},
    {"N5: mode 5", 0, 0x25, NTP_MODE},
    {"N5: mode 6", 0, 0x26, NTP_MODE},
    {"N5: mode 7", 0, 0x27, NTP_MODE},
    {"N5: version 0", 0, 0x04, NTP_VERSION},
    {"N5: version 1", 0, 0x0c, NTP_VERSION},
    {"N5: version 3", 0, 0x1c, NTP_VERSION},
    {"N5: version 5", 0, 0x2c, NTP_VERSION},
    {"N5: version 7", 0, 0x3c, NTP_VERSION},
    {"N9: a root delay below zero", 4, 0xff, NTP_ROOT_DELAY},
    {"N9: the largest of these", 4, 0x80, NTP_ROOT_DELAY},
    {"N9: a root delay of hours", 4, 0x7f, NTP_ROOT_DISTANCE},
    {"N9: a dispersion of hours", 8, 0x80, NTP_ROOT_DISTANCE},
    {"N9: the largest dispersion", 8, 0xff, NTP_ROOT_DISTANCE},
    {"N15: leap 1", 0, 0x64, NTP_GOOD},
    {"N15: leap 2", 0, 0xa4, NTP_GOOD},
    {"what nobody looks at: poll", 2, 0xff, NTP_GOOD},
    {"precision", 3, 0x7f, NTP_GOOD},
    {"reference time", 16, 0xff, NTP_GOOD},
};

static void
check_bent(void)
{
	struct ntp_asked asked = asked_now();
	struct ntp_answer a;
	uint8_t p[NTP_PACKET_LEN];
	size_t i;

	make(p);
	IS(ntp_packet_check(&a, p, sizeof p, &asked), NTP_GOOD,
	    "an answer as it should be");
	IS(a.stratum, 2, "its stratum");
	IS(a.leap, NTP_LEAP_NONE, "no leap second");
	IS(a.root_us, 500000, "half its root delay and its dispersion");
	IS(a.offset_us, 0, "the clocks are the same");
	IS(a.delay_us, 0, "and nothing took time");
	IS_STR(a.kiss, "", "it is no kiss");
	for (i = 0; i < sizeof bent / sizeof *bent; i++) {
		make(p);
		p[bent[i].at] = bent[i].byte;
		IS(ntp_packet_check(&a, p, sizeof p, &asked), bent[i].want,
		    bent[i].what);
	}
}

/* N1: all zero, the cookie of another request, our own packet back. */
static void
check_origin(void)
{
	struct ntp_asked asked = asked_now();
	struct ntp_answer a;
	uint8_t p[NTP_PACKET_LEN];

	make(p);
	memset(p + 24, 0, NTP_COOKIE);
	IS(ntp_packet_check(&a, p, sizeof p, &asked), NTP_ORIGIN,
	    "N1: an origin of zero");
	ntp_packet_build(p, cookie);
	IS(ntp_packet_check(&a, p, sizeof p, &asked), NTP_ORIGIN,
	    "N5: our own packet");
	make(p);
	p[0] = 0xff;
	p[1] = 0;
	p[24] ^= 1;
	IS(ntp_packet_check(&a, p, sizeof p, &asked), NTP_ORIGIN,
	    "N2: of what is wrong in many ways the origin is seen first");
	IS_STR(a.kiss, "", "N2: it is no kiss then");
	OK(!ntp_verdict_is_answer(NTP_ORIGIN) &&
		!ntp_verdict_is_answer(NTP_MODE) &&
		!ntp_verdict_is_answer(NTP_VERSION) &&
		!ntp_verdict_is_answer(NTP_LENGTH),
	    "N2: what does not answer is waited past");
	OK(ntp_verdict_is_answer(NTP_GOOD) && ntp_verdict_is_answer(NTP_KISS) &&
		ntp_verdict_is_answer(NTP_STRATUM) &&
		ntp_verdict_is_answer(NTP_PAST),
	    "what does is not");
}

static void
check_kiss(void)
{
	struct ntp_asked asked = asked_now();
	struct ntp_answer a;
	uint8_t p[NTP_PACKET_LEN];

	make(p);
	p[0] = 0xe4;
	p[1] = 0;
	memcpy(p + 12, "RATE", 4);
	memset(p + 32, 0, 16);
	IS(ntp_packet_check(&a, p, sizeof p, &asked), NTP_KISS,
	    "N3: a kiss has no time and is known all the same");
	IS_STR(a.kiss, "RATE", "N3: its code");
	memset(p + 12, 0, 4);
	IS(ntp_packet_check(&a, p, sizeof p, &asked), NTP_UNSYNCHRONIZED,
	    "N4: stratum 0 without a code is no kiss");
	memcpy(p + 12, "\x1b\\ \xff", 4);
	ntp_packet_check(&a, p, sizeof p, &asked);
	IS_STR(a.kiss, "????", "a code is shown by its printable characters");
}

static void
check_length(void)
{
	static const struct {
		size_t len;
		enum ntp_verdict want;
	} lengths[] = {
	    {0, NTP_LENGTH},
	    {1, NTP_LENGTH},
	    {44, NTP_LENGTH},
	    {47, NTP_LENGTH},
	    {48, NTP_GOOD},
	    {49, NTP_LENGTH},
	    {50, NTP_LENGTH},
	    {51, NTP_LENGTH},
	    {52, NTP_GOOD},
	    {68, NTP_GOOD},
	    {NTP_PACKET_MAX, NTP_GOOD},
	    {NTP_PACKET_MAX + 1, NTP_LENGTH},
	    {NTP_PACKET_MAX + 4, NTP_LENGTH},
	};
	struct ntp_asked asked = asked_now();
	struct ntp_answer a;
	uint8_t *p;
	size_t i, n;

	for (i = 0; i < sizeof lengths / sizeof *lengths; i++) {
		n = lengths[i].len;
		/* No byte more than it has may be read. */
		p = malloc(n > 0 ? n : 1);
		if (n >= NTP_PACKET_LEN) {
			memset(p, 0xff, n);
			make(p);
		} else if (n > 0) {
			memset(p, 0, n);
		}
		OK(ntp_packet_check(&a, p, n, &asked) == lengths[i].want,
		    "N6: %zu bytes", n);
		free(p);
	}
}

/* --- times ---------------------------------------------------------------- */

static const struct {
	const char *what;
	uint64_t receive_s, receive_f, transmit_s, transmit_f;
	int64_t took_ns;
	enum ntp_verdict want;
	int64_t offset_us, delay_us;
} times[] = {
    {"N8: no time of receipt", 0, 0, NOW_NTP, 0, 0, NTP_ZERO, 0, 0},
    {"N8: no time of sending", NOW_NTP, 0, 0, 0, 0, NTP_ZERO, 0, 0},
    {"N8: sent before it came", NOW_NTP, 1, NOW_NTP, 0, S_NS, NTP_BACKWARD, 0,
	0},
    {"N8: years before", NOW_NTP, 0, NOW_NTP - 99999999, 0, S_NS, NTP_BACKWARD,
	0, 0},
    {"N8: held for as long as we waited", NOW_NTP, 0, NOW_NTP, 0x80000000,
	500 * MS_NS, NTP_GOOD, 0, 0},
    {"N8: held for a little longer, as coarse clocks have it", NOW_NTP, 0,
	NOW_NTP, 0x80000000, 500 * MS_NS - NTP_HOLD_SLACK_NS, NTP_GOOD, 0, 0},
    {"N8: and for more than that", NOW_NTP, 0, NOW_NTP, 0x80000000,
	500 * MS_NS - NTP_HOLD_SLACK_NS - 1, NTP_ROUND_TRIP, 0, 0},
    {"N8: held for sixty years", NOW_NTP, 0, NOW_NTP + 1900000000, 0,
	500 * MS_NS, NTP_ROUND_TRIP, 0, 0},
    {"half of the way is there, half is back", NOW_NTP, 0x40000000, NOW_NTP,
	0x40000000, 500 * MS_NS, NTP_GOOD, 0, 500000},
    {"what it held does not count", NOW_NTP, 0x40000000, NOW_NTP, 0x80000000,
	750 * MS_NS, NTP_GOOD, 0, 500000},
    {"our clock is behind", NOW_NTP + 100, 0x40000000, NOW_NTP + 100,
	0x40000000, 500 * MS_NS, NTP_GOOD, 100 * S_US, 500000},
    {"our clock is ahead", NOW_NTP - 100, 0x40000000, NOW_NTP - 100, 0x40000000,
	500 * MS_NS, NTP_GOOD, -100 * S_US, 500000},
    {"a microsecond is seen", NOW_NTP, 4295, NOW_NTP, 4295, 0, NTP_GOOD, 1, 0},
    {"the smallest step is not", NOW_NTP, 1, NOW_NTP, 1, 0, NTP_GOOD, 0, 0},
    {"at the floor", NOW_NTP - 86400, 0, NOW_NTP - 86400, 0, 0, NTP_GOOD,
	-86400 * S_US, 0},
    {"N13: a second below the floor", NOW_NTP - 86401, 0, NOW_NTP - 86401, 0, 0,
	NTP_PAST, 0, 0},
    {"N13: 1024 weeks back, as receivers of GPS fall", NOW_NTP - 619315200, 0,
	NOW_NTP - 619315200, 0, 0, NTP_PAST, 0, 0},
    {"N13: 1970", 2208988800, 0, 2208988800, 0, 0, NTP_PAST, 0, 0},
    /* 67 years on: era 1, which reads as an earlier number. */
    {"N10: the next era", (NOW_NTP + 2114380800) & 0xffffffff, 0,
	(NOW_NTP + 2114380800) & 0xffffffff, 0, 0, NTP_GOOD, 2114380800 * S_US,
	0},
};

static void
check_times(void)
{
	struct ntp_asked asked = asked_now();
	struct ntp_answer a;
	uint8_t p[NTP_PACKET_LEN];
	size_t i;

	for (i = 0; i < sizeof times / sizeof *times; i++) {
		make(p);
		put_times(p, times[i].receive_s, times[i].receive_f,
		    times[i].transmit_s, times[i].transmit_f);
		asked.took_ns = times[i].took_ns;
		IS(ntp_packet_check(&a, p, sizeof p, &asked), times[i].want,
		    times[i].what);
		if (times[i].want != NTP_GOOD)
			continue;
		IS(a.offset_us, times[i].offset_us, "its offset");
		IS(a.delay_us, times[i].delay_us, "its delay");
	}
}

static void
check_root(void)
{
	struct ntp_asked asked = asked_now();
	struct ntp_answer a;
	uint8_t p[NTP_PACKET_LEN];

	make(p);
	put_32(p + 4, 2 << 16);
	put_32(p + 8, 2 << 16);
	IS(ntp_packet_check(&a, p, sizeof p, &asked), NTP_GOOD,
	    "N9: a root distance of 3 s");
	IS(a.root_us, 3000000, "in microseconds");
	put_32(p + 8, (2 << 16) + 1);
	IS(ntp_packet_check(&a, p, sizeof p, &asked), NTP_ROOT_DISTANCE,
	    "N9: and of more");
	put_32(p + 4, 0x7fffffff);
	put_32(p + 8, 0xffffffff);
	IS(ntp_packet_check(&a, p, sizeof p, &asked), NTP_ROOT_DISTANCE,
	    "N9: the largest sum");
	put_32(p + 4, 0);
	put_32(p + 8, 0);
	IS(ntp_packet_check(&a, p, sizeof p, &asked), NTP_GOOD, "N9: none");
	IS(a.root_us, 0, "as it is");
}

/*
 * N10: around 2036-02-07T06:28:16Z, seen from a floor before and one behind,
 * by clocks of both sides. In the packet the second is era_s modulo 2^32.
 */
static void
check_eras(void)
{
	static const int64_t around[] = {
	    -86400, -1, 0, 1, 86400, 40 * 31556952};
	static const int64_t floors[] = {-90000, -86400, -25 * 31556952};
	static const int64_t clocks[] = {
	    -86400, -1, 0, 1, 86400, -ERA_1_S /* 1970 */};
	struct ntp_asked asked = asked_now();
	struct ntp_answer a;
	uint8_t p[NTP_PACKET_LEN];
	size_t i, k, j;
	uint64_t stamp;
	int wrong = 0, later = 0;

	asked.took_ns = 500 * MS_NS;
	for (i = 0; i < sizeof around / sizeof *around; i++)
		for (k = 0; k < sizeof floors / sizeof *floors; k++)
			for (j = 0; j < sizeof clocks / sizeof *clocks; j++) {
				make(p);
				stamp = (uint64_t)around[i] & 0xffffffff;
				/* 0 with no fraction would be no time. */
				put_times(p, stamp, 0x40000000, stamp,
				    0x40000000);
				asked.floor_us = (ERA_1_S + floors[k]) * S_US;
				asked.sent_us = (ERA_1_S + clocks[j]) * S_US;
				wrong += ntp_packet_check(&a, p, sizeof p,
					     &asked) != NTP_GOOD ||
					 a.offset_us !=
					     (around[i] - clocks[j]) * S_US ||
					 a.delay_us != 500000;
			}
	IS(wrong, 0, "N10: offsets around the end of the era");
	asked.floor_us = (ERA_1_S + 10) * S_US;
	asked.sent_us = ERA_1_S * S_US;
	for (i = 0; i < 20; i++) {
		make(p);
		put_times(p, i, 1, i, 1);
		later += ntp_packet_check(&a, p, sizeof p, &asked) == NTP_GOOD;
	}
	IS(later, 10, "N10: a floor in the new era holds in it");
	make(p);
	put_times(p, 0xffffffff, 0, 0xffffffff, 0);
	IS(ntp_packet_check(&a, p, sizeof p, &asked), NTP_PAST,
	    "N10: the second before the era is past, not 136 years ahead");
	/* Held over the end of the era. */
	make(p);
	put_times(p, 0xffffffff, 0xc0000000, 0, 0x40000000);
	asked.floor_us = (ERA_1_S - 100) * S_US;
	asked.sent_us = (ERA_1_S - 1) * S_US;
	asked.took_ns = S_NS;
	IS(ntp_packet_check(&a, p, sizeof p, &asked), NTP_GOOD,
	    "N10: received in one era and sent in the next");
	IS(a.delay_us, 500000, "its delay");
	IS(a.offset_us, 500000, "its offset");
	/* A clock that nobody could have. */
	asked.sent_us = INT64_MAX / 2;
	OK(ntp_packet_check(&a, p, sizeof p, &asked) == NTP_GOOD &&
		a.offset_us < -INT64_MAX / 4,
	    "our own clock may show anything");
}

static void
check_words(void)
{
	int v;

	for (v = NTP_GOOD; v <= NTP_PAST; v++)
		OK(strlen(ntp_verdict_text((enum ntp_verdict)v)) > 4,
		    "in words: %s", ntp_verdict_text((enum ntp_verdict)v));
}

int
main(void)
{
	check_built();
	check_bent();
	check_origin();
	check_kiss();
	check_length();
	check_times();
	check_root();
	check_eras();
	check_words();
	return tap_done();
}
