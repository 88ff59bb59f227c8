#ifndef NET_NTP_PACKET_H
#define NET_NTP_PACKET_H

#include <stddef.h>
#include <stdint.h>

/*
 * What a client sends to a time server and makes of the answer: RFC 5905,
 * figure 8, modes 3 and 4. Pure: no clock, no socket.
 */

#define NTP_PACKET_LEN 48 /* the head, all that is sent */
/* Behind the head may be extension fields and a code; they are not read. The
 * largest in use (NTS, RFC 8915) stay below this. Who receives takes a larger
 * buffer, so that what was cut does not pass for what fitted. */
#define NTP_PACKET_MAX 1024

#define NTP_COOKIE 8 /* bytes */

/* Servers further than this from the clock that they follow are of no use. */
#define NTP_ROOT_MAX_US 3000000

/* By this much a server may have held a request longer than we waited: its
 * clock has a coarse step, and runs up to 500 ppm too fast. */
#define NTP_HOLD_SLACK_NS 1000000

#define NTP_STRATUM_MAX 15 /* 16 and more: not synchronized */

enum ntp_verdict {
	NTP_GOOD = 0,
	/* No answer to what was asked: as if it had not come. */
	NTP_LENGTH,
	NTP_ORIGIN, /* not the cookie */
	NTP_MODE,
	NTP_VERSION,
	/* The answer, and there is no time to be had from this server. */
	NTP_KISS, /* it tells us to leave it alone, or why it is not ready */
	NTP_UNSYNCHRONIZED,
	NTP_STRATUM,
	NTP_ZERO,          /* no time of receipt or of sending */
	NTP_BACKWARD,      /* sent before it was received */
	NTP_ROUND_TRIP,    /* held for longer than it took in all */
	NTP_ROOT_DELAY,    /* less than nothing */
	NTP_ROOT_DISTANCE, /* past NTP_ROOT_MAX_US */
	NTP_PAST,          /* before the floor */
};

/* One that was asked. The times are kept here and never sent: they would tell
 * our clock, and what can be guessed can be forged. */
struct ntp_asked {
	uint8_t cookie[NTP_COOKIE]; /* random; sent as the transmit time */
	int64_t sent_us;            /* by our clock, since 1970 */
	int64_t took_ns;            /* from then to the answer, monotonic */
	/* No true time is before it. It also tells the era: a server's 64 bits
	 * are taken as the instant next to this, within 68 years. >= 0. */
	int64_t floor_us;
};

/* Leap second announced: as in the packet. Nothing is computed with it. */
enum ntp_leap { NTP_LEAP_NONE, NTP_LEAP_INSERT, NTP_LEAP_DELETE };

struct ntp_answer {
	enum ntp_leap leap;
	unsigned stratum;
	char kiss[5];      /* the code, printable; empty: no kiss */
	int64_t offset_us; /* of the server's clock to ours: it is ahead */
	int64_t delay_us;  /* on the way there and back, >= 0 */
	int64_t root_us;   /* half the root delay, and the dispersion */
};

/* Only version, mode and cookie are told. */
void ntp_packet_build(uint8_t out[NTP_PACKET_LEN],
    const uint8_t cookie[NTP_COOKIE]);

/* out is set as far as the verdict says: all of it for NTP_GOOD, kiss for
 * NTP_KISS. */
enum ntp_verdict ntp_packet_check(struct ntp_answer *out, const uint8_t *bytes,
    size_t len, const struct ntp_asked *asked);

/* 1 when it answers what was asked, be it good or not; 0: wait on. */
int ntp_verdict_is_answer(enum ntp_verdict v);

/* For people, as in "its answer has ...". */
const char *ntp_verdict_text(enum ntp_verdict v);

#endif
