/* Maps: the hash is the one it says, and a history leaves what it should. */

#include "base/map.h"

#include "tests/tap.h"

#define N 500

/*
 * The low four bits of SipHash-1-3 under the key 0 of the byte strings 00,
 * 00 01, 00 01 02 and so on, as CPython 3.11 computes hash() of them with
 * PYTHONHASHSEED=0. They are the slot of a lone entry in the first table.
 */
static const uint8_t low_bits[64] = {3, 9, 13, 13, 5, 11, 10, 10, 2, 13, 15, 2,
    13, 7, 10, 7, 13, 13, 9, 0, 9, 14, 15, 10, 15, 2, 15, 7, 5, 6, 11, 11, 6, 9,
    3, 3, 6, 15, 11, 6, 9, 4, 4, 13, 7, 4, 13, 15, 0, 9, 2, 10, 14, 8, 0, 6, 6,
    6, 12, 1, 5, 4, 9, 6};

static void
check_hash(void)
{
	uint8_t key[64];
	struct map m;
	size_t i;
	int good = 1;

	for (i = 0; i < sizeof key; i++)
		key[i] = (uint8_t)i;
	for (i = 1; i <= sizeof key; i++) {
		map_init(&m);
		m.seed[0] = m.seed[1] = 0;
		good = good && map_put(&m, key, i, key) == 0 &&
		       m.nslots == 16 && m.slots[low_bits[i - 1]].key == key;
		map_free(&m);
	}
	OK(good, "SipHash-1-3, of 1 to 64 bytes");
}

static void
check_seeds(void)
{
	struct map a, b;

	IS(map_init(&a), 0, "a map");
	IS(map_init(&b), 0, "another");
	OK(a.seed[0] != b.seed[0] || a.seed[1] != b.seed[1],
	    "have keys of their own");
	map_free(&a);
	map_free(&b);
}

static void
check_basics(void)
{
	static const char one[] = "one", other_one[] = "one";
	struct map m;
	int v1, v2;
	size_t at = 0;

	map_init(&m);
	OK(map_get(&m, "one", 3) == NULL, "empty");
	OK(map_remove(&m, "one", 3) == NULL, "nothing to remove");
	OK(map_next(&m, &at) == NULL, "nothing to visit");
	IS(map_put(&m, one, 3, &v1), 0, "put");
	OK(map_get(&m, "one", 3) == &v1, "got, by other bytes alike");
	OK(map_get(&m, "one", 2) == NULL, "a part is another key");
	IS(map_put(&m, other_one, 3, &v2), 0, "put again");
	OK(map_get(&m, "one", 3) == &v2 && m.used == 1, "replaces");
	OK(map_remove(&m, "one", 3) == &v2 && m.used == 0, "removed");
	OK(map_get(&m, "one", 3) == NULL, "is gone");
	IS(map_put(&m, "", 0, &v1), 0, "the empty key");
	OK(map_get(&m, "x", 0) == &v1, "is a key");
	IS(map_put(&m, "a\0b", 3, &v2), 0, "bytes with NUL");
	OK(map_get(&m, "a\0c", 3) == NULL && map_get(&m, "a\0b", 3) == &v2,
	    "count to the end");
	map_free(&m);
	map_free(&m);
}

/* Against an array: random puts and removals; and every entry is visited
 * once, also when each is removed on the way. */
static void
check_history(void)
{
	static char keys[N][8];
	static int values[2][N];
	uint64_t state = tap_seed(8);
	void *model[N] = {NULL};
	int seen[N];
	struct map m;
	size_t i, at, n;
	int round, good = 1;
	int *v;

	map_init(&m);
	for (i = 0; i < N; i++)
		snprintf(keys[i], sizeof keys[i], "%zu", i * 37);
	for (round = 0; good && round < 20000; round++) {
		i = tap_random(&state) % N;
		if (tap_random(&state) % 2 == 0) {
			model[i] = &values[round % 2][i];
			good = map_put(&m, keys[i], strlen(keys[i]),
				   model[i]) == 0;
		} else {
			good = map_remove(&m, keys[i], strlen(keys[i])) ==
			       model[i];
			model[i] = NULL;
		}
		i = tap_random(&state) % N;
		good = good &&
		       map_get(&m, keys[i], strlen(keys[i])) == model[i] &&
		       m.filled < m.nslots && m.nslots <= 4096;
	}
	OK(good, "holds what was put and not removed");

	memset(seen, 0, sizeof seen);
	for (at = 0, n = 0; (v = map_next(&m, &at)) != NULL; n++) {
		i = (size_t)(v - values[0]) % N;
		good = good && model[i] == v && !seen[i]++;
		good = good && map_remove(&m, keys[i], strlen(keys[i])) == v;
	}
	for (i = 0; i < N; i++)
		good = good && !!seen[i] == (model[i] != NULL);
	OK(good && n > 0 && m.used == 0,
	    "every entry is visited once, removed or not");
	map_free(&m);
}

/* Puts and removals of new keys for ever do not grow the table. */
static void
check_churn(void)
{
	static char keys[4][16];
	struct map m;
	int i, good = 1;

	map_init(&m);
	for (i = 0; i < 10000; i++) {
		char *key = keys[i % 4];

		map_remove(&m, key, strlen(key));
		snprintf(key, sizeof keys[0], "k%d", i);
		good = good && map_put(&m, key, strlen(key), key) == 0;
	}
	OK(good && m.used == 4 && m.nslots == 16,
	    "slots that were given up are used again");
	map_free(&m);
}

int
main(void)
{
	check_hash();
	check_seeds();
	check_basics();
	check_history();
	check_churn();
	return tap_done();
}
