/* What an end knows of documents: order, supersession, needs. */

#include "update/catalog.h"

#include "tests/tap.h"

#define T0  UINT64_C(1795342500000000) /* the first id of these tests */
#define S   UINT64_C(1000000)          /* a second of ids */
#define NOW ((int64_t)(T0 + 100 * S))

/* A document of this spec, not signed by anybody: whom to trust was judged
 * before the catalog is asked. */
static struct doc *
make(const struct doc_spec *spec)
{
	struct signify_sig sig;
	struct buf text = BUF_INIT, all = BUF_INIT;
	struct doc *d = NULL;
	struct err e;

	memset(&sig, 0, sizeof sig);
	e.text[0] = '\0';
	if (doc_build(&text, spec, &e) != 0 ||
	    signify_sig_format(&all, &sig, "test") != 0 ||
	    doc_assemble(&all, text.data, text.len, spec) != 0 ||
	    doc_open(&d, all.data, doc_head_length(all.data, all.len), NULL,
		NULL) != WORD_OK) {
		printf("Bail out! no document: %s\n", e.text);
		exit(1);
	}
	buf_free(&text);
	buf_free(&all);
	return d;
}

enum { NEITHER, CLIENT = 1, SERVER = 2, BOTH = 3 };

static struct doc_spec
spec_of(uint64_t id, const char *feature, const char *version, int parts)
{
	struct doc_spec spec;

	memset(&spec, 0, sizeof spec);
	spec.id = id;
	spec.feature = feature;
	spec.version = version;
	if (parts & CLIENT) {
		spec.parts[DOC_CLIENT].bytes = "c()";
		spec.parts[DOC_CLIENT].len = 3;
	}
	if (parts & SERVER) {
		spec.parts[DOC_SERVER].bytes = "s()";
		spec.parts[DOC_SERVER].len = 3;
	}
	return spec;
}

/* Put the document in, as a party does that accepted it. */
static struct record *
hold(struct catalog *c, struct doc *d, enum record_state state)
{
	struct record *r = catalog_add(c, d->id);

	r->doc = d;
	r->state = state;
	r->held = 1;
	memcpy(r->digest, d->digest, sizeof r->digest);
	if (state != RECORD_PENDING)
		catalog_accept(c, d->feature, d->id);
	return r;
}

static struct record *
put(struct catalog *c, uint64_t id, const char *feature, const char *version,
    int parts)
{
	struct doc_spec spec = spec_of(id, feature, version, parts);

	return hold(c, make(&spec), RECORD_LIVE);
}

static const struct catalog_end v14 = {0, "arena", "1.4", ""};
static const struct catalog_end v15 = {0, "arena", "1.5", ""};
static const struct catalog_end server = {1, "arena", "2.3", ""};

/* --- records ------------------------------------------------------------ */

static void
test_records(void)
{
	uint64_t seed = tap_seed(11), id;
	struct catalog c;
	size_t i, n = 0;
	int sorted = 1, found = 1, made = 1;

	catalog_init(&c);
	for (i = 0; i < 300; i++) {
		id = 1 + tap_random(&seed) % 500;
		n += catalog_find(&c, id) == NULL;
		made &= catalog_add(&c, id)->id == id;
	}
	OK(made, "a record is made, or the one that is there given");
	IS(c.n, n, "an id has one record, however often it is added");
	for (i = 0; i < c.n; i++) {
		sorted &= i == 0 || c.records[i - 1]->id < c.records[i]->id;
		found &= catalog_find(&c, c.records[i]->id) == c.records[i];
	}
	OK(sorted, "records stand in the order of ids");
	OK(found, "every record is found by its id");
	OK(catalog_find(&c, 0) == NULL && catalog_find(&c, 501) == NULL,
	    "what was never added is not found");
	IS(c.records[0]->state, RECORD_PENDING, "a new record is pending");
	IS(catalog_nlive(&c), 0, "pending records are not live");
	while (c.n > 0)
		catalog_remove(&c, c.records[c.n / 2]);
	OK(catalog_find(&c, 7) == NULL, "all of them can be removed");

	for (i = 0; i < CATALOG_RECORDS; i++)
		if (catalog_add(&c, i + 1) == NULL)
			break;
	IS(i, CATALOG_RECORDS, "as many ids as the limit are remembered");
	OK(catalog_add(&c, CATALOG_RECORDS + 1) == NULL, "and no more");
	OK(catalog_add(&c, 1) != NULL, "one that is there is still given");
	catalog_free(&c);
}

static void
test_order(void)
{
	char name[DOC_FEATURE + 2];
	struct catalog c;
	int i, good = 1;

	catalog_init(&c);
	IS(catalog_highest(&c, "x"), 0, "nothing was accepted yet");
	catalog_accept(&c, "x", 5);
	catalog_accept(&c, "x", 3);
	IS(catalog_highest(&c, "x"), 5, "a lower id does not lower it");
	IS(catalog_highest(&c, "y"), 0, "another feature has its own order");
	IS(catalog_accept(&c, "y", 0), 0, "a place can be reserved");
	catalog_rewind(&c, "x", 2);
	IS(catalog_highest(&c, "x"), 2, "an acceptance can be taken back");
	catalog_rewind(&c, "z", 2);
	IS(catalog_highest(&c, "z"), 0, "of a known feature only");
	for (i = 0; i < 100; i++) {
		snprintf(name, sizeof name, "f%d", i);
		good &= catalog_accept(&c, name, 1000 + (uint64_t)i) == 0;
	}
	for (i = 0; i < 100; i++) {
		snprintf(name, sizeof name, "f%d", i);
		good &= catalog_highest(&c, name) == 1000 + (uint64_t)i;
	}
	OK(good, "a hundred features keep their orders apart");
	memset(name, 'a', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	IS(catalog_accept(&c, name, 1), -1, "no feature's name is so long");
	catalog_free(&c);
}

/* --- admission ---------------------------------------------------------- */

static enum word
admit(const struct catalog *c, const struct doc_spec *spec, int64_t max_age_us,
    struct refusal *why)
{
	struct doc *d = make(spec);
	enum word w = catalog_admit(c, d, NOW, 0, max_age_us, why);

	if (why != NULL && w != WORD_OK && w != why->word)
		w = WORD_COUNT;
	doc_free(d);
	return w;
}

static void
test_admit(void)
{
	struct doc_spec held = spec_of(T0, "x", NULL, CLIENT);
	struct doc_spec same = held, other = held, s;
	struct catalog c;
	struct record *r;
	struct refusal why;

	catalog_init(&c);
	other.note = "another text";
	IS(admit(&c, &held, 0, &why), WORD_OK, "a new document may come in");

	r = hold(&c, make(&held), RECORD_PENDING);
	IS(admit(&c, &same, 0, &why), WORD_HAVE,
	    "one that is being pushed is held");
	IS(admit(&c, &other, 0, &why), WORD_STALE,
	    "with another text it is stale, though not accepted yet");
	r->state = RECORD_LIVE;
	catalog_accept(&c, "x", T0);
	IS(admit(&c, &same, 0, &why), WORD_HAVE, "a live one is held");
	IS(admit(&c, &other, 0, &why), WORD_STALE, "not with another text");
	r->state = RECORD_RETIRED;
	IS(admit(&c, &same, 0, &why), WORD_HAVE, "a retired one is held");
	r->state = RECORD_COVERED;
	IS(admit(&c, &same, 0, &why), WORD_STALE,
	    "a superseded document sent again is stale");
	IS(admit(&c, &other, 0, &why), WORD_STALE, "with another text too");
	r->state = RECORD_TAKEN_BACK;
	IS(admit(&c, &same, 0, &why), WORD_REVERTED,
	    "what was taken back is refused as reverted");
	r->state = RECORD_REVERTED;
	IS(admit(&c, &same, 0, &why), WORD_REVERTED, "a reverted one too");
	IS(admit(&c, &other, 0, &why), WORD_REVERTED,
	    "whatever the id has for a text");

	/* The order of the checks: each refusal hides those behind it. */
	other.expires_us = NOW - 1;
	IS(admit(&c, &other, 0, &why), WORD_REVERTED,
	    "reverted comes before expired");
	r->state = RECORD_LIVE;
	IS(admit(&c, &other, 0, &why), WORD_EXPIRED,
	    "expired comes before stale");
	OK(strstr(why.text, "2026-11-22T10:16:39.999999Z") != NULL,
	    "the refusal says when it expired");
	s = spec_of((uint64_t)NOW + 400 * S, "x", NULL, CLIENT);
	s.expires_us = NOW - 1;
	IS(admit(&c, &s, 0, &why), WORD_EXPIRED, "expired comes before future");
	s.expires_us = NOW;
	IS(admit(&c, &s, 0, &why), WORD_FUTURE,
	    "at its last instant it has not expired");
	OK(strstr(why.text, "400 s") != NULL && strstr(why.text, "300 s"),
	    "the refusal says by how much, and what is allowed");
	catalog_accept(&c, "x", (uint64_t)NOW + 500 * S);
	IS(admit(&c, &s, 0, &why), WORD_FUTURE, "future comes before stale");
	s = spec_of((uint64_t)NOW + 300 * S, "y", NULL, CLIENT);
	IS(admit(&c, &s, 0, &why), WORD_OK, "300 s ahead are allowed");
	s.id++;
	IS(admit(&c, &s, 0, &why), WORD_FUTURE, "a microsecond more is not");

	s = spec_of(T0 + S, "x", NULL, CLIENT);
	IS(admit(&c, &s, 0, &why), WORD_STALE, "below the highest it is stale");
	OK(strstr(why.text, "1795343100000000") != NULL,
	    "the refusal says which is the highest");
	s.feature = "y";
	IS(admit(&c, &s, 0, &why), WORD_OK, "not below another feature's");
	IS(admit(&c, &s, 99 * (int64_t)S, &why), WORD_OK,
	    "as old as is allowed");
	IS(admit(&c, &s, 99 * (int64_t)S - 1, &why), WORD_STALE,
	    "older than is allowed, and never seen");
	OK(strstr(why.text, "99 s") != NULL, "the refusal says how old");
	IS(admit(&c, &s, 1, NULL), WORD_STALE, "nobody need care why");
	catalog_free(&c);
}

static void
test_admit_reverts(void)
{
	struct doc_spec revert = spec_of(T0 + 9 * S, "x", NULL, NEITHER);
	struct catalog c;
	struct record *r;

	catalog_init(&c);
	r = put(&c, T0, "x", NULL, CLIENT);
	revert.reverts = T0;
	IS(admit(&c, &revert, 0, NULL), WORD_OK,
	    "a revert goes by its own id, not by its target's");
	r->by = make(&revert);
	r->state = RECORD_REVERTED;
	catalog_accept(&c, "x", revert.id);
	IS(admit(&c, &revert, 0, NULL), WORD_HAVE,
	    "a revert that was carried out is held");
	revert.note = "once more";
	IS(admit(&c, &revert, 0, NULL), WORD_STALE,
	    "another one with its id is stale");
	revert.id += S;
	IS(admit(&c, &revert, 0, NULL), WORD_OK, "a later one may come");
	catalog_free(&c);
}

/* --- supersession ------------------------------------------------------- */

static void
test_supersession(void)
{
	struct doc_spec s;
	struct record *a, *b;
	struct catalog c;

	catalog_init(&c);
	a = put(&c, T0, "x", "1.4", BOTH);
	OK(catalog_counts(a, &v14) && !catalog_counts(a, &v15),
	    "a document counts for an end that it fits");
	OK(catalog_is_given(&c, a, &v14, NOW), "the only one is given");
	OK(!catalog_is_given(&c, a, &v15, NOW), "not to whom it does not fit");
	OK(catalog_is_given(&c, a, &server, NOW), "its server part to a host");

	b = put(&c, T0 + S, "x", "1.5", CLIENT);
	OK(catalog_is_given(&c, a, &v14, NOW),
	    "a newer one for 1.5 does not supersede for a 1.4 end");
	OK(catalog_newest(&c, "x", &v14) == a, "its newest is the older one");
	OK(catalog_newest(&c, "x", &v15) == b, "that of a 1.5 end is not");
	OK(catalog_newest(&c, "x", &server) == a,
	    "for a host a document without a server part does not count");
	OK(catalog_newest(&c, "y", &v14) == NULL, "another feature has none");
	put(&c, T0 + 2 * S, "y", NULL, CLIENT);
	OK(catalog_is_given(&c, a, &v14, NOW),
	    "a document of another feature supersedes nothing");

	s = spec_of(T0 + 3 * S, "x", "1.*", CLIENT);
	s.expires_us = NOW - 1;
	b = hold(&c, make(&s), RECORD_PENDING);
	OK(catalog_is_given(&c, a, &v14, NOW),
	    "one that is being pushed supersedes nothing yet");
	b->state = RECORD_LIVE;
	OK(!catalog_is_given(&c, b, &v14, NOW), "an expired one is not given");
	OK(!catalog_is_given(&c, a, &v14, NOW), "yet it still supersedes");
	OK(catalog_is_given(&c, b, &v14, NOW - 1),
	    "until it expires it is given");
	IS(catalog_nlive(&c), 4, "four are live");
	b->state = RECORD_RETIRED;
	OK(!catalog_is_given(&c, b, &v14, NOW - 1), "nor is a retired one");
	OK(!catalog_is_given(&c, a, &v14, NOW - 1), "it supersedes as well");
	IS(catalog_nlive(&c), 3, "a retired one is not live");
	b->state = RECORD_REVERTED;
	OK(!catalog_is_given(&c, a, &v14, NOW),
	    "reverting the newer of two does not bring the older back");
	b->state = RECORD_TAKEN_BACK;
	OK(!catalog_is_given(&c, a, &v14, NOW), "nor does taking it back");
	catalog_remove(&c, b);
	OK(catalog_is_given(&c, a, &v14, NOW),
	    "one that is forgotten leaves no trace");

	s = spec_of(T0 + 4 * S, "x", NULL, NEITHER);
	s.retires = T0 + S;
	hold(&c, make(&s), RECORD_LIVE);
	OK(catalog_is_given(&c, a, &v14, NOW),
	    "a retirement supersedes nothing");
	catalog_free(&c);
}

static void
test_notice(void)
{
	struct doc_spec s = spec_of(T0 + S, "x", NULL, NEITHER);
	struct catalog c;
	struct doc *d;

	catalog_init(&c);
	s.extra = "notice: failed once\n";
	put(&c, T0 + 2 * S, "x", NULL, CLIENT);
	d = make(&s);
	IS(catalog_admit(&c, d, NOW, 0, DOC_OLD_US, NULL), WORD_OK,
	    "a notice has no place in its feature's order");
	IS(catalog_admit(&c, d, (int64_t)d->id + DOC_OLD_US + 1, 0, DOC_OLD_US,
	       NULL),
	    WORD_STALE, "but it gets too old");
	hold(&c, d, RECORD_COVERED);
	d = make(&s);
	IS(catalog_admit(&c, d, NOW, 0, DOC_OLD_US, NULL), WORD_HAVE,
	    "one that was told is held");
	doc_free(d);
	s.extra = "notice: failed twice\n";
	d = make(&s);
	IS(catalog_admit(&c, d, NOW, 0, DOC_OLD_US, NULL), WORD_STALE,
	    "its id with another text is not");
	doc_free(d);
	catalog_free(&c);
}

static void
test_cover(void)
{
	struct doc_spec s;
	struct record *a, *b;
	struct catalog c;

	catalog_init(&c);
	a = put(&c, T0, "x", "1.4", CLIENT);
	b = put(&c, T0 + S, "x", "1.*", CLIENT);
	catalog_cover(&c, b);
	OK(a->state == RECORD_LIVE && a->doc != NULL,
	    "targeting that only includes the older one's covers nothing");
	b = put(&c, T0 + 2 * S, "y", "1.4", BOTH);
	catalog_cover(&c, b);
	OK(a->doc != NULL, "another feature covers nothing");
	b = put(&c, T0 + 3 * S, "x", "1.4", SERVER);
	catalog_cover(&c, b);
	OK(a->doc != NULL, "without the older one's part it does not cover");
	s = spec_of(T0 + 4 * S, "x", "1.4", BOTH);
	s.zone = "east";
	b = hold(&c, make(&s), RECORD_LIVE);
	catalog_cover(&c, b);
	OK(a->doc != NULL, "a zone that the older one has not: no");
	b = put(&c, T0 + 5 * S, "x", "1.4", BOTH);
	catalog_cover(&c, a);
	OK(b->doc != NULL, "an older one never covers a newer one");
	catalog_cover(&c, b);
	OK(a->state == RECORD_COVERED && a->doc == NULL && a->body == NULL,
	    "the same targeting and more parts cover it");
	OK(b->state == RECORD_LIVE && b->doc != NULL, "not itself");
	IS(catalog_find(&c, T0 + 3 * S)->state, RECORD_COVERED,
	    "all that it covers, at once");
	IS(catalog_find(&c, T0 + S)->state, RECORD_LIVE, "and nothing else");
	OK(catalog_newest(&c, "x", &v14) == b, "it is the newest there");

	a = put(&c, T0 + 6 * S, "z", NULL, CLIENT);
	a->state = RECORD_TAKEN_BACK;
	b = put(&c, T0 + 7 * S, "z", NULL, CLIENT);
	catalog_cover(&c, b);
	IS(a->state, RECORD_TAKEN_BACK,
	    "what was taken back stays known as that");
	catalog_free(&c);
}

/* --- needs -------------------------------------------------------------- */

static int
meets(const struct catalog *c, const char *needs, uint64_t *missing)
{
	struct doc_spec s = spec_of(T0 + 50 * S, "needy", NULL, CLIENT);
	struct doc *d;
	int yes;

	s.needs = needs;
	d = make(&s);
	*missing = 0;
	yes = catalog_has_needs(c, d, missing);
	doc_free(d);
	return yes;
}

static void
test_needs(void)
{
	static const char a_id[] = "1795342500000000";
	static const char both[] = "1795342500000000 1795342502000000";
	struct record *a, *b;
	struct catalog c;
	uint64_t missing;

	catalog_init(&c);
	OK(meets(&c, NULL, &missing), "who needs nothing has it");
	OK(!meets(&c, a_id, &missing), "what is not known is missing");
	IS(missing, T0, "and is named");
	a = put(&c, T0, "x", "1.4", CLIENT);
	a->state = RECORD_PENDING;
	OK(!meets(&c, a_id, &missing), "what is being pushed is missing");
	a->state = RECORD_LIVE;
	OK(meets(&c, a_id, &missing), "what is live is there");
	a->state = RECORD_RETIRED;
	OK(meets(&c, a_id, &missing), "what is retired still runs");
	OK(!meets(&c, both, &missing), "all of the list must be there");
	IS(missing, T0 + 2 * S, "the missing one is named");
	a->state = RECORD_REVERTED;
	OK(!meets(&c, a_id, &missing), "what was reverted is missing");
	b = put(&c, T0 + S, "x", "1.4", CLIENT);
	OK(meets(&c, a_id, &missing), "but for a newer one of its feature");
	a->state = RECORD_LIVE;
	catalog_cover(&c, b);
	IS(a->state, RECORD_COVERED, "covered, its document is gone");
	OK(meets(&c, a_id, &missing), "covered counts as superseded");
	b->state = RECORD_TAKEN_BACK;
	OK(!meets(&c, a_id, &missing),
	    "covered by what is not in force does not");
	put(&c, T0 + 3 * S, "y", NULL, CLIENT);
	OK(!meets(&c, a_id, &missing), "another feature is of no help");
	put(&c, T0 + 4 * S, "x", NULL, SERVER);
	OK(meets(&c, a_id, &missing), "a still newer one is");
	catalog_free(&c);
}

int
main(void)
{
	test_records();
	test_order();
	test_admit();
	test_admit_reverts();
	test_supersession();
	test_cover();
	test_needs();
	test_notice();
	return tap_done();
}
