/* What a client does when it is asked first: CHECK, APPLY, DROP. */

#include "tests/player.h"

static void
put_check(struct buf *out, const struct doc_spec *spec, int key)
{
	const size_t at = out->len;

	put_update(out, spec, key);
	/* The same body, and a verb of one letter less. */
	memcpy(out->data + at, "CHECK", 5);
	memmove(out->data + at + 5, out->data + at + 6, out->len - at - 6);
	out->len--;
}

static void
hear_check(struct world *w, const struct doc_spec *spec)
{
	struct buf b = BUF_INIT;

	put_check(&b, spec, 1);
	hear_buf(w, &b);
}

/* CHECK a plain update. */
static void
ask(struct world *w, unsigned n, const char *feature)
{
	struct doc_spec spec = update_spec(n, feature, "part()");

	hear_check(w, &spec);
}

static void
hear_id(struct world *w, const char *verb, unsigned n)
{
	char text[64];

	snprintf(text, sizeof text, "%s %" PRIu64 "\n\n", verb, T0 + n * S);
	hear_text(w, text);
}

static void
answer(struct world *w, unsigned n, enum result result)
{
	struct client_applied out;

	memset(&out, 0, sizeof out);
	out.result = result;
	out.took_ns = 132000;
	client_checked(w->client, T0 + n * S, &out);
	collect(w);
}

static void
test_ready(void)
{
	struct world w;

	world_new(&w);
	log_in(&w);
	give(&w, 8, "a");
	sent(&w);
	told(&w);
	w.checked.text = "2 functions";
	w.checked.len = strlen(w.checked.text);
	ask(&w, 10, "a");
	IS_STR(sent(&w),
	    "RESULT 1795342510000000 ready\ntook: 0.000132\nlength: 11\n\n"
	    "2 functions\n",
	    "a check is answered");
	IS_STR(told(&w), "check 10 a 'part()' -8\n",
	    "the program is asked, with what would leave");
	OK(runs(&w, 8) && !runs(&w, 10) && !waits(&w, 10), "nothing changed");
	give(&w, 9, "a");
	IS_RESULT(&w, 9, "applied", "it has taken no place in the order");
	told(&w);
	hear_id(&w, "APPLY", 10);
	IS_STR(sent(&w), "RESULT 1795342510000000 applied\ntook: 0.000132\n\n",
	    "then it is applied");
	IS_STR(told(&w), "apply 10 a 'part()' -9\nupdated 10 a applied\n",
	    "like an update that came just now");
	OK(runs(&w, 10) && !runs(&w, 9), "it runs");
	hear_id(&w, "APPLY", 10);
	IS_RESULT(&w, 10, "refused unknown", "once");
	ask(&w, 10, "a");
	IS_RESULT(&w, 10, "have", "a check of what runs");
	IS_STR(told(&w), "", "asks nobody");

	ask(&w, 11, "a");
	hear_id(&w, "DROP", 11);
	sent(&w);
	hear_id(&w, "APPLY", 11);
	IS_RESULT(&w, 11, "refused unknown", "what was dropped is forgotten");
	hear_id(&w, "DROP", 11);
	IS_STR(sent(&w), "", "a DROP is never answered");

	ask(&w, 12, "a");
	sent(&w);
	ask(&w, 12, "a");
	IS_RESULT(&w, 12, "ready", "asked twice");
	hear_id(&w, "APPLY", 12);
	IS_RESULT(&w, 12, "applied", "it is held once");
	hear_id(&w, "APPLY", 12);
	IS_RESULT(&w, 12, "refused unknown", "and applied once");

	ask(&w, 13, "a");
	sent(&w);
	w.applied.result = RESULT_DEFERRED;
	hear_id(&w, "APPLY", 13);
	IS_RESULT(&w, 13, "deferred", "it may wait for its event then");
	ask(&w, 13, "a");
	IS_RESULT(&w, 13, "have", "a check's answer is final all the same");
	settle(&w, 13, RESULT_APPLIED);
	IS_RESULT(&w, 13, "applied", "and is settled like others");
	world_free(&w);
}

static void
test_not_ready(void)
{
	static const struct {
		enum result said;
		const char *sent;
	} cases[] = {
	    {RESULT_FAILED, "failed"},
	    {RESULT_HUNG, "hung"},
	    {RESULT_APPLIED, "failed"},
	    {RESULT_NONE, "failed"},
	};
	struct world w;
	size_t i;

	world_new(&w);
	log_in(&w);
	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		w.checked.result = cases[i].said;
		ask(&w, 10, "a");
		IS_RESULT(&w, 10, cases[i].sent, "what would not do is told");
		hear_id(&w, "APPLY", 10);
		IS_RESULT(&w, 10, "refused unknown", "and is not held");
	}
	OK(!runs(&w, 10), "nothing came of it");
	world_free(&w);
}

static void
test_later(void)
{
	struct world w;

	world_new(&w);
	log_in(&w);
	w.check_later = 1;
	ask(&w, 10, "a");
	IS_STR(sent(&w), "", "the answer may come later");
	hear_id(&w, "APPLY", 10);
	IS_RESULT(&w, 10, "refused unknown", "before it nothing is applied");
	ask(&w, 10, "a");
	IS_RESULT(&w, 10, "refused busy", "nor asked again");
	answer(&w, 11, RESULT_READY);
	IS_STR(sent(&w), "", "an answer to nothing is dropped");
	answer(&w, 10, RESULT_READY);
	IS_STR(sent(&w), "RESULT 1795342510000000 ready\ntook: 0.000132\n\n",
	    "here it is");
	answer(&w, 10, RESULT_FAILED);
	IS_STR(sent(&w), "", "a second one is dropped");
	hear_id(&w, "APPLY", 10);
	IS_RESULT(&w, 10, "applied", "it was ready");

	ask(&w, 11, "a");
	hear_id(&w, "DROP", 11);
	ask(&w, 11, "a");
	IS_RESULT(&w, 11, "refused busy",
	    "dropped, the program is not done with it yet");
	answer(&w, 11, RESULT_READY);
	IS_STR(sent(&w), "", "its answer is for nobody");
	hear_id(&w, "APPLY", 11);
	IS_RESULT(&w, 11, "refused unknown", "it is not held");
	ask(&w, 11, "a");
	answer(&w, 11, RESULT_FAILED);
	IS_RESULT(&w, 11, "failed", "then it can be asked anew");

	ask(&w, 12, "a");
	reconnect(&w, GREETING);
	answer(&w, 12, RESULT_READY);
	IS_STR(sent(&w), "", "so with a break: nobody asked here");
	hear_id(&w, "APPLY", 12);
	IS_RESULT(&w, 12, "refused unknown", "it is not held");
	ask(&w, 13, "a");
	client_closed(w.client, "test");
	answer(&w, 13, RESULT_HUNG);
	OK(w.client->checks[0].state == CHECK_NONE &&
		w.client->checks[1].state == CHECK_NONE,
	    "an answer in between leaves nothing");
	world_free(&w);

	world_new(&w);
	log_in(&w);
	w.check_later = 1;
	ask(&w, 10, "a");
	world_free(&w); /* the end of a client that waits for an answer */
}

static void
test_forgotten(void)
{
	struct world w;

	world_new(&w);
	log_in(&w);
	ask(&w, 10, "a");
	reconnect(&w, GREETING);
	hear_id(&w, "APPLY", 10);
	IS_RESULT(&w, 10, "refused unknown",
	    "a break forgets what was checked");

	ask(&w, 10, "a");
	ask(&w, 11, "b");
	sent(&w);
	ask(&w, 12, "c");
	IS_RESULT(&w, 12, "refused full", "only so many are held");
	hear_id(&w, "DROP", 10);
	ask(&w, 12, "c");
	IS_RESULT(&w, 12, "ready", "a DROP makes room");
	world_free(&w);
}

/* Much can come between CHECK and APPLY. */
static void
test_overtaken(void)
{
	struct doc_spec spec;
	struct world w;

	world_new(&w);
	log_in(&w);
	ask(&w, 10, "a");
	give(&w, 11, "a");
	sent(&w);
	hear_id(&w, "APPLY", 10);
	IS_RESULT(&w, 10, "refused stale", "a newer one came");
	hear_id(&w, "APPLY", 10);
	IS_RESULT(&w, 10, "refused unknown", "then it is forgotten");

	spec = update_spec(12, "b", "part()");
	spec.expires_us = (int64_t)(T0 + 110 * S);
	hear_check(&w, &spec);
	IS_RESULT(&w, 12, "ready", "one that is good for 10 s");
	w.ns += 11 * SEC;
	hear_id(&w, "APPLY", 12);
	IS_RESULT(&w, 12, "refused expired", "is too old after 11 s");

	ask(&w, 13, "c");
	spec = revert_spec(14, "c", 13);
	hear_revert(&w, &spec);
	sent(&w);
	hear_id(&w, "APPLY", 13);
	IS_RESULT(&w, 13, "refused reverted", "it was reverted");
	OK(!runs(&w, 10) && !runs(&w, 12) && !runs(&w, 13), "none runs");
	world_free(&w);
}

static void
test_dry_run(void)
{
	struct doc_spec spec = update_spec(10, "a", "part()");
	struct world w;

	world_new(&w);
	log_in(&w);
	spec.extra = "dry-run: yes\n";
	hear_check(&w, &spec);
	IS_RESULT(&w, 10, "ready", "a dry run is checked");
	hear_id(&w, "APPLY", 10);
	IS_RESULT(&w, 10, "refused syntax", "never applied");
	hear_update(&w, &spec);
	IS_RESULT(&w, 10, "refused syntax", "not as an UPDATE either");
	IS_STR(told(&w), "check 10 a 'part()'\n", "nothing else was done");
	hear_id(&w, "DROP", 10);
	hear_id(&w, "APPLY", 10);
	IS_RESULT(&w, 10, "refused unknown", "a DROP ends it");
	give(&w, 9, "a");
	IS_RESULT(&w, 9, "applied", "it has taken no place in the order");
	world_free(&w);
}

/* Every check of an UPDATE. */
static void
test_refused(void)
{
	struct doc_spec spec;
	struct buf b = BUF_INIT;
	struct world w;

	world_new(&w);
	log_in(&w);
	give(&w, 20, "a");
	sent(&w);
	told(&w);
	spec = update_spec(30, "combat", "part()");
	put_check(&b, &spec, 3);
	hear_buf(&w, &b);
	IS_RESULT(&w, 30, "refused untrusted-key", "a key that is not trusted");
	put_check(&b, &spec, 2);
	hear_buf(&w, &b);
	IS_RESULT(&w, 30, "refused out-of-scope", "one that may not");
	put_check(&b, &spec, 1);
	b.data[b.len - 2] ^= 1;
	hear_buf(&w, &b);
	IS_RESULT(&w, 30, "refused bad-digest", "another part");
	put_check(&b, &spec, 1);
	memcpy(b.data, "CHECK 1795342531000000\n", 23);
	hear_buf(&w, &b);
	IS_RESULT(&w, 31, "refused syntax", "another id");
	spec.version = "2.*";
	hear_check(&w, &spec);
	IS_RESULT(&w, 30, "refused not-for-me", "another version");
	spec = update_spec(30, "combat", NULL);
	spec.parts[DOC_SERVER].bytes = "x";
	spec.parts[DOC_SERVER].len = 1;
	hear_check(&w, &spec);
	IS_RESULT(&w, 30, "refused not-for-me", "no client part");
	spec = update_spec(30, "combat", "part()");
	spec.expires_us = (int64_t)(T0 + 99 * S);
	hear_check(&w, &spec);
	IS_RESULT(&w, 30, "refused expired", "too old");
	ask(&w, 401, "combat");
	IS_RESULT(&w, 401, "refused future", "too young");
	ask(&w, 19, "a");
	IS_RESULT(&w, 19, "refused stale", "older than what runs");
	spec = revert_spec(30, "a", 20);
	hear_check(&w, &spec);
	IS_RESULT(&w, 30, "refused syntax", "a revert");
	spec = retire_spec(30, "a", 20);
	hear_check(&w, &spec);
	IS_RESULT(&w, 30, "refused syntax", "a retirement");
	IS_STR(told(&w), "", "the program was asked nothing");
	ask(&w, 30, "a");
	sent(&w);
	told(&w);
	hear_text(&w, "APPLY 1795342530000000\nat: 2026-11-22T10:20:00Z\n\n");
	IS_RESULT(&w, 30, "refused unsupported", "an instant to apply it at");
	hear_id(&w, "APPLY", 30);
	IS_RESULT(&w, 30, "applied", "it is still held then");
	world_free(&w);
}

static void
test_no_callback(void)
{
	struct keyring keys = KEYRING_INIT;
	struct signify_sec all = test_key(1);
	struct client_config config;
	struct world w;

	memset(&w, 0, sizeof w);
	config = plain_config(&w, &keys);
	test_trust(&keys, &all, "all");
	config.cb.check = NULL;
	world_start(&w, &config);
	log_in(&w);
	ask(&w, 10, "a");
	IS_RESULT(&w, 10, "refused unsupported",
	    "a program that cannot check says so");
	world_free(&w);
}

static void
test_syntax(void)
{
	static const char *const texts[] = {
	    "CHECK 1795342510000000\n\n",
	    "CHECK 1795342510000000\nlength: 1\n\nx\n",
	    "CHECK 1795342510000000\nhead: 2\nlength: 1\n\nx\n",
	    "CHECK\nhead: 1\nlength: 1\n\nx\n",
	    "CHECK 0\nhead: 1\nlength: 1\n\nx\n",
	    "APPLY\n\n",
	    "APPLY 1 2\n\n",
	    "APPLY x\n\n",
	    "APPLY 1795342510000000\nlength: 0\n\n\n",
	    "DROP\n\n",
	    "DROP 01\n\n",
	    "DROP 1795342510000000\nlength: 0\n\n\n",
	};
	struct world w;
	size_t i;

	for (i = 0; i < sizeof texts / sizeof *texts; i++) {
		world_new(&w);
		log_in(&w);
		hear_text(&w, texts[i]);
		OK(strncmp(sent(&w), "ERROR syntax\n", 13) == 0 && is_ended(&w),
		    "not a frame: %zu", i);
		world_free(&w);
	}
}

int
main(void)
{
	test_ready();
	test_not_ready();
	test_later();
	test_forgotten();
	test_overtaken();
	test_dry_run();
	test_refused();
	test_no_callback();
	test_syntax();
	return tap_done();
}
