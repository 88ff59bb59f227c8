/*
 * Answers of time servers: the first bytes of an input are what was asked, the
 * rest is the packet. What is taken for good must be so.
 */

#include "net/ntp_packet.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

#define HEAD        24
#define YEARS_68_US INT64_C(2147483648000000)

static int64_t
number(const uint8_t *p)
{
	uint64_t n = 0;
	int i;

	for (i = 0; i < 8; i++)
		n = n << 8 | p[i];
	return (int64_t)(n >> 2);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct ntp_asked asked;
	struct ntp_answer a;
	enum ntp_verdict v;
	int64_t at_us;

	if (len < HEAD)
		return 0;
	memset(&asked, 0, sizeof asked);
	asked.took_ns = number(bytes) % 5000000000;
	asked.sent_us = number(bytes + 8);
	asked.floor_us = number(bytes + 16) % INT64_C(10000000000000000);
	bytes += HEAD;
	len -= HEAD;
	/* It cannot be guessed, so what came is what was sent. */
	if (len >= 32)
		memcpy(asked.cookie, bytes + 24, NTP_COOKIE);
	v = ntp_packet_check(&a, bytes, len, &asked);
	if (ntp_verdict_text(v)[0] == '?')
		abort();
	if (v == NTP_KISS && strlen(a.kiss) != 4)
		abort();
	if (v != NTP_GOOD)
		return 0;
	at_us = asked.sent_us + a.offset_us;
	if (len < NTP_PACKET_LEN || len % 4 != 0 || a.delay_us < 0 ||
	    a.delay_us > asked.took_ns / 1000 + 1 || a.root_us < 0 ||
	    a.root_us > NTP_ROOT_MAX_US || a.stratum < 1 ||
	    a.stratum > NTP_STRATUM_MAX ||
	    at_us < asked.floor_us - asked.took_ns / 1000 ||
	    at_us > asked.floor_us + YEARS_68_US)
		abort();
	return 0;
}
