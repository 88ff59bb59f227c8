/* Deadlines: the first is the first, whatever was put in, moved, taken out. */

#include "base/heap.h"

#include "tests/tap.h"

#define N 200

static void
check_sorted(void)
{
	uint64_t state = tap_seed(6);
	struct heap_item items[N] = {HEAP_ITEM_INIT}, *first;
	struct heap h = HEAP_INIT;
	int64_t last = INT64_MIN;
	int i, good = 1;

	for (i = 0; i < N; i++)
		good = good && heap_set(&h, &items[i],
				   (int64_t)tap_random(&state)) == 0;
	OK(good && h.len == N, "put in");
	for (i = 0; i < N; i++) {
		first = heap_first(&h);
		good = good && first != NULL && first->deadline_ns >= last;
		last = first->deadline_ns;
		heap_remove(&h, first);
		good = good && first->place == 0;
	}
	OK(good, "come out in order");
	OK(heap_first(&h) == NULL, "all of them");
	heap_free(&h);
}

/* Random puts, moves and removals; after each the first is the least. */
static void
check_history(void)
{
	uint64_t state = tap_seed(7);
	struct heap_item items[N] = {HEAP_ITEM_INIT};
	struct heap h = HEAP_INIT;
	struct heap_item *first;
	size_t in, i;
	int64_t least;
	int round, good = 1;

	for (round = 0; good && round < 20000; round++) {
		struct heap_item *it = &items[tap_random(&state) % N];

		if (tap_random(&state) % 3 == 0)
			heap_remove(&h, it);
		else
			heap_set(&h, it, (int64_t)(tap_random(&state) % 1000));
		for (in = 0, i = 0, least = INT64_MAX; i < N; i++) {
			if (items[i].place == 0)
				continue;
			in++;
			good = good && h.items[items[i].place - 1] == &items[i];
			if (items[i].deadline_ns < least)
				least = items[i].deadline_ns;
		}
		first = heap_first(&h);
		good = good && h.len == in &&
		       (in == 0 ? first == NULL : first->deadline_ns == least);
	}
	OK(good, "the first is the least, and each knows its place");
	heap_free(&h);
	for (i = 0; good && i < N; i++)
		good = items[i].place == 0;
	OK(good, "freed: none is in");
}

int
main(void)
{
	struct heap h = HEAP_INIT;
	struct heap_item a = HEAP_ITEM_INIT, b = HEAP_ITEM_INIT;

	OK(heap_first(&h) == NULL, "empty");
	heap_remove(&h, &a);
	OK(h.len == 0, "what is not in can be removed");
	heap_set(&h, &a, INT64_MAX);
	heap_set(&h, &b, INT64_MIN);
	OK(heap_first(&h) == &b, "the ends of time");
	heap_set(&h, &b, INT64_MAX);
	heap_set(&h, &a, 0);
	OK(heap_first(&h) == &a && h.len == 2, "moved, not doubled");
	heap_remove(&h, &a);
	heap_remove(&h, &a);
	OK(heap_first(&h) == &b && h.len == 1, "removed once");
	heap_free(&h);
	heap_free(&h);
	check_sorted();
	check_history();
	return tap_done();
}
