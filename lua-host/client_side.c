/* A client of hotfix.h: the protocol's client around a Lua program. */

#include "lua-host/wire.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/file.h"
#include "base/hex.h"
#include "base/random.h"
#include "crypto/wipe.h"
#include "lua-host/client_package.h"
#include "lua-host/keys.h"
#include "lua-host/watchdog.h"
#include "net/frame.h"
#include "peer/client.h"

/* An update's text has one second, the walk over a large heap another; who
 * takes longer than this does not come back. */
#define HUNG_NS INT64_C(3000000000)

#define PACKAGES "packages" /* a folder within the state folder */

#define RANDOM_ID 8 /* bytes: players of one host do not meet in them */

struct hotfix_client {
	struct wire wire;
	struct client *client; /* there before the program is, and after it */
	struct attach_client *attached;
	struct watchdog *watchdog;        /* or NULL */
	struct client_packages *packages; /* NULL: none are taken */
	int rehearse;
};

/* --- the program's wishes ------------------------------------------------ */

static void
op_log(void *arg, const char *line)
{
	struct hotfix_client *c = arg;

	wire_log(&c->wire, line);
}

static int
op_send(void *arg, const char *client, const void *bytes, size_t len)
{
	struct hotfix_client *c = arg;

	(void)client;
	return client_send(c->client, bytes, len);
}

static void
op_rearm(void *arg)
{
	struct hotfix_client *c = arg;

	wire_rearm(&c->wire);
}

static void
op_fired(void *arg, struct lua_State *L, int event)
{
	struct hotfix_client *c = arg;

	engine_fire(c->wire.engine, L, event);
}

static void
op_proven(void *arg)
{
	struct hotfix_client *c = arg;

	client_proven(c->client);
}

/* --- updates -------------------------------------------------------------- */

static void
told(const struct wire_outcome *o, struct client_applied *out)
{
	out->result = o->result;
	out->text = o->text;
	out->len = o->len;
	out->took_ns = o->took_ns;
}

/* From here on the update runs: should it not come back, somebody else tells
 * the host. Where bytes are under way already, nobody can. */
static void
watch(struct hotfix_client *c, uint64_t id)
{
	static const char text[] =
	    "it does not come back; the program stands still";
	struct buf frame = BUF_INIT;
	int fd = -1;

	if (c->watchdog != NULL && c->attached != NULL)
		fd = attach_client_idle_fd(c->attached);
	if (fd < 0)
		return;
	frame_begin(&frame, "RESULT");
	frame_arg(&frame, "%" PRIu64, id);
	frame_arg(&frame, "hung");
	frame_body(&frame, text, sizeof text - 1);
	if (frame.oom ||
	    watchdog_arm(c->watchdog, fd, frame.data, frame.len, HUNG_NS) != 0)
		wire_log(&c->wire, "nobody watches whether the update comes "
				   "back: out of memory or threads");
	buf_free(&frame);
}

static void
watch_no_more(struct hotfix_client *c)
{
	if (c->watchdog == NULL || !watchdog_disarm(c->watchdog))
		return;
	/* It was told a result that is not true any more, or half of one. The
	 * next login tells what runs here. */
	wire_log(&c->wire, "the update came back after its host was told that "
			   "it hangs; logging in anew");
	link_kill(client_link(c->client));
}

static void
cb_apply(void *arg, const struct doc *d, const void *part, size_t len,
    const uint64_t *drop, size_t ndrop, struct client_applied *out)
{
	struct hotfix_client *c = arg;
	const struct wire_update u = {d, part, len, drop, ndrop};
	struct wire_outcome o;

	watch(c, d->id);
	if (c->packages != NULL)
		client_packages_apply(c->packages, &u, &o);
	else
		wire_apply(&c->wire, &u, &o);
	watch_no_more(c);
	told(&o, out);
}

static void
cb_revert(void *arg, const uint64_t *drop, size_t ndrop,
    struct client_applied *out)
{
	struct hotfix_client *c = arg;
	struct wire_outcome o;

	if (c->packages != NULL)
		client_packages_revert(c->packages, drop, ndrop, &o);
	else
		wire_revert(&c->wire, drop, ndrop, &o);
	told(&o, out);
}

static void
checked(void *arg, uint64_t id, const struct wire_outcome *o)
{
	struct hotfix_client *c = arg;
	struct client_applied out;

	told(o, &out);
	client_checked(c->client, id, &out);
}

static int
cb_check(void *arg, const struct doc *d, const void *part, size_t len,
    const uint64_t *drop, size_t ndrop, struct client_applied *out)
{
	struct hotfix_client *c = arg;
	const struct wire_update u = {d, part, len, drop, ndrop};
	struct wire_outcome o;

	if (!c->rehearse)
		wire_compile(&c->wire, &u, &o);
	else if (wire_begin(&c->wire, WIRE_CHECK, &u, checked, c, &o) == 0)
		return 0;
	told(&o, out);
	return 1;
}

/* What waited has its result; when more of it waits, not yet. */
static void
settled(struct hotfix_client *c, uint64_t id, const struct wire_outcome *o)
{
	struct client_applied out;

	if (o->result == RESULT_DEFERRED || o->result == RESULT_HAVE)
		return;
	told(o, &out);
	client_settled(c->client, id, &out);
}

/* The engine refused what waited, and it left. */
static void
en_settled(void *arg, uint64_t id, enum engine_result result,
    const struct engine_report *report)
{
	struct hotfix_client *c = arg;
	struct wire_outcome o;

	wire_told(result, report, &o);
	if (c->packages != NULL)
		client_packages_settled(c->packages, id);
	settled(c, id, &o);
}

/* What waits is due by its instant. */
static void
cb_due(void *arg, uint64_t id)
{
	struct hotfix_client *c = arg;
	struct wire_outcome o;

	watch(c, id);
	if (c->packages != NULL)
		client_packages_release(c->packages, id, &o);
	else
		wire_release(&c->wire, id, &o);
	watch_no_more(c);
	settled(c, id, &o);
}

/* By its event. */
static void
en_due(void *arg, uint64_t id)
{
	struct hotfix_client *c = arg;

	client_trying(c->client, id);
	cb_due(c, id);
}

/* --- packages ---------------------------------------------------------------
 */

static int
cb_fetch(void *arg, const struct doc *d, const char *from,
    const char *full_from, int64_t delay_ns, struct client_applied *out)
{
	struct hotfix_client *c = arg;

	return client_packages_fetch(c->packages, d, from, full_from, delay_ns,
	    out);
}

static void
cb_fetch_cancel(void *arg, uint64_t id)
{
	struct hotfix_client *c = arg;

	client_packages_cancel(c->packages, id);
}

static void
pk_fetched(void *arg, uint64_t id, const struct client_applied *out)
{
	struct hotfix_client *c = arg;

	client_fetched(c->client, id, out);
	/* What was kept comes in force without a word of the protocol. */
	client_packages_tell(c->packages);
}

static void
pk_release(void *arg, const char *release)
{
	struct hotfix_client *c = arg;

	client_set_release(c->client, release);
}

/* --- the protocol's other wishes ------------------------------------------ */

static void
cb_welcome(void *arg)
{
	struct hotfix_client *c = arg;

	wire_event(&c->wire, "welcome", NULL, NULL, NULL);
}

static void
cb_message(void *arg, const void *bytes, size_t len)
{
	struct hotfix_client *c = arg;
	const char *const args[] = {bytes};

	program_event(c->wire.program, "message", args, &len, 1);
}

static void
cb_gone(void *arg, const char *why)
{
	struct hotfix_client *c = arg;

	wire_event(&c->wire, "gone", why, NULL, NULL);
}

static void
cb_updated(void *arg, uint64_t id, const char *feature, const char *result)
{
	struct hotfix_client *c = arg;

	wire_updated(&c->wire, id, feature, result);
	if (c->packages != NULL)
		client_packages_tell(c->packages);
}

static void
cb_rearm(void *arg)
{
	struct hotfix_client *c = arg;

	if (c->attached != NULL)
		attach_client_rearm(c->attached);
}

/* --- start --------------------------------------------------------------- */

static int
read_token(const char *path, struct buf *token, struct err *e)
{
	if (file_read(path, PROGRAM_TOKEN_MAX + 1, token, e) != 0)
		return -1;
	if (token->len > 0 && token->data[token->len - 1] == '\n')
		token->len--;
	if (token->len == 0)
		return err_set(e, ERR_LOCAL, "%s: holds no token", path);
	if (token->len > PROGRAM_TOKEN_MAX)
		return err_set(e, ERR_LOCAL, "%s: larger than %d bytes", path,
		    PROGRAM_TOKEN_MAX);
	return 0;
}

static int
random_id(char out[32], struct err *e)
{
	uint8_t bytes[RANDOM_ID];
	char digits[2 * RANDOM_ID + 1];

	if (random_bytes(bytes, sizeof bytes) != 0)
		return err_errno(e, ERR_LOCAL, "random bytes");
	snprintf(out, 32, "client-%s", hex_encode(digits, bytes, sizeof bytes));
	return 0;
}

/* SYSTEM-MACHINE, "linux-x86_64". */
static int
this_platform(char *out, size_t size, struct err *e)
{
	struct utsname u;
	char *p;

	if (uname(&u) < 0)
		return err_errno(e, ERR_LOCAL, "uname");
	for (p = u.sysname; *p != '\0'; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	snprintf(out, size, "%.30s-%.30s", u.sysname, u.machine);
	return 0;
}

static void
destroy(struct hotfix_client *c)
{
	if (c->attached != NULL)
		attach_client_stop(c->attached);
	c->attached = NULL;
	wire_forget_all(&c->wire);
	client_free(c->client);
	client_packages_free(c->packages);
	wire_end(&c->wire);
	watchdog_free(c->watchdog);
	free(c);
}

static int
open_packages(struct hotfix_client *c, const struct hotfix_client_options *o,
    struct client_callbacks *cb, struct err *e)
{
	struct client_packages_options p = {.script = o->script,
	    .timeout_ms = o->fetch_timeout_ms,
	    .tries = o->fetch_tries,
	    .command = o->fetch_with,
	    .fetched = pk_fetched,
	    .release = pk_release,
	    .arg = c};
	char *dir = NULL;

	if (!o->fetch)
		return 0;
	if (o->state_dir != NULL &&
	    (dir = file_join(o->state_dir, PACKAGES)) == NULL)
		return err_set(e, ERR_LOCAL, "out of memory");
	p.dir = dir;
	c->packages = client_packages_new(&c->wire, &p, e);
	free(dir);
	cb->fetch = cb_fetch;
	cb->fetch_cancel = cb_fetch_cancel;
	return c->packages != NULL ? 0 : -1;
}

struct hotfix_client *
hotfix_client_start(struct hotfix_loop *l,
    const struct hotfix_client_options *o, struct hotfix_error *error)
{
	const struct peer_clock clock = peer_clock_real;
	struct hotfix_client *c = calloc(1, sizeof *c);
	const struct program_ops ops = {.arg = c,
	    .log = op_log,
	    .send = op_send,
	    .fired = op_fired,
	    .proven = op_proven,
	    .rearm = op_rearm};
	const struct engine_callbacks callbacks = {c, en_due, en_settled};
	struct client_config config = {.id = o->id,
	    .program = o->program,
	    .version = o->version,
	    .platform = o->platform,
	    .state_dir = o->state_dir,
	    .floor_us = WIRE_RELEASED_US,
	    .clock = clock,
	    .cb = {.arg = c,
		.apply = cb_apply,
		.revert = cb_revert,
		.check = cb_check,
		.due = cb_due,
		.welcome = cb_welcome,
		.message = cb_message,
		.gone = cb_gone,
		.updated = cb_updated,
		.log = op_log,
		.rearm = cb_rearm}};
	struct keyring keys = KEYRING_INIT;
	struct buf token = BUF_INIT;
	struct sock_target target;
	char id[32], platform[64];
	struct err e;

	err_set(&e, ERR_LOCAL, "out of memory");
	if (c == NULL)
		goto fail;
	wire_init(&c->wire, l, o->log, o->arg);
	if (sock_target_parse(&target, o->host, SOCK_PORT_DEFAULT) != 0) {
		err_set(&e, ERR_USAGE,
		    "%.200s: not a host, [NAME@]ADDRESS[:PORT]", o->host);
		goto fail;
	}
	if ((config.id == NULL && random_id(id, &e) != 0) ||
	    (config.platform == NULL &&
		this_platform(platform, sizeof platform, &e) != 0) ||
	    (o->token_file != NULL &&
		read_token(o->token_file, &token, &e) != 0) ||
	    keys_load(&keys, o->pub, o->npub, o->trust, &e) != 0 ||
	    open_packages(c, o, &config.cb, &e) != 0)
		goto fail;
	if (config.id == NULL)
		config.id = id;
	if (config.platform == NULL)
		config.platform = platform;
	config.host_name = target.name[0] != '\0' ? target.name : NULL;
	config.token = o->token_file != NULL ? token.data : NULL;
	config.token_len = token.len;
	config.keys = &keys;
	/* The script begins when nothing is left that could be refused. */
	c->client = client_new(&config, &e);
	if (c->client == NULL || wire_run(&c->wire, PROGRAM_CLIENT, &ops,
				     o->script, o->argc, o->argv, &e) != 0)
		goto fail;
	engine_set_callbacks(c->wire.engine, &callbacks);
	client_begin(c->client);
	if (c->packages != NULL) {
		client_packages_begun(c->packages);
		client_packages_tell(c->packages);
	}
	err_set(&e, ERR_LOCAL, "out of memory");
	c->rehearse = o->rehearse;
	if (o->watchdog && (c->watchdog = watchdog_new()) == NULL)
		goto fail;
	c->attached = attach_client_start(l->attach, c->client, &target);
	if (c->attached == NULL)
		goto fail;
	goto out;

fail:
	wire_error(error, &e);
	if (c != NULL)
		destroy(c);
	c = NULL;
out:
	keyring_free(&keys);
	if (token.data != NULL)
		crypto_wipe(token.data, token.cap);
	buf_free(&token);
	return c;
}

/* --- afterwards ---------------------------------------------------------- */

struct lua_State *
hotfix_client_lua(struct hotfix_client *c)
{
	return state_lua(c->wire.state);
}

void
hotfix_client_line(struct hotfix_client *c, const char *text, size_t len)
{
	const char *const args[] = {text};

	program_event(c->wire.program, "line", args, &len, 1);
}

int
hotfix_client_stopped(const struct hotfix_client *c, int *status)
{
	return wire_stopped(&c->wire, status);
}

int
hotfix_client_is_welcome(const struct hotfix_client *c)
{
	return client_is_welcome(c->client);
}

int
hotfix_client_failed(const struct hotfix_client *c, const char **why)
{
	return client_failed(c->client, why);
}

size_t
hotfix_client_have(const struct hotfix_client *c, uint64_t *ids, size_t max)
{
	return client_have(c->client, ids, max);
}

void
hotfix_client_disconnect(struct hotfix_client *c)
{
	link_kill(client_link(c->client));
}

void
hotfix_client_stop(struct hotfix_client *c)
{
	if (c != NULL)
		destroy(c);
}
