#ifndef NET_NTP_PICK_H
#define NET_NTP_PICK_H

#include <stddef.h>
#include <stdint.h>

/* Which of several answers, and which of several servers, to believe. Pure. */

/* By this much two true statements may contradict each other: while a query
 * lasts (5 s) two clocks that are 500 ppm off drift so far apart. */
#define NTP_PICK_SLACK_US 5000

/* What a server says of its own uncertainty counts only so far, or who claims
 * a large one would agree with everybody. */
#define NTP_PICK_ROOT_US 100000

struct ntp_sample {
	int64_t offset_us, delay_us;
};

/*
 * Of one server's n > 0 samples the quarter that was longest on the way is left
 * out, and of the rest the one with the median offset goes into *out. Returns
 * 0, or -1 when two of them cannot both be true: the offset of a sample is
 * wrong by half its delay at most. *apart_us is then how far two are apart.
 * Reorders them.
 */
int ntp_pick_sample(struct ntp_sample *out, struct ntp_sample *samples,
    size_t n, int64_t *apart_us);

/* One server: between which offsets the truth is, as far as it is told. */
struct ntp_vote {
	int64_t offset_us, delay_us, root_us;
	int agrees; /* set by ntp_pick_votes: 1 when it is of the majority */
};

#define NTP_PICK_MAX 16 /* votes */

/*
 * The offset that more than half of the n votes (1 to NTP_PICK_MAX) hold for
 * possible: the median of theirs, moved into what they all allow. Returns how
 * many agree; 0: there is no majority, or two.
 */
size_t ntp_pick_votes(int64_t *offset_us, struct ntp_vote *votes, size_t n);

#endif
