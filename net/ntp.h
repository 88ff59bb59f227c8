#ifndef NET_NTP_H
#define NET_NTP_H

#include <signal.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "net/ntp_packet.h"
#include "net/ntp_pick.h"
#include "net/sock.h"

/*
 * The time by one or several NTP servers, asked once: an SNTP client (RFC 5905,
 * section 14) that believes less. Nothing here sets a clock.
 *
 * Times are in microseconds: instants since 1970 UTC, offsets of the true time
 * to this machine's clock: above zero, the clock is behind.
 */

#define NTP_PORT 123

/* More do not make a majority safer. */
#define NTP_SERVERS_MAX NTP_PICK_MAX

/* Good answers of each server. With fewer nobody can tell what the way there
 * and back adds by chance. */
#define NTP_SAMPLES 4

/* An answer takes less than this from anywhere on earth, by satellite too. */
#define NTP_SAMPLE_NS INT64_C(1000000000)

/* All of it, looking up names included: four samples, one of them lost, of a
 * server that limits how often it answers. Somebody is waiting. */
#define NTP_TOTAL_NS INT64_C(5000000000)

/* So many requests in a row that are not answered, and a server is not there;
 * of one that was never heard each goes to the next of its addresses. */
#define NTP_SILENT_MAX 3

/* The reference server drops what comes within two seconds, rounded, of the
 * request before. Who stops answering is asked no faster than this. */
#define NTP_HEADWAY_NS INT64_C(1550000000)

/* When a majority agrees, the others get this much longer. */
#define NTP_LATE_NS NTP_SAMPLE_NS

/* Read of one server, junk and duplicates too; then it is left out. */
#define NTP_PACKETS_MAX 64

enum ntp_outcome {
	NTP_OUT_USED = 0,
	NTP_OUT_FALSETICKER, /* the majority says otherwise */
	NTP_OUT_DISAGREES,   /* there is no majority */
	NTP_OUT_REFUSED,     /* it answered, and not with a time */
	NTP_OUT_UNREACHABLE, /* no answer */
};

#define NTP_WHY 192 /* the longest reason, with a server's name in it */

struct ntp_server {
	const char *name; /* as asked for; the caller's text */
	enum ntp_outcome outcome;
	char why[NTP_WHY]; /* empty when used */
	int has_addr;
	struct sock_addr addr; /* the one that was asked, or the last one */
	unsigned samples;      /* good ones */
	/* When the outcome is before NTP_OUT_REFUSED: */
	unsigned stratum;
	enum ntp_leap leap;
	int64_t offset_us, delay_us;
	/* Half the delay, half the root delay and the root dispersion: by so
	 * much the offset may be wrong, if the server tells the truth. */
	int64_t distance_us;
};

struct ntp_config {
	const char *const *servers; /* NAME[:PORT] */
	size_t nservers;            /* 1 to NTP_SERVERS_MAX */
	int64_t floor_us; /* no true time is before it; tells the era, too */
	/* Set by a signal handler: give up. Or NULL. */
	const volatile sig_atomic_t *stop;
};

struct ntp_result {
	struct ntp_server servers[NTP_SERVERS_MAX];
	size_t n, used;
	int64_t offset_us;
	/* The corrected time at clock_mono_ns() == base_ns: does not depend on
	 * who sets the machine's clock meanwhile. */
	int64_t base_us, base_ns;
};

/*
 * Ask all servers at once and wait. 0, or -1 with err: ERR_USAGE (a server that
 * is no address; nobody was asked), ERR_PEER (none answered, or stop was set),
 * ERR_NO (they disagree, or what came was refused), ERR_LOCAL. The servers of
 * the result are set in all of these but ERR_USAGE and ERR_LOCAL. The text
 * tells each server's reason.
 */
int ntp_query(const struct ntp_config *c, struct ntp_result *out,
    struct err *e);

/* "-0.000123", seconds. Returns out. */
#define NTP_SECONDS 32
char *ntp_seconds_format(char out[NTP_SECONDS], int64_t us);

#endif
