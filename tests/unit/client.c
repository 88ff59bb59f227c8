/* The client's side of a connection: login, time, breaks, coming back. */

#include "tests/player.h"

/* --- greeting and login ------------------------------------------------- */

static void
test_login(void)
{
	struct client_config config;
	struct world w;
	struct keyring keys = KEYRING_INIT;

	world_new(&w);
	OK(client_wants_connection(w.client), "a new client wants to connect");
	IS(client_next_ns(w.client), -1, "and waits for nothing");
	client_connecting(w.client);
	OK(!client_wants_connection(w.client), "one attempt is enough");
	client_opened(w.client);
	IS_STR(sent(&w), "", "the host speaks first");
	hear_text(&w, GREETING);
	IS_STR(sent(&w), LOGIN_HEAD "\n",
	    "a first login without a token: no have, no last, no proof");
	OK(!client_is_welcome(w.client), "not in before the WELCOME");
	IS(client_send(w.client, "x", 1), -1, "nor can anything be sent");
	hear_text(&w, WELCOME("0"));
	IS_STR(told(&w), "welcome\n", "nothing waits: welcome at once");
	OK(client_is_welcome(w.client), "logged in");
	IS(client_next_ns(w.client), -1, "and waits for nothing any more");
	world_free(&w);

	memset(&w, 0, sizeof w);
	config = plain_config(&w, &keys);
	config.program = config.version = config.platform = config.release =
	    NULL;
	config.token = "s3cret";
	config.token_len = 6;
	config.host_name = "arena-east-1";
	world_start(&w, &config);
	client_opened(w.client);
	hear_text(&w, GREETING);
	IS_STR(sent(&w), "LOGIN player-17\nproof: " PROOF_NAMED "\n\n",
	    "the proof is over nonce, host's name and id; unknowns are left "
	    "out");
	world_free(&w);

	memset(&w, 0, sizeof w);
	config = plain_config(&w, &keys);
	config.program = config.version = config.platform = config.release =
	    NULL;
	config.token = "s3cret";
	config.token_len = 6;
	world_start(&w, &config);
	client_opened(w.client);
	hear_text(&w, "HOTFIX 1\nnonce: " NONCE
		      "\ntime: 2026-11-22T10:16:40.5Z\nodd: field\n\n");
	IS_STR(sent(&w), "LOGIN player-17\nproof: " PROOF_NAMELESS "\n\n",
	    "a host without a name has the empty one; unknown fields pass");
	world_free(&w);
}

static void
test_greetings(void)
{
	static const struct {
		const char *text, *what;
		int failed;
		const char *answer;
	} cases[] = {
	    {"HOTFIX 2\n", "a later version, at its first line", 1,
		"ERROR unsupported\ntext: this client speaks HOTFIX 1\n\n"},
	    {"HOTFIX 99999999999999999999999\n", "a very late one", 1,
		"ERROR unsupported\ntext: this client speaks HOTFIX 1\n\n"},
	    {"HOTFIX 0\n", "version 0", 0, ""},
	    {"HOTFIX 01\n", "a version with a zero before it", 0, ""},
	    {"HOTFIX\n", "no version", 0, ""},
	    {"HOTFIX 1 2\n", "two versions", 0, ""},
	    {"HOTFIX one\n", "a version in words", 0, ""},
	    {"SSH-2.0-OpenSSH_9.2\r\n", "another protocol", 0, ""},
	    {"UPDATE 1\n", "an update as a greeting", 0, ""},
	    {"PING 1\n", "a ping as a greeting", 0, ""},
	    {"HOTFIX 1\n\n", "a greeting without fields", 0, ""},
	    {"HOTFIX 1\nhost: a\nnonce: " NONCE "\n\n", "no time", 0, ""},
	    {"HOTFIX 1\nhost: a\ntime: 2026-11-22T10:16:40Z\n\n", "no nonce", 0,
		""},
	    {"HOTFIX 1\nnonce: " NONCE "0\ntime: 2026-11-22T10:16:40Z\n\n",
		"a long nonce", 0, ""},
	    {"HOTFIX 1\nnonce: \ntime: 2026-11-22T10:16:40Z\n\n",
		"an empty nonce", 0, ""},
	    {"HOTFIX 1\nnonce: 00112233445566778899AABBCCDDEEFF"
	     "00112233445566778899AABBCCDDEEFF\n"
	     "time: 2026-11-22T10:16:40Z\n\n",
		"a nonce in capitals", 0, ""},
	    {"HOTFIX 1\nnonce: " NONCE "\ntime: 2026-11-22 10:16:40\n\n",
		"a time in another form", 0, ""},
	    {"HOTFIX 1\nnonce: " NONCE
	     "\ntime: 2026-11-22T10:16:40Z\nlength: 1\n\nx\n",
		"a greeting with a body", 0, ""},
	    {"HOTFIX 1\nnonce: " NONCE "\nnonce: " NONCE "\n\n",
		"a field twice", 0, ""},
	    {"HOTFIX 1\nlength: 5000\n\n", "a promise of a long body", 0, ""},
	    {"ERROR busy\ntext: too many\n\n", "an ERROR", 0, ""},
	    {"ERROR unsupported\n\n", "ERROR unsupported", 1, ""},
	    {"BYE\n\n", "BYE", 0, ""},
	};
	struct world w;
	size_t i;

	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		world_new(&w);
		client_connecting(w.client);
		client_opened(w.client);
		hear_text(&w, cases[i].text);
		OK(is_ended(&w), "%s: closed", cases[i].what);
		IS_STR(sent(&w), cases[i].answer, "with this answer");
		client_closed(w.client, "test");
		IS(client_failed(w.client, NULL), cases[i].failed,
		    "for good, or not");
		IS(client_next_ns(w.client) > 0, !cases[i].failed,
		    "and tried again, or not");
		IS_STR(told(&w), "", "the program hears nothing of it");
		world_free(&w);
	}
}

static void
test_expected_host(void)
{
	static const char *const greetings[] = {
	    GREETING,
	    "HOTFIX 1\nnonce: " NONCE "\ntime: 2026-11-22T10:16:40Z\n\n",
	};
	struct keyring keys = KEYRING_INIT;
	struct client_config config;
	const char *why = "";
	struct world w;
	size_t i;

	for (i = 0; i < 2; i++) {
		memset(&w, 0, sizeof w);
		config = plain_config(&w, &keys);
		config.host_name = "arena-west-1";
		config.token = "s3cret";
		config.token_len = 6;
		world_start(&w, &config);
		client_opened(w.client);
		hear_text(&w, greetings[i]);
		OK(is_ended(&w), "a host with another name is left");
		IS_STR(sent(&w), "", "without a word, or a proof");
		client_closed(w.client, "test");
		OK(client_failed(w.client, &why), "for good");
		OK(strstr(why, "arena-west-1") != NULL, "and it says why");
		IS(client_next_ns(w.client), -1, "nothing is tried again");
		OK(!client_wants_connection(w.client), "never");
		world_free(&w);
	}
}

static void
test_welcomes(void)
{
	static const char *const bad[] = {
	    "WELCOME player-18\nupdates: 0\n\n",
	    "WELCOME\nupdates: 0\n\n",
	    "WELCOME player-17 x\nupdates: 0\n\n",
	    "WELCOME player-17\n\n",
	    "WELCOME player-17\nupdates: -1\n\n",
	    "WELCOME player-17\nupdates: 65537\n\n",
	    "UPDATE 1795342500000000\nhead: 1\nlength: 1\n\nx\n",
	    "REVERT 1795342500000000\n\n",
	    "MESSAGE\nlength: 1\n\nx\n",
	    "HOTFIX 1\n\n",
	    "STATUS\n\n",
	    "welcome\n\n",
	};
	struct world w;
	size_t i;

	for (i = 0; i < sizeof bad / sizeof *bad; i++) {
		world_new(&w);
		client_opened(w.client);
		hear_text(&w, GREETING);
		sent(&w);
		hear_text(&w, bad[i]);
		OK(strncmp(sent(&w), "ERROR syntax\n", 13) == 0,
		    "no good WELCOME (%zu): ERROR syntax", i);
		OK(is_ended(&w), "the connection ends");
		IS_STR(told(&w), "", "the program hears nothing of it");
		client_closed(w.client, "test");
		OK(!client_failed(w.client, NULL), "it will be tried again");
		world_free(&w);
	}

	world_new(&w);
	client_opened(w.client);
	hear_text(&w, GREETING);
	sent(&w);
	hear_text(&w, "PING before\n\nPONG x\n\n");
	IS_STR(sent(&w), "PONG before\n\n",
	    "PING is answered before login too");
	hear_text(&w, "ERROR denied\ntext: who are you\n\n");
	OK(is_ended(&w), "denied: closed");
	client_closed(w.client, "test");
	OK(!client_failed(w.client, NULL), "but tried again");
	world_free(&w);
}

static void
test_catching_up(void)
{
	struct doc_spec stale = update_spec(1, "a", "old()");
	struct world w;

	world_new(&w);
	log_in_at(&w, GREETING, "4");
	OK(!client_is_welcome(w.client), "four frames are to come");
	IS(client_send(w.client, "x", 1), 0, "yet it is logged in");
	sent(&w);
	give(&w, 2, "a");
	hear_text(&w, "PING 1\n\nMESSAGE\nlength: 2\n\nhi\n");
	give(&w, 3, "b");
	hear_text(&w, "REVERT 17\n\n");
	IS_STR(told(&w),
	    "apply 2 a 'part()'\nupdated 2 a applied\nmessage 'hi'\n"
	    "apply 3 b 'part()'\nupdated 3 b applied\n",
	    "three of them, and what is not counted");
	hear_update(&w, &stale);
	IS_STR(told(&w), "welcome\n", "a refusal is a result as well");
	give(&w, 4, "a");
	IS_STR(told(&w), "apply 4 a 'part()' -2\nupdated 4 a applied\n",
	    "no second welcome");
	world_free(&w);
}

/* --- other frames ------------------------------------------------------- */

static void
test_other_frames(void)
{
	static const char long_text[2 * FRAME_BODY_LOGIN] = {0};
	struct buf b = BUF_INIT;
	struct world w;

	world_new(&w);
	log_in(&w);
	frame_begin(&b, "MESSAGE");
	frame_body(&b, long_text, sizeof long_text);
	hear_buf(&w, &b);
	OK(!is_ended(&w), "after login a body may be long");
	told(&w);
	hear_text(&w, "PING abc\n\nPONG x\n\nDROP 7\n\n");
	IS_STR(sent(&w), "PONG abc\n\n", "PING is answered, PONG and DROP not");
	hear_text(&w, "MESSAGE\nlength: 5\n\nhello\nMESSAGE\nlength: 0\n\n\n");
	IS_STR(told(&w), "message 'hello'\nmessage ''\n",
	    "messages reach the program");
	IS(client_send(w.client, "hey", 3), 0, "and the other way");
	IS(client_send(w.client, "", 0), 0, "empty ones too");
	collect(&w);
	IS_STR(sent(&w), "MESSAGE\nlength: 3\n\nhey\nMESSAGE\nlength: 0\n\n\n",
	    "they are sent");
	hear_text(&w, "STATUS\n\nWELCOME player-17\nupdates: 1\n\n"
		      "HOTFIX 2\n\nTIME 1 2 3\n\n");
	IS_STR(sent(&w),
	    "ERROR unknown-verb\n\nERROR unknown-verb\n\n"
	    "ERROR unknown-verb\n\nERROR unknown-verb\n\n",
	    "verbs of another role or time are unknown");
	OK(!is_ended(&w) && client_is_welcome(w.client),
	    "the connection stays");
	hear_text(&w, "ERROR unknown-verb\n\n");
	OK(!is_ended(&w), "an ERROR alone ends nothing after login");
	hear_text(&w, "ERROR shutdown\ntext: good night\n\nBYE\n\n");
	OK(is_ended(&w), "BYE does");
	IS_STR(sent(&w), "", "unanswered");
	client_closed(w.client, "end of file");
	IS_STR(told(&w), "gone: the host said goodbye\n", "the program knows");
	world_free(&w);

	world_new(&w);
	log_in(&w);
	hear_text(&w, "ERROR shutdown\ntext: good night\n\n");
	client_closed(w.client, "end of file");
	IS_STR(told(&w), "gone: the host said: shutdown: good night\n",
	    "an ERROR before the end is the reason");
	world_free(&w);

	world_new(&w);
	log_in(&w);
	hear_text(&w, "ERROR shutdown\n\n");
	client_closed(w.client, "end of file");
	IS_STR(told(&w), "gone: the host said: shutdown\n", "without a text");
	world_free(&w);

	world_new(&w);
	log_in(&w);
	hear_text(&w, "ERROR unknown-verb\n\nPING 1\n\n");
	client_closed(w.client, "end\nof file");
	IS_STR(told(&w), "gone: end\\nof file\n",
	    "one that was not the end is not");
	world_free(&w);

	world_new(&w);
	client_connecting(w.client);
	client_opened(w.client);
	hear_text(&w, "ERROR replaced\n\n");
	client_closed(w.client, "end of file");
	OK(!client_failed(w.client, NULL),
	    "replaced before a login means nothing: tried again");
	world_free(&w);

	world_new(&w);
	log_in(&w);
	hear_text(&w, "ERROR replaced\n\n");
	OK(is_ended(&w), "replaced: closed");
	client_closed(w.client, "end of file");
	OK(client_failed(w.client, NULL), "for good");
	IS_STR(told(&w), "gone: another login took the id 'player-17'\n",
	    "and the program knows why");
	world_free(&w);
}

static void
test_bad_frames(void)
{
	static const struct {
		const char *text, *answer;
	} bad[] = {
	    {"update 1\n\n", "ERROR syntax\n"},
	    {"PING 1\r\n\r\n", "ERROR syntax\n"},
	    {"PING\n\n", "ERROR syntax\n"},
	    {"PING 1 2\n\n", "ERROR syntax\n"},
	    {"MESSAGE\n\n", "ERROR syntax\n"},
	    {"MESSAGE x\nlength: 1\n\nx\n", "ERROR syntax\n"},
	    {"MESSAGE\nlength: 01\n\nx\n", "ERROR syntax\n"},
	    {"MESSAGE\nlength: 1\n\nxx", "ERROR syntax\n"},
	    {"MESSAGE\nlength: 67108865\n\n", "ERROR too-large\n"},
	    {"ERROR\n\n", "ERROR syntax\n"},
	    {"UPDATE 1\n\n", "ERROR syntax\n"},
	    {"UPDATE 1\nlength: 1\n\nx\n", "ERROR syntax\n"},
	    {"UPDATE 1\nhead: 2\nlength: 1\n\nx\n", "ERROR syntax\n"},
	    {"UPDATE 1\nhead: -1\nlength: 1\n\nx\n", "ERROR syntax\n"},
	    {"UPDATE\nhead: 1\nlength: 1\n\nx\n", "ERROR syntax\n"},
	    {"UPDATE 0\nhead: 1\nlength: 1\n\nx\n", "ERROR syntax\n"},
	    {"UPDATE 9223372036854775808\nhead: 1\nlength: 1\n\nx\n",
		"ERROR syntax\n"},
	    {"UPDATE 1 2\nhead: 1\nlength: 1\n\nx\n", "ERROR syntax\n"},
	    {"REVERT\n\n", "ERROR syntax\n"},
	    {"REVERT x\n\n", "ERROR syntax\n"},
	    {"CHECK\n\n", "ERROR syntax\n"},
	    {"APPLY 00\n\n", "ERROR syntax\n"},
	};
	struct world w;
	size_t i;

	for (i = 0; i < sizeof bad / sizeof *bad; i++) {
		world_new(&w);
		log_in(&w);
		hear_text(&w, bad[i].text);
		hear_text(&w, "PING 1\n\n");
		OK(strncmp(sent(&w), bad[i].answer, strlen(bad[i].answer)) == 0,
		    "no good frame (%zu): the ERROR for it", i);
		OK(is_ended(&w), "the connection ends");
		client_closed(w.client, "test");
		OK(!client_failed(w.client, NULL) &&
			client_next_ns(w.client) > 0,
		    "and is tried again");
		world_free(&w);
	}
}

/* --- time --------------------------------------------------------------- */

static void
test_host_time(void)
{
	struct signify_sec all = test_key(1);
	struct keyring keys = KEYRING_INIT;
	struct client_config config;
	struct doc_spec spec;
	struct world w;

	/* By the greeting it is 1990: what would expire is kept from it by
	 * the program's build time. */
	memset(&w, 0, sizeof w);
	test_trust(&keys, &all, "all");
	config = plain_config(&w, &keys);
	config.floor_us = (int64_t)T0;
	world_start(&w, &config);
	log_in_at(&w, GREETING_AT("1990-01-01T00:00:00Z"), "0");
	spec = update_spec(0, "a", "a()");
	spec.expires_us = (int64_t)T0 - 1;
	hear_update(&w, &spec);
	IS_RESULT(&w, 0, "refused expired",
	    "it is never before the program's build time");
	spec = update_spec(301, "a", "a()");
	hear_update(&w, &spec);
	IS_RESULT(&w, 301, "refused future", "nor later than is known");
	spec = update_spec(300, "a", "a()");
	hear_update(&w, &spec);
	IS_RESULT(&w, 300, "applied", "300 s ahead are allowed");
	spec = update_spec(600, "a", "a()");
	hear_update(&w, &spec);
	IS_RESULT(&w, 600, "applied",
	    "what was verified was signed before now");
	spec = update_spec(601, "b", "b()");
	spec.expires_us = (int64_t)(T0 + 599 * S);
	hear_update(&w, &spec);
	IS_RESULT(&w, 601, "refused expired", "so what it outlived expired");
	world_free(&w);

	world_new(&w);
	log_in(&w);
	spec = update_spec(10, "a", "a()");
	spec.expires_us = (int64_t)(T0 + 110 * S);
	w.ns += 10 * SEC + 1000;
	hear_update(&w, &spec);
	IS_RESULT(&w, 10, "refused expired",
	    "the host's time goes on after its greeting");
	w.ns -= 1000;
	hear_update(&w, &spec);
	IS_RESULT(&w, 10, "applied", "by the microsecond");
	world_free(&w);
}

/* --- coming back -------------------------------------------------------- */

static void
test_reconnect(void)
{
	struct doc_spec retire = retire_spec(31, "b", 30);
	struct world w;

	world_new(&w);
	log_in(&w);
	give(&w, 30, "b");
	give(&w, 20, "a");
	give(&w, 40, "c");
	give(&w, 41, "c");
	hear_update(&w, &retire);
	told(&w);
	w.ns += 60 * SEC;
	client_closed(w.client, "reset by peer");
	IS_STR(told(&w), "gone: reset by peer\n", "the program hears why");
	IS(client_send(w.client, "x", 1), -1, "nothing can be sent");
	OK(!client_is_welcome(w.client), "not in any more");
	client_closed(w.client, "again");
	IS_STR(told(&w), "", "once");
	OK(!client_wants_connection(w.client), "it waits");
	w.ns = client_next_ns(w.client) - 1;
	client_tick(w.client);
	OK(!client_wants_connection(w.client), "to the last nanosecond");
	w.ns++;
	client_tick(w.client);
	OK(client_wants_connection(w.client), "then it wants to connect");
	client_connecting(w.client);
	client_opened(w.client);
	sent(&w);
	hear_text(&w, GREETING_AT("2026-11-22T10:20:00Z"));
	IS_STR(sent(&w),
	    LOGIN_HEAD
	    "have: 1795342520000000 1795342530000000 1795342541000000\n"
	    "last: 2026-11-22T10:16:40.000000Z\n\n",
	    "what runs, the retired too, ascending; and when it was last in");
	hear_text(&w, WELCOME("0"));
	IS_STR(told(&w), "welcome\n", "it is welcome again");
	give(&w, 40, "c");
	IS_RESULT(&w, 40, "refused stale",
	    "an old document stays old after a break");
	hear_update(&w, &retire);
	IS_RESULT(&w, 31, "have", "a retirement is known after a break");
	reconnect(&w, GREETING_AT("2026-11-22T10:30:00Z"));
	IS(client_have(w.client, NULL, 0), 3, "everything runs on");
	client_closed(w.client, "lost");
	told(&w);
	w.ns = client_next_ns(w.client);
	client_tick(w.client);
	client_opened(w.client);
	hear_text(&w, GREETING);
	client_closed(w.client, "lost");
	IS_STR(told(&w), "", "a login that came to nothing is no goodbye");
	world_free(&w);
}

/* Fail an attempt; how long is waited then. */
static int64_t
wait_after_failure(struct world *w)
{
	int64_t before;

	client_connecting(w->client);
	before = w->ns;
	client_closed(w->client, "connection refused");
	w->ns = client_next_ns(w->client);
	client_tick(w->client);
	return w->ns - before;
}

static void
test_backoff(void)
{
	int64_t wait_ns, full_ns = CLIENT_RETRY_FIRST_NS, first[12];
	struct world w, v;
	int i, in_bounds = 1, same = 1, spread = 0;

	world_new(&w);
	world_new(&v);
	for (i = 0; i < 12; i++) {
		wait_ns = first[i] = wait_after_failure(&w);
		same &= wait_after_failure(&v) == wait_ns;
		in_bounds &= wait_ns >= full_ns / 2 && wait_ns <= full_ns;
		spread |= wait_ns != full_ns / 2 && wait_ns != full_ns;
		full_ns *= 2;
		if (full_ns > CLIENT_RETRY_MAX_NS)
			full_ns = CLIENT_RETRY_MAX_NS;
	}
	OK(in_bounds, "each wait lies in the second half of a doubled one");
	OK(spread, "and not at its ends");
	OK(same, "the same seed, the same waits");
	OK(first[10] != first[11], "at the maximum they still differ");
	world_free(&v);

	log_in(&w);
	w.ns += CLIENT_STABLE_NS - 1;
	client_closed(w.client, "lost");
	wait_ns = client_next_ns(w.client) - w.ns;
	OK(wait_ns >= CLIENT_RETRY_MAX_NS / 2,
	    "a login that did not hold does not start anew");
	w.ns = client_next_ns(w.client);
	client_tick(w.client);
	log_in(&w);
	w.ns += CLIENT_STABLE_NS;
	client_closed(w.client, "lost");
	wait_ns = client_next_ns(w.client) - w.ns;
	OK(wait_ns <= CLIENT_RETRY_FIRST_NS, "one that held does");
	w.ns = client_next_ns(w.client);
	client_tick(w.client);
	wait_ns = wait_after_failure(&w);
	OK(wait_ns >= CLIENT_RETRY_FIRST_NS &&
		wait_ns <= 2 * CLIENT_RETRY_FIRST_NS,
	    "and from there it doubles again");
	world_free(&w);
}

static void
test_seeds(void)
{
	struct keyring keys = KEYRING_INIT;
	int64_t waits[64], lo = INT64_MAX, hi = 0;
	struct client_config config;
	struct world w;
	int i;

	for (i = 0; i < 64; i++) {
		memset(&w, 0, sizeof w);
		config = plain_config(&w, &keys);
		config.seed = (uint64_t)i + 1;
		world_start(&w, &config);
		waits[i] = wait_after_failure(&w);
		lo = waits[i] < lo ? waits[i] : lo;
		hi = waits[i] > hi ? waits[i] : hi;
		world_free(&w);
	}
	OK(hi - lo > CLIENT_RETRY_FIRST_NS / 4,
	    "clients of neighbouring seeds spread over the half");
	memset(&w, 0, sizeof w);
	config = plain_config(&w, &keys);
	config.seed = 0;
	world_start(&w, &config);
	waits[0] = wait_after_failure(&w);
	OK(waits[0] >= CLIENT_RETRY_FIRST_NS / 2 &&
		waits[0] <= CLIENT_RETRY_FIRST_NS,
	    "a seed from the kernel keeps the bounds");
	world_free(&w);
}

static void
test_deadlines(void)
{
	const char *why;
	struct world w;

	world_new(&w);
	client_connecting(w.client);
	IS(client_next_ns(w.client), w.ns + CLIENT_LOGIN_NS,
	    "connecting has its time");
	w.ns += CLIENT_LOGIN_NS - 1;
	client_tick(w.client);
	OK(!is_ended(&w), "until then nothing happens");
	w.ns++;
	client_tick(w.client);
	OK(is_ended(&w), "then the attempt is given up");
	client_opened(w.client);
	OK(is_ended(&w), "a connection that comes too late is not taken");
	client_closed(w.client, "slow");
	OK(client_link(w.client)->state == LINK_OPEN, "the next link is fresh");
	world_free(&w);

	world_new(&w);
	client_connecting(w.client);
	w.ns += CLIENT_LOGIN_NS - 1;
	client_opened(w.client);
	hear_text(&w, "HOTFIX 1\n");
	w.ns++;
	client_tick(w.client);
	collect(&w);
	IS_STR(sent(&w), "ERROR timeout\n\n",
	    "connecting and the greeting share it");
	OK(is_ended(&w), "the connection is given up");
	world_free(&w);

	world_new(&w);
	client_opened(w.client);
	hear_text(&w, GREETING);
	w.ns += CLIENT_LOGIN_NS;
	client_tick(w.client);
	OK(is_ended(&w), "no WELCOME: the same");
	IS(client_link(w.client)->state, LINK_DRAIN, "what is queued may go");
	IS(client_next_ns(w.client), w.ns + CLIENT_END_NS, "for a while");
	w.ns += CLIENT_END_NS;
	client_tick(w.client);
	IS(client_link(w.client)->state, LINK_DEAD, "no longer");
	IS(client_next_ns(w.client), -1, "then it is the owner's turn");
	client_closed(w.client, "test");
	OK(!client_failed(w.client, &why), "it will be tried again");
	world_free(&w);

	world_new(&w);
	log_in_at(&w, GREETING, "1");
	w.ns += 10 * CLIENT_LOGIN_NS;
	client_tick(w.client);
	OK(!is_ended(&w), "logged in, nothing is timed any more");
	client_closed(w.client, "lost");
	IS_STR(told(&w), "", "no welcome, no goodbye");
	world_free(&w);
}

/* --- the whole at once -------------------------------------------------- */

/* Everything that a session has, as the host sends it. */
static void
put_session(struct buf *b)
{
	struct doc_spec a = update_spec(10, "a", "a()");
	struct doc_spec revert = revert_spec(11, "a", 10);

	buf_puts(b, GREETING WELCOME("2") "PING 1\n\n");
	put_update(b, &a, 1);
	put_revert(b, revert.reverts, &revert, 1);
	buf_puts(b, "MESSAGE\nlength: 3\n\nend\nNONSENSE\n\n"
		    "ERROR shutdown\ntext: bye\n\nbroken\n\n");
}

static void
play(struct buf *out, const struct buf *session, size_t first, size_t step)
{
	struct world w;
	size_t at = 0, n = first;

	world_new(&w);
	client_opened(w.client);
	while (at < session->len) {
		if (n > session->len - at)
			n = session->len - at;
		hear(&w, session->data + at, n);
		at += n;
		n = step;
	}
	client_closed(w.client, "end of file");
	buf_append(out, w.out.data, w.out.len);
	buf_append(out, w.events.data, w.events.len);
	world_free(&w);
}

static void
test_split(void)
{
	struct buf session = BUF_INIT, whole = BUF_INIT, b = BUF_INIT;
	int same = 1;
	size_t i;

	put_session(&session);
	play(&whole, &session, session.len, 1);
	OK(strstr(buf_text(&whole), "RESULT 1795342510000000 applied") &&
		strstr(buf_text(&whole), "message 'end'") &&
		strstr(buf_text(&whole), "ERROR syntax"),
	    "the session goes through to its end");
	play(&b, &session, 1, 1);
	OK(b.len == whole.len && memcmp(b.data, whole.data, b.len) == 0,
	    "byte by byte it is the same");
	for (i = 1; i < session.len; i++) {
		buf_reset(&b);
		play(&b, &session, i, session.len);
		same &= b.len == whole.len &&
			memcmp(b.data, whole.data, b.len) == 0;
	}
	OK(same, "split at every byte it is the same");
	buf_free(&session);
	buf_free(&whole);
	buf_free(&b);
}

static void
test_config(void)
{
	struct keyring keys = KEYRING_INIT;
	struct signify_sec all = test_key(1);
	struct client_config config;
	char long_id[130];
	struct world w;
	struct err e;

	memset(&w, 0, sizeof w);
	memset(long_id, 'x', sizeof long_id);
	long_id[sizeof long_id - 1] = '\0';
	config = plain_config(&w, &keys);
	config.id = "";
	OK(client_new(&config, &e) == NULL, "an id is not empty");
	config.id = "a b";
	OK(client_new(&config, &e) == NULL, "it holds no space");
	config.id = "a\nb";
	OK(client_new(&config, &e) == NULL, "no line end");
	config.id = long_id;
	OK(client_new(&config, &e) == NULL, "it is not longer than 128 bytes");
	IS(e.kind, ERR_USAGE, "that is told");
	config.id = long_id + 1;
	world_start(&w, &config);
	OK(w.client != NULL, "128 are fine");
	client_free(w.client);
	config.version = "1\x7f";
	OK(client_new(&config, &e) == NULL, "a version is clean text");
	client_free(NULL);

	config = plain_config(&w, &keys);
	test_trust(&keys, &all, "all");
	w.client = client_new(&config, &e);
	IS(keys.n, 0, "the keys are taken over");
	client_free(w.client);
}

int
main(void)
{
	test_config();
	test_login();
	test_greetings();
	test_expected_host();
	test_welcomes();
	test_catching_up();
	test_other_frames();
	test_bad_frames();
	test_host_time();
	test_reconnect();
	test_backoff();
	test_seeds();
	test_deadlines();
	test_split();
	return tap_done();
}
