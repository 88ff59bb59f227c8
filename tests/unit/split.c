/* Text parted by single separators: no piece is lost, none invented. */

#include "tests/tap.h"
#include "update/split.h"

static void
pieces(const char *text, const char *want)
{
	struct span rest, piece;
	char got[64] = "";

	rest.p = text;
	rest.n = strlen(text);
	while (split_next(&rest, ',', &piece))
		snprintf(got + strlen(got), sizeof got - strlen(got), "<%.*s>",
		    (int)piece.n, piece.p);
	IS_STR(got, want, "pieces");
	OK(!split_next(&rest, ',', &piece), "'%s': an end stays an end", text);
}

int
main(void)
{
	struct span s = {"push,", 4};

	pieces("a", "<a>");
	pieces("a,bc,d", "<a><bc><d>");
	pieces("", "<>");
	pieces(",", "<><>");
	pieces("a,", "<a><>");
	pieces(",a", "<><a>");
	pieces("a,,b", "<a><><b>");
	OK(span_is(s, "push"), "the whole piece is compared");
	OK(!span_is(s, "pus") && !span_is(s, "push,") && !span_is(s, ""),
	    "neither less nor more");
	return tap_done();
}
