/* peer/operator: the greeting, requests, answers, and hosts that lie. */

#include "peer/operator.h"
#include "tests/tap.h"

#define NONCE "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define TIME  "2026-11-22T10:15:00.123456Z"
#define HELLO "HOTFIX 1\nhost: east\nnonce: " NONCE "\ntime: " TIME "\n\n"

/* An operator whose owner writes down what it is told. */
struct owner {
	struct operator_side *o;
	struct buf said;
	struct buf sent; /* what a host would have got */
	int64_t now_ns;
	const char *push_in_greeted, *read_in_done;
};

static int64_t
mono(void *arg)
{
	return ((struct owner *)arg)->now_ns;
}

static void
on_greeted(void *arg, const struct operator_greeting *g)
{
	struct owner *w = arg;

	buf_printf(&w->said, "greeted(%s,%s,%s,%s,%d)", g->host, g->program,
	    g->version, g->zone, strcmp(g->nonce, NONCE) == 0);
	if (w->push_in_greeted != NULL)
		operator_push(w->o, w->push_in_greeted,
		    strlen(w->push_in_greeted), 3, 1000);
}

static void
on_server(void *arg, const struct operator_server *s)
{
	struct buf *said = &((struct owner *)arg)->said;

	buf_printf(said, "server(%s|%.*s)", s->result, (int)s->len,
	    s->len > 0 ? (const char *)s->text : "");
	if (s->rehearsed_us >= 0)
		buf_printf(said, "rehearsed(%" PRId64 ")", s->rehearsed_us);
	if (s->stall_us >= 0)
		buf_printf(said, "stall(%" PRId64 ")", s->stall_us);
}

static void
on_clients(void *arg, const struct operator_progress *p)
{
	buf_printf(&((struct owner *)arg)->said,
	    "clients(%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64
	    ")",
	    p->targeted, p->applied, p->deferred, p->failed, p->missing);
}

static void
on_group(void *arg, const char *result, uint64_t count, const char *of,
    const void *text, size_t len)
{
	buf_printf(&((struct owner *)arg)->said,
	    "group(%s,%" PRIu64 ",%s|%.*s)", result, count, of, (int)len,
	    len > 0 ? (const char *)text : "");
}

static void
on_done(void *arg, const char *result, const char *word, const char *text)
{
	struct owner *w = arg;

	buf_printf(&w->said, "done(%s,%s,%s)", result,
	    word != NULL ? word : "-", text);
	if (w->read_in_done != NULL)
		operator_read(w->o, w->read_in_done);
}

static void
on_ok(void *arg, const void *body, size_t len)
{
	buf_printf(&((struct owner *)arg)->said, "ok(%.*s)", (int)len,
	    len > 0 ? (const char *)body : "");
}

static void
on_error(void *arg, const char *word, const char *text)
{
	buf_printf(&((struct owner *)arg)->said, "error(%s,%s)",
	    word != NULL ? word : "-", text);
}

static void
on_package(void *arg, const struct operator_package *p)
{
	buf_printf(&((struct owner *)arg)->said,
	    "package(%" PRIu64 ",%" PRIu64 ")", p->bytes, p->of);
}

static void
begin(struct owner *w, const char *expect)
{
	struct operator_callbacks cb = {w, on_greeted, on_server, on_clients,
	    on_group, on_done, on_ok, on_error, on_package};
	struct peer_clock clock = {mono, NULL, w};

	memset(w, 0, sizeof *w);
	w->now_ns = 1000;
	w->o = operator_new(expect, &clock, &cb);
	operator_opened(w->o);
}

static void
finish(struct owner *w)
{
	operator_free(w->o);
	buf_free(&w->said);
	buf_free(&w->sent);
}

static void
host_says(struct owner *w, const char *text)
{
	link_input(operator_link(w->o), text, strlen(text));
}

/* What was told since the last call. */
static const char *
said(struct owner *w)
{
	static char copy[1024];

	snprintf(copy, sizeof copy, "%s", buf_text(&w->said));
	w->said.len = 0;
	return copy;
}

/* What was sent since the last call. */
static const char *
sent(struct owner *w)
{
	struct link *l = operator_link(w->o);
	struct iovec iov;

	w->sent.len = 0;
	while (link_output(l, &iov, 1) > 0) {
		buf_append(&w->sent, iov.iov_base, iov.iov_len);
		link_sent(l, iov.iov_len);
	}
	return buf_text(&w->sent);
}

static void
test_greeting(void)
{
	struct owner w;
	size_t i;
	int bad = 0;

	begin(&w, "");
	host_says(&w,
	    "HOTFIX 1\nhost: east\nprogram: arena\nversion: 2.3\n"
	    "x-new: thing\nzone: z\nnonce: " NONCE "\ntime: " TIME "\n\n");
	IS_STR(said(&w), "greeted(east,arena,2.3,z,1)", "a greeting is told");
	IS(operator_next_ns(w.o), -1, "then nothing is waited for");
	finish(&w);

	begin(&w, NULL);
	host_says(&w, "HOTFIX 1\nnonce: " NONCE "\ntime: " TIME "\n\n");
	IS_STR(said(&w), "greeted(,,,,1)", "a host may leave names out");
	finish(&w);

	begin(&w, "east");
	host_says(&w, HELLO);
	IS_STR(said(&w), "greeted(east,,,,1)", "the host that was meant");
	finish(&w);

	for (i = 0; i < strlen(HELLO); i++) {
		begin(&w, "east");
		link_input(operator_link(w.o), HELLO, i);
		bad += w.said.len != 0;
		operator_closed(w.o, "cut");
		bad += strcmp(said(&w), "error(-,cut)") != 0;
		finish(&w);
	}
	IS(bad, 0, "cut at any byte it is none");
}

static void
test_bad_greetings(void)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
	    {"HOTFIX 1\nhost: west\nnonce: " NONCE "\ntime: " TIME "\n\n",
		"error(-,the host there is 'west', not 'east')"},
	    {"HOTFIX 1\nnonce: " NONCE "\ntime: " TIME "\n\n",
		"error(-,the host there is '', not 'east')"},
	    {"HOTFIX 1\nhost: east\ntime: " TIME "\n\n", NULL},
	    {"HOTFIX 1\nhost: east\nnonce: " NONCE "\n\n", NULL},
	    {"HOTFIX 1\nhost: east\nnonce: " NONCE "0\ntime: " TIME "\n\n",
		NULL},
	    {"HOTFIX 1\nhost: east\nnonce: 00\ntime: " TIME "\n\n", NULL},
	    {"HOTFIX 1\nhost: east\nnonce: "
	     "00112233445566778899aabbccddeeff00112233445566778899aabbccddeefF"
	     "\ntime: " TIME "\n\n",
		NULL},
	    {"HOTFIX 1\nhost: east\nnonce: " NONCE "\ntime: now\n\n", NULL},
	    {"HOTFIX 1\nhost: east\nnonce: " NONCE "\ntime: " TIME
	     "\nlength: 0\n\n\n",
		NULL},
	    {"HOTFIX\n", NULL},
	    {"HOTFIX 0\n", NULL},
	    {"HOTFIX 01\n", NULL},
	    {"HOTFIX 1 2\n", NULL},
	    {"HOTFIX one\n", NULL},
	    {"WELCOME x\n", NULL},
	    {"HOTFIX 2\n", "error(-,the host speaks version 2 of the protocol, "
			   "not version 1)"},
	    {"HOTFIX 17 x\n", "error(-,the host speaks version 17 of the "
			      "protocol, not version 1)"},
	    {"220 ftp ready\r\n",
		"error(-,not a hotfix host: what it sends is no frame)"},
	    {"ERROR full\n\n", "error(full,)"},
	    {"ERROR full\ntext: try later\n\n", "error(full,try later)"},
	    {"ERROR\n\n", "error(-,unexpected or malformed ERROR from the "
			  "host)"},
	    {"HOTFIX 1\nhost: east\nlength: 4097\n\nx",
		"error(-,the host sends more than a frame may hold)"},
	};
	struct owner w;
	size_t i;

	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		begin(&w, "east");
		host_says(&w, cases[i].text);
		IS_STR(said(&w),
		    cases[i].want != NULL ? cases[i].want
					  : "error(-,not a hotfix host: its "
					    "greeting cannot be read)",
		    "a greeting that is refused with its reason");
		OK(operator_link(w.o)->state != LINK_OPEN, "and the link ends");
		operator_closed(w.o, "gone");
		IS_STR(said(&w), "", "told once");
		finish(&w);
	}
	begin(&w, "");
	host_says(&w, "HOTFIX 2\n");
	IS_STR(sent(&w),
	    "ERROR unsupported\ntext: this operator speaks version 1\n\n",
	    "a later version is told why");
	finish(&w);
}

static void
test_push(void)
{
	struct owner w;

	begin(&w, "east");
	w.push_in_greeted = "HEADbody";
	host_says(&w, HELLO);
	IS_STR(sent(&w), "PUSH\nhead: 3\nlength: 8\n\nHEADbody\n",
	    "a push from the greeting goes out");
	said(&w);
	host_says(&w, "PROGRESS server applied\ntook: 0.1\n\n");
	IS_STR(said(&w), "server(applied|)", "the server's result");
	host_says(&w, "PROGRESS server refused not-for-me\nlength: 3\n\n"
		      "a\033b\n");
	IS_STR(said(&w), "server(refused not-for-me|a\033b)",
	    "of several words, with a report");
	host_says(&w, "PROGRESS clients\ntargeted: 1207\napplied: 1190\n"
		      "deferred: 12\nfailed: 3\nmissing: 2\n\n");
	IS_STR(said(&w), "clients(1207,1190,12,3,2)", "the clients' counts");
	host_says(&w, "PROGRESS error\nresult: failed\ncount: 3\n"
		      "of: 3 ios 1.4, 0 others\nlength: 2\n\nxy\n");
	IS_STR(said(&w), "group(failed,3,3 ios 1.4, 0 others|xy)",
	    "a group of errors");
	host_says(&w, "DONE applied\n\n");
	IS_STR(said(&w), "done(applied,-,)", "the end");
	IS(operator_next_ns(w.o), -1, "nothing is waited for");
	w.read_in_done = "LOG 10";
	operator_push(w.o, "D", 1, 1, 0);
	host_says(&w, "DONE refused stale\ntext: too old\n\n");
	IS_STR(said(&w), "done(refused,stale,too old)", "a refusal");
	IS_STR(sent(&w), "PUSH\nhead: 1\nlength: 1\n\nD\nLOG 10\n\n",
	    "the next request from done");
	host_says(&w, "OK\nlength: 4\n\na\tb\n\n");
	IS_STR(said(&w), "ok(a\tb\n)", "is answered");
	operator_closed(w.o, "gone");
	IS_STR(said(&w), "", "an end when all was answered is none to tell");
	operator_read(w.o, "STATUS");
	IS_STR(said(&w), "error(-,gone)", "but the next request is told");
	finish(&w);
}

static void
test_answers(void)
{
	/* After a push (p), or a read (r). */
	static const struct {
		char to;
		const char *answer, *want;
	} cases[] = {
	    {'p', "DONE have\n\n", "done(have,-,)"},
	    {'p', "DONE deferred\n\n", "done(deferred,-,)"},
	    {'p', "DONE failed\ntext: x\n\n", "done(failed,-,x)"},
	    {'p', "DONE partial\n\n", "done(partial,-,)"},
	    {'p', "DONE reverted\n\n", "done(reverted,-,)"},
	    {'p', "DONE reverted\nheld: no\n\n", "done(reverted,not-here,)"},
	    {'p', "DONE reverted\nheld: nobody\n\n", "done(reverted,-,)"},
	    {'p', "DONE applied\nheld: no\n\n", "done(applied,-,)"},
	    {'p', "DONE dry-run\n\n", "done(dry-run,-,)"},
	    {'p', "ERROR busy\n\n", "error(busy,)"},
	    {'r', "ERROR closed\ntext: not open\n\n", "error(closed,not open)"},
	    {'r', "OK\n\n", "ok()"},
	    {'r', "OK\nlength: 0\n\n\n", "ok()"},
	    {'p', "PROGRESS clients\ntargeted: 1\n\n", "clients(1,0,0,0,0)"},
	    {'p', "PROGRESS package\nbytes: 7\nof: 9000000000\n\n",
		"package(7,9000000000)"},
	    {'p', "PROGRESS package\nbytes: -7\nof: 9\n\n", NULL},
	    {'p', "PROGRESS package x\nbytes: 7\nof: 9\n\n", NULL},
	    {'p', "DONE\n\n", NULL},
	    {'p', "DONE fine\n\n", NULL},
	    {'p', "DONE applied x\n\n", NULL},
	    {'p', "DONE refused\n\n", NULL},
	    {'p', "DONE refused a b\n\n", NULL},
	    {'p', "OK\n\n", NULL},
	    {'p', "PONG\n\n", NULL},
	    {'p', HELLO, NULL},
	    {'p', "PROGRESS\n\n", NULL},
	    {'p', "PROGRESS server\n\n", NULL},
	    {'p', "PROGRESS server ready\nrehearsed: 0.034512\nstall: 0\n\n",
		"server(ready|)rehearsed(34512)stall(0)"},
	    {'p', "PROGRESS server applied\nstall: 12.5\n\n",
		"server(applied|)stall(12500000)"},
	    {'p', "PROGRESS server applied\nrehearsed: 31536000.999999\n\n",
		"server(applied|)rehearsed(31536000999999)"},
	    {'p', "PROGRESS server applied\nrehearsed: 31536001\n\n", NULL},
	    {'p', "PROGRESS server applied\nrehearsed: \n\n", NULL},
	    {'p', "PROGRESS server applied\nrehearsed: -1\n\n", NULL},
	    {'p', "PROGRESS server applied\nrehearsed: .5\n\n", NULL},
	    {'p', "PROGRESS server applied\nrehearsed: 1.\n\n", NULL},
	    {'p', "PROGRESS server applied\nrehearsed: 1.5s\n\n", NULL},
	    {'p', "PROGRESS server applied\nstall: 0.1234567\n\n", NULL},
	    {'p', "PROGRESS server applied\nstall: 0.-1\n\n", NULL},
	    {'p', "PROGRESS client\n\n", NULL},
	    {'p', "PROGRESS clients x\n\n", NULL},
	    {'p', "PROGRESS clients\ntargeted: -1\n\n", NULL},
	    {'p', "PROGRESS clients\nmissing: 18446744073709551616\n\n", NULL},
	    {'p', "PROGRESS error\ncount: 1\n\n", NULL},
	    {'p', "PROGRESS error\nresult: failed\ncount: 1.5\n\n", NULL},
	    {'p', "ERROR\n\n", NULL},
	    {'p', "ERROR a b\n\n", NULL},
	    {'r', "DONE applied\n\n", NULL},
	    {'r', "PROGRESS clients\n\n", NULL},
	    {'r', "OK fine\n\n", NULL},
	    {'r', "nonsense\n", "error(-,what the host sends is no frame)"},
	    {'r', "OK\nlength: 67108865\n\nx",
		"error(-,the host sends more than a frame may hold)"},
	    {0, "OK\n\n", NULL},
	    {0, "PROGRESS clients\n\n", NULL},
	};
	struct owner w;
	char verb[17], want[80];
	size_t i;

	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		begin(&w, "");
		host_says(&w, HELLO);
		said(&w);
		if (cases[i].to == 'p')
			operator_push(w.o, "D", 1, 1, 0);
		else if (cases[i].to == 'r')
			operator_read(w.o, "STATUS");
		host_says(&w, cases[i].answer);
		sscanf(cases[i].answer, "%16[A-Z]", verb);
		snprintf(want, sizeof want,
		    "error(-,unexpected or malformed %s from the host)", verb);
		IS_STR(said(&w), cases[i].want != NULL ? cases[i].want : want,
		    "an answer");
		if (cases[i].want == NULL)
			OK(operator_link(w.o)->state == LINK_DEAD,
			    "ends the link");
		finish(&w);
	}
}

static void
test_command(void)
{
	struct keyring keys = KEYRING_INIT;
	struct signify_sec sec;
	struct signify_pub pub;
	char base64[SIGNIFY_PUB_BASE64], line[128];
	struct command c;
	struct refusal why;
	struct owner w;
	const char *body;
	uint64_t seq;
	size_t len;

	memset(&sec, 7, sizeof sec);
	signify_sec_public(&pub, &sec);
	snprintf(line, sizeof line, "%s ops\n",
	    signify_pub_encode(base64, &pub));
	keyring_parse(&keys, "test", line, strlen(line), NULL);

	begin(&w, "");
	host_says(&w, HELLO);
	said(&w);
	for (seq = 1; seq <= 3; seq++) {
		operator_command(w.o, &sec, "ops", "open self 60");
		sent(&w);
		len = strlen("COMMAND\nlength: 000\n\n");
		body = (char *)w.sent.data + len;
		OK(memcmp(w.sent.data, "COMMAND\nlength: ", 16) == 0 &&
			strtoul((char *)w.sent.data + 16, NULL, 10) ==
			    w.sent.len - len - 1,
		    "a command goes out");
		IS(command_open(&c, body, w.sent.len - len - 1, &keys, "east",
		       NONCE, seq == 3 ? 2 : seq, &why),
		    WORD_OK, "good for this host, this connection, this place");
		if (seq == 2)
			host_says(&w, "ERROR stale\n\n");
		else
			host_says(&w, "OK\n\n");
	}
	IS_STR(said(&w), "ok()error(stale,)ok()",
	    "only one that was accepted moves the place on");
	operator_command(w.o, &sec, "ops", "format self");
	IS_STR(said(&w), "error(syntax,not a command)",
	    "what is no command is not sent");
	IS_STR(sent(&w), "", "at all");
	operator_command(w.o, &sec, "ops", "reload");
	OK(strlen(sent(&w)) > 0, "and the connection goes on");
	finish(&w);
	keyring_free(&keys);
}

static void
test_time(void)
{
	struct owner w;
	struct buf big = BUF_INIT;

	begin(&w, "");
	IS(operator_next_ns(w.o), 1000 + OPERATOR_GREETING_NS,
	    "the greeting has its time");
	w.now_ns += OPERATOR_GREETING_NS - 1;
	operator_tick(w.o);
	IS_STR(said(&w), "", "all of it");
	w.now_ns++;
	operator_tick(w.o);
	IS_STR(said(&w), "error(-,no greeting within 10 s)", "not more");
	IS(operator_next_ns(w.o), -1, "then nothing is waited for");
	finish(&w);

	begin(&w, "");
	host_says(&w, HELLO);
	said(&w);
	operator_read(w.o, "STATUS");
	sent(&w);
	w.now_ns += OPERATOR_ANSWER_NS;
	operator_tick(w.o);
	IS_STR(said(&w), "error(-,no answer within 30 s)", "a read has 30 s");
	finish(&w);

	begin(&w, "");
	host_says(&w, HELLO);
	said(&w);
	operator_push(w.o, "D", 1, 1, 60000);
	sent(&w);
	w.now_ns += OPERATOR_ANSWER_NS + 60 * INT64_C(1000000000) - 1;
	operator_tick(w.o);
	IS_STR(said(&w), "", "a push has what it asks the host to wait");
	w.now_ns++;
	operator_tick(w.o);
	IS_STR(said(&w), "error(-,no answer within 90 s)", "and 30 s");
	finish(&w);

	begin(&w, "");
	host_says(&w, HELLO);
	operator_push(w.o, "D", 1, 1, 0);
	sent(&w);
	w.now_ns += OPERATOR_ANSWER_NS - 1;
	host_says(&w, "PROGRESS package\nbytes: 7\nof: 9\n\n");
	said(&w);
	w.now_ns += OPERATOR_ANSWER_NS - 1;
	operator_tick(w.o);
	IS_STR(said(&w), "", "a host that fetches a package is waited for");
	w.now_ns++;
	operator_tick(w.o);
	IS_STR(said(&w), "error(-,no answer within 30 s)",
	    "as long as it tells of it");
	finish(&w);

	begin(&w, "");
	host_says(&w, HELLO);
	said(&w);
	operator_push(w.o, "D", 1, 1, INT64_MAX);
	OK(operator_next_ns(w.o) > w.now_ns, "any wait can be waited for");
	finish(&w);

	/* A long document through a slow network: 1 KiB/s is fast enough. */
	buf_reserve(&big, 100000);
	memset(big.data, 'x', 100000);
	begin(&w, "");
	host_says(&w, HELLO);
	said(&w);
	operator_push(w.o, big.data, 100000, 1, 0);
	link_sent(operator_link(w.o), 30 * 1024);
	w.now_ns += OPERATOR_ANSWER_NS;
	operator_tick(w.o);
	IS_STR(said(&w), "", "while a document is on its way it is not late");
	link_sent(operator_link(w.o), 30 * 1024 - 1);
	w.now_ns += OPERATOR_ANSWER_NS;
	operator_tick(w.o);
	IS_STR(said(&w), "error(-,no answer within 30 s)",
	    "one byte slower it is");
	finish(&w);
	buf_free(&big);
}

static void
test_ends(void)
{
	struct owner w;

	begin(&w, "");
	host_says(&w, HELLO);
	said(&w);
	operator_push(w.o, "D", 1, 1, 0);
	operator_closed(w.o, "connection reset by peer");
	IS_STR(said(&w), "error(-,connection reset by peer)",
	    "an end before the answer is told");
	operator_tick(w.o);
	operator_closed(w.o, "again");
	IS_STR(said(&w), "", "once");
	finish(&w);

	begin(&w, "");
	host_says(&w, HELLO);
	said(&w);
	host_says(&w, "ERROR shutdown\ntext: until noon\n\n");
	IS_STR(said(&w), "", "an ERROR while nothing is asked waits");
	operator_read(w.o, "STATUS");
	IS_STR(said(&w), "error(-,shutdown: until noon)",
	    "for the next request");
	finish(&w);

	begin(&w, "");
	host_says(&w, HELLO);
	said(&w);
	link_input_end(operator_link(w.o));
	operator_push(w.o, "D", 1, 1, 0);
	IS_STR(said(&w), "error(-,the host closed the connection)",
	    "so does the host's end");
	finish(&w);

	begin(&w, "");
	host_says(&w, HELLO);
	said(&w);
	operator_bye(w.o);
	IS_STR(sent(&w), "BYE\n\n", "bye is said");
	IS(operator_link(w.o)->state, LINK_DRAIN, "and ends the link");
	operator_closed(w.o, "gone");
	IS_STR(said(&w), "", "without an error");
	finish(&w);
	operator_free(NULL);
}

int
main(void)
{
	test_greeting();
	test_bad_greetings();
	test_push();
	test_answers();
	test_command();
	test_time();
	test_ends();
	return tap_done();
}
