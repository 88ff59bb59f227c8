/* What a client does with updates that wait for their event. */

#include "tests/player.h"

#define ON "on: round-end\n"

static void
test_deferred(void)
{
	struct doc_spec spec = update_spec(10, "a", "part()");
	struct world w;

	world_new(&w);
	log_in(&w);
	give_deferred(&w, 10, "a", ON);
	IS_STR(sent(&w), "RESULT 1795342510000000 deferred\ntook: 0.000132\n\n",
	    "S1.4 an update that waits for its event is answered deferred");
	IS_STR(told(&w), "apply 10 a 'part()'\n",
	    "the program has it, nothing took effect");
	OK(!runs(&w, 10) && waits(&w, 10), "it waits, and does not run");
	IS(client_next_ns(w.client), -1, "for ever, without \"by\"");
	spec.extra = ON;
	hear_update(&w, &spec);
	IS_RESULT(&w, 10, "deferred", "sent again it waits on");
	give(&w, 9, "a");
	IS_RESULT(&w, 9, "refused stale", "it is accepted: nothing older");
	told(&w);
	settle(&w, 10, RESULT_APPLIED);
	IS_STR(sent(&w), "RESULT 1795342510000000 applied\ntook: 0.000132\n\n",
	    "S1.4 its real result comes with the event");
	IS_STR(told(&w), "updated 10 a applied\n", "the program is told");
	OK(runs(&w, 10) && !waits(&w, 10), "it runs");
	settle(&w, 10, RESULT_FAILED);
	settle(&w, 11, RESULT_APPLIED);
	IS_STR(sent(&w), "", "what does not wait is not settled");
	OK(runs(&w, 10) && !runs(&w, 11), "nor changed");
	hear_update(&w, &spec);
	IS_RESULT(&w, 10, "have", "now it is in force");
	give_deferred(&w, 12, "b", NULL);
	IS_RESULT(&w, 12, "deferred", "an action's own event will do");
	settle(&w, 12, RESULT_HAVE);
	IS_RESULT(&w, 12, "have", "a program may have had it all along");
	OK(runs(&w, 12), "then it runs");
	world_free(&w);
}

static void
test_settled_badly(void)
{
	static const struct {
		enum result said;
		const char *sent;
	} cases[] = {
	    {RESULT_FAILED, "failed"},
	    {RESULT_HUNG, "hung"},
	    {RESULT_PARTIAL, "partial"},
	    {RESULT_DEFERRED, "failed"},
	    {RESULT_REVERTED, "failed"},
	    {RESULT_NONE, "failed"},
	};
	struct world w;
	size_t i;

	world_new(&w);
	log_in(&w);
	give(&w, 8, "a");
	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		give_deferred(&w, 10, "a", ON);
		sent(&w);
		told(&w);
		settle(&w, 10, cases[i].said);
		IS_RESULT(&w, 10, cases[i].sent, "what went wrong is told");
		OK(strncmp(told(&w), "updated 10 a ", 13) == 0,
		    "to the program too");
		OK(!runs(&w, 10) && !waits(&w, 10), "it is gone");
		give(&w, 9, "a");
		IS_RESULT(&w, 9, "refused stale", "nothing older comes");
	}
	OK(!runs(&w, 8), "what it took the place of left when it came");
	give(&w, 10, "a");
	IS_RESULT(&w, 10, "applied", "it may come again itself");
	world_free(&w);
}

static void
test_welcome(void)
{
	struct world w;

	world_new(&w);
	log_in_at(&w, GREETING, "2");
	give_deferred(&w, 10, "a", ON);
	settle(&w, 10, RESULT_APPLIED);
	OK(strstr(told(&w), "welcome") == NULL, "one more is to come");
	give_deferred(&w, 11, "b", ON);
	OK(strstr(told(&w), "welcome") != NULL,
	    "deferred is a result for the welcome");
	settle(&w, 11, RESULT_APPLIED);
	IS_STR(told(&w), "updated 11 b applied\n", "the real one is no second");
	world_free(&w);
}

static void
test_superseded(void)
{
	struct doc_spec spec;
	struct world w;

	world_new(&w);
	log_in(&w);
	give_deferred(&w, 10, "a", ON);
	sent(&w);
	told(&w);
	w.applied.result = RESULT_FAILED;
	give(&w, 11, "a");
	IS_RESULT(&w, 11, "failed", "a newer one that fails");
	OK(waits(&w, 10), "leaves it waiting");
	told(&w);
	w.applied.result = RESULT_APPLIED;
	give(&w, 11, "a");
	IS_STR(told(&w), "apply 11 a 'part()' -10\nupdated 11 a applied\n",
	    "a newer one of its feature takes its place in one step");
	IS_STR(sent(&w),
	    "RESULT 1795342510000000 superseded\n\n"
	    "RESULT 1795342511000000 applied\ntook: 0.000132\n\n",
	    "it gets its final result");
	OK(!waits(&w, 10) && runs(&w, 11), "and waits no more");
	settle(&w, 10, RESULT_APPLIED);
	IS_STR(sent(&w), "", "its event comes too late");
	give_deferred(&w, 12, "a", ON);
	IS_STR(sent(&w), "RESULT 1795342512000000 deferred\ntook: 0.000132\n\n",
	    "one that waits takes the place of what runs");
	OK(!runs(&w, 11) && waits(&w, 12), "at once");
	give_deferred(&w, 13, "a", ON);
	OK(strncmp(sent(&w), "RESULT 1795342512000000 superseded\n\n", 36) == 0,
	    "or of what waits");

	spec = retire_spec(14, "a", 13);
	hear_update(&w, &spec);
	IS_RESULT(&w, 14, "applied", "what waits can be retired");
	OK(waits(&w, 13), "and waits on");
	settle(&w, 13, RESULT_APPLIED);
	IS_RESULT(&w, 13, "applied", "for its event");
	world_free(&w);
}

static void
test_reverted(void)
{
	struct doc_spec spec;
	struct world w;

	world_new(&w);
	log_in(&w);
	give_deferred(&w, 10, "a", ON);
	sent(&w);
	told(&w);
	spec = revert_spec(12, "a", 10);
	w.applied.result = RESULT_FAILED;
	hear_revert(&w, &spec);
	IS_RESULT(&w, 10, "failed", "a revert that fails");
	OK(waits(&w, 10), "leaves it waiting");
	told(&w);
	w.applied.result = RESULT_REVERTED;
	hear_revert(&w, &spec);
	IS_STR(told(&w), "revert -10\nupdated 10 a reverted\n",
	    "what waits is taken out of the program");
	IS_STR(sent(&w), "RESULT 1795342510000000 reverted\ntook: 0.000132\n\n",
	    "one final result for the UPDATE and its REVERT");
	OK(!waits(&w, 10) && !runs(&w, 10), "it is gone");
	settle(&w, 10, RESULT_APPLIED);
	IS_STR(sent(&w), "", "its event comes too late");
	give(&w, 10, "a");
	IS_RESULT(&w, 10, "refused reverted", "for good");

	w.applied.result = RESULT_REVERTED;
	give_deferred(&w, 20, "b", ON);
	sent(&w);
	spec = revert_spec(22, "b", 21);
	hear_revert(&w, &spec);
	IS_STR(sent(&w),
	    "RESULT 1795342520000000 superseded\n\n"
	    "RESULT 1795342521000000 reverted\ntook: 0.000132\n\n",
	    "so with an older one, when what superseded it is reverted");

	give_deferred(&w, 30, "c",
	    ON "take-back-until: 2026-11-22T11:00:00Z\n");
	sent(&w);
	hear_text(&w, "REVERT 1795342530000000\n\n");
	IS_STR(sent(&w), "RESULT 1795342530000000 reverted\ntook: 0.000132\n\n",
	    "a host may take back what waits");
	OK(!waits(&w, 30), "it is gone");
	give_deferred(&w, 30, "c",
	    ON "take-back-until: 2026-11-22T11:00:00Z\n");
	IS_RESULT(&w, 30, "deferred", "and may come again");
	w.applied.result = RESULT_PARTIAL;
	hear_text(&w, "REVERT 1795342530000000\n\n");
	IS_STR(sent(&w),
	    "RESULT 1795342530000000 partial\ntook: 0.000132\n\n"
	    "RESULT 1795342530000000 reverted\n\n",
	    "what cannot be undone is told of the update, then the answer");
	world_free(&w);
}

/* --- breaks -------------------------------------------------------------- */

/* The connection ends; the next one stands, and what it sends at login is
 * what sent() gives. */
static void
break_and_greet(struct world *w)
{
	client_closed(w->client, "test");
	w->ns = client_next_ns(w->client);
	client_tick(w->client);
	client_opened(w->client);
	sent(w);
	hear_text(w, GREETING);
}

static void
test_login(void)
{
	struct client_applied out = {RESULT_FAILED, "boom", 4, 0, WORD_OK};
	struct world w;

	world_new(&w);
	log_in(&w);
	give(&w, 9, "z");
	give_deferred(&w, 12, "c", ON);
	give_deferred(&w, 10, "a", ON);
	give_deferred(&w, 11, "b", ON);
	break_and_greet(&w);
	IS_STR(sent(&w),
	    LOGIN_HEAD
	    "have: 1795342509000000\n"
	    "waiting: 1795342510000000 1795342511000000 1795342512000000\n"
	    "last: 2026-11-22T10:16:40.000000Z\n\n",
	    "a login tells what runs and what waits");
	settle(&w, 10, RESULT_APPLIED);
	IS_STR(sent(&w), "", "an event before the WELCOME");
	hear_text(&w, WELCOME("0"));
	IS_STR(sent(&w), "RESULT 1795342510000000 applied\ntook: 0.000132\n\n",
	    "is told when it can be");
	settle(&w, 11, RESULT_APPLIED);
	IS_RESULT(&w, 11, "applied", "what the login told has its result");
	client_closed(w.client, "test");
	client_settled(w.client, T0 + 12 * S, &out);
	w.ns = client_next_ns(w.client);
	client_tick(w.client);
	client_opened(w.client);
	hear_text(&w, GREETING);
	OK(strstr(sent(&w), "\nwaiting: 1795342512000000\n") != NULL,
	    "what failed while away waits, as far as the host knows");
	hear_text(&w, WELCOME("0"));
	IS_STR(sent(&w),
	    "RESULT 1795342512000000 failed\ntook: 0.000000\nlength: 4\n\n"
	    "boom\n",
	    "until it is told");
	break_and_greet(&w);
	OK(strstr(sent(&w), "waiting") == NULL, "once");
	hear_text(&w, WELCOME("0"));

	give_deferred(&w, 15, "f", ON);
	give_deferred(&w, 14, "g", ON);
	client_closed(w.client, "test");
	settle(&w, 14, RESULT_FAILED);
	w.ns = client_next_ns(w.client);
	client_tick(w.client);
	client_opened(w.client);
	sent(&w);
	hear_text(&w, GREETING);
	OK(strstr(sent(&w), "\nwaiting: 1795342514000000 1795342515000000\n") !=
		NULL,
	    "all in the order of ids");
	hear_text(&w, WELCOME("0"));
	settle(&w, 15, RESULT_FAILED);
	sent(&w);

	give_deferred(&w, 20, "d", ON);
	give_deferred(&w, 21, "e", ON);
	client_closed(w.client, "test");
	settle(&w, 20, RESULT_APPLIED);
	w.ns = client_next_ns(w.client);
	client_tick(w.client);
	client_opened(w.client);
	sent(&w);
	hear_text(&w, GREETING);
	OK(strstr(sent(&w), " 1795342520000000\nwaiting: 1795342521000000\n") !=
		NULL,
	    "what was applied while away is told by have");
	settle(&w, 21, RESULT_APPLIED);
	hear_text(&w, "ERROR denied\n\n");
	break_and_greet(&w);
	OK(strstr(sent(&w), " 1795342521000000\nlast:") != NULL,
	    "likewise what was applied during a login that came to nothing");
	hear_text(&w, WELCOME("0"));
	IS_STR(sent(&w), "", "and that is all");
	world_free(&w);
}

static void
test_full(void)
{
	char feature[16];
	struct world w;
	unsigned i;

	world_new(&w);
	log_in_at(&w, GREETING_AT("2026-11-22T10:19:00Z"), "0");
	for (i = 0; i < CATALOG_LIVE; i++) {
		snprintf(feature, sizeof feature, "f%u", i);
		if (i % 2 == 0)
			give(&w, i, feature);
		else
			give_deferred(&w, i, feature, ON);
	}
	sent(&w);
	give(&w, 300, "one-more");
	IS_RESULT(&w, 300, "refused full", "what waits takes room");
	client_closed(w.client, "test");
	for (i = 1; i < CATALOG_LIVE; i += 2)
		settle(&w, i, RESULT_FAILED);
	IS(client_waiting(w.client, NULL, 0), 0, "nothing waits any more");
	w.ns = client_next_ns(w.client);
	client_tick(w.client);
	client_opened(w.client);
	hear_text(&w, GREETING);
	sent(&w);
	hear_text(&w, WELCOME("0"));
	sent(&w);
	IS(w.client->nowed, 0, "however many results were owed, all are told");
	world_free(&w);
}

/* --- by ------------------------------------------------------------------ */

#define BY(time) ON "by: 2026-11-22T" time "Z\n"

static void
test_by(void)
{
	const struct client_applied applied = {
	    RESULT_APPLIED, NULL, 0, 0, WORD_OK};
	struct doc_spec revert = revert_spec(15, "e", 14);
	struct world w;
	int64_t start;

	world_new(&w);
	log_in(&w); /* at 10:16:40 */
	start = w.ns;
	give_deferred(&w, 11, "b", BY("10:16:55"));
	give_deferred(&w, 10, "a", BY("10:16:50"));
	told(&w);
	IS(client_next_ns(w.client), start + 10 * SEC, "the earlier is next");
	w.ns = start + 10 * SEC - 1;
	client_tick(w.client);
	IS_STR(told(&w), "", "not a nanosecond early");
	w.ns++;
	client_tick(w.client);
	IS_STR(told(&w), "due 10\n", "S1.4 then it is due, event or not");
	OK(waits(&w, 10), "it waits for the program");
	client_tick(w.client);
	IS_STR(told(&w), "", "which was told once");
	IS(client_next_ns(w.client), start + 15 * SEC, "the other is next");
	sent(&w);
	settle(&w, 10, RESULT_APPLIED);
	IS_RESULT(&w, 10, "applied", "its result comes later");
	told(&w);
	w.settle = &applied;
	w.ns = start + 15 * SEC;
	client_tick(w.client);
	collect(&w);
	IS_STR(told(&w), "due 11\nupdated 11 b applied\n",
	    "or during the call");
	IS_RESULT(&w, 11, "applied", "and is sent");
	IS(client_next_ns(w.client), -1, "then there is nothing to wait for");

	give_deferred(&w, 12, "c", BY("10:16:41"));
	IS_STR(told(&w), "apply 12 c 'part()'\ndue 12\nupdated 12 c applied\n",
	    "one that is past already is due at once");
	IS_STR(sent(&w),
	    "RESULT 1795342512000000 deferred\ntook: 0.000132\n\n"
	    "RESULT 1795342512000000 applied\ntook: 0.000000\n\n",
	    "after it was answered");

	give_deferred(&w, 13, "d", BY("10:20:00"));
	settle(&w, 13, RESULT_APPLIED);
	IS(client_next_ns(w.client), -1, "what runs is due no more");
	give_deferred(&w, 14, "e", BY("10:20:00"));
	w.applied.result = RESULT_REVERTED;
	hear_revert(&w, &revert);
	IS(client_next_ns(w.client), -1, "nor what was reverted");
	w.applied.result = RESULT_APPLIED;
	w.settle = NULL;

	give_deferred(&w, 16, "f", BY("10:17:55"));
	told(&w);
	start = w.ns; /* 10:16:55 */
	reconnect(&w, GREETING_AT("2026-11-22T10:00:00Z"));
	w.ns = start + 60 * SEC;
	client_tick(w.client);
	IS_STR(told(&w), "due 16\n",
	    "no greeting of an earlier time puts it off");
	world_free(&w);
}

static void
test_by_without_due(void)
{
	struct keyring keys = KEYRING_INIT;
	struct signify_sec all = test_key(1);
	struct client_config config;
	struct world w;

	memset(&w, 0, sizeof w);
	config = plain_config(&w, &keys);
	test_trust(&keys, &all, "all");
	config.cb.due = NULL;
	world_start(&w, &config);
	log_in(&w);
	give_deferred(&w, 10, "a", BY("10:16:41"));
	w.ns += 3600 * SEC;
	client_tick(w.client);
	OK(waits(&w, 10), "a program that cares for no \"by\" waits on");
	IS(client_next_ns(w.client), -1, "and is not called for nothing");
	world_free(&w);
}

int
main(void)
{
	test_deferred();
	test_settled_badly();
	test_welcome();
	test_superseded();
	test_reverted();
	test_login();
	test_full();
	test_by();
	test_by_without_due();
	return tap_done();
}
