/* What a client does with documents whose packages are to be fetched. */

#include "tests/player.h"

#include "peer/host.h"

#define PART      "part()"
/* 300 s after T0: the greeting is at 100 s. */
#define TAKE_BACK "take-back-until: 2026-11-22T10:20:00Z\n"
#define EXPIRES   "expires: 2026-11-22T10:20:00Z\n"
#define LATER     GREETING_AT("2026-11-22T10:21:00Z")

/* A frame of the document with addresses of the host's own. */
static void
hear_from(struct world *w, const struct doc_spec *spec, const char *from,
    const char *full)
{
	struct buf head = BUF_INIT, frame = BUF_INIT;
	const size_t len = spec->parts[DOC_CLIENT].len;

	put_head(&head, spec, 1);
	buf_printf(&frame,
	    "UPDATE %" PRIu64
	    "\nhead: %zu\nfrom: %s\nfull-from: %s\nlength: %zu\n\n",
	    spec->id, head.len, from, full, head.len + len);
	buf_append(&frame, head.data, head.len);
	buf_append(&frame, spec->parts[DOC_CLIENT].bytes, len);
	buf_puts(&frame, "\n");
	hear_buf(w, &frame);
	buf_free(&head);
}

/* The host on its own. */
static void
take_back(struct world *w, unsigned n)
{
	char frame[64];

	snprintf(frame, sizeof frame, "REVERT %" PRIu64 "\n\n", T0 + n * S);
	hear_text(w, frame);
}

static void
hear_spec(struct world *w, struct doc_spec spec)
{
	hear_update(w, &spec);
}

static void
revert(struct world *w, unsigned n, const char *feature, unsigned target)
{
	struct doc_spec spec = revert_spec(n, feature, target);

	hear_revert(w, &spec);
}

/* --- fetched ------------------------------------------------------------- */

static void
test_fetched(void)
{
	struct doc_spec spec = package_spec(10, "a", PART);
	struct world w;

	world_new(&w);
	log_in(&w);
	give(&w, 9, "a");
	sent(&w);
	told(&w);
	hear_update(&w, &spec);
	IS_STR(sent(&w), "RESULT 1795342510000000 fetching\n\n",
	    "S2.4 what has a package is answered fetching");
	IS_STR(told(&w), "fetch 10 a " PACKAGE_AT "\n",
	    "the program is to fetch it, and applies nothing yet");
	IS(w.delay_ns, 0, "at once");
	OK(fetches(&w, 10) && !runs(&w, 10) && !waits(&w, 10) && runs(&w, 9),
	    "it neither runs nor waits; what it will supersede runs on");
	IS(client_next_ns(w.client), -1, "the client waits for the program");
	fetched(&w, 11, RESULT_READY);
	IS_STR(sent(&w), "", "what is not being fetched does not come");
	fetched(&w, 10, RESULT_READY);
	IS_STR(sent(&w), "RESULT 1795342510000000 applied\ntook: 0.000132\n\n",
	    "S2.6 when it is here the document is applied");
	IS_STR(told(&w), "apply 10 a 'part()' -9\nupdated 10 a applied\n",
	    "with its client part, in the place of the older one");
	OK(!fetches(&w, 10) && runs(&w, 10) && !runs(&w, 9), "it runs");
	fetched(&w, 10, RESULT_READY);
	IS_STR(told(&w), "", "once");
	hear_update(&w, &spec);
	IS_RESULT(&w, 10, "have", "now it is held");
	spec.id = T0 + 12 * S;
	spec.feature = "c";
	spec.parts[DOC_CLIENT].bytes = NULL;
	spec.parts[DOC_CLIENT].len = 0;
	hear_from(&w, &spec, "https://near.example/a%20b", "");
	IS_STR(told(&w),
	    "fetch 12 c " PACKAGE_AT " from https://near.example/a%20b\n",
	    "a nearer address is the host's to tell");
	fetched(&w, 12, RESULT_READY);
	IS_STR(told(&w), "apply 12 c ''\nupdated 12 c applied\n",
	    "a document may be nothing but its package");
	spec.id = T0 + 13 * S;
	spec.feature = "d";
	hear_from(&w, &spec, "", "ftp://b");
	IS_STR(told(&w), "fetch 13 d " PACKAGE_AT " full from ftp://b\n",
	    "also of the full one; an empty address is none");
	spec.id = T0 + 14 * S;
	spec.feature = "e";
	hear_from(&w, &spec, "ftp://ann@evil.example/x", "-o/etc/x");
	IS_STR(told(&w), "fetch 14 e " PACKAGE_AT "\n",
	    "nor is one with a user in it, or what is no address");
	world_free(&w);
}

static void
test_here(void)
{
	struct world w;

	world_new(&w);
	log_in(&w);
	w.fetch = 1;
	give_package(&w, 10, "a");
	IS_STR(sent(&w), "RESULT 1795342510000000 applied\ntook: 0.000132\n\n",
	    "a package that is here is not fetched");
	IS_STR(told(&w),
	    "fetch 10 a " PACKAGE_AT "\n"
	    "apply 10 a 'part()'\nupdated 10 a applied\n",
	    "the document is applied at once");
	w.applied.result = RESULT_FAILED;
	give_package(&w, 11, "b");
	IS_RESULT(&w, 11, "failed", "it may fail");
	OK(!fetches(&w, 11), "and is gone then");
	world_free(&w);
}

static void
test_applied_badly(void)
{
	struct world w;

	world_new(&w);
	log_in(&w);
	give(&w, 9, "a");
	give_package(&w, 10, "a");
	sent(&w);
	w.applied.result = RESULT_HUNG;
	fetched(&w, 10, RESULT_READY);
	IS_RESULT(&w, 10, "hung", "what is here may still fail");
	OK(!fetches(&w, 10) && !runs(&w, 10) && runs(&w, 9),
	    "then the older one runs on");
	w.applied.result = RESULT_APPLIED;
	give_package(&w, 10, "a");
	IS_RESULT(&w, 10, "fetching", "it may come again");
	w.applied.result = RESULT_DEFERRED;
	fetched(&w, 10, RESULT_READY);
	IS_RESULT(&w, 10, "deferred", "S1.4 or wait for its event when it is");
	OK(waits(&w, 10), "it waits");
	settle(&w, 10, RESULT_APPLIED);
	IS_RESULT(&w, 10, "applied", "its result comes with the event");
	world_free(&w);
}

static void
test_gave_up(void)
{
	struct doc_spec spec = package_spec(10, "a", PART);
	struct world w;

	world_new(&w);
	log_in(&w);
	give(&w, 9, "a");
	hear_update(&w, &spec);
	sent(&w);
	told(&w);
	logged(&w);
	fetched(&w, 10, RESULT_GAVE_UP);
	IS_STR(sent(&w),
	    "RESULT 1795342510000000 gave-up\ntook: 90.000000\nlength: 38\n\n"
	    "no route to files.example\nthree times\n\n",
	    "S2.5 a client that gave up says so, and why");
	IS_STR(logged(&w),
	    "update 1795342510000000 a: gave-up: no route to files.example\n",
	    "so does its log");
	IS_STR(told(&w), "", "the program knows");
	OK(!fetches(&w, 10) && runs(&w, 9), "the older one runs on");
	reconnect(&w, GREETING);
	hear_update(&w, &spec);
	IS_RESULT(&w, 10, "fetching", "the next login may begin again");
	fetched(&w, 10, RESULT_FAILED);
	IS_RESULT(&w, 10, "failed", "what went wrong otherwise has failed");
	hear_update(&w, &spec);
	sent(&w);
	fetched(&w, 10, RESULT_APPLIED);
	IS_RESULT(&w, 10, "failed", "and so has what makes no sense");
	hear_update(&w, &spec);
	sent(&w);
	fetched(&w, 10, RESULT_REFUSED);
	IS_STR(sent(&w),
	    "RESULT 1795342510000000 refused needs\n"
	    "text: no route to files.example\n\n",
	    "it may be refused after all");
	world_free(&w);
}

static void
test_cannot(void)
{
	static const struct {
		enum result said;
		enum word word;
		const char *text, *sent;
	} cases[] = {
	    {RESULT_REFUSED, WORD_NEEDS, "it builds on 1.4\nnot here",
		"refused needs\ntext: it builds on 1.4\n\n"},
	    {RESULT_REFUSED, WORD_NOT_FOR_ME, "a\rb",
		"refused not-for-me\ntext: a\\x0db\n\n"},
	    {RESULT_REFUSED, WORD_OK, NULL, "refused internal\ntext: \n\n"},
	    {RESULT_REFUSED, WORD_HAVE, "x", "refused internal\ntext: x\n\n"},
	    {RESULT_FAILED, WORD_OK, NULL, "failed\ntook: 0.000000\n\n"},
	    {RESULT_NONE, WORD_OK, "disk full",
		"failed\ntook: 0.000000\nlength: 9\n\ndisk full\n"},
	    {RESULT_GAVE_UP, WORD_OK, NULL, "gave-up\ntook: 0.000000\n\n"},
	};
	char want[200];
	struct world w;
	size_t i;

	world_new(&w);
	log_in(&w);
	w.fetch = -1;
	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		memset(&w.no_fetch, 0, sizeof w.no_fetch);
		w.no_fetch.result = cases[i].said;
		w.no_fetch.word = cases[i].word;
		w.no_fetch.text = cases[i].text;
		w.no_fetch.len =
		    cases[i].text != NULL ? strlen(cases[i].text) : 0;
		w.no_fetch.took_ns = -5;
		give_package(&w, 10, "a");
		snprintf(want, sizeof want, "RESULT 1795342510000000 %s",
		    cases[i].sent);
		IS_STR(sent(&w), want, "a package that cannot be had is told");
		OK(!fetches(&w, 10) && !runs(&w, 10), "nothing is left");
	}
	w.fetch = 0;
	give_package(&w, 10, "a");
	IS_RESULT(&w, 10, "fetching", "it may come again");
	w.fetch = -1;
	give_package(&w, 11, "a");
	OK(strncmp(sent(&w), "RESULT 1795342511000000 gave-up", 31) == 0 &&
		fetches(&w, 10),
	    "a newer one that cannot be had supersedes nothing");
	world_free(&w);
}

/* --- what is not fetched ------------------------------------------------- */

static void
test_checks(void)
{
	struct doc_spec spec = package_spec(10, "a", PART);
	struct keyring keys = KEYRING_INIT;
	struct buf head = BUF_INIT, frame = BUF_INIT;
	struct signify_sec one = test_key(1);
	struct client_config config;
	struct world w;

	world_new(&w);
	log_in(&w);
	spec.version = "9";
	hear_update(&w, &spec);
	IS_RESULT(&w, 10, "refused not-for-me", "for another version");
	spec.version = NULL;
	spec.extra = PACKAGE "zone: west\n";
	hear_update(&w, &spec);
	IS_RESULT(&w, 10, "refused not-for-me", "for another zone");
	spec.extra = PACKAGE;
	spec.expires_us = (int64_t)(T0 + 50 * S);
	hear_update(&w, &spec);
	IS_RESULT(&w, 10, "refused expired", "past its time");
	spec.expires_us = 0;
	spec.dry_run = 1;
	hear_update(&w, &spec);
	IS_RESULT(&w, 10, "refused syntax", "a dry run");
	spec.dry_run = 0;
	put_head(&head, &spec, 1);
	put_update_frame(&frame, spec.id, &head, "pa", 2);
	hear_buf(&w, &frame);
	IS_RESULT(&w, 10, "refused bad-digest", "with another client part");
	spec.parts[DOC_CLIENT].bytes = NULL;
	spec.parts[DOC_CLIENT].len = 0;
	buf_reset(&head);
	put_head(&head, &spec, 1);
	put_update_frame(&frame, spec.id, &head, "x", 1);
	hear_buf(&w, &frame);
	IS_RESULT(&w, 10, "refused bad-digest", "with a part it has not");
	buf_printf(&frame, "CHECK %" PRIu64 "\nhead: %zu\nlength: %zu\n\n",
	    spec.id, head.len, head.len);
	buf_append(&frame, head.data, head.len);
	buf_puts(&frame, "\n");
	hear(&w, frame.data, frame.len);
	IS_RESULT(&w, 10, "refused unsupported", "a package is not checked");
	IS_STR(told(&w), "", "the program hears of none of these");
	hear_update(&w, &spec);
	IS_RESULT(&w, 10, "fetching", "while it is good");
	hear_buf(&w, &frame);
	IS_RESULT(&w, 10, "refused unsupported",
	    "nor is one that is being fetched");
	buf_free(&head);
	world_free(&w);

	memset(&w, 0, sizeof w);
	config = plain_config(&w, &keys);
	test_trust(&keys, &one, "all");
	config.cb.fetch = NULL;
	world_start(&w, &config);
	log_in(&w);
	give_package(&w, 10, "a");
	IS_RESULT(&w, 10, "refused unsupported",
	    "a program that fetches nothing gets no packages");
	world_free(&w);
}

static void
test_bound(void)
{
	struct world w;
	char feature[16];
	unsigned i;

	world_new(&w);
	log_in(&w);
	for (i = 0; i < CLIENT_FETCHES; i++) {
		snprintf(feature, sizeof feature, "f%u", i);
		give_package(&w, 90 - i, feature);
	}
	OK(client_fetching(w.client, NULL, 0) == CLIENT_FETCHES,
	    "so many packages are fetched");
	told(&w);
	sent(&w);
	give_package(&w, 60, "g");
	IS_RESULT(&w, 60, "refused full", "one more is not");
	IS_STR(told(&w), "", "nor begun");
	give_package(&w, 91, "f0");
	OK(fetches(&w, 91) && !fetches(&w, 90),
	    "one that takes the place of another is");
	fetched(&w, 89, RESULT_READY);
	sent(&w);
	give_package(&w, 60, "g");
	IS_RESULT(&w, 60, "fetching", "when one is here there is room");
	world_free(&w);
}

static void
test_full(void)
{
	struct world w;
	char feature[16];
	unsigned i;

	world_new(&w);
	log_in(&w);
	give_package(&w, 1, "p");
	for (i = 0; i < CATALOG_LIVE - 1; i++) {
		snprintf(feature, sizeof feature, "f%u", i);
		give(&w, 2 + i, feature);
	}
	OK(client_have(w.client, NULL, 0) == CATALOG_LIVE - 1, "all but one");
	sent(&w);
	give(&w, 300, "q");
	IS_RESULT(&w, 300, "refused full", "the last place is taken");
	give_package(&w, 300, "q");
	IS_RESULT(&w, 300, "refused full", "for packages too");
	fetched(&w, 1, RESULT_READY);
	IS_RESULT(&w, 1, "applied", "by what is fetched");
	world_free(&w);
}

static void
test_spread(void)
{
	struct doc_spec spec = package_spec(10, "a", PART);
	int64_t first_ns, lowest_ns = INT64_MAX, highest_ns = 0;
	struct world w;
	unsigned i;

	world_new(&w);
	log_in(&w);
	spec.extra = PACKAGE "spread: 10s\n";
	hear_update(&w, &spec);
	first_ns = w.delay_ns;
	for (i = 0; i < 64; i++) {
		spec.id += S;
		hear_update(&w, &spec);
		if (w.delay_ns < lowest_ns)
			lowest_ns = w.delay_ns;
		if (w.delay_ns > highest_ns)
			highest_ns = w.delay_ns;
	}
	OK(lowest_ns >= 0 && highest_ns <= 10 * SEC,
	    "a fetch begins within the document's spread");
	OK(lowest_ns < 2 * SEC && highest_ns > 8 * SEC,
	    "at an instant that chance takes");
	/* A thousand years: more nanoseconds than there are numbers. */
	spec.id += S;
	spec.extra = PACKAGE "spread: 8760000h\n";
	hear_update(&w, &spec);
	OK(w.delay_ns > 0, "however long that is");
	world_free(&w);

	world_new(&w);
	log_in(&w);
	spec = package_spec(10, "a", PART);
	spec.extra = PACKAGE "spread: 10s\n";
	hear_update(&w, &spec);
	IS(w.delay_ns, first_ns, "the seed decides");
	world_free(&w);
}

/* --- meanwhile ----------------------------------------------------------- */

static void
test_superseded(void)
{
	struct world w;

	world_new(&w);
	log_in(&w);
	give_package(&w, 10, "a");
	sent(&w);
	told(&w);
	w.applied.result = RESULT_FAILED;
	give(&w, 11, "a");
	IS_RESULT(&w, 11, "failed", "a newer one that fails");
	OK(fetches(&w, 10), "leaves it alone");
	told(&w);
	w.applied.result = RESULT_APPLIED;
	logged(&w);
	give(&w, 11, "a");
	IS_STR(sent(&w),
	    "RESULT 1795342510000000 superseded\n\n"
	    "RESULT 1795342511000000 applied\ntook: 0.000132\n\n",
	    "a newer one of its feature supersedes what is being fetched");
	IS_STR(told(&w),
	    "apply 11 a 'part()'\ncancel 10\nupdated 11 a applied\n",
	    "nobody needs its package any more");
	OK(strstr(logged(&w), "update 1795342510000000 a: superseded\n") !=
		NULL,
	    "the log says so");
	OK(!fetches(&w, 10), "it is gone");
	fetched(&w, 10, RESULT_READY);
	IS_STR(told(&w), "", "and comes too late");
	give_package(&w, 10, "a");
	IS_RESULT(&w, 10, "refused stale", "and never again");

	give_package(&w, 12, "a");
	give_package(&w, 13, "b");
	sent(&w);
	told(&w);
	give_package(&w, 14, "a");
	IS_STR(sent(&w),
	    "RESULT 1795342512000000 superseded\n\n"
	    "RESULT 1795342514000000 fetching\n\n",
	    "so does a newer one that is fetched itself");
	IS_STR(told(&w), "fetch 14 a " PACKAGE_AT "\ncancel 12\n", "at once");
	OK(fetches(&w, 13) && fetches(&w, 14), "other features go on");
	give(&w, 12, "a");
	IS_RESULT(&w, 12, "refused stale", "nothing older is taken meanwhile");
	give_package(&w, 12, "a");
	IS_RESULT(&w, 12, "refused stale", "be it a package or not");
	hear_spec(&w, package_spec(14, "a", "other()"));
	IS_RESULT(&w, 14, "refused stale", "nor another text of the same id");
	fetched(&w, 14, RESULT_GAVE_UP);
	sent(&w);
	give(&w, 13, "a");
	IS_RESULT(&w, 13, "applied", "what is not fetched stops nobody");
	world_free(&w);
}

static void
test_reverted(void)
{
	struct world w;

	world_new(&w);
	log_in(&w);
	give_package(&w, 10, "a");
	sent(&w);
	told(&w);
	revert(&w, 12, "b", 10);
	IS_RESULT(&w, 10, "refused syntax", "a revert of another feature");
	OK(fetches(&w, 10), "is none");
	revert(&w, 12, "a", 10);
	IS_STR(sent(&w), "RESULT 1795342510000000 reverted\n\n",
	    "a signed revert ends a fetch; that answers the update too");
	IS_STR(told(&w), "cancel 10\n", "the program had nothing of it");
	give_package(&w, 10, "a");
	IS_RESULT(&w, 10, "refused reverted", "for good");
	fetched(&w, 10, RESULT_READY);
	IS_STR(told(&w), "", "whatever comes");

	give(&w, 20, "b");
	give_package(&w, 21, "b");
	sent(&w);
	told(&w);
	w.applied.result = RESULT_FAILED;
	revert(&w, 22, "b", 21);
	IS_RESULT(&w, 21, "failed", "where the older one cannot be undone");
	OK(fetches(&w, 21) && runs(&w, 20), "nothing changes");
	told(&w);
	w.applied.result = RESULT_REVERTED;
	revert(&w, 22, "b", 21);
	IS_RESULT(&w, 21, "reverted", "it takes the older one along");
	IS_STR(told(&w), "revert -20\ncancel 21\nupdated 21 b reverted\n",
	    "which was to be superseded");
	OK(!fetches(&w, 21) && !runs(&w, 20), "both are gone");

	w.applied.result = RESULT_APPLIED;
	give(&w, 30, "c");
	give_package(&w, 31, "c");
	sent(&w);
	w.applied.result = RESULT_PARTIAL;
	revert(&w, 32, "c", 31);
	IS_STR(sent(&w),
	    "RESULT 1795342531000000 partial\ntook: 0.000132\n\n"
	    "RESULT 1795342531000000 reverted\n\n",
	    "partial is the end of the update, and the revert has its own");

	w.applied.result = RESULT_APPLIED;
	give_package(&w, 40, "d");
	sent(&w);
	told(&w);
	revert(&w, 42, "d", 41);
	IS_STR(sent(&w),
	    "RESULT 1795342540000000 superseded\n\n"
	    "RESULT 1795342541000000 refused unknown\n"
	    "text: 1795342541000000 does not run here; noted\n\n",
	    "a revert of a newer one ends an older fetch");
	IS_STR(told(&w), "cancel 40\n", "it would have been superseded");
	world_free(&w);
}

/* A revert or retirement of another document does not keep one out that is
 * older and still on its way. */
static void
test_revert_of_another(void)
{
	struct world w;
	int i;

	for (i = 0; i < 4; i++) {
		world_new(&w);
		log_in(&w);
		give(&w, 9, "a");
		give_package(&w, 10, "a");
		sent(&w);
		w.applied.result = RESULT_REVERTED;
		if (i % 2 == 0)
			revert(&w, 12, "a", 9);
		else
			hear_spec(&w, retire_spec(12, "a", 9));
		OK(strstr(sent(&w), i % 2 ? " applied" : " reverted") != NULL,
		    "an older one is done away with");
		OK(fetches(&w, 10), "what is being fetched is not");
		w.applied.result = RESULT_APPLIED;
		give_package(&w, 10, "a");
		IS_RESULT(&w, 10, "fetching", "sent again it is not stale");
		if (i >= 2) {
			fetched(&w, 10, RESULT_GAVE_UP);
			sent(&w);
			give_package(&w, 10, "a");
			IS_RESULT(&w, 10, "fetching", "nor after giving up");
		}
		fetched(&w, 10, RESULT_READY);
		IS_RESULT(&w, 10, "applied", "nor when it is here");
		give(&w, 8, "a");
		IS_RESULT(&w, 8, "refused stale", "the order is kept");
		give(&w, 11, "a");
		IS_RESULT(&w, 11, i < 2 ? "refused stale" : "applied",
		    "up to the revert, where that is known");
		world_free(&w);
	}
}

static void
test_taken_back(void)
{
	struct doc_spec spec = package_spec(10, "a", PART);
	struct world w;
	int i;

	for (i = 0; i < 2; i++) {
		world_new(&w);
		log_in(&w);
		hear_update(&w, &spec);
		sent(&w);
		take_back(&w, 10);
		IS_STR(sent(&w),
		    "RESULT 1795342510000000 refused expired\n"
		    "text: it lets no host take it back; sign a revert\n\n",
		    "a host may not take back what does not say so");
		spec.id = T0 + 11 * S;
		spec.extra = PACKAGE TAKE_BACK;
		hear_update(&w, &spec);
		sent(&w);
		told(&w);
		if (i > 0) {
			w.ns += 201 * SEC;
			take_back(&w, 11);
			OK(strncmp(sent(&w),
			       "RESULT 1795342511000000 refused expired",
			       39) == 0,
			    "or not any more");
			client_closed(w.client, "test");
			w.ns = client_next_ns(w.client);
			client_tick(w.client);
			log_in_at(&w, GREETING, "1");
			hear_update(&w, &spec);
			IS_RESULT(&w, 11, "fetching", "it goes on");
			take_back(&w, 11);
			IS_RESULT(&w, 11, "refused expired",
			    "whatever time a greeting tells");
			fetched(&w, 11, RESULT_READY);
			sent(&w);
			take_back(&w, 11);
			IS_RESULT(&w, 11, "refused expired",
			    "nor when it runs: its time began with the fetch");
			OK(runs(&w, 11), "it runs");
		} else {
			take_back(&w, 11);
			IS_STR(sent(&w), "RESULT 1795342511000000 reverted\n\n",
			    "it ends a fetch when the document allows it");
			IS_STR(told(&w), "cancel 11\n", "at once");
			hear_update(&w, &spec);
			IS_RESULT(&w, 11, "fetching", "it may come again");
		}
		world_free(&w);
		spec = package_spec(10, "a", PART);
	}
}

static void
test_retired(void)
{
	struct world w;

	world_new(&w);
	log_in(&w);
	give_package(&w, 10, "a");
	sent(&w);
	told(&w);
	hear_spec(&w, retire_spec(11, "b", 10));
	IS_RESULT(&w, 11, "refused syntax", "a retirement of another feature");
	hear_spec(&w, retire_spec(11, "a", 10));
	IS_RESULT(&w, 11, "applied", "what is being fetched can be retired");
	OK(fetches(&w, 10), "it is fetched on, as what waits would wait on");
	hear_spec(&w, retire_spec(11, "a", 10));
	IS_RESULT(&w, 11, "applied", "twice, too");
	fetched(&w, 10, RESULT_READY);
	IS_RESULT(&w, 10, "applied", "it is applied");
	OK(runs(&w, 10), "and runs");
	hear_spec(&w, retire_spec(11, "a", 10));
	IS_RESULT(&w, 11, "have", "it knows that it is retired");
	world_free(&w);
}

static void
test_expired(void)
{
	struct doc_spec spec = package_spec(10, "a", PART);
	struct world w;

	world_new(&w);
	log_in(&w);
	spec.extra = PACKAGE EXPIRES;
	hear_update(&w, &spec);
	sent(&w);
	told(&w);
	w.ns += 201 * SEC;
	hear_update(&w, &spec);
	IS_RESULT(&w, 10, "fetching", "one that is held may be past its time");
	fetched(&w, 10, RESULT_READY);
	IS_STR(sent(&w),
	    "RESULT 1795342510000000 refused expired\n"
	    "text: it expired while its package was fetched\n\n",
	    "it is not applied anew past it");
	IS_STR(told(&w), "", "nothing is");
	OK(!fetches(&w, 10), "it is gone");
	world_free(&w);
}

/* What waited and is superseded by what comes while there is no connection is
 * told later. */
static void
test_superseding_offline(void)
{
	struct world w;

	world_new(&w);
	log_in(&w);
	give_deferred(&w, 9, "a", "on: round-end\n");
	give_package(&w, 10, "a");
	client_closed(w.client, "test");
	sent(&w);
	fetched(&w, 10, RESULT_READY);
	OK(runs(&w, 10) && !waits(&w, 9), "it takes the place of what waits");
	w.ns = client_next_ns(w.client);
	client_tick(w.client);
	client_opened(w.client);
	hear_text(&w, GREETING);
	OK(strstr(sent(&w),
	       "have: 1795342510000000\nwaiting: 1795342509000000\n") != NULL,
	    "the login still owes the other's result");
	hear_text(&w, WELCOME("0"));
	IS_STR(sent(&w), "RESULT 1795342509000000 superseded\n\n",
	    "and then gives it");
	world_free(&w);
}

/* --- breaks of the connection -------------------------------------------- */

/* To the LOGIN, which is what it returns. */
static const char *
come_back(struct world *w)
{
	client_closed(w->client, "test");
	sent(w);
	w->ns = client_next_ns(w->client);
	client_tick(w->client);
	client_opened(w->client);
	hear_text(w, GREETING);
	told(w);
	return sent(w);
}

static void
test_relogin(void)
{
	struct doc_spec spec = package_spec(10, "a", PART);
	struct world w;

	world_new(&w);
	log_in(&w);
	hear_update(&w, &spec);
	give(&w, 11, "b");
	IS_STR(come_back(&w),
	    LOGIN_HEAD "have: 1795342511000000\n"
		       "last: 2026-11-22T10:16:40.000000Z\n\n",
	    "a login does not tell what is being fetched");
	OK(fetches(&w, 10), "a break does not end it");
	hear_text(&w, WELCOME("1"));
	IS_STR(told(&w), "", "one more is to come");
	hear_update(&w, &spec);
	IS_STR(sent(&w), "RESULT 1795342510000000 fetching\n\n",
	    "handed out again it is answered fetching");
	IS_STR(told(&w), "welcome\n",
	    "it is not begun anew, and for the welcome it is a result");
	fetched(&w, 10, RESULT_READY);
	IS_RESULT(&w, 10, "applied", "the result goes to this connection");
	hear_update(&w, &spec);
	IS_RESULT(&w, 10, "have", "once");
	world_free(&w);
}

static void
test_fetched_offline(void)
{
	struct doc_spec spec = package_spec(10, "a", PART);
	struct world w;

	world_new(&w);
	log_in(&w);
	hear_update(&w, &spec);
	client_closed(w.client, "test");
	sent(&w);
	told(&w);
	fetched(&w, 10, RESULT_READY);
	IS_STR(told(&w), "apply 10 a 'part()'\nupdated 10 a applied\n",
	    "it is applied without a host");
	w.ns = client_next_ns(w.client);
	client_tick(w.client);
	client_opened(w.client);
	IS_STR(sent(&w), "", "nothing is sent before the greeting");
	hear_text(&w, GREETING);
	OK(strstr(sent(&w), "\nhave: 1795342510000000\n") != NULL,
	    "the login tells that it runs");
	hear_text(&w, WELCOME("0"));
	IS_STR(sent(&w), "", "that is all");
	world_free(&w);

	world_new(&w);
	log_in(&w);
	hear_update(&w, &spec);
	client_closed(w.client, "test");
	sent(&w);
	fetched(&w, 10, RESULT_GAVE_UP);
	OK(!fetches(&w, 10), "it may give up without one");
	w.ns = client_next_ns(w.client);
	client_tick(w.client);
	client_opened(w.client);
	hear_text(&w, GREETING);
	OK(strstr(sent(&w), "1795342510") == NULL, "the login tells nothing");
	hear_text(&w, WELCOME("1"));
	told(&w);
	hear_update(&w, &spec);
	IS_RESULT(&w, 10, "fetching", "handed out again it is begun anew");
	IS_STR(told(&w), "fetch 10 a " PACKAGE_AT "\nwelcome\n", "so it is");
	world_free(&w);
}

/* The host has said by its updates what is still to be had. */
static void
test_not_given_again(void)
{
	struct world w;
	int i;

	for (i = 0; i < 2; i++) {
		world_new(&w);
		log_in(&w);
		give_package(&w, 10, "a");
		give_package(&w, 11, "b");
		give_package(&w, 12, "c");
		come_back(&w);
		hear_text(&w, i == 0 ? WELCOME("0") : WELCOME("2"));
		sent(&w);
		if (i > 0) {
			give(&w, 20, "d");
			OK(fetches(&w, 10) && fetches(&w, 11) &&
				fetches(&w, 12),
			    "before the last update nothing is decided");
			told(&w);
			logged(&w);
			give_package(&w, 11, "b");
			IS_STR(told(&w), "cancel 10\ncancel 12\nwelcome\n",
			    "what is not handed out again is given up");
			OK(strstr(logged(&w),
			       "update 1795342510000000 a is fetched no more: "
			       "this host does not give it\n") != NULL,
			    "the log says so");
			OK(fetches(&w, 11) && !fetches(&w, 10), "only that");
			sent(&w);
			fetched(&w, 11, RESULT_READY);
			IS_RESULT(&w, 11, "applied", "the other is applied");
		} else {
			IS_STR(told(&w),
			    "cancel 10\ncancel 11\ncancel 12\nwelcome\n",
			    "a host that has nothing gives nothing");
			IS_STR(sent(&w), "", "and asked for no result");
		}
		world_free(&w);
	}
}

/* It comes between a LOGIN that did not tell it and the host's word. */
static void
test_fetched_during_login(void)
{
	struct doc_spec spec = package_spec(10, "a", PART);
	struct world w;
	int i;

	for (i = 0; i < 6; i++) {
		world_new(&w);
		log_in(&w);
		hear_update(&w, &spec);
		come_back(&w);
		if (i % 2 == 1)
			hear_text(&w, WELCOME("1"));
		told(&w);
		fetched(&w, 10, RESULT_READY);
		IS_STR(told(&w), "", "it is not applied yet");
		OK(fetches(&w, 10), "but held");
		fetched(&w, 10, RESULT_GAVE_UP);
		OK(fetches(&w, 10), "once and for all");
		if (i >= 4) {
			come_back(&w);
			OK(fetches(&w, 10), "over one more break, too");
		}
		if (i % 2 == 0 || i >= 4)
			hear_text(&w, WELCOME("1"));
		if (i >= 2) {
			hear_update(&w, &spec);
			IS_STR(sent(&w),
			    "RESULT 1795342510000000 applied\n"
			    "took: 0.000132\n\n",
			    "handed out again it is applied at once");
			IS_STR(told(&w),
			    "apply 10 a 'part()'\nupdated 10 a applied\n"
			    "welcome\n",
			    "before the welcome");
		} else {
			give(&w, 11, "b");
			IS_STR(told(&w),
			    "apply 11 b 'part()'\nupdated 11 b applied\n"
			    "welcome\n",
			    "else it is dropped; there is nothing to cancel");
			OK(!fetches(&w, 10) && !runs(&w, 10), "it is gone");
		}
		world_free(&w);
	}

	world_new(&w);
	log_in(&w);
	hear_update(&w, &spec);
	come_back(&w);
	fetched(&w, 10, RESULT_GAVE_UP);
	hear_text(&w, WELCOME("1"));
	IS_STR(sent(&w), "", "nobody is told of a failure then");
	hear_update(&w, &spec);
	IS_RESULT(&w, 10, "fetching", "it is begun anew");
	world_free(&w);
}

/* The program may end at any time. */
static void
test_freed(void)
{
	struct doc_spec spec = package_spec(10, "a", PART);
	struct world w;

	world_new(&w);
	log_in(&w);
	hear_update(&w, &spec);
	give_package(&w, 11, "b");
	come_back(&w);
	fetched(&w, 10, RESULT_READY); /* held until the host's word */
	told(&w);
	client_free(w.client);
	w.client = NULL;
	IS_STR(told(&w), "cancel 11\n", "the end of a client ends its fetches");
	world_free(&w);
}

/* --- the login's release ------------------------------------------------- */

static void
test_release(void)
{
	char longest[HOST_LABEL + 2];
	struct world w;

	world_new(&w);
	log_in(&w);
	client_set_release(w.client, "1.5");
	OK(strstr(come_back(&w), "\nrelease: 1.5\n") != NULL,
	    "the next login tells the release that is in force");
	memset(longest, 'x', sizeof longest);
	longest[sizeof longest - 1] = '\0';
	client_set_release(w.client, longest);
	client_set_release(w.client, "1.6\n");
	OK(strstr(come_back(&w), "\nrelease: 1.5\n") != NULL,
	    "what cannot be told changes nothing");
	client_set_release(w.client, NULL);
	OK(strstr(come_back(&w), "release:") == NULL, "none is none");
	world_free(&w);
}

/* S2.3: what a login tells, so that the host can see who is to get what. */
static void
test_s2_3(void)
{
	struct doc_spec spec = package_spec(10, "a", PART);
	struct world w;

	world_new(&w);
	log_in(&w);
	hear_update(&w, &spec);
	IS_RESULT(&w, 10, "fetching",
	    "S2.3 online users: a broadcast is fetched");
	world_free(&w);

	world_new(&w);
	client_opened(w.client);
	hear_text(&w, GREETING);
	IS_STR(sent(&w), LOGIN_HEAD "\n",
	    "S2.3 offline users who log in again: nothing to tell");
	hear_text(&w, WELCOME("1"));
	OK(strstr(told(&w), "welcome") == NULL,
	    "S2.3 the update comes before they are welcome");
	hear_update(&w, &spec);
	IS_STR(told(&w), "fetch 10 a " PACKAGE_AT "\nwelcome\n",
	    "S2.3 and is fetched");
	fetched(&w, 10, RESULT_READY);

	IS_STR(come_back(&w),
	    LOGIN_HEAD "have: 1795342510000000\n"
		       "last: 2026-11-22T10:16:40.000000Z\n\n",
	    "S2.3 sleeping users who reconnect: what they have, and since "
	    "when they have slept");
	world_free(&w);
}

int
main(void)
{
	test_fetched();
	test_here();
	test_applied_badly();
	test_gave_up();
	test_cannot();
	test_checks();
	test_bound();
	test_full();
	test_spread();
	test_superseded();
	test_reverted();
	test_revert_of_another();
	test_taken_back();
	test_retired();
	test_expired();
	test_superseding_offline();
	test_relogin();
	test_fetched_offline();
	test_not_given_again();
	test_fetched_during_login();
	test_freed();
	test_release();
	test_s2_3();
	return tap_done();
}
