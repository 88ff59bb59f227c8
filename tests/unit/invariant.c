/*
 * The invariant of hotfix-protocol(7): after any push, supersession, revert,
 * retirement, restart or reconnect, an end that was there all along runs the
 * same code as a fresh one that is given the live documents, and those
 * retired or expired ones that the first already runs, in the order of ids.
 *
 * Native parts are played by Lua; the host starts as one of two builds.
 *
 * Random histories with a printed seed, a real host with its ledger, real
 * clients, real Lua on every end. What is outside of it, and left out here as
 * the manual says: an end on which a document failed, and a client that was
 * away, or still fetching, while the document that superseded its own expired,
 * was retired or was taken back by the host. A client that is fetching is
 * judged when it has done so.
 */

#include "tests/tap.h"
#include "tests/world.h"
#include "lua-host/engine.h"
#include "lua-host/state.h"

#include <lua.h>
#include <sys/stat.h>
#include <unistd.h>

#define CLIENTS   4
#define FEATURES  3
#define FUNCTIONS 4
#define DOCS      512
#define HISTORIES 30
#define STEPS     60

#define ZEROES "00000000000000000000000000000000"
#define PACKAGE                                                            \
	"package: arena 1.5 9 " ZEROES " " ZEROES ZEROES ZEROES ZEROES " " \
	"ftp://files.example/arena.tar\n"

struct end { /* a program with its updates */
	struct state *state;
	struct engine *engine;
};

struct known { /* a document that was pushed */
	uint64_t id;
	int feature;
	const char *version; /* of the clients it is for; NULL: all */
	int64_t expires_us;
	char server[512], client[512]; /* "" none */
	char native[512];              /* begins with its build */
	int accepted, reverted, retired;
};

struct player {
	struct world *world;
	struct client *client;
	struct host_conn *conn; /* NULL: not connected */
	struct end end;
	const char *version;
	char id[16];
	int was_away; /* with its memory; or fetching */
};

struct world {
	struct world_clock clock;
	struct host *host;
	struct end end;
	struct player players[CLIENTS];
	struct known docs[DOCS];
	size_t ndocs;
	uint64_t last_id, random;
	char build; /* of the host's executable */
	/* a server part that the host's program answers later; 0: none */
	uint64_t asked;
	int asked_check;
	struct buf asked_part;
	uint64_t asked_drop[1];
	size_t asked_ndrop;
	char done[64]; /* of the last push */
};

static const char *const features[FEATURES] = {"alpha", "beta", "gamma"};

static uint64_t
pick(struct world *w, uint64_t n)
{
	return tap_random(&w->random) % n;
}

/* ---- programs ----------------------------------------------------------- */

static const char program_text[] =
    "local m = {}\n"
    "for i = 1, 4 do m['f' .. i] = function() return '-' end end\n"
    "package.loaded.m = m\n"
    "function observe()\n"
    "  return m.f1() .. ' ' .. m.f2() .. ' ' .. m.f3() .. ' ' .. m.f4()\n"
    "end\n";

static void
end_open(struct end *e)
{
	struct lua_State *L;

	e->state = state_new();
	e->engine = engine_new(e->state, NULL);
	L = state_lua(e->state);
	if (state_load(e->state, L, program_text, strlen(program_text),
		"=program") != 0 ||
	    state_call(e->state, L, 0, 0, NULL) != 0)
		printf("# the program does not run\n");
}

static void
end_close(struct end *e)
{
	engine_free(e->engine);
	state_free(e->state);
	e->engine = NULL;
	e->state = NULL;
}

static void
observe(struct end *e, char *out, size_t size)
{
	struct lua_State *L = state_lua(e->state);

	lua_getglobal(L, "observe");
	if (state_call(e->state, L, 0, 1, NULL) != 0) {
		snprintf(out, size, "error");
		return;
	}
	snprintf(out, size, "%s", lua_tostring(L, -1));
	lua_pop(L, 1);
}

static enum result
change(struct end *e, const uint64_t *drop, size_t ndrop, uint64_t id,
    const char *text, size_t len)
{
	struct engine_report report;
	enum engine_result r;

	engine_report_init(&report);
	r = engine_change(e->engine, drop, ndrop, id, "case", text, len,
	    &report);
	engine_report_free(&report);
	switch (r) {
	case ENGINE_APPLIED:
		return RESULT_APPLIED;
	case ENGINE_HAVE:
		return RESULT_HAVE;
	case ENGINE_DEFERRED:
		return RESULT_DEFERRED;
	case ENGINE_FAILED:
		return RESULT_FAILED;
	case ENGINE_PARTIAL:
		return RESULT_PARTIAL;
	case ENGINE_HUNG:
		return RESULT_HUNG;
	case ENGINE_REVERTED:
		return RESULT_REVERTED;
	}
	return RESULT_FAILED;
}

/* ---- callbacks ---------------------------------------------------------- */

/* What both parts of a host do to the program. */
static void
host_text(struct buf *out, const char *native, size_t native_len,
    const char *server, size_t server_len)
{
	if (native_len > 0)
		buf_append(out, native + 1, native_len - 1);
	buf_append(out, server, server_len);
}

static enum word
host_native(void *arg, const struct doc *d, const void *part, size_t len,
    struct refusal *why)
{
	const struct world *w = arg;

	(void)d;
	return len > 0 && *(const char *)part == w->build
		   ? WORD_OK
		   : refuse(why, WORD_NOT_FOR_ME, "another build");
}

static int
host_apply(void *arg, const struct doc *d, const struct host_parts *parts,
    const uint64_t *drop, size_t ndrop, enum host_how how,
    struct host_applied *out)
{
	struct world *w = arg;
	struct buf both = BUF_INIT;

	host_text(&both, parts->native, parts->native_len, parts->server,
	    parts->server_len);
	if ((how == HOST_PUSH || how == HOST_CHECK) && pick(w, 2)) {
		w->asked = d->id;
		w->asked_check = how == HOST_CHECK;
		buf_free(&w->asked_part);
		w->asked_part = both;
		w->asked_ndrop = ndrop;
		if (ndrop > 0)
			w->asked_drop[0] = drop[0];
		return 0;
	}
	out->result = how == HOST_CHECK
			  ? RESULT_READY
			  : change(&w->end, drop, ndrop, d->id,
				(const char *)both.data, both.len);
	buf_free(&both);
	return 1;
}

static void
host_cancel(void *arg)
{
	((struct world *)arg)->asked = 0;
}

/* The program answers now. */
static void
host_answers(struct world *w)
{
	uint64_t id = w->asked;
	struct host_applied out;

	if (id == 0)
		return;
	w->asked = 0;
	memset(&out, 0, sizeof out);
	out.result =
	    w->asked_check
		? RESULT_READY
		: change(&w->end, w->asked_drop, w->asked_ndrop, id,
		      (const char *)w->asked_part.data, w->asked_part.len);
	host_answer(w->host, id, &out);
}

static void
host_revert(void *arg, uint64_t id, struct host_applied *out)
{
	struct world *w = arg;

	out->result = change(&w->end, &id, 1, 0, NULL, 0);
}

static void
client_apply(void *arg, const struct doc *d, const void *part, size_t len,
    const uint64_t *drop, size_t ndrop, struct client_applied *out)
{
	struct player *p = arg;

	out->result = change(&p->end, drop, ndrop, d->id, part, len);
}

static void
client_revert(void *arg, const uint64_t *drop, size_t ndrop,
    struct client_applied *out)
{
	struct player *p = arg;

	out->result = change(&p->end, drop, ndrop, 0, NULL, 0);
}

static int
client_fetch(void *arg, const struct doc *d, const char *from,
    const char *full_from, int64_t delay_ns, struct client_applied *out)
{
	struct player *p = arg;

	(void)d, (void)from, (void)full_from, (void)delay_ns, (void)out;
	if (pick(p->world, 4) == 0)
		return 1;
	p->was_away = 1;
	return 0;
}

static void
client_fetch_cancel(void *arg, uint64_t id)
{
	(void)arg, (void)id;
}

/* Packages come: all, or some. */
static void
come(struct world *w, struct player *p, int all)
{
	struct client_applied out;
	uint64_t ids[FEATURES];
	size_t i, n = client_fetching(p->client, ids, FEATURES);

	memset(&out, 0, sizeof out);
	out.result = RESULT_READY;
	for (i = 0; i < n; i++)
		if (all || pick(w, 2))
			client_fetched(p->client, ids[i], &out);
}

/* ---- the world ---------------------------------------------------------- */

static struct peer_clock
clock_of(struct world *w)
{
	struct peer_clock c = {world_mono, world_wall, &w->clock};

	return c;
}

static int
open_host(struct world *w)
{
	struct keyring ring = KEYRING_INIT;
	struct host_config cfg;
	struct err e;

	memset(&cfg, 0, sizeof cfg);
	world_trust(&ring, 1, "");
	cfg.name = "h";
	cfg.version = "1";
	cfg.state_dir = "state";
	cfg.keys = &ring;
	cfg.clock = clock_of(w);
	cfg.cb.arg = w;
	cfg.cb.apply = host_apply;
	cfg.cb.revert = host_revert;
	cfg.cb.cancel = host_cancel;
	cfg.cb.native = host_native;
	end_open(&w->end);
	w->host = host_new(&cfg, &e);
	if (w->host != NULL)
		host_begin(w->host);
	else
		printf("# host: %s\n", e.text);
	return w->host != NULL ? 0 : -1;
}

static void
open_player(struct world *w, struct player *p, int n)
{
	static const char *const versions[CLIENTS] = {
	    "1.0", "1.0", "2.0", "2.1"};
	struct keyring ring = KEYRING_INIT;
	struct client_config cfg;
	struct err e;

	memset(&cfg, 0, sizeof cfg);
	world_trust(&ring, 1, "");
	p->world = w;
	p->version = versions[n];
	p->was_away = 0;
	snprintf(p->id, sizeof p->id, "p%d", n);
	cfg.id = p->id;
	cfg.version = p->version;
	cfg.keys = &ring;
	cfg.seed = 7;
	cfg.clock = clock_of(w);
	cfg.cb.arg = p;
	cfg.cb.apply = client_apply;
	cfg.cb.revert = client_revert;
	cfg.cb.fetch = client_fetch;
	cfg.cb.fetch_cancel = client_fetch_cancel;
	end_open(&p->end);
	p->client = client_new(&cfg, &e);
	if (p->client == NULL)
		printf("# client: %s\n", e.text);
}

static void
loopback(struct sock_addr *a)
{
	sock_addr_parse(a, "127.0.0.1:1", 0);
}

static void
connect_player(struct player *p)
{
	struct buf refusal = BUF_INIT;
	struct sock_addr a;

	/* However long it would wait. */
	while (!client_wants_connection(p->client)) {
		world_pass(&p->world->clock, 1000000);
		client_tick(p->client);
	}
	loopback(&a);
	p->conn = host_conn_new(p->world->host, &a, &refusal);
	client_connecting(p->client);
	client_opened(p->client);
	buf_free(&refusal);
}

static void
disconnect_player(struct player *p)
{
	if (p->conn == NULL)
		return;
	host_conn_close(p->conn, "test");
	p->conn = NULL;
	client_closed(p->client, "test");
}

/* Until nobody has anything to say. */
static void
pump(struct world *w)
{
	size_t moved;
	int i;

	do {
		moved = 0;
		for (i = 0; i < CLIENTS; i++) {
			struct player *p = &w->players[i];

			if (p->conn == NULL)
				continue;
			moved += world_carry(host_conn_link(p->conn),
			    client_link(p->client), NULL, SIZE_MAX);
			moved += world_carry(client_link(p->client),
			    host_conn_link(p->conn), NULL, SIZE_MAX);
		}
	} while (moved > 0);
}

/* Send a document as an operator. NULL: there was none to send. */
static struct host_conn *
send_document(struct world *w, const struct doc_spec *spec)
{
	struct buf doc = BUF_INIT, frame = BUF_INIT, refusal = BUF_INIT;
	struct host_conn *c = NULL;
	struct sock_addr a;
	size_t head_len;

	loopback(&a);
	if (world_document(&doc, &head_len, spec, 1) == 0) {
		world_push_frame(&frame, &doc, head_len);
		c = host_conn_new(w->host, &a, &refusal);
		link_input(host_conn_link(c), frame.data, frame.len);
	}
	buf_free(&doc);
	buf_free(&frame);
	buf_free(&refusal);
	return c;
}

/* What the operator was told at last lands in w->done. */
static void
read_done(struct world *w, struct host_conn *c)
{
	struct buf out = BUF_INIT;
	const char *done, *text;

	snprintf(w->done, sizeof w->done, "none");
	if (c == NULL)
		return;
	world_carry(host_conn_link(c), NULL, &out, SIZE_MAX);
	text = buf_text(&out);
	done = text != NULL ? strstr(text, "\nDONE ") : NULL;
	if (done != NULL)
		sscanf(done, "\nDONE %60[^\n]", w->done);
	host_conn_close(c, "done");
	buf_free(&out);
}

static void
wait_out(struct world *w, int64_t us)
{
	pump(w);
	world_pass(&w->clock, us);
	host_tick(w->host);
	pump(w);
}

/* Push a document; its DONE lands in w->done. cut: a client's connection ends
 * in the middle of it. */
static void
push(struct world *w, const struct doc_spec *spec, int cut)
{
	struct host_conn *c = send_document(w, spec);

	if (cut >= 0 && w->players[cut].conn != NULL) {
		struct player *p = &w->players[cut];

		world_carry(host_conn_link(p->conn), client_link(p->client),
		    NULL, (size_t)pick(w, 700));
		disconnect_player(p);
		p->was_away = 1;
	}
	pump(w);
	if (pick(w, 4) == 0)
		wait_out(w, HOST_ANSWER_NS / 1000); /* it never answers */
	host_answers(w);
	if (pick(w, 2)) /* in time for its result to be counted */
		come(w, &w->players[pick(w, CLIENTS)], 0);
	/* Who does not answer is missing after the wait. */
	wait_out(w, 11000000);
	wait_out(w, 11000000);
	read_done(w, c);
}

/* ---- what happens ------------------------------------------------------- */

/* Deferred: all clients that it is for are fetching. */
static int
is_accepted(const struct world *w)
{
	return strcmp(w->done, "applied") == 0 ||
	       strcmp(w->done, "deferred") == 0;
}

static uint64_t
next_id(struct world *w)
{
	world_pass(&w->clock, 1000000);
	w->last_id = (uint64_t)w->clock.wall_us;
	return w->last_id;
}

/* Replaces some of the functions by ones that return the id. */
static void
make_part(struct world *w, char *out, size_t size, uint64_t id)
{
	size_t n = 0;
	int f;

	out[0] = '\0';
	for (f = 1; f <= FUNCTIONS; f++)
		if (pick(w, 2))
			n += (size_t)snprintf(out + n, size - n,
			    "hotfix.replace{target='m::f%d', with=function() "
			    "return '%" PRIu64 "' end}\n",
			    f, id % 1000000000);
	if (n == 0)
		snprintf(out, size,
		    "hotfix.replace{target='m::f1', with=function() return "
		    "'%" PRIu64 "' end}\n",
		    id % 1000000000);
}

static void
do_restart(struct world *w)
{
	int i;

	for (i = 0; i < CLIENTS; i++)
		if (w->players[i].conn != NULL) {
			disconnect_player(&w->players[i]);
			w->players[i].was_away = 1;
		}
	host_free(w->host);
	end_close(&w->end);
	if (pick(w, 3) == 0)
		w->build = w->build == 'A' ? 'B' : 'A';
	open_host(w);
}

/* A revert of its feature, or the end of the host, comes while the program
 * has not answered. */
static void
aborted(struct world *w, struct known *k, const struct doc_spec *spec)
{
	struct host_conn *c = send_document(w, spec), *c2;
	struct known *t = &w->docs[pick(w, w->ndocs)];
	struct doc_spec revert;

	if (w->asked != 0 && pick(w, 3) == 0) {
		host_conn_close(c, "the host is gone");
		do_restart(w);
		return;
	}
	if (w->asked != 0 && (t->feature == k->feature || pick(w, 2))) {
		if (t->feature != k->feature)
			t = k;
		memset(&revert, 0, sizeof revert);
		revert.id = next_id(w);
		revert.feature = features[t->feature];
		revert.reverts = t->id;
		c2 = send_document(w, &revert);
		wait_out(w, 11000000);
		read_done(w, c2);
		if (strcmp(w->done, "reverted") == 0)
			t->reverted = 1;
	}
	host_answers(w);
	wait_out(w, 11000000);
	wait_out(w, 11000000);
	read_done(w, c);
	k->accepted = is_accepted(w);
}

static void
do_push(struct world *w, int cut)
{
	static const char *const versions[] = {NULL, "1.0", "2.*", "*"};
	struct known *k = &w->docs[w->ndocs];
	struct doc_spec spec;

	memset(k, 0, sizeof *k);
	memset(&spec, 0, sizeof spec);
	k->id = next_id(w);
	k->feature = (int)pick(w, FEATURES);
	k->version = versions[pick(w, 4)];
	if (pick(w, 3) > 0)
		make_part(w, k->server, sizeof k->server, k->id);
	if (pick(w, 3) == 0) {
		k->native[0] = pick(w, 3) > 0 ? w->build : 'B';
		make_part(w, k->native + 1, sizeof k->native - 1, k->id);
	}
	if ((k->server[0] == '\0' && k->native[0] == '\0') || pick(w, 4) > 0)
		make_part(w, k->client, sizeof k->client, k->id);
	if (pick(w, 6) == 0)
		k->expires_us = w->clock.wall_us + 40000000;
	if (pick(w, 6) == 0)
		spec.extra = "dry-run: yes\n";
	else if (k->client[0] != '\0' && pick(w, 2))
		spec.extra = PACKAGE;
	spec.id = k->id;
	spec.feature = features[k->feature];
	spec.version = k->version;
	spec.expires_us = k->expires_us;
	if (k->server[0] != '\0') {
		spec.parts[DOC_SERVER].bytes = k->server;
		spec.parts[DOC_SERVER].len = strlen(k->server);
	}
	if (k->native[0] != '\0') {
		spec.parts[DOC_NATIVE].bytes = k->native;
		spec.parts[DOC_NATIVE].len = strlen(k->native);
	}
	if (k->client[0] != '\0') {
		spec.parts[DOC_CLIENT].bytes = k->client;
		spec.parts[DOC_CLIENT].len = strlen(k->client);
	}
	w->ndocs++;
	if (cut < 0 && pick(w, 4) == 0) {
		aborted(w, k, &spec);
		return;
	}
	push(w, &spec, cut);
	k->accepted = is_accepted(w);
}

static void
do_about(struct world *w, int retire)
{
	struct doc_spec spec;
	struct known *k;

	if (w->ndocs == 0)
		return;
	k = &w->docs[pick(w, w->ndocs)];
	memset(&spec, 0, sizeof spec);
	spec.id = next_id(w);
	spec.feature = features[k->feature];
	if (retire)
		spec.retires = k->id;
	else
		spec.reverts = k->id;
	push(w, &spec, -1);
	if (retire && strcmp(w->done, "applied") == 0 && !k->reverted)
		k->retired = 1;
	if (!retire && strcmp(w->done, "reverted") == 0)
		k->reverted = 1;
}

/* ---- what must be ------------------------------------------------------- */

/* Does the document count for this end: its targeting and its part. */
static int
counts(const struct world *w, const struct known *k, const struct player *p)
{
	if (p == NULL)
		return k->native[0] == w->build ||
		       (k->native[0] == '\0' && k->server[0] != '\0');
	return k->client[0] != '\0' &&
	       (k->version == NULL || strcmp(k->version, "*") == 0 ||
		   (strcmp(k->version, "1.0") == 0
			   ? strcmp(p->version, "1.0") == 0
			   : p->version[0] == '2'));
}

/*
 * From the history alone, without the code under test: the newest document of
 * each feature that counts for the end, if it is live; or if it is retired or
 * expired and runs there already.
 */
static void
expect(struct world *w, struct player *p, struct end *is, char *out,
    size_t size)
{
	const struct known *given[FEATURES] = {NULL};
	struct buf text = BUF_INIT;
	struct end fresh;
	size_t i;
	int f, n;

	for (i = 0; i < w->ndocs; i++)
		if (w->docs[i].accepted && counts(w, &w->docs[i], p))
			given[w->docs[i].feature] = &w->docs[i];
	end_open(&fresh);
	for (f = 0; f < FEATURES; f++) {
		const struct known *k = given[f];
		int old;

		if (k == NULL || k->reverted)
			continue;
		old = k->retired ||
		      (k->expires_us != 0 && w->clock.wall_us > k->expires_us);
		if (old && !engine_has(is->engine, k->id)) {
			/* A client that was away may still run an older one. */
			for (n = (int)w->ndocs; n-- > 0;)
				if (w->docs[n].feature == f &&
				    engine_has(is->engine, w->docs[n].id))
					break;
			if (n < 0 || p == NULL || !p->was_away)
				continue;
			k = &w->docs[n];
		}
		buf_reset(&text);
		if (p == NULL)
			host_text(&text, k->native, strlen(k->native),
			    k->server, strlen(k->server));
		else
			buf_puts(&text, k->client);
		change(&fresh, NULL, 0, k->id, buf_text(&text), text.len);
	}
	observe(&fresh, out, size);
	end_close(&fresh);
	buf_free(&text);
}

static int
check(struct world *w, const char *after)
{
	char is[256], must[256];
	int i, good = 1;

	observe(&w->end, is, sizeof is);
	expect(w, NULL, &w->end, must, sizeof must);
	if (strcmp(is, must) != 0) {
		printf("# host after %s: runs %s, must %s\n", after, is, must);
		good = 0;
	}
	for (i = 0; i < CLIENTS; i++) {
		struct player *p = &w->players[i];

		if (p->conn == NULL || client_fetching(p->client, NULL, 0) > 0)
			continue;
		observe(&p->end, is, sizeof is);
		expect(w, p, &p->end, must, sizeof must);
		if (strcmp(is, must) != 0) {
			printf("# %s after %s: runs %s, must %s\n", p->id,
			    after, is, must);
			good = 0;
		}
	}
	return good;
}

/* A package may come at any moment of it. */
static void
log_in(struct world *w, struct player *p)
{
	struct link *host, *client;

	connect_player(p);
	host = host_conn_link(p->conn);
	client = client_link(p->client);
	if (pick(w, 2)) {
		world_carry(host, client, NULL, SIZE_MAX);
		world_carry(client, host, NULL, SIZE_MAX);
		world_carry(host, client, NULL, (size_t)pick(w, 2000));
	}
	come(w, p, 0);
}

static const char *
step(struct world *w)
{
	struct player *p = &w->players[pick(w, CLIENTS)];
	uint64_t what = pick(w, 22);

	if (what < 7) {
		do_push(w, -1);
		return "a push";
	}
	if (what < 9) {
		do_push(w, (int)pick(w, CLIENTS));
		return "a push with a client cut off";
	}
	if (what < 12) {
		do_about(w, 0);
		return "a revert";
	}
	if (what < 13) {
		do_about(w, 1);
		return "a retirement";
	}
	if (what < 14) {
		do_restart(w);
		return "a restart of the host";
	}
	if (what < 15) {
		world_pass(&w->clock, 60000000);
		return "a minute";
	}
	if (what < 16) { /* the process of a client starts anew */
		disconnect_player(p);
		client_free(p->client);
		end_close(&p->end);
		open_player(w, p, (int)(p - w->players));
		return "a client's restart";
	}
	if (p->conn != NULL && what < 17) {
		disconnect_player(p);
		p->was_away = 1;
		return "a client's break";
	}
	if (what >= 20) {
		come(w, p, 0);
		pump(w);
		return "a package";
	}
	if (p->conn == NULL)
		log_in(w, p);
	pump(w);
	return "a login";
}

static void
fetch_all(struct world *w)
{
	int i;

	for (i = 0; i < CLIENTS; i++) {
		if (w->players[i].conn == NULL)
			connect_player(&w->players[i]);
		pump(w);
		come(w, &w->players[i], 1);
	}
	pump(w);
}

static int
history(uint64_t seed)
{
	static struct world w; /* large */
	const char *after = "";
	int i, n, good;

	memset(&w, 0, sizeof w);
	w.random = seed;
	w.build = 'A';
	w.clock.wall_us = WORLD_START_US;
	w.clock.mono_ns = 1;
	if (system("rm -rf state") != 0 || open_host(&w) != 0)
		return 0;
	for (i = 0; i < CLIENTS; i++) {
		open_player(&w, &w.players[i], i);
		connect_player(&w.players[i]);
	}
	pump(&w);
	good = check(&w, "the start");
	for (n = 0; n < STEPS && good; n++) {
		after = step(&w);
		good = check(&w, after);
	}
	if (good) {
		fetch_all(&w);
		good = check(&w, "all packages");
	}
	if (!good)
		printf("# history of seed %" PRIu64 ", step %d\n", seed, n);
	for (i = 0; i < CLIENTS; i++) {
		disconnect_player(&w.players[i]);
		client_free(w.players[i].client);
		end_close(&w.players[i].end);
	}
	host_free(w.host);
	end_close(&w.end);
	buf_free(&w.asked_part);
	return good;
}

int
main(void)
{
	uint64_t seed = tap_seed(20261122);
	int i;

	for (i = 0; i < HISTORIES; i++)
		OK(history(seed + (uint64_t)i),
		    "history %d: every end runs what a fresh one would", i);
	return tap_done();
}
