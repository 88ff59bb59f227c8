/* NTP packets of a client (RFC 5905). */

#include "net/ntp_packet.h"

#include <string.h>

/* --- the form (RFC 5905, 7.3) --------------------------------------------- */

#define VERSION      4
#define MODE_CLIENT  3
#define MODE_SERVER  4
#define LEAP_UNKNOWN 3

#define AT_STRATUM    1
#define AT_ROOT_DELAY 4
#define AT_ROOT_DISP  8
#define AT_REFID      12
#define AT_ORIGIN     24
#define AT_RECEIVE    32
#define AT_TRANSMIT   40

#define EPOCH_S    UINT64_C(2208988800) /* 1900 to 1970 */
#define US_PER_S   1000000
#define NS_PER_S   1000000000
#define NS_PER_US  1000
#define SIGN_64    (UINT64_C(1) << 63)
#define SIGN_32    (UINT32_C(1) << 31)
#define FRACTION   UINT64_C(0xffffffff)
#define SHORT_UNIT 65536 /* of a short format's second */

static uint32_t
get_32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	       (uint32_t)p[2] << 8 | p[3];
}

static uint64_t
get_64(const uint8_t *p)
{
	return (uint64_t)get_32(p) << 32 | get_32(p + 4);
}

void
ntp_packet_build(uint8_t out[NTP_PACKET_LEN], const uint8_t cookie[NTP_COOKIE])
{
	memset(out, 0, NTP_PACKET_LEN);
	out[0] = VERSION << 3 | MODE_CLIENT;
	memcpy(out + AT_TRANSMIT, cookie, NTP_COOKIE);
}

/* --- time ----------------------------------------------------------------- */

/* From one time stamp to another, modulo 2^64: right when they are less than
 * 68 years apart, in whatever eras. In units of 2^-32 s; *back: it is less
 * than nothing, by so much. */
static uint64_t
between(uint64_t from, uint64_t to, int *back)
{
	uint64_t d = to - from;

	*back = (d & SIGN_64) != 0;
	return *back ? from - to : d;
}

static int64_t
in_units(uint64_t fixed, int64_t per_s)
{
	uint64_t unit = (uint64_t)per_s;

	return (int64_t)((fixed >> 32) * unit +
			 (((fixed & FRACTION) * unit) >> 32));
}

/* The instant that a time stamp means, next to the floor. */
static int64_t
instant_us(uint64_t stamp, int64_t floor_us)
{
	int64_t floor_s = floor_us / US_PER_S, d_us;
	int back;

	d_us =
	    in_units(between(((uint64_t)floor_s + EPOCH_S) << 32, stamp, &back),
		US_PER_S);
	return floor_s * US_PER_S + (back ? -d_us : d_us);
}

/* --- an answer ------------------------------------------------------------ */

/* Who sent it, and to whom. The cookie is looked at first: nobody but the
 * server and those on the way can know it. */
static enum ntp_verdict
check_form(const uint8_t *bytes, size_t len, const struct ntp_asked *asked)
{
	if (len < NTP_PACKET_LEN || len > NTP_PACKET_MAX || len % 4 != 0)
		return NTP_LENGTH;
	if (memcmp(bytes + AT_ORIGIN, asked->cookie, NTP_COOKIE) != 0)
		return NTP_ORIGIN;
	if ((bytes[0] & 7) != MODE_SERVER)
		return NTP_MODE;
	if ((bytes[0] >> 3 & 7) != VERSION)
		return NTP_VERSION;
	return NTP_GOOD;
}

static void
get_kiss(char out[5], const uint8_t *refid)
{
	size_t i;

	for (i = 0; i < 4; i++)
		out[i] = '?';
	for (i = 0; i < 4; i++)
		if (refid[i] > ' ' && refid[i] < 0x7f && refid[i] != '\\')
			out[i] = (char)refid[i];
	out[4] = '\0';
}

/* Is its clock one to go by? */
static enum ntp_verdict
check_server(struct ntp_answer *out, const uint8_t *bytes)
{
	unsigned leap = bytes[0] >> 6;
	uint32_t delay = get_32(bytes + AT_ROOT_DELAY);
	uint64_t root;

	out->stratum = bytes[AT_STRATUM];
	if (out->stratum == 0 && get_32(bytes + AT_REFID) == 0)
		return NTP_UNSYNCHRONIZED;
	if (out->stratum == 0) {
		get_kiss(out->kiss, bytes + AT_REFID);
		return NTP_KISS;
	}
	if (leap == LEAP_UNKNOWN)
		return NTP_UNSYNCHRONIZED;
	out->leap = (enum ntp_leap)leap;
	if (out->stratum > NTP_STRATUM_MAX)
		return NTP_STRATUM;
	if (delay & SIGN_32)
		return NTP_ROOT_DELAY;
	root = ((uint64_t)delay + 1) / 2 + get_32(bytes + AT_ROOT_DISP);
	out->root_us = (int64_t)(root * US_PER_S / SHORT_UNIT);
	if (out->root_us > NTP_ROOT_MAX_US)
		return NTP_ROOT_DISTANCE;
	return NTP_GOOD;
}

static enum ntp_verdict
check_time(struct ntp_answer *out, const uint8_t *bytes,
    const struct ntp_asked *asked)
{
	uint64_t receive = get_64(bytes + AT_RECEIVE);
	uint64_t transmit = get_64(bytes + AT_TRANSMIT);
	int64_t held_ns, delay_ns, receive_us;
	uint64_t held;
	int back;

	if (receive == 0 || transmit == 0)
		return NTP_ZERO;
	held = between(receive, transmit, &back);
	if (back)
		return NTP_BACKWARD;
	/* So much first: in nanoseconds 68 years fit, and no more. */
	held_ns = in_units(held, NS_PER_S);
	if (held_ns > asked->took_ns + NTP_HOLD_SLACK_NS)
		return NTP_ROUND_TRIP;
	delay_ns = asked->took_ns - held_ns;
	if (delay_ns < 0)
		delay_ns = 0;
	receive_us = instant_us(receive, asked->floor_us);
	if (receive_us < asked->floor_us)
		return NTP_PAST;
	out->delay_us = (delay_ns + NS_PER_US / 2) / NS_PER_US;
	/* ((T2 - T1) + (T3 - T4)) / 2, with no sum that could overflow. */
	out->offset_us =
	    receive_us - asked->sent_us - delay_ns / (2 * NS_PER_US);
	return NTP_GOOD;
}

enum ntp_verdict
ntp_packet_check(struct ntp_answer *out, const uint8_t *bytes, size_t len,
    const struct ntp_asked *asked)
{
	enum ntp_verdict v = check_form(bytes, len, asked);

	memset(out, 0, sizeof *out);
	if (v == NTP_GOOD)
		v = check_server(out, bytes);
	if (v == NTP_GOOD)
		v = check_time(out, bytes, asked);
	return v;
}

/* --- verdicts ------------------------------------------------------------- */

int
ntp_verdict_is_answer(enum ntp_verdict v)
{
	return v == NTP_GOOD || v >= NTP_KISS;
}

const char *
ntp_verdict_text(enum ntp_verdict v)
{
	switch (v) {
	case NTP_GOOD:
		return "a time";
	case NTP_LENGTH:
		return "a length that no packet of NTP has";
	case NTP_ORIGIN:
		return "an origin that was not sent";
	case NTP_MODE:
		return "a mode that is not a server's";
	case NTP_VERSION:
		return "another version of NTP";
	case NTP_KISS:
		return "a kiss of death";
	case NTP_UNSYNCHRONIZED:
		return "the mark of a clock that is not synchronized";
	case NTP_STRATUM:
		return "a stratum past 15: its clock is not synchronized";
	case NTP_ZERO:
		return "a time of receipt or of sending that is zero";
	case NTP_BACKWARD:
		return "a time of sending before that of receipt";
	case NTP_ROUND_TRIP:
		return "more time at the server than passed here";
	case NTP_ROOT_DELAY:
		return "a root delay of less than nothing";
	case NTP_ROOT_DISTANCE:
		return "a root distance past 3 s: its clock is too uncertain";
	case NTP_PAST:
		return "a time before this program was made";
	}
	return "?";
}
