/* Updates that wait and come due together, each tried in a copy first. */

#include "lua-host/wire.h"
#include "tests/tap.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/file.h"

#define UPDATES 12

struct game {
	struct hotfix_loop loop;
	struct wire wire;
	struct doc docs[UPDATES];
	enum result results[UPDATES];
	size_t answers;
	uint64_t last;
	int in_order;
};

static void
op_log(void *arg, const char *line)
{
	(void)arg;
	printf("# log: %s\n", line);
}

static void
op_rearm(void *arg)
{
	(void)arg;
}

static void
game_open(struct game *g)
{
	static const char script[] = "M = {}\n";
	const struct program_ops ops = {.log = op_log, .rearm = op_rearm};
	struct err e;

	memset(g, 0, sizeof *g);
	g->in_order = 1;
	g->loop.loop = loop_new(LOOP_BEST);
	file_write("script.lua", script, sizeof script - 1, 0600, &e);
	wire_init(&g->wire, &g->loop, op_log, NULL);
	IS(wire_run(&g->wire, PROGRAM_CLIENT, &ops, "script.lua", 0, NULL, &e),
	    0, "a program");
}

static void
game_close(struct game *g)
{
	wire_end(&g->wire);
	loop_free(g->loop.loop);
}

/* The update with this id waits for "go". */
static void
defer(struct game *g, uint64_t id, const char *text)
{
	struct doc *d = &g->docs[id - 1];
	const struct wire_update u = {d, text, strlen(text), NULL, 0};
	struct wire_outcome o;
	char *feature = calloc(1, 8);

	snprintf(feature, 8, "f%d", (int)id);
	d->id = id;
	d->feature = feature;
	d->on = "go";
	wire_apply(&g->wire, &u, &o);
	OK(o.result == RESULT_DEFERRED, "update %d waits", (int)id);
	free(feature); /* the engine has its own */
}

static void
on_settled(void *arg, uint64_t id, const struct wire_outcome *o)
{
	struct game *g = arg;

	g->results[id - 1] = o->result;
	g->in_order &= id > g->last;
	g->last = id;
	g->answers++;
	if (o->result != RESULT_APPLIED)
		printf("# %d: %s: %.*s\n", (int)id, result_name(o->result),
		    (int)o->len, o->text);
}

static void
release(struct game *g, uint64_t id)
{
	struct wire_outcome o;

	if (wire_begin_release(&g->wire, id, on_settled, g, &o) != 0)
		on_settled(g, id, &o);
}

static void
wait_for(struct game *g, size_t answers)
{
	while (g->answers < answers)
		if (loop_once(g->loop.loop, -1) != 0 && errno != EINTR)
			break;
}

/* What is rehearsed later sees what was released before it. */
static void
test_order(void)
{
	struct game g;
	uint64_t id;

	game_open(&g);
	defer(&g, 1, "M.n = 1");
	for (id = 2; id <= UPDATES; id++)
		defer(&g, id, "M.n = M.n + 1");
	for (id = 1; id <= UPDATES; id++)
		release(&g, id);
	IS(g.answers, 0, "no answer comes at once");
	OK(wire_is_trying(&g.wire, 1) && wire_is_trying(&g.wire, UPDATES),
	    "all are being tried");
	wait_for(&g, UPDATES);
	OK(g.in_order, "one after the other, in their order");
	for (id = 1; id <= UPDATES; id++)
		OK(g.results[id - 1] == RESULT_APPLIED, "%d runs", (int)id);
	game_close(&g);
}

/* One that leaves makes way, and at the end nothing is left. */
static void
test_forgotten(void)
{
	const uint64_t first = 1, third = 3;
	struct wire_outcome o;
	struct game g;
	uint64_t id;

	game_open(&g);
	for (id = 1; id <= 5; id++)
		defer(&g, id, "M.n = 1");
	for (id = 1; id <= 5; id++)
		release(&g, id);
	wire_revert(&g.wire, &first, 1, &o);
	IS(o.result, RESULT_REVERTED, "the one that is tried leaves");
	wire_revert(&g.wire, &third, 1, &o);
	IS(o.result, RESULT_REVERTED, "and one that is not tried yet");
	OK(!wire_is_trying(&g.wire, 1) && !wire_is_trying(&g.wire, 3),
	    "both are forgotten");
	wait_for(&g, 1);
	OK(g.results[1] == RESULT_APPLIED && g.answers == 1,
	    "the next one has its turn");
	game_close(&g);
	IS(g.answers, 1, "the end of the program is the end of the others");
}

/* The reason is told from the loop, also of one that had to wait. */
static void
test_no_copy(void)
{
	struct rlimit was, none;
	struct game g;

	game_open(&g);
	defer(&g, 1, "M.n = 1");
	defer(&g, 2, "M.n = 2");
	release(&g, 1);
	release(&g, 2);
	getrlimit(RLIMIT_NOFILE, &was);
	none = was;
	none.rlim_cur = 0;
	setrlimit(RLIMIT_NOFILE, &none);
	wait_for(&g, 1);
	loop_once(g.loop.loop, 0);
	OK(g.results[0] == RESULT_APPLIED && wire_is_trying(&g.wire, 2),
	    "no descriptors for the second one: it is tried again");
	setrlimit(RLIMIT_NOFILE, &was);
	wait_for(&g, 2);
	IS(g.results[1], RESULT_APPLIED, "when there are some, it comes in");
	game_close(&g);
}

int
main(void)
{
	test_order();
	test_forgotten();
	test_no_copy();
	return tap_done();
}
