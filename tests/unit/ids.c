/* Small sets of ids. */

#include "tests/tap.h"
#include "peer/ids.h"

int
main(void)
{
	static const uint64_t some[] = {50, 10, 40, 10, 20, 30, 50};
	struct ids s = {NULL, 0, 0};
	size_t i;

	OK(!ids_has(&s, 1), "the empty set has nothing");
	ids_remove(&s, 1);
	for (i = 0; i < sizeof some / sizeof *some; i++)
		IS(ids_add(&s, some[i]), 0, "an id comes in");
	IS(s.n, 5, "each once");
	for (i = 0; i < s.n; i++)
		IS(s.v[i], (i + 1) * 10, "ascending");
	OK(ids_has(&s, 10) && ids_has(&s, 30) && ids_has(&s, 50) &&
		!ids_has(&s, 5) && !ids_has(&s, 35) && !ids_has(&s, 51),
	    "it has what came in and nothing else");
	ids_remove(&s, 30);
	ids_remove(&s, 35);
	ids_remove(&s, 51);
	OK(s.n == 4 && !ids_has(&s, 30) && ids_has(&s, 20) && ids_has(&s, 40),
	    "one leaves, its neighbours stay");
	ids_remove(&s, 10);
	ids_remove(&s, 50);
	OK(s.n == 2 && s.v[0] == 20 && s.v[1] == 40, "the ends leave");
	ids_free(&s);
	OK(s.n == 0 && !ids_has(&s, 20), "freed, it is the empty one");
	return tap_done();
}
