/* update/plain: does a chunk name the global hotfix? */

#include "update/plain.h"
#include "tests/tap.h"

struct piece {
	const char *text;
	int names; /* 1: it names hotfix */
};

/* Each is whole in itself, so that any row of them, parted by a line end,
 * names hotfix exactly when one of its pieces does. */
static const struct piece pieces[] = {
    {"", 0},
    {"local x = 1", 0},
    {"hotfix.replace('a', f)", 1},
    {"hotfix", 1},
    {"local h=hotfix", 1},
    {"return(hotfix)", 1},
    {"x=1;hotfix=nil", 1},
    {"x=-hotfix.a-hotfix.b", 1},
    {"x=a..hotfix..b", 1},
    {"a[hotfix]=1", 1},
    {"a[b[hotfix]]=1", 1},
    {"a[ [[x]] ]=hotfix", 1},
    {"x=a[1]-hotfix", 1},
    {"hotfixes = 1", 0},
    {"_hotfix = 1", 0},
    {"hotfix_ = 1", 0},
    {"hotfix2 = Hotfix + HOTFIX", 0},
    {"myhotfix()", 0},
    {"hot fix", 0},
    {"-- hotfix", 0},
    {"--hotfix\rhotfix=1", 1},
    {"--[[ hotfix ]]", 0},
    {"--[[ hotfix\n\nhotfix ]]", 0},
    {"--[[ x ]] hotfix()", 1},
    {"--[==[ hotfix ]] hotfix ]=] hotfix ]==]", 0},
    {"--[==[ hotfix ]==] hotfix()", 1},
    {"--[==[ ]=]==]hotfix()", 1},
    {"--[==\nhotfix()", 1},
    {"--[= [ hotfix\n", 0},
    {"-- [[ hotfix\nhotfix() --]]", 1},
    {"-- [[ x\ny() --]]", 0},
    {"---[[ x\nhotfix()", 1},
    {"s = 'hotfix'", 0},
    {"s = \"hotfix\"", 0},
    {"s = '\"' .. hotfix .. '\"'", 1},
    {"s = '\\'hotfix\\''", 0},
    {"s = \"\\\\\" hotfix()", 1},
    {"s = '\\\\\\'hotfix'", 0},
    {"s = 'a\\\nhotfix'", 0},
    {"s = 'a\\\r\nhotfix'", 0},
    {"s = 'a\\\n\rhotfix'", 0},
    {"s = 'a\\\r\nhotfix' .. hotfix", 1},
    {"s = 'a\\z  \n\t\r\n hotfix'", 0},
    {"s = 'a\\z' .. hotfix .. 'b'", 1},
    {"s = 'a\\x27 hotfix \\65\\u{27}'", 0},
    {"s = [[hotfix]]", 0},
    {"s = [[\\]] hotfix()", 1},
    {"s = [=[ ]] hotfix ]=]", 0},
    {"s = [=[ ]] ]=] .. hotfix", 1},
    {"s = [===[\n'hotfix\"--]]]==]]===] ", 0},
    {"f[[hotfix]]'hotfix'\"hotfix\"", 0},
    {"x = 0x1p4 + 3.e2 - .5", 0},
    {"x = '--' hotfix()", 1},
    {"x = 5 - - hotfix", 1},
    {"goto hot ::hot:: -- ", 0},
};
#define NPIECES (sizeof pieces / sizeof pieces[0])

static void
test_pieces(void)
{
	size_t i;

	for (i = 0; i < NPIECES; i++)
		OK(plain_chunk(pieces[i].text, strlen(pieces[i].text)) ==
			!pieces[i].names,
		    "piece %zu %s hotfix", i,
		    pieces[i].names ? "names" : "does not name");
	OK(plain_chunk("a='x\0'..hotfix", 14) == 0, "a NUL ends no string");
	OK(plain_chunk("a='\0hotfix'", 11) == 1, "nor what is in it");
}

static void
test_rows(void)
{
	uint64_t seed = tap_seed(20), state = seed;
	char text[4096];
	size_t len, n, i;
	int round, names, bad = 0;

	for (round = 0; round < 20000; round++) {
		len = 0;
		names = 0;
		for (n = 1 + tap_random(&state) % 12; n > 0; n--) {
			i = tap_random(&state) % NPIECES;
			/* Names are rare, or every row would have one. */
			if (pieces[i].names && tap_random(&state) % 8 != 0)
				continue;
			len += (size_t)snprintf(text + len, sizeof text - len,
			    "%s\n", pieces[i].text);
			names |= pieces[i].names;
		}
		bad += plain_chunk(text, len) == names;
	}
	IS(bad, 0, "in any row of pieces too");
}

/* A source that ends anywhere is read to its end and no further: every cut
 * lies at the end of its own allocation, where the sanitizer looks. */
static void
test_cuts(void)
{
	size_t i, len;
	char *copy;
	int sum = 0;

	for (i = 0; i < NPIECES; i++) {
		for (len = 0; len <= strlen(pieces[i].text); len++) {
			copy = malloc(len + 1);
			if (copy == NULL)
				return;
			memcpy(copy + 1, pieces[i].text, len);
			sum += plain_chunk(copy + 1, len);
			free(copy);
		}
	}
	OK(sum > 0, "cut at every byte it is read to its end");
}

int
main(void)
{
	test_pieces();
	test_rows();
	test_cuts();
	return tap_done();
}
