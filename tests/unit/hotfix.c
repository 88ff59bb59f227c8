/* The public header: hosts and clients in one process, in one loop. */

#include "lua-host/hotfix.h"

#include <lauxlib.h>
#include <lua.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/random.h"
#include "crypto/signify.h"
#include "tests/tap.h"
#include "update/doc.h"

#define DEADLINE_NS INT64_C(20000000000)

static const char server_lua[] = "damage = 1\n"
				 "hotfix.on('message', function(id, text)\n"
				 "  hotfix.send(id, text .. ' to ' .. id)\n"
				 "end)\n"
				 "hotfix.on('login', function(id)\n"
				 "  if id ~= 'eve' then return 'token' end\n"
				 "end)\n";

static const char client_lua[] =
    "damage, gone, said = 1, 0, ''\n"
    "hotfix.on('message', function(text) said = text end)\n"
    "hotfix.on('line', function(text)\n"
    "  if text == 'stop' then hotfix.stop(3) else hotfix.send(text) end\n"
    "end)\n"
    "hotfix.on('gone', function() gone = gone + 1 end)\n";

static const char part[] = "damage = damage + 1\n";

static void
put(const char *path, const void *bytes, size_t len)
{
	struct err e;

	if (file_write(path, bytes, len, 0644, &e) != 0) {
		printf("Bail out! %s\n", e.text);
		exit(1);
	}
}

/* A key, the scripts, and a seed: one document with a part for both ends. */
static void
prepare(void)
{
	struct buf text = BUF_INIT, doc = BUF_INIT, pub_text = BUF_INIT;
	struct doc_spec spec = {.id = (uint64_t)clock_wall_us(),
	    .feature = "damage",
	    .version = "*"};
	struct signify_sec sec;
	struct signify_pub pub;
	struct signify_sig sig;
	struct err e;

	spec.parts[DOC_SERVER].bytes = spec.parts[DOC_CLIENT].bytes = part;
	spec.parts[DOC_SERVER].len = spec.parts[DOC_CLIENT].len =
	    sizeof part - 1;
	if (random_bytes(&sec, sizeof sec) != 0 ||
	    doc_build(&text, &spec, &e) != 0) {
		printf("Bail out! no seed\n");
		exit(1);
	}
	signify_sec_public(&pub, &sec);
	signify_pub_format(&pub_text, &pub, "test public key");
	signify_sign(&sig, &sec, text.data, text.len);
	signify_sig_format(&doc, &sig, "test");
	doc_assemble(&doc, text.data, text.len, &spec);
	mkdir("seed", 0700);
	put("seed/1", doc.data, doc.len);
	put("key.pub", pub_text.data, pub_text.len);
	put("server.lua", server_lua, sizeof server_lua - 1);
	put("client.lua", client_lua, sizeof client_lua - 1);
	put("broken.lua", "return )", 8);
	put("token", "token\n", 6);
	buf_free(&text);
	buf_free(&doc);
	buf_free(&pub_text);
}

static void
no_log(void *arg, const char *line)
{
	(void)arg;
	printf("# %s\n", line);
}

static const char *const keys[] = {"key.pub"};

static struct hotfix_host_options
host_options(void)
{
	static const char *const any[] = {"127.0.0.1:0"};
	const struct hotfix_host_options o = {.name = "unit",
	    .version = "1",
	    .listen = any,
	    .nlisten = 1,
	    .pub = keys,
	    .npub = 1,
	    .seed_dir = "seed",
	    .script = "server.lua",
	    .log = no_log};

	return o;
}

static struct hotfix_client_options
client_options(const char *host, const char *id)
{
	const struct hotfix_client_options o = {.host = host,
	    .id = id,
	    .token_file = "token",
	    .pub = keys,
	    .npub = 1,
	    .script = "client.lua",
	    .log = no_log};

	return o;
}

/* Run the loop until the client is welcome (or is not): 1, or 0 in time. */
static int
until_welcome(struct hotfix_loop *l, struct hotfix_client *c, int welcome)
{
	int64_t end_ns = clock_mono_ns() + DEADLINE_NS;

	while (hotfix_client_is_welcome(c) != welcome) {
		if (clock_mono_ns() > end_ns)
			return 0;
		hotfix_loop_step(l, 1000);
	}
	return 1;
}

static int
until_said(struct hotfix_loop *l, struct lua_State *L, const char *want)
{
	int64_t end_ns = clock_mono_ns() + DEADLINE_NS;
	int same;

	for (;;) {
		lua_getglobal(L, "said");
		same = strcmp(lua_tostring(L, -1), want) == 0;
		lua_pop(L, 1);
		if (same || clock_mono_ns() > end_ns)
			return same;
		hotfix_loop_step(l, 1000);
	}
}

static lua_Integer
global(struct lua_State *L, const char *name)
{
	lua_Integer n;

	lua_getglobal(L, name);
	n = lua_tointeger(L, -1);
	lua_pop(L, 1);
	return n;
}

static void
test_both_ends(const char *backend)
{
	struct hotfix_loop *l = hotfix_loop_new(backend, NULL);
	struct hotfix_host_options ho = host_options();
	struct hotfix_client_options ao, bo;
	struct hotfix_client *a, *b;
	struct hotfix_error e;
	struct hotfix_host *h;
	const char *why;
	uint64_t id = 0;
	int status = -1;

	printf("# %s\n", backend);
	h = hotfix_host_start(l, &ho, &e);
	if (!OK(h != NULL, "a host starts")) {
		printf("# %s\n", e.text);
		hotfix_loop_free(l);
		return;
	}
	OK(strncmp(hotfix_host_address(h, 0), "127.0.0.1:", 10) == 0,
	    "it tells its address");
	OK(hotfix_host_address(h, 1) == NULL, "it has no second one");
	IS(global(hotfix_host_lua(h), "damage"), 2,
	    "the seed's server part is in force");

	ao = client_options(hotfix_host_address(h, 0), "ann");
	bo = client_options(hotfix_host_address(h, 0), "bob");
	a = hotfix_client_start(l, &ao, &e);
	b = hotfix_client_start(l, &bo, &e);
	OK(until_welcome(l, a, 1) && until_welcome(l, b, 1),
	    "two clients of one process log in");
	IS(global(hotfix_client_lua(a), "damage"), 2, "one runs the update");
	IS(global(hotfix_client_lua(b), "damage"), 2, "the other too");
	IS(hotfix_client_have(a, &id, 1), 1, "it has one update");
	OK(id != 0, "and tells which");
	IS(hotfix_client_have(a, NULL, 0), 1, "all are counted");

	hotfix_client_line(a, "hello", 5);
	OK(until_said(l, hotfix_client_lua(a), "hello to ann"),
	    "a line reaches the program, its message the host, and back");

	hotfix_client_disconnect(a);
	OK(until_welcome(l, a, 0), "a broken connection is noticed");
	OK(until_welcome(l, a, 1), "and made again");
	IS(global(hotfix_client_lua(a), "gone"), 1, "the program is told");
	IS(global(hotfix_client_lua(a), "damage"), 2,
	    "what runs already is not run again");

	hotfix_client_line(b, "stop", 4);
	OK(hotfix_client_stopped(b, &status) && status == 3,
	    "hotfix.stop is told with its status");
	OK(!hotfix_client_stopped(a, &status), "of that client alone");
	hotfix_client_stop(b);

	hotfix_host_stop(h, 1000);
	OK(until_welcome(l, a, 0), "a client hears of the end of its host");
	OK(!hotfix_client_failed(a, &why), "and goes on trying");
	hotfix_client_stop(a);
	hotfix_loop_free(l);
}

/* Whatever it was that failed, nothing is left (the sanitizers look). */
static void
test_refusals(void)
{
	static const char *const name[] = {"localhost:0"};
	static const char *const missing[] = {"missing.pub"};
	struct hotfix_host_options ho;
	struct hotfix_client_options co;
	struct hotfix_error e;
	struct hotfix_loop *l;

	OK(hotfix_loop_new("kqueue", &e) == NULL && e.status == 5,
	    "a loop that there is not");
	l = hotfix_loop_new(NULL, &e);
	ho = host_options();
	ho.listen = name;
	OK(hotfix_host_start(l, &ho, &e) == NULL && e.status == 2,
	    "a host listens on numbers alone");
	ho = host_options();
	ho.allow = name;
	ho.nallow = 1;
	OK(hotfix_host_start(l, &ho, &e) == NULL && e.status == 2,
	    "and is open to numbers alone");
	ho = host_options();
	ho.pub = missing;
	OK(hotfix_host_start(l, &ho, &e) == NULL && e.status == 5 &&
		strstr(e.text, "missing.pub") != NULL,
	    "a key file that is not there is named");
	ho = host_options();
	ho.script = "broken.lua";
	OK(hotfix_host_start(l, &ho, &e) == NULL && e.status == 1 &&
		strstr(e.text, "broken.lua") != NULL,
	    "so is a script that does not compile");
	ho = host_options();
	ho.seed_dir = "missing";
	OK(hotfix_host_start(l, &ho, &e) == NULL && e.status == 5,
	    "a seed folder that is not there");

	co = client_options("not a host", "ann");
	OK(hotfix_client_start(l, &co, &e) == NULL && e.status == 2,
	    "a client needs a host");
	co = client_options("127.0.0.1", "ann");
	co.token_file = "missing";
	OK(hotfix_client_start(l, &co, &e) == NULL && e.status == 5,
	    "and the token that it was told of");
	put("empty", "\n", 1);
	co.token_file = "empty";
	OK(hotfix_client_start(l, &co, &e) == NULL && e.status == 5,
	    "which is not empty");
	co = client_options("127.0.0.1", "an n");
	OK(hotfix_client_start(l, &co, &e) == NULL,
	    "an id that cannot stand in a frame");
	OK(hotfix_client_start(l, &co, NULL) == NULL,
	    "the reason may be of no interest");
	hotfix_loop_free(l);
}

static void
test_another_host(void)
{
	struct hotfix_loop *l = hotfix_loop_new(NULL, NULL);
	struct hotfix_host_options ho = host_options();
	struct hotfix_client_options co;
	struct hotfix_client *c;
	struct hotfix_host *h;
	struct hotfix_error e;
	const char *why = NULL;
	char target[64];
	int64_t end_ns = clock_mono_ns() + DEADLINE_NS;

	h = hotfix_host_start(l, &ho, &e);
	if (!OK(h != NULL, "a host starts"))
		return;
	snprintf(target, sizeof target, "other@%s", hotfix_host_address(h, 0));
	co = client_options(target, "ann");
	c = hotfix_client_start(l, &co, &e);
	while (!hotfix_client_failed(c, &why) && clock_mono_ns() < end_ns)
		hotfix_loop_step(l, 1000);
	OK(hotfix_client_failed(c, &why) && why != NULL,
	    "a host of another name is not the one that was meant");
	hotfix_client_stop(c);
	hotfix_host_stop(h, 0);
	hotfix_loop_free(l);
}

struct reading {
	struct hotfix_loop *loop;
	int fd, calls;
};

static void
on_ready(void *arg)
{
	struct reading *r = arg;
	char byte;

	r->calls++;
	if (read(r->fd, &byte, 1) <= 0)
		hotfix_loop_read(r->loop, r->fd, NULL, NULL, NULL);
}

static void
test_reading(const char *backend)
{
	struct reading r = {hotfix_loop_new(backend, NULL), -1, 0};
	int fds[2], i;
	FILE *f = fopen("token", "r");

	IS(pipe(fds), 0, "a pipe");
	r.fd = fds[0];
	IS(hotfix_loop_read(r.loop, r.fd, on_ready, &r, NULL), 0,
	    "a descriptor can be read in the loop");
	hotfix_loop_step(r.loop, 0);
	IS(r.calls, 0, "nobody calls before there is something");
	IS(write(fds[1], "x", 1), 1, "something");
	hotfix_loop_step(r.loop, 1000);
	IS(r.calls, 1, "then once");
	close(fds[1]);
	for (i = 0; i < 3; i++)
		hotfix_loop_step(r.loop, 0);
	IS(r.calls, 2, "the end of the input too, and then no more");
	close(fds[0]);

	r.fd = fileno(f);
	r.calls = 0;
	IS(hotfix_loop_read(r.loop, r.fd, on_ready, &r, NULL), 0,
	    "a regular file as well");
	for (i = 0; i < 20; i++)
		hotfix_loop_step(r.loop, 0);
	IS(r.calls, 7, "each byte of it, and its end");
	IS(hotfix_loop_read(r.loop, r.fd, NULL, NULL, NULL), 0,
	    "taking away what is not there is fine");
	fclose(f);
	hotfix_loop_free(r.loop);
}

int
main(void)
{
	prepare();
	test_both_ends("epoll");
	test_both_ends("poll");
	test_refusals();
	test_another_host();
	test_reading("epoll");
	test_reading("poll");
	return tap_done();
}
