/* MD5 of many messages in memory. */

#include "crypto/md5_many.h"

#include "crypto/md5_lanes.h"

struct many {
	const struct md5_message *messages;
	size_t n, next;
	enum md5_kernel kernel;
	struct md5_lanes md5;
	const struct md5_message *lane[MD5_LANES]; /* NULL: none */
	size_t done[MD5_LANES];                    /* blocks of it */
};

/* Lanes that have nothing to do get the next messages. How many have. */
static unsigned
fill(struct many *m)
{
	unsigned k, live = 0;

	for (k = 0; k < MD5_LANES; k++) {
		if (m->lane[k] == NULL && m->next < m->n) {
			m->lane[k] = &m->messages[m->next++];
			m->done[k] = 0;
			md5_lanes_start(&m->md5, k);
		}
		live += m->lane[k] != NULL;
	}
	return live;
}

/* So many blocks more of a lane's message were hashed. */
static void
advance(struct many *m, unsigned k, size_t blocks)
{
	m->done[k] += blocks;
	if (m->done[k] < m->lane[k]->blocks)
		return;
	md5_lanes_digest(m->lane[k]->md5, &m->md5, k);
	m->lane[k] = NULL;
}

static const uint8_t *
rest(const struct many *m, unsigned k)
{
	return m->lane[k]->bytes + m->done[k] * MD5_BLOCK;
}

/* As many blocks as the shortest message has left. Lanes without one hash what
 * another one does. */
static void
all_lanes(struct many *m)
{
	const uint8_t *bytes[MD5_LANES], *some = NULL;
	size_t least = SIZE_MAX, left;
	unsigned k;

	for (k = 0; k < MD5_LANES; k++) {
		if (m->lane[k] == NULL)
			continue;
		some = rest(m, k);
		left = m->lane[k]->blocks - m->done[k];
		if (left < least)
			least = left;
	}
	for (k = 0; k < MD5_LANES; k++)
		bytes[k] = m->lane[k] != NULL ? rest(m, k) : some;
	md5_lanes_blocks(&m->md5, m->kernel, bytes, least);
	for (k = 0; k < MD5_LANES; k++)
		if (m->lane[k] != NULL)
			advance(m, k, least);
}

static void
one_by_one(struct many *m)
{
	size_t left;
	unsigned k;

	for (k = 0; k < MD5_LANES; k++) {
		if (m->lane[k] == NULL)
			continue;
		left = m->lane[k]->blocks - m->done[k];
		md5_lanes_one(&m->md5, k, rest(m, k), left);
		advance(m, k, left);
	}
}

void
md5_many(const struct md5_message *messages, size_t n)
{
	struct many m = {
	    .messages = messages, .n = n, .kernel = md5_kernel_best()};
	unsigned live;

	while ((live = fill(&m)) > 0) {
		if (live < md5_kernel_worth(m.kernel))
			one_by_one(&m);
		else
			all_lanes(&m);
	}
}
