/* The best of several answers and servers. */

#include "net/ntp_pick.h"

#include <stdlib.h>

/* --- samples -------------------------------------------------------------- */

static int
by_delay(const void *a, const void *b)
{
	const struct ntp_sample *x = a, *y = b;

	return (x->delay_us > y->delay_us) - (x->delay_us < y->delay_us);
}

static int
by_offset(const void *a, const void *b)
{
	const struct ntp_sample *x = a, *y = b;

	return (x->offset_us > y->offset_us) - (x->offset_us < y->offset_us);
}

int
ntp_pick_sample(struct ntp_sample *out, struct ntp_sample *samples, size_t n,
    int64_t *apart_us)
{
	int64_t apart;
	size_t i, k, kept;

	for (i = 0; i < n; i++) {
		for (k = 0; k < i; k++) {
			apart = samples[i].offset_us - samples[k].offset_us;
			if (apart < 0)
				apart = -apart;
			if (apart <= samples[i].delay_us / 2 +
					 samples[k].delay_us / 2 +
					 NTP_PICK_SLACK_US)
				continue;
			*apart_us = apart;
			return -1;
		}
	}
	qsort(samples, n, sizeof *samples, by_delay);
	kept = n - n / 4;
	/* An odd number has a median that was measured. */
	kept -= kept % 2 == 0;
	qsort(samples, kept, sizeof *samples, by_offset);
	*out = samples[kept / 2];
	return 0;
}

/* --- servers -------------------------------------------------------------- */

static int64_t
reach(const struct ntp_vote *v)
{
	int64_t root_us =
	    v->root_us < NTP_PICK_ROOT_US ? v->root_us : NTP_PICK_ROOT_US;

	return v->delay_us / 2 + root_us + NTP_PICK_SLACK_US;
}

static int64_t
lowest(const struct ntp_vote *v)
{
	return v->offset_us - reach(v);
}

static int64_t
highest(const struct ntp_vote *v)
{
	return v->offset_us + reach(v);
}

static int
holds(const struct ntp_vote *v, int64_t offset_us)
{
	return lowest(v) <= offset_us && offset_us <= highest(v);
}

static size_t
count(const struct ntp_vote *votes, size_t n, int64_t offset_us)
{
	size_t i, k = 0;

	for (i = 0; i < n; i++)
		k += holds(&votes[i], offset_us) != 0;
	return k;
}

static int
compare(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* The median of those that agree; up to *high all of them hold every offset
 * from low on. */
static int64_t
median(const struct ntp_vote *votes, size_t n, int64_t *high)
{
	int64_t offsets[NTP_PICK_MAX] = {0};
	size_t i, k = 0;

	*high = INT64_MAX;
	for (i = 0; i < n; i++) {
		if (!votes[i].agrees)
			continue;
		offsets[k++] = votes[i].offset_us;
		if (highest(&votes[i]) < *high)
			*high = highest(&votes[i]);
	}
	qsort(offsets, k, sizeof *offsets, compare);
	return k % 2 == 1 ? offsets[k / 2]
			  : offsets[k / 2 - 1] +
				(offsets[k / 2] - offsets[k / 2 - 1]) / 2;
}

size_t
ntp_pick_votes(int64_t *offset_us, struct ntp_vote *votes, size_t n)
{
	int64_t low = 0, high;
	size_t i, agree, most = 0, rivals = 0;

	/* Where most of them overlap, one of them begins. */
	for (i = 0; i < n; i++) {
		votes[i].agrees = 0;
		agree = count(votes, n, lowest(&votes[i]));
		if (agree > most) {
			most = agree;
			low = lowest(&votes[i]);
			rivals = 0;
		} else if (agree == most && lowest(&votes[i]) != low) {
			rivals++;
		}
	}
	/* As many elsewhere: a vote that allows both decides nothing. */
	if (2 * most <= n || rivals > 0)
		return 0;
	for (i = 0; i < n; i++)
		votes[i].agrees = holds(&votes[i], low);
	*offset_us = median(votes, n, &high);
	if (*offset_us < low)
		*offset_us = low;
	if (*offset_us > high)
		*offset_us = high;
	return most;
}
