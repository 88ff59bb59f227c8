/* What a client does with documents: updates, retirements, reverts. */

#include "tests/player.h"

/* --- updates ------------------------------------------------------------ */

static void
test_update(void)
{
	struct doc_spec spec = update_spec(10, "combat", "hit()");
	char long_text[RESULT_TEXT_MAX + 2];
	const char *answer;
	struct world w;

	world_new(&w);
	log_in(&w);
	hear_update(&w, &spec);
	IS_STR(sent(&w), "RESULT 1795342510000000 applied\ntook: 0.000132\n\n",
	    "an update is applied and answered");
	IS_STR(told(&w), "apply 10 combat 'hit()'\nupdated 10 combat applied\n",
	    "the program got its part, then the event");
	OK(runs(&w, 10), "it runs");
	hear_update(&w, &spec);
	IS_STR(sent(&w), "RESULT 1795342510000000 have\n\n",
	    "sent again it is there already");
	IS_STR(told(&w), "", "and nothing is done");

	spec = update_spec(11, "combat", "hit2()");
	w.applied.text = "report\nof two lines";
	w.applied.len = strlen(w.applied.text);
	w.applied.took_ns = INT64_C(61000001999);
	hear_update(&w, &spec);
	IS_STR(sent(&w),
	    "RESULT 1795342511000000 applied\ntook: 61.000001\nlength: 19\n\n"
	    "report\nof two lines\n",
	    "the report is its body");
	IS_STR(told(&w),
	    "apply 11 combat 'hit2()' -10\nupdated 11 combat applied\n",
	    "the older one of the feature leaves in the same step");
	OK(runs(&w, 11) && !runs(&w, 10), "the newer one runs instead");

	spec = update_spec(12, "ui", "u()");
	memset(long_text, 'x', sizeof long_text);
	w.applied.text = long_text;
	w.applied.len = RESULT_TEXT_MAX + 1;
	hear_update(&w, &spec);
	answer = sent(&w);
	OK(strstr(answer, "\nlength: 4096\n\n") != NULL,
	    "a long report is cut");
	spec = update_spec(13, "ui", "u()");
	memcpy(long_text + RESULT_TEXT_MAX - 2, "\xe2\x82\xac", 3);
	hear_update(&w, &spec);
	answer = sent(&w);
	OK(strstr(answer, "\nlength: 4094\n\n") != NULL, "between characters");

	w.applied.text = NULL;
	w.say = "mine";
	spec = update_spec(14, "combat", "");
	hear_update(&w, &spec);
	OK(strncmp(sent(&w), "MESSAGE\nlength: 4\n\nmine\nRESULT 1795342514",
	       40) == 0,
	    "what the program sends meanwhile goes out before the result");
	told(&w);
	world_free(&w);
}

static void
test_failures(void)
{
	static const enum result results[] = {
	    RESULT_FAILED, RESULT_HUNG, RESULT_PARTIAL};
	struct doc_spec spec = update_spec(11, "a", "bad()");
	struct world w;
	char line[128];
	size_t i;

	world_new(&w);
	log_in(&w);
	give(&w, 10, "a");
	for (i = 0; i < sizeof results / sizeof *results; i++) {
		sent(&w);
		told(&w);
		w.applied.result = results[i];
		w.applied.text = "boom\nat home";
		w.applied.len = strlen(w.applied.text);
		logged(&w);
		hear_update(&w, &spec);
		IS_RESULT(&w, 11, result_name(results[i]),
		    "what went wrong is told");
		snprintf(line, sizeof line,
		    "update 1795342511000000 a: %s: boom\n",
		    result_name(results[i]));
		IS_STR(logged(&w), line, "the log has it, with why in a line");
		IS_STR(told(&w), "apply 11 a 'bad()' -10\n",
		    "it was tried, and is no event");
		OK(runs(&w, 10) && !runs(&w, 11), "the older one runs on");
		IS(w.client->catalog.n, 1, "nothing is remembered of it");
	}
	w.applied.result = RESULT_NONE;
	hear_update(&w, &spec);
	IS_RESULT(&w, 11, "failed", "what makes no sense is a failure");
	w.applied.result = RESULT_REVERTED;
	hear_update(&w, &spec);
	IS_RESULT(&w, 11, "failed", "nor does this");
	w.applied.result = RESULT_APPLIED;
	hear_update(&w, &spec);
	IS_RESULT(&w, 11, "applied", "what failed may come again");
	OK(runs(&w, 11) && !runs(&w, 10), "then it runs");
	w.applied.result = RESULT_HAVE;
	give(&w, 12, "a");
	OK(runs(&w, 12), "what the program has already counts as running");
	world_free(&w);
}

/* Each change of a good update, and the word that it meets. */
static void
test_refusals(void)
{
	static const char tomorrow[] =
	    "hotfix-update: 1\nid: 1795342531000000\nfeature: combat\n"
	    "created: 2026-11-22T10:15:31.000000Z\nmust-dance: yes\n"
	    "retires: 1795342530000000\n\n";
	struct doc_spec spec;
	struct buf head = BUF_INIT, b = BUF_INIT;
	struct signify_sec sec = test_key(1);
	struct world w;
	size_t i, comment_end;
	int good = 1;

	world_new(&w);
	log_in(&w);
	give(&w, 20, "a");
	sent(&w);
	told(&w);

	spec = update_spec(30, "combat", "hit()");
	put_head(&head, &spec, 1);
	put_update_frame(&b, T0 + 31 * S, &head, "hit()", 5);
	hear_buf(&w, &b);
	IS_RESULT(&w, 31, "refused syntax", "the frame's id must be its own");
	put_update_frame(&b, spec.id, &head, "hit(!", 5);
	hear_buf(&w, &b);
	IS_RESULT(&w, 30, "refused bad-digest", "another part");
	put_update_frame(&b, spec.id, &head, "hit()!", 6);
	hear_buf(&w, &b);
	IS_RESULT(&w, 30, "refused bad-digest", "a byte left over");
	put_update_frame(&b, spec.id, &head, "hit(", 4);
	hear_buf(&w, &b);
	IS_RESULT(&w, 30, "refused bad-digest", "a byte missing");

	comment_end =
	    (size_t)((uint8_t *)memchr(head.data, '\n', head.len) - head.data);
	for (i = 0; i < head.len; i++) {
		if (i >= strlen("untrusted comment: ") && i < comment_end)
			continue; /* nobody believes the comment */
		head.data[i] ^= 1;
		put_update_frame(&b, spec.id, &head, "hit()", 5);
		head.data[i] ^= 1;
		sent(&w);
		hear_buf(&w, &b);
		good &= strncmp(sent(&w), "RESULT 1795342530000000 refused ",
			    32) == 0;
	}
	OK(good, "one bit flipped anywhere in the head: refused");
	good = 1;
	for (i = 0; i < head.len; i++) {
		struct buf cut_head = head;

		cut_head.len = i;
		put_update_frame(&b, spec.id, &cut_head, "hit()", 5);
		hear_buf(&w, &b);
		good &= strncmp(sent(&w), "RESULT 1795342530000000 refused ",
			    32) == 0;
	}
	OK(good, "cut anywhere in the head: refused");
	OK(!runs(&w, 30), "nothing of it runs");
	put_update_frame(&b, spec.id, &head, "hit()", 5);
	hear_buf(&w, &b);
	IS_RESULT(&w, 30, "applied", "unchanged it is good");
	buf_free(&head);

	put_update(&b, &spec, 3);
	hear_buf(&w, &b);
	IS_RESULT(&w, 30, "refused untrusted-key", "a key that is not trusted");
	spec = update_spec(31, "combat", "hit()");
	put_update(&b, &spec, 2);
	hear_buf(&w, &b);
	IS_RESULT(&w, 31, "refused out-of-scope",
	    "a key that may not sign for this feature");
	put_head(&head, &spec, 1);
	head.data[head.len - 3] ^= 1;
	put_update_frame(&b, spec.id, &head, "hit()", 5);
	hear_buf(&w, &b);
	IS_RESULT(&w, 31, "refused bad-signature", "a changed text");
	buf_free(&head);
	test_sign(&head, &sec, tomorrow, strlen(tomorrow));
	put_update_frame(&b, T0 + 31 * S, &head, "", 0);
	hear_buf(&w, &b);
	IS_RESULT(&w, 31, "refused unsupported", "a must- field of tomorrow");
	buf_free(&head);

	spec = update_spec(31, "combat", "hit()");
	spec.expires_us = (int64_t)(T0 + 99 * S);
	hear_update(&w, &spec);
	IS_RESULT(&w, 31, "refused expired", "past its time");
	spec = update_spec(401, "combat", "hit()");
	hear_update(&w, &spec);
	IS_RESULT(&w, 401, "refused future", "301 s ahead of the host's time");
	hear_update(&w, &spec);
	IS_RESULT(&w, 401, "refused future",
	    "and it does not make its own time");
	spec = update_spec(19, "a", "old()");
	hear_update(&w, &spec);
	IS_RESULT(&w, 19, "refused stale", "older than what runs");
	spec = update_spec(20, "a", "other()");
	hear_update(&w, &spec);
	IS_RESULT(&w, 20, "refused stale", "another text under the same id");

	spec = update_spec(40, "c", "c()");
	spec.version = "1.5.*";
	hear_update(&w, &spec);
	IS_RESULT(&w, 40, "refused not-for-me", "for another version");
	spec.version = NULL;
	spec.platform = "ios-*";
	hear_update(&w, &spec);
	IS_RESULT(&w, 40, "refused not-for-me", "for another platform");
	spec.platform = NULL;
	spec.program = "!arena";
	hear_update(&w, &spec);
	IS_RESULT(&w, 40, "refused not-for-me", "for another program");
	spec.program = NULL;
	spec.zone = "west,north";
	hear_update(&w, &spec);
	IS_RESULT(&w, 40, "refused not-for-me", "for other zones");
	spec.zone = "west,east";
	spec.parts[DOC_SERVER] = spec.parts[DOC_CLIENT];
	spec.parts[DOC_CLIENT].bytes = NULL;
	spec.parts[DOC_CLIENT].len = 0;
	hear_update(&w, &spec);
	IS_RESULT(&w, 40, "refused not-for-me", "without a client part");
	spec.parts[DOC_CLIENT] = spec.parts[DOC_SERVER];
	spec.program = "arena";
	spec.version = "1.4.1,1.4.2";
	spec.platform = "!ios-*";
	hear_update(&w, &spec);
	IS_RESULT(&w, 40, "applied",
	    "with all of that right, and a server part that it is not sent");

	spec = revert_spec(41, "c", 40);
	hear_update(&w, &spec);
	IS_RESULT(&w, 41, "refused syntax", "a revert is no update");
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
		give(&w, i, feature);
	}
	IS(client_have(w.client, NULL, 0), CATALOG_LIVE,
	    "as many updates as the limit run");
	sent(&w);
	give(&w, 300, "one-more");
	IS_RESULT(&w, 300, "refused full", "one more is refused");
	give(&w, 301, "f7");
	IS_RESULT(&w, 301, "applied", "but in place of another");
	client_closed(w.client, "test");
	w.ns = client_next_ns(w.client);
	client_tick(w.client);
	client_opened(w.client);
	hear_text(&w, GREETING);
	OK(strstr(sent(&w), " 1795342801000000\n") != NULL,
	    "all of them fit the login's one line");
	world_free(&w);
}

/* --- retirement --------------------------------------------------------- */

static void
test_retire(void)
{
	struct doc_spec spec = retire_spec(11, "a", 10);
	struct buf head = BUF_INIT, b = BUF_INIT;
	struct world w;

	world_new(&w);
	log_in(&w);
	hear_update(&w, &spec);
	IS_RESULT(&w, 11, "refused unknown", "retiring what is not here");
	give(&w, 10, "a");
	sent(&w);
	told(&w);
	put_head(&head, &spec, 1);
	put_update_frame(&b, spec.id, &head, "x", 1);
	hear_buf(&w, &b);
	IS_RESULT(&w, 11, "refused bad-digest", "a retirement has no part");
	buf_free(&head);
	spec = retire_spec(11, "b", 10);
	hear_update(&w, &spec);
	IS_RESULT(&w, 11, "refused syntax", "it names the feature it is about");
	spec = retire_spec(11, "a", 10);
	hear_update(&w, &spec);
	IS_RESULT(&w, 11, "applied", "a retirement is taken");
	IS_STR(told(&w), "", "the program is not troubled");
	OK(runs(&w, 10), "what is retired runs on");
	IS(catalog_find(&w.client->catalog, T0 + 10 * S)->state, RECORD_RETIRED,
	    "and is known as retired");
	hear_update(&w, &spec);
	IS_RESULT(&w, 11, "have", "the same one at the next login: known");
	spec = update_spec(10, "a", "part()");
	hear_update(&w, &spec);
	IS_RESULT(&w, 10, "have", "what is retired is in force");
	spec = update_spec(11, "a", "new()");
	hear_update(&w, &spec);
	IS_RESULT(&w, 11, "refused stale",
	    "a retirement takes part in its feature's order");
	give(&w, 12, "a");
	IS_STR(told(&w), "apply 12 a 'part()' -10\nupdated 12 a applied\n",
	    "a newer one supersedes what is retired");
	world_free(&w);
}

/* --- reverts ------------------------------------------------------------ */

static void
test_signed_revert(void)
{
	struct doc_spec spec = revert_spec(12, "a", 11);
	struct buf b = BUF_INIT;
	struct world w;

	world_new(&w);
	log_in(&w);
	give(&w, 10, "a");
	give(&w, 11, "a");
	give(&w, 9, "b");
	sent(&w);
	told(&w);
	put_revert(&b, T0 + 10 * S, &spec, 1);
	hear_buf(&w, &b);
	IS_RESULT(&w, 10, "refused syntax", "the frame's id is the target");
	put_revert(&b, spec.reverts, &spec, 3);
	hear_buf(&w, &b);
	IS_RESULT(&w, 11, "refused untrusted-key", "by an unknown key");
	put_revert(&b, spec.reverts, &spec, 2);
	hear_buf(&w, &b);
	IS_RESULT(&w, 11, "refused out-of-scope", "by a key without the right");
	spec.feature = "ui";
	put_revert(&b, spec.reverts, &spec, 2);
	hear_buf(&w, &b);
	IS_RESULT(&w, 11, "refused syntax",
	    "nor under another feature that it may sign for");
	spec = revert_spec(401, "a", 11);
	hear_revert(&w, &spec);
	IS_RESULT(&w, 11, "refused future", "with an id of the future");
	spec = revert_spec(12, "a", 11);
	spec.expires_us = (int64_t)(T0 + 20 * S);
	hear_revert(&w, &spec);
	IS_RESULT(&w, 11, "refused expired", "when it has expired");
	spec.expires_us = 0;
	spec.zone = "west";
	hear_revert(&w, &spec);
	IS_RESULT(&w, 11, "refused not-for-me", "for another zone");
	OK(runs(&w, 11), "after all that it still runs");
	IS_STR(told(&w), "", "and the program heard of nothing");

	spec = revert_spec(12, "a", 11);
	w.applied.result = RESULT_FAILED;
	hear_revert(&w, &spec);
	IS_RESULT(&w, 11, "failed", "a revert that fails is told");
	OK(runs(&w, 11), "it runs on");
	told(&w);
	w.applied.result = RESULT_REVERTED;
	hear_revert(&w, &spec);
	IS_RESULT(&w, 11, "reverted", "and may come again");
	IS_STR(told(&w), "revert -11\nupdated 11 a reverted\n",
	    "the program takes it out");
	OK(!runs(&w, 11), "it is gone");
	OK(!runs(&w, 10), "the older one does not come back");
	OK(runs(&w, 9), "another feature is not touched");
	hear_revert(&w, &spec);
	IS_RESULT(&w, 11, "have", "the same revert again: known");
	give(&w, 11, "a");
	IS_RESULT(&w, 11, "refused reverted", "the update is refused for ever");
	give(&w, 10, "a");
	IS_RESULT(&w, 10, "refused stale", "the older one played again, too");
	spec = update_spec(12, "a", "x()");
	hear_update(&w, &spec);
	IS_RESULT(&w, 12, "refused stale",
	    "a revert takes part in its feature's order");
	w.applied.result = RESULT_APPLIED;
	give(&w, 13, "a");
	IS_RESULT(&w, 13, "applied", "a newer one may come");
	spec = revert_spec(12, "a", 10);
	hear_revert(&w, &spec);
	IS_RESULT(&w, 10, "refused stale", "an old revert does not");

	w.applied.result = RESULT_PARTIAL;
	spec = revert_spec(14, "a", 13);
	hear_revert(&w, &spec);
	IS_RESULT(&w, 13, "partial", "a plain chunk was taken back in part");
	OK(!runs(&w, 13), "it counts as gone");
	world_free(&w);
}

static void
test_revert_of_unknown(void)
{
	struct doc_spec spec = revert_spec(12, "a", 11);
	struct world w;

	world_new(&w);
	log_in(&w);
	hear_revert(&w, &spec);
	IS_RESULT(&w, 11, "refused unknown", "a revert of what is not here");
	give(&w, 11, "a");
	IS_RESULT(&w, 11, "refused reverted", "is recorded for ever");
	IS_STR(told(&w), "", "the program hears nothing of it");

	/* Superseded elsewhere by what is reverted now, while away. */
	give(&w, 20, "c");
	give(&w, 19, "d");
	sent(&w);
	told(&w);
	spec = revert_spec(22, "c", 21);
	w.applied.result = RESULT_FAILED;
	hear_revert(&w, &spec);
	IS_RESULT(&w, 21, "failed", "it may fail");
	OK(runs(&w, 20), "nothing changed then");
	OK(catalog_find(&w.client->catalog, T0 + 21 * S) == NULL,
	    "nothing is remembered of it");
	told(&w);
	w.applied.result = RESULT_REVERTED;
	hear_revert(&w, &spec);
	IS_RESULT(&w, 21, "reverted",
	    "reverting what superseded an update elsewhere");
	IS_STR(told(&w), "revert -20\nupdated 21 c reverted\n",
	    "takes that one away, of its feature only");
	OK(!runs(&w, 20) && !runs(&w, 21), "neither runs");
	w.applied.result = RESULT_APPLIED;
	give(&w, 21, "c");
	IS_RESULT(&w, 21, "refused reverted", "the reverted one never comes");
	told(&w);
	spec = revert_spec(23, "d", 18);
	hear_revert(&w, &spec);
	IS_RESULT(&w, 18, "refused unknown",
	    "reverting an older one that is not here");
	IS_STR(told(&w), "", "leaves what is newer alone");
	OK(runs(&w, 19), "it runs on");
	world_free(&w);
}

static void
test_take_back(void)
{
	struct doc_spec spec;
	struct world w;

	world_new(&w);
	log_in(&w);
	give(&w, 10, "a");
	sent(&w);
	told(&w);
	hear_text(&w, "REVERT 1795342510000000\n\n");
	OK(strstr(sent(&w), " refused expired\ntext: it lets no host") != NULL,
	    "not what does not allow it");
	hear_text(&w, "REVERT 1795342511000000\n\n");
	IS_RESULT(&w, 11, "refused unknown", "nor what is not here");
	spec = update_spec(11, "a", "new()");
	spec.take_back_until_us = (int64_t)(T0 + 110 * S);
	hear_update(&w, &spec);
	sent(&w);
	told(&w);
	w.ns += 10 * SEC; /* the host's time is T0 + 110 s now */
	hear_text(&w, "REVERT 1795342511000000\n\n");
	IS_RESULT(&w, 11, "refused expired", "nor when its time is over");
	w.ns -= 1000;
	w.applied.result = RESULT_HUNG;
	hear_text(&w, "REVERT 1795342511000000\n\n");
	IS_RESULT(&w, 11, "hung", "a failure is told");
	OK(runs(&w, 11), "and it runs on");
	told(&w);
	w.applied.result = RESULT_REVERTED;
	hear_text(&w, "REVERT 1795342511000000\n\n");
	IS_RESULT(&w, 11, "reverted", "a microsecond before, it works");
	IS_STR(told(&w), "revert -11\nupdated 11 a reverted\n",
	    "the program takes it out");
	hear_text(&w, "REVERT 1795342511000000\n\n");
	IS_RESULT(&w, 11, "refused unknown", "once");
	OK(!runs(&w, 11) && !runs(&w, 10), "neither runs");
	give(&w, 9, "a");
	IS_RESULT(&w, 9, "refused stale", "what is older stays stale");
	w.applied.result = RESULT_APPLIED;
	give(&w, 10, "a");
	IS_RESULT(&w, 10, "applied", "what it superseded may come again");
	hear_update(&w, &spec);
	IS_RESULT(&w, 11, "applied", "and so may it");
	world_free(&w);
}

/* A greeting is unsigned: one that tells an earlier time gives no host a
 * permission back that has ended. */
static void
test_take_back_after_another_greeting(void)
{
	struct doc_spec spec;
	struct world w;

	world_new(&w);
	log_in(&w);
	spec = update_spec(11, "a", "new()");
	spec.take_back_until_us = (int64_t)(T0 + 110 * S);
	hear_update(&w, &spec);
	w.ns += 60 * SEC;
	reconnect(&w, GREETING); /* the time of an hour ago, so to speak */
	hear_text(&w, "REVERT 1795342511000000\n\n");
	IS_RESULT(&w, 11, "refused expired",
	    "a greeting does not set the clock of a permission back");
	OK(runs(&w, 11), "it runs on");
	world_free(&w);
}

int
main(void)
{
	test_update();
	test_failures();
	test_refusals();
	test_full();
	test_retire();
	test_signed_revert();
	test_revert_of_unknown();
	test_take_back();
	test_take_back_after_another_greeting();
	return tap_done();
}
