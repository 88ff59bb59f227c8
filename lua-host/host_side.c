/* A host of hotfix.h: the protocol's host around a Lua program. */

#include "lua-host/wire.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "lua-host/mirror.h"
#include "lua-host/keys.h"
#include "lua-host/patches.h"
#include "peer/host.h"

#define LISTEN_DEFAULT "127.0.0.1:4683"
/* Descriptors for the ledger, updates, the program's own files. */
#define FILES_RESERVE  64
#define MS_NS          INT64_C(1000000)
#define PACKAGES       "packages" /* a folder within the state folder */

/* The native part of the update that the program is given. */
struct coming {
	uint64_t id;
	const void *file; /* NULL: none */
	size_t len;
	int alone, back;
};

struct hotfix_host {
	struct wire wire;
	struct host *host; /* there before the program is, and after it */
	struct attach_host *attached;
	struct hotfix_loop *loop;
	struct mirror *mirror; /* NULL: packages are passed on unseen */
	struct patches *patches;
	struct wire_beside beside; /* they come with the program's updates */
	struct coming coming;
	struct buf said; /* the text of an answer, where patches are in it */
	int rehearse;
	uint64_t trying; /* the update of which an answer is due, or 0 */
	char (*addresses)[SOCK_TEXT];
	size_t naddresses;
	/* where the trusted keys come from, for reload; all owned */
	char **pub;
	size_t npub;
	char *trust;
};

/* --- the program's wishes ------------------------------------------------ */

static void
op_log(void *arg, const char *line)
{
	struct hotfix_host *h = arg;

	wire_log(&h->wire, line);
}

static int
op_send(void *arg, const char *client, const void *bytes, size_t len)
{
	struct hotfix_host *h = arg;

	return host_send(h->host, client, bytes, len);
}

static void
op_broadcast(void *arg, const void *bytes, size_t len)
{
	struct hotfix_host *h = arg;

	host_broadcast(h->host, bytes, len);
}

static void
op_clients(void *arg, void (*each)(void *cookie, const char *id), void *cookie)
{
	struct hotfix_host *h = arg;

	host_clients(h->host, each, cookie);
}

static int
op_has(void *arg, const char *client, const char *feature)
{
	struct hotfix_host *h = arg;

	return host_has(h->host, client, feature);
}

static void
op_rearm(void *arg)
{
	struct hotfix_host *h = arg;

	wire_rearm(&h->wire);
}

static void
op_fired(void *arg, struct lua_State *L, int event)
{
	struct hotfix_host *h = arg;

	engine_fire(h->wire.engine, L, event);
}

static void
op_proven(void *arg)
{
	struct hotfix_host *h = arg;

	host_proven(h->host);
}

/* --- updates -------------------------------------------------------------- */

/* With what was said of patches before. */
static void
told(struct hotfix_host *h, const struct wire_outcome *o,
    struct host_applied *out)
{
	out->result = o->result;
	out->text = o->text;
	out->len = o->len;
	if (h->said.len > 0 && buf_append(&h->said, o->text, o->len) == 0) {
		out->text = (const char *)h->said.data;
		out->len = h->said.len;
	}
	out->took_ns = o->took_ns;
	out->rehearsed_ns = o->rehearsed_ns;
	out->stall_ns = o->stall_ns;
}

static void
answer(void *arg, uint64_t id, const struct wire_outcome *o)
{
	struct hotfix_host *h = arg;
	struct host_applied out;

	h->trying = 0;
	told(h, o, &out);
	host_answer(h->host, id, &out);
}

static struct patches_change
change_of(const struct hotfix_host *h, const struct wire_update *u)
{
	const struct coming *n = &h->coming;
	struct patches_change c = {.id = u->doc->id,
	    .drop = u->drop,
	    .ndrop = u->ndrop,
	    .waits = u->doc->on != NULL};

	if (n->id == u->doc->id) {
		c.file = n->file;
		c.len = n->len;
		c.alone = n->alone;
		c.back = n->back;
	}
	return c;
}

static int
be_before(void *arg, uint64_t id, const struct wire_update *u, struct buf *text)
{
	struct hotfix_host *h = arg;
	struct patches_change c;

	if (u == NULL)
		return patches_release(h->patches, id, text);
	c = change_of(h, u);
	return patches_enter(h->patches, &c, text);
}

static void
be_after(void *arg, int went_well, struct buf *text)
{
	struct hotfix_host *h = arg;

	if (went_well)
		patches_keep(h->patches);
	else
		patches_undo(h->patches, text);
}

static void
log_lines(struct hotfix_host *h, struct buf *lines)
{
	char *line = buf_text(lines), *end;

	for (; line != NULL && *line != '\0'; line = end + 1) {
		end = strchr(line, '\n');
		if (end == NULL)
			return;
		*end = '\0';
		wire_log(&h->wire, line);
	}
}

/* The rest of it has left the program. */
static void
drop_patch(struct hotfix_host *h, uint64_t id)
{
	struct buf lines = BUF_INIT;

	if (patches_leave(h->patches, id, &lines) == 0)
		patches_keep(h->patches);
	log_lines(h, &lines);
	buf_free(&lines);
}

/* What waited has its result; when more of it waits, not yet. */
static void
settled(void *arg, uint64_t id, const struct wire_outcome *o)
{
	struct hotfix_host *h = arg;
	struct host_applied out;

	if (o->result == RESULT_DEFERRED || o->result == RESULT_HAVE)
		return;
	buf_reset(&h->said);
	told(h, o, &out);
	if (o->result != RESULT_APPLIED)
		drop_patch(h, id);
	host_settled(h->host, id, &out);
}

/* The engine refused what waited, and it left. */
static void
en_settled(void *arg, uint64_t id, enum engine_result result,
    const struct engine_report *report)
{
	struct wire_outcome o;

	wire_told(result, report, &o);
	settled(arg, id, &o);
}

static void
releasing(void *arg, uint64_t id)
{
	struct hotfix_host *h = arg;

	host_trying(h->host, id);
}

/* What waits is due, by its event or by its instant. */
static void
cb_due(void *arg, uint64_t id)
{
	struct hotfix_host *h = arg;
	struct wire_outcome o;

	if (wire_is_trying(&h->wire, id))
		return;
	if (!h->rehearse || patches_is_alone(h->patches, id))
		wire_release(&h->wire, id, &o);
	else if (wire_begin_release(&h->wire, id, settled, h, &o) == 0)
		return;
	settled(h, id, &o);
}

/* A host without a program: the patch alone. */
static void
apply_patch(struct hotfix_host *h, const struct wire_update *u,
    struct wire_outcome *out)
{
	const struct patches_change c = change_of(h, u);
	int64_t start_ns = clock_mono_ns();

	if (patches_enter(h->patches, &c, &h->said) == 0) {
		patches_keep(h->patches);
		out->result = RESULT_APPLIED;
	}
	out->took_ns = clock_mono_ns() - start_ns;
}

/* The Lua part, and the patch with it. 1, or 0: the answer comes later. */
static int
apply_lua(struct hotfix_host *h, const struct wire_update *u, enum host_how how,
    struct wire_outcome *out)
{
	if (h->rehearse && (how == HOST_PUSH || how == HOST_CHECK)) {
		if (wire_begin(&h->wire,
			how == HOST_CHECK ? WIRE_CHECK : WIRE_APPLY, u, answer,
			h, out) == 0) {
			h->trying = u->doc->id;
			return 0;
		}
	} else if (how == HOST_CHECK) {
		wire_compile(&h->wire, u, out);
	} else if (h->rehearse && how == HOST_START) {
		wire_apply_tried(&h->wire, u, out);
	} else {
		wire_apply(&h->wire, u, out);
	}
	return 1;
}

static int
cb_apply(void *arg, const struct doc *d, const struct host_parts *parts,
    const uint64_t *drop, size_t ndrop, enum host_how how,
    struct host_applied *out)
{
	struct hotfix_host *h = arg;
	const struct wire_update u = {
	    d, parts->server, parts->server_len, drop, ndrop};
	struct wire_outcome o = {.result = RESULT_FAILED};
	struct patches_change c;

	h->coming = (struct coming){d->id, parts->native, parts->native_len,
	    parts->server == NULL, how == HOST_BACK};
	buf_reset(&h->said);
	c = change_of(h, &u);
	/* All that can be told without a change comes first. */
	if (how != HOST_BACK && patches_check(h->patches, &c, &h->said) != 0) {
		told(h, &o, out);
		return 1;
	}
	if (how != HOST_CHECK)
		buf_reset(&h->said);
	if (parts->server == NULL && how == HOST_CHECK)
		o.result = RESULT_READY;
	else if (h->wire.engine == NULL)
		apply_patch(h, &u, &o);
	else if (parts->server == NULL)
		wire_apply(&h->wire, &u, &o);
	else if (!apply_lua(h, &u, how, &o))
		return 0;
	told(h, &o, out);
	return 1;
}

static enum word
cb_native(void *arg, const struct doc *d, const void *part, size_t len,
    struct refusal *why)
{
	const struct hotfix_host *h = arg;

	if (d->on != NULL && h->wire.engine == NULL)
		return refuse(why, WORD_UNSUPPORTED,
		    "on: no program runs here that could fire an event");
	return patches_fit(part, len, why);
}

static void
cb_status(void *arg, struct buf *out)
{
	const struct hotfix_host *h = arg;

	patches_put_status(h->patches, out);
}

static void
cb_cancel(void *arg)
{
	struct hotfix_host *h = arg;

	wire_forget(&h->wire, h->trying);
	h->trying = 0;
}

static void
cb_revert(void *arg, uint64_t id, struct host_applied *out)
{
	struct hotfix_host *h = arg;
	struct wire_outcome o = {.result = RESULT_FAILED};
	int64_t start_ns = clock_mono_ns();

	buf_reset(&h->said);
	/* It may be in use below another one; Lua always goes. */
	if (patches_leave(h->patches, id, &h->said) == 0) {
		o.result = RESULT_REVERTED;
		if (h->wire.engine != NULL)
			wire_revert(&h->wire, &id, 1, &o);
		be_after(h,
		    o.result == RESULT_REVERTED || o.result == RESULT_PARTIAL,
		    &h->said);
	}
	o.took_ns = clock_mono_ns() - start_ns;
	told(h, &o, out);
}

/* --- packages ---------------------------------------------------------------
 */

static int
cb_package(void *arg, const struct doc *d, struct host_package *out)
{
	struct hotfix_host *h = arg;

	return mirror_package(h->mirror, d, out);
}

static void
cb_package_cancel(void *arg, uint64_t id)
{
	struct hotfix_host *h = arg;

	mirror_cancel(h->mirror, id);
}

static int
cb_package_from(void *arg, const struct doc_package *p, char *out, size_t size)
{
	struct hotfix_host *h = arg;

	return mirror_from(h->mirror, p, out, size);
}

static void
cb_package_gone(void *arg, const struct doc_package *p)
{
	struct hotfix_host *h = arg;

	mirror_gone(h->mirror, p);
}

static void
mi_packaged(void *arg, uint64_t id, const struct host_package *p)
{
	struct hotfix_host *h = arg;

	host_packaged(h->host, id, p);
}

static void
mi_progress(void *arg, uint64_t id, uint64_t so_far)
{
	struct hotfix_host *h = arg;

	host_package_progress(h->host, id, so_far);
}

/* --- the protocol's other wishes ------------------------------------------ */

static int
cb_login(void *arg, const struct host_login *info, struct buf *token)
{
	struct hotfix_host *h = arg;

	return program_login(h->wire.program, info->id, info->program,
	    info->version, info->platform, info->address, token);
}

static void
cb_join(void *arg, const char *id)
{
	struct hotfix_host *h = arg;

	wire_event(&h->wire, "join", id, NULL, NULL);
}

static void
cb_leave(void *arg, const char *id, const char *why)
{
	struct hotfix_host *h = arg;

	wire_event(&h->wire, "leave", id, why, NULL);
}

static void
cb_message(void *arg, const char *id, const void *bytes, size_t len)
{
	struct hotfix_host *h = arg;
	const char *const args[] = {id, bytes};
	const size_t lens[] = {strlen(id), len};

	if (h->wire.program != NULL)
		program_event(h->wire.program, "message", args, lens, 2);
}

static void
cb_updated(void *arg, uint64_t id, const char *feature, const char *result)
{
	struct hotfix_host *h = arg;

	wire_updated(&h->wire, id, feature, result);
}

static int
cb_reload(void *arg, struct keyring *ring, struct err *e)
{
	struct hotfix_host *h = arg;

	return keys_load(ring, (const char *const *)h->pub, h->npub, h->trust,
	    e);
}

static void
cb_rearm(void *arg)
{
	struct hotfix_host *h = arg;

	if (h->attached != NULL)
		attach_host_rearm(h->attached);
}

/* --- start --------------------------------------------------------------- */

/* What is read again at a reload has to outlive the options. */
static int
keep_paths(struct hotfix_host *h, const struct hotfix_host_options *o)
{
	size_t i;

	h->pub = calloc(o->npub > 0 ? o->npub : 1, sizeof *h->pub);
	if (h->pub == NULL)
		return -1;
	for (i = 0; i < o->npub; i++) {
		h->pub[i] = strdup(o->pub[i]);
		if (h->pub[i] == NULL)
			return -1;
		h->npub++;
	}
	if (o->trust != NULL && (h->trust = strdup(o->trust)) == NULL)
		return -1;
	return 0;
}

/* --allow: networks, and the word "none". */
static int
parse_allow(const struct hotfix_host_options *o, struct sock_net *nets,
    struct host_config *config, struct err *e)
{
	size_t i;

	for (i = 0; i < o->nallow; i++) {
		if (strcmp(o->allow[i], "none") == 0)
			config->allow_none = 1;
		else if (sock_net_parse(&nets[config->nallow], o->allow[i]) ==
			 0)
			config->nallow++;
		else
			return err_set(e, ERR_USAGE,
			    "%.200s: neither an address nor a network",
			    o->allow[i]);
	}
	config->allow = nets;
	return 0;
}

/* The listeners, and their addresses as text. */
static int
listen_on(struct hotfix_host *h, const struct hotfix_host_options *o,
    struct err *e)
{
	static const char *const fallback[] = {LISTEN_DEFAULT};
	const char *const *texts = o->nlisten > 0 ? o->listen : fallback;
	size_t i, n = o->nlisten > 0 ? o->nlisten : 1;
	struct sock_addr *want = calloc(n, sizeof *want);
	struct sock_addr *bound = calloc(n, sizeof *bound);
	int ret = -1;

	h->addresses = calloc(n, sizeof *h->addresses);
	if (want == NULL || bound == NULL || h->addresses == NULL) {
		err_set(e, ERR_LOCAL, "out of memory");
		goto out;
	}
	for (i = 0; i < n; i++)
		if (sock_addr_parse(&want[i], texts[i], SOCK_PORT_DEFAULT) !=
		    0) {
			err_set(e, ERR_USAGE,
			    "%.200s: not an address in numbers with a port",
			    texts[i]);
			goto out;
		}
	h->attached =
	    attach_host_start(h->loop->attach, h->host, want, n, bound, e);
	if (h->attached == NULL)
		goto out;
	for (i = 0; i < n; i++)
		sock_addr_format(h->addresses[i], &bound[i]);
	h->naddresses = n;
	ret = 0;
out:
	free(want);
	free(bound);
	return ret;
}

/* Descriptors that connections may take; 0: as the host thinks. */
static size_t
connections_allowed(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) != 0 ||
	    files.rlim_cur == RLIM_INFINITY ||
	    files.rlim_cur > HOST_CONNS + FILES_RESERVE)
		return 0;
	return files.rlim_cur > 2 * FILES_RESERVE
		   ? (size_t)files.rlim_cur - FILES_RESERVE
		   : FILES_RESERVE;
}

static void
set_callbacks(struct host_callbacks *cb, struct hotfix_host *h, int program)
{
	cb->arg = h;
	cb->join = cb_join;
	cb->leave = cb_leave;
	cb->message = cb_message;
	cb->updated = cb_updated;
	cb->reload = cb_reload;
	cb->log = op_log;
	cb->rearm = cb_rearm;
	cb->apply = cb_apply;
	cb->revert = cb_revert;
	cb->native = cb_native;
	cb->status = cb_status;
	if (h->mirror != NULL) {
		cb->package = cb_package;
		cb->package_cancel = cb_package_cancel;
		cb->package_from = cb_package_from;
		cb->package_gone = cb_package_gone;
	}
	if (!program)
		return;
	cb->login = cb_login;
	cb->cancel = cb_cancel;
	cb->due = cb_due;
}

static void
destroy(struct hotfix_host *h)
{
	size_t i;

	if (h->attached != NULL)
		attach_host_stop(h->attached);
	h->attached = NULL;
	host_free(h->host);
	h->host = NULL;
	mirror_free(h->mirror);
	wire_end(&h->wire);
	patches_free(h->patches);
	buf_free(&h->said);
	for (i = 0; i < h->npub; i++)
		free(h->pub[i]);
	free(h->pub);
	free(h->trust);
	free(h->addresses);
	free(h);
}

static int
open_mirror(struct hotfix_host *h, const struct hotfix_host_options *o,
    struct err *e)
{
	struct mirror_options m = {.dir = o->mirror_dir,
	    .public_urls = o->public_urls,
	    .npublic_urls = o->npublic_urls,
	    .timeout_ms = o->fetch_timeout_ms,
	    .tries = o->fetch_tries,
	    .command = o->fetch_with,
	    .packaged = mi_packaged,
	    .progress = mi_progress,
	    .arg = h};
	char *dir = NULL;

	if (!o->fetch)
		return 0;
	if (m.dir == NULL && o->state_dir != NULL) {
		m.dir = dir = file_join(o->state_dir, PACKAGES);
		if (dir == NULL)
			return err_set(e, ERR_LOCAL, "out of memory");
	}
	h->mirror = mirror_new(h->loop->loop, &m, e);
	free(dir);
	return h->mirror != NULL ? 0 : -1;
}

struct hotfix_host *
hotfix_host_start(struct hotfix_loop *l, const struct hotfix_host_options *o,
    struct hotfix_error *error)
{
	const struct peer_clock clock = peer_clock_real;
	struct hotfix_host *h = calloc(1, sizeof *h);
	const struct program_ops ops = {.arg = h,
	    .log = op_log,
	    .send = op_send,
	    .broadcast = op_broadcast,
	    .clients = op_clients,
	    .has = op_has,
	    .fired = op_fired,
	    .proven = op_proven,
	    .rearm = op_rearm};
	const struct engine_callbacks callbacks = {h, cb_due, en_settled};
	struct sock_net *nets =
	    calloc(o->nallow > 0 ? o->nallow : 1, sizeof *nets);
	struct host_config config = {.name = o->name,
	    .program = o->program,
	    .version = o->version,
	    .zone = o->zone,
	    .state_dir = o->state_dir,
	    .skip = o->skip,
	    .nskip = o->nskip,
	    .no_script = o->script == NULL,
	    .floor_us = WIRE_RELEASED_US,
	    .clock = clock};
	struct keyring keys = KEYRING_INIT;
	char machine[SOCK_NAME_MAX + 1] = "";
	struct err e;

	err_set(&e, ERR_LOCAL, "out of memory");
	if (h == NULL || nets == NULL)
		goto fail;
	h->loop = l;
	h->rehearse = o->rehearse;
	h->beside = (struct wire_beside){h, be_before, be_after};
	wire_init(&h->wire, l, o->log, o->arg);
	h->wire.beside = &h->beside;
	h->patches = patches_new();
	if (h->patches == NULL || keep_paths(h, o) != 0)
		goto fail;
	if (config.name == NULL) {
		if (gethostname(machine, sizeof machine - 1) != 0)
			strcpy(machine, "localhost");
		config.name = machine;
	}
	if (parse_allow(o, nets, &config, &e) != 0 ||
	    keys_load(&keys, o->pub, o->npub, o->trust, &e) != 0 ||
	    open_mirror(h, o, &e) != 0)
		goto fail;
	config.keys = &keys;
	config.max_conns = connections_allowed();
	set_callbacks(&config.cb, h, o->script != NULL);
	/* The script begins when nothing else can fail any more: what it does
	 * to the world is not to be done by a host that does not start. */
	h->host = host_new(&config, &e);
	if (h->host == NULL || listen_on(h, o, &e) != 0 ||
	    (o->script != NULL && wire_run(&h->wire, PROGRAM_HOST, &ops,
				      o->script, o->argc, o->argv, &e) != 0))
		goto fail;
	if (o->script != NULL)
		engine_set_callbacks(h->wire.engine, &callbacks);
	h->wire.releasing = releasing;
	h->wire.releasing_arg = h;
	host_begin(h->host);
	if (o->seed_dir != NULL && host_seed(h->host, o->seed_dir, &e) != 0)
		goto fail;
	keyring_free(&keys);
	free(nets);
	return h;

fail:
	wire_error(error, &e);
	keyring_free(&keys);
	free(nets);
	if (h != NULL)
		destroy(h);
	return NULL;
}

/* --- afterwards ---------------------------------------------------------- */

const char *
hotfix_host_address(const struct hotfix_host *h, size_t i)
{
	return i < h->naddresses ? h->addresses[i] : NULL;
}

struct lua_State *
hotfix_host_lua(struct hotfix_host *h)
{
	return h->wire.state != NULL ? state_lua(h->wire.state) : NULL;
}

int
hotfix_host_stopped(const struct hotfix_host *h, int *status)
{
	return wire_stopped(&h->wire, status);
}

void
hotfix_host_stop(struct hotfix_host *h, int wait_ms)
{
	int64_t deadline_ns = clock_mono_ns() + wait_ms * MS_NS, left_ns;

	if (h == NULL)
		return;
	host_shutdown(h->host);
	while (attach_host_is_draining(h->attached)) {
		left_ns = deadline_ns - clock_mono_ns();
		if (left_ns <= 0 ||
		    hotfix_loop_step(h->loop, (int)(left_ns / MS_NS) + 1) != 0)
			break;
	}
	destroy(h);
}
