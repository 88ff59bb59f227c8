/* Maps from byte strings: open addressing, linear probing. */

#include "base/map.h"
#include "base/random.h"

#include <stdlib.h>
#include <string.h>

#define MAP_FIRST 16 /* slots of the first table */

/* Marks a slot whose entry was removed: probing goes on past it. */
static const char given_up;

#define ROTL(x, n) ((x) << (n) | (x) >> (64 - (n)))

static void
sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = ROTL(v[1], 13) ^ v[0];
	v[0] = ROTL(v[0], 32);
	v[2] += v[3];
	v[3] = ROTL(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = ROTL(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = ROTL(v[1], 17) ^ v[2];
	v[2] = ROTL(v[2], 32);
}

/* SipHash-1-3 (Aumasson, Bernstein). */
static uint64_t
hash(const uint64_t seed[2], const void *key, size_t len)
{
	const uint8_t *p = key;
	uint64_t v[4] = {seed[0] ^ UINT64_C(0x736f6d6570736575),
	    seed[1] ^ UINT64_C(0x646f72616e646f6d),
	    seed[0] ^ UINT64_C(0x6c7967656e657261),
	    seed[1] ^ UINT64_C(0x7465646279746573)};
	uint64_t word;
	size_t i, left;

	for (left = len; left >= 8; left -= 8, p += 8) {
		word = 0;
		for (i = 0; i < 8; i++)
			word |= (uint64_t)p[i] << (8 * i);
		v[3] ^= word;
		sip_round(v);
		v[0] ^= word;
	}
	word = (uint64_t)len << 56;
	for (i = 0; i < left; i++)
		word |= (uint64_t)p[i] << (8 * i);
	v[3] ^= word;
	sip_round(v);
	v[0] ^= word;
	v[2] ^= 0xff;
	for (i = 0; i < 3; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

int
map_init(struct map *m)
{
	memset(m, 0, sizeof *m);
	return random_bytes(m->seed, sizeof m->seed);
}

void
map_free(struct map *m)
{
	free(m->slots);
	m->slots = NULL;
	m->nslots = m->used = m->filled = 0;
}

/* The slot of the key, or NULL. */
static struct map_slot *
find(const struct map *m, const void *key, size_t len)
{
	size_t i;

	if (m->nslots == 0)
		return NULL;
	for (i = (size_t)hash(m->seed, key, len) & (m->nslots - 1);;
	     i = (i + 1) & (m->nslots - 1)) {
		struct map_slot *s = &m->slots[i];

		if (s->key == NULL)
			return NULL;
		if (s->key != &given_up && s->len == len &&
		    memcmp(s->key, key, len) == 0)
			return s;
	}
}

/* Into a table that has room and not this key. */
static void
insert(struct map *m, const void *key, size_t len, void *value)
{
	size_t i = (size_t)hash(m->seed, key, len) & (m->nslots - 1);

	while (m->slots[i].key != NULL)
		i = (i + 1) & (m->nslots - 1);
	m->slots[i].key = key;
	m->slots[i].len = len;
	m->slots[i].value = value;
	m->used++;
	m->filled++;
}

static int
grow(struct map *m)
{
	struct map old = *m;
	size_t i, n = MAP_FIRST;

	while (n < (m->used + 1) * 2)
		n *= 2;
	m->slots = calloc(n, sizeof *m->slots);
	if (m->slots == NULL) {
		m->slots = old.slots;
		return -1;
	}
	m->nslots = n;
	m->used = m->filled = 0;
	for (i = 0; i < old.nslots; i++)
		if (old.slots[i].key != NULL && old.slots[i].key != &given_up)
			insert(m, old.slots[i].key, old.slots[i].len,
			    old.slots[i].value);
	free(old.slots);
	return 0;
}

void *
map_get(const struct map *m, const void *key, size_t len)
{
	const struct map_slot *s = find(m, key, len);

	return s != NULL ? s->value : NULL;
}

int
map_put(struct map *m, const void *key, size_t len, void *value)
{
	struct map_slot *s = find(m, key, len);

	if (s != NULL) {
		s->key = key;
		s->value = value;
		return 0;
	}
	/* At most three quarters filled: probes stay short. */
	if (m->filled + 1 > m->nslots / 4 * 3 && grow(m) != 0)
		return -1;
	insert(m, key, len, value);
	return 0;
}

void *
map_remove(struct map *m, const void *key, size_t len)
{
	struct map_slot *s = find(m, key, len);
	void *value;

	if (s == NULL)
		return NULL;
	value = s->value;
	s->key = &given_up;
	s->value = NULL;
	m->used--;
	return value;
}

void *
map_next(const struct map *m, size_t *at)
{
	while (*at < m->nslots) {
		const struct map_slot *s = &m->slots[(*at)++];

		if (s->key != NULL && s->key != &given_up)
			return s->value;
	}
	return NULL;
}
