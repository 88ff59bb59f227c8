/* The words of refusals: every one has a name, and the name leads back. */

#include "tests/tap.h"
#include "update/word.h"

static void
names(void)
{
	static const char all[] =
	    "syntax too-large unknown-verb denied closed untrusted-key "
	    "out-of-scope bad-signature bad-digest expired future stale "
	    "reverted not-for-me needs unknown unsupported full busy replaced "
	    "timeout shutdown internal";
	char list[sizeof all + 1];
	size_t used = 0;
	int w;

	for (w = WORD_SYNTAX; w <= WORD_INTERNAL; w++) {
		const char *name = word_name((enum word)w);

		used += (size_t)snprintf(list + used, sizeof list - used,
		    "%s%s", used > 0 ? " " : "", name);
		IS(word_parse(name, strlen(name)), w, name);
		IS(word_parse(name, strlen(name) - 1), WORD_COUNT,
		    "a word cut short is none");
	}
	IS_STR(list, all, "the words are those of the protocol, in its order");
	IS_STR(word_name(WORD_HAVE), "have", "have has a name");
	IS(word_parse("have", 4), WORD_COUNT, "have refuses nothing");
	IS(word_parse("ok", 2), WORD_COUNT, "ok refuses nothing");
	IS(word_parse("", 0), WORD_COUNT, "an empty text is no word");
	IS(word_parse("Syntax", 6), WORD_COUNT, "case counts");
	IS(word_parse("syntax ", 7), WORD_COUNT, "the whole text counts");
	IS_STR(word_name(WORD_COUNT), "internal",
	    "a number that is no word has a name all the same");
}

static void
reasons(void)
{
	char longer[2 * WORD_TEXT + 1];
	struct refusal r;
	size_t i;

	IS(refuse(NULL, WORD_STALE, "%d", 1), WORD_STALE,
	    "nobody has to care for the reason");
	IS(refuse(&r, WORD_NEEDS, "id %d", 7), WORD_NEEDS,
	    "the word is returned");
	IS(r.word, WORD_NEEDS, "the word is kept");
	IS_STR(r.text, "id 7", "the reason is formatted");
	for (i = 0; i < WORD_TEXT; i++)
		memcpy(longer + 2 * i, "\xc3\xa9", 2);
	longer[2 * i] = '\0';
	refuse(&r, WORD_NEEDS, "%s", longer);
	IS(strlen(r.text), WORD_TEXT - 2,
	    "a long reason is cut between characters");
	IS_MEM(r.text, longer, WORD_TEXT - 2, "and what is left is as it was");
	refuse(&r, WORD_NEEDS, "first\nsecond");
	IS_STR(r.text, "first", "a reason never has a second line");
}

int
main(void)
{
	names();
	reasons();
	return tap_done();
}
