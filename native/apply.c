#include "native/apply.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hex.h"
#include "native/arch.h"
#include "native/park.h"
#include "native/plan.h"
#include "native/probe.h"
#include "native/reserve.h"
#include "native/self.h"
#include "native/switch.h"
#include "native/write.h"

#define NOW_TEXT          200 /* numbers, and a build-id of NATIVE_BUILD_ID bytes */
#define SIGNALS_BELOW_MAX 3 /* the last ones are the first that others take */

/* The process's: its code can be changed from one place only. */
static struct {
	pthread_mutex_t lock;
	int forks_known; /* pthread_atfork was called */
	enum native_code code;
	char why[ERR_TEXT]; /* code is not NATIVE_OK */
	struct native_options options;
	unsigned allowed; /* methods */
	enum native_method method;
	int park;
	struct program program;
} native = {
    .lock = PTHREAD_MUTEX_INITIALIZER,
    .code = NATIVE_DISABLED,
    .why = "hotfix_native_init was not called",
};

const char *
native_code_name(enum native_code code)
{
	static const char *const names[NATIVE_CODES] = {"OK", "IO", "FORMAT",
	    "CHECKSUM", "ARCH", "BUILD", "MODULE", "DUP", "NEEDS", "SPACE",
	    "MISMATCH", "RANGE", "PERM", "BUSY", "ORDER", "NOTFOUND",
	    "DISABLED"};

	return (unsigned)code < NATIVE_CODES ? names[code] : "?";
}

const char *
native_method_name(enum native_method method)
{
	static const char *const names[NATIVE_METHODS] = {
	    "proc-mem", "page-swap", "mprotect"};

	return (unsigned)method < NATIVE_METHODS ? names[method] : "?";
}

/* --- one at a time ------------------------------------------------------- */

/* A caller that is cancelled while all others are halted would leave a process
 * that stands still. */
static int
enter(void)
{
	int before;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
	pthread_mutex_lock(&native.lock);
	return before;
}

static void
leave(int before)
{
	pthread_mutex_unlock(&native.lock);
	pthread_setcancelstate(before, &before);
}

static void
before_fork(void)
{
	pthread_mutex_lock(&native.lock);
}

static void
after_fork(void)
{
	pthread_mutex_unlock(&native.lock);
}

static void
in_child(void)
{
	park_forget();
	pthread_mutex_unlock(&native.lock);
}

/* --- reports ------------------------------------------------------------- */

static struct native_report
new_report(const char *id)
{
	struct native_report r;

	memset(&r, 0, sizeof r);
	snprintf(r.id, sizeof r.id, "%s", id);
	return r;
}

__attribute__((format(printf, 3, 4))) static enum native_code
say(struct native_report *r, enum native_code code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(r->text, sizeof r->text, fmt, ap);
	va_end(ap);
	r->code = code;
	return code;
}

static enum native_code
hand_out(struct native_report *r, struct native_report *out)
{
	r->code_left = native_reserve_code_len - native.program.code_used;
	r->data_left = native_reserve_data_len - native.program.data_used;
	if (out != NULL)
		*out = *r;
	return r->code;
}

/* --- may it be done here at all? ----------------------------------------- */

static enum native_code
disable(enum native_code code, const char *why)
{
	native.code = code;
	snprintf(native.why, sizeof native.why, "%s", why);
	return code;
}

static enum native_code
start(const struct native_options *o)
{
	struct program *p = &native.program;
	struct err e;

	if (!arch_own(&p->arch))
		return disable(NATIVE_DISABLED, "not for this machine");
	if (self_read(&p->self) != 0)
		return disable(NATIVE_DISABLED,
		    "the executable's header is not in memory");
	if (p->self.build_id == NULL)
		return disable(NATIVE_DISABLED,
		    "the executable has no build-id: link it with "
		    "-Wl,--build-id=sha1");
	if (native.allowed == 0)
		return disable(NATIVE_PERM,
		    "no way of writing code is allowed");
	if (probe_choose(&native.method, native.allowed, native.why,
		sizeof native.why) != 0)
		return native.code = NATIVE_PERM;
	native.park = o->park == NATIVE_PARK_ALWAYS ||
		      (o->park == NATIVE_PARK_AUTO &&
			  probe_method(NATIVE_PROC_MEM) != PROBE_UNSEEN);
	if (native.park && park_init(o->signal, &e) != 0)
		return disable(NATIVE_DISABLED, e.text);
	if (!native.forks_known) {
		if (pthread_atfork(before_fork, after_fork, in_child) != 0)
			return disable(NATIVE_DISABLED, "no memory");
		native.forks_known = 1;
	}
	native.why[0] = '\0';
	return native.code = NATIVE_OK;
}

static enum native_code
describe(struct native_report *r, int live)
{
	const struct program *p = &native.program;
	char now[NOW_TEXT] = "", build[2 * NATIVE_BUILD_ID + 1];

	if (native.code != NATIVE_OK)
		return say(r, native.code, "patchable: no: %s", native.why);
	if (live)
		snprintf(now, sizeof now,
		    "; %zu live; left: code %zu, data "
		    "%zu; build %s",
		    live_count(&p->set), native_reserve_code_len - p->code_used,
		    native_reserve_data_len - p->data_used,
		    hex_encode(build, p->self.build_id, p->self.build_id_len));
	say(r, NATIVE_OK, "patchable: yes (%s%s)%s",
	    native_method_name(native.method),
	    native.park ? "" : ", threads are not halted", now);
	return NATIVE_OK;
}

enum native_code
native_init(const struct native_options *o, struct native_report *out)
{
	static const struct native_options usual;
	struct native_report r = new_report("");
	int before = enter();

	native.options = o != NULL ? *o : usual;
	if (native.options.signal == 0)
		native.options.signal = SIGRTMAX - SIGNALS_BELOW_MAX;
	if (native.options.bound_ns <= 0)
		native.options.bound_ns = NATIVE_BOUND_NS;
	native.allowed = native.options.methods;
	if (native.allowed == 0)
		native.allowed = (1U << NATIVE_METHODS) - 1;
	if (!native.options.allow_rwx)
		native.allowed &= ~(1U << NATIVE_MPROTECT);
	start(&native.options);
	describe(&r, 0);
	hand_out(&r, out);
	leave(before);
	return r.code;
}

enum native_code
native_status(struct native_report *out)
{
	struct native_report r = new_report("");
	int before = enter();

	describe(&r, 1);
	r.text[sizeof r.text - 1] = '\0';
	hand_out(&r, out);
	leave(before);
	return r.code;
}

/* --- applying ------------------------------------------------------------ */

/* What worked at the start may not any more, when the program has changed its
 * user since. 0: there is another try. */
static int
choose_again(void)
{
	char why[NATIVE_TEXT];

	return probe_choose(&native.method, native.allowed, why, sizeof why);
}

static int
write_code(const struct write_job *job)
{
	struct writer w = WRITER_INIT;
	int result = -1;

	if (writer_open(&w, native.method, job, 1) == 0)
		result = writer_run(&w);
	writer_close(&w);
	if (result == 0 &&
	    memcmp((const void *)job->at, job->bytes, job->len) != 0) {
		errno = EIO;
		result = -1;
	}
	return result;
}

/* Nobody executes there yet, so nobody need be halted. */
static enum native_code
load(const struct native_plan *plan, struct native_report *r)
{
	const struct live *l = plan->live;
	struct write_job job;

	if (plan->again)
		return NATIVE_OK;
	if (l->data_len > 0)
		memcpy(native_reserve_data + l->data_at, plan->data,
		    l->data_len);
	job.at = (uintptr_t)native_reserve_code + l->code_at;
	job.bytes = plan->code;
	job.len = l->code_len;
	if (write_code(&job) == 0 ||
	    (choose_again() == 0 && write_code(&job) == 0))
		return NATIVE_OK;
	return say(r, NATIVE_PERM, "code cannot be written: %s",
	    strerror(errno));
}

static struct switch_range
area_of(const struct live *l)
{
	struct switch_range a;

	a.at = (uintptr_t)native_reserve_code + l->code_at;
	a.len = l->code_len;
	return a;
}

static enum native_code
switch_over(const struct live *l, int back, struct native_report *r)
{
	struct switch_range left[NATIVE_FUNCS];
	struct switch_spec s = {.live = l,
	    .back = back,
	    .park = native.park,
	    .bound_ns = native.options.bound_ns,
	    .left = left,
	    .nleft = back ? 1 : l->nfuncs};
	struct switch_told told;
	enum native_code code;
	size_t i;

	for (i = 0; i < l->nfuncs; i++) {
		left[i].at = l->funcs[i].body;
		left[i].len = l->funcs[i].size;
	}
	if (back)
		left[0] = area_of(l);
	s.method = native.method;
	code = switch_entries(&s, &told);
	if (told.method_failed && code == NATIVE_PERM && choose_again() == 0) {
		s.method = native.method;
		code = switch_entries(&s, &told);
	}
	if (code != NATIVE_OK)
		say(r, code, "%s", told.why);
	if (code == NATIVE_DISABLED)
		disable(code, told.why);
	r->funcs = code == NATIVE_OK ? (unsigned)l->nfuncs : 0;
	r->threads = told.threads;
	r->inside = told.inside;
	r->pause_ns = told.pause_ns;
	return code;
}

static size_t
end_of(size_t at, size_t len)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (at + len + page - 1) & ~(page - 1);
}

static enum native_code
commit(struct native_plan *plan, struct native_report *r, int64_t begin_ns)
{
	struct program *p = &native.program;
	struct live *l = plan->live;
	enum native_code code;

	code = load(plan, r);
	r->load_ns = clock_mono_ns() - begin_ns;
	if (code != NATIVE_OK)
		return code;
	code = switch_over(l, 0, r);
	/* What no jump ever led to may be loaded over. */
	if (code != NATIVE_BUSY && code != NATIVE_MISMATCH && !plan->again) {
		p->code_used = end_of(l->code_at, l->code_len);
		p->data_used = end_of(l->data_at, l->data_len);
	}
	if (code != NATIVE_OK)
		return code;
	live_add(&p->set, l);
	plan->live = NULL;
	return say(r, NATIVE_OK,
	    "applied %s: %zu function(s), %zu+%zu bytes, %u other threads "
	    "paused %lld us, load %lld us",
	    l->id, l->nfuncs, l->code_len, l->data_len, r->threads,
	    (long long)(r->pause_ns / 1000), (long long)(r->load_ns / 1000));
}

static enum native_code
carry_out(const struct native_patch *p, int change, struct native_report *out)
{
	struct native_report r = new_report(p->id);
	int64_t begin_ns = clock_mono_ns();
	int before = enter();
	struct native_plan plan = {0};
	enum native_code code = native.code;

	if (code != NATIVE_OK) {
		say(&r, code, "not patchable: %s", native.why);
		goto done;
	}
	code = native_plan_make(&plan, &native.program, p);
	if (code != NATIVE_OK) {
		say(&r, code, "%s", plan.why);
	} else if (change) {
		commit(&plan, &r, begin_ns);
	} else {
		r.load_ns = clock_mono_ns() - begin_ns;
		r.funcs = (unsigned)p->nfuncs;
		say(&r, NATIVE_OK, "%s fits: %zu function(s), %zu+%zu bytes",
		    p->id, p->nfuncs, p->code + p->rodata, p->data + p->bss);
	}
done:
	native_plan_free(&plan);
	hand_out(&r, out);
	leave(before);
	return r.code;
}

enum native_code
native_apply(const struct native_patch *p, struct native_report *r)
{
	return carry_out(p, 1, r);
}

enum native_code
native_try(const struct native_patch *p, struct native_report *r)
{
	return carry_out(p, 0, r);
}

/* --- taking off ---------------------------------------------------------- */

static enum native_code
take_off(const char *id, struct native_report *r)
{
	struct live_set *set = &native.program.set;
	const struct live_func *f;
	const struct live *above;
	struct live *l;

	if (native.code != NATIVE_OK)
		return say(r, native.code, "not patchable: %s", native.why);
	l = live_find(set, id);
	if (l == NULL)
		return say(r, NATIVE_NOTFOUND, "no patch %s is live", r->id);
	above = live_above(l, &f);
	if (above != NULL && f != NULL)
		return say(r, NATIVE_ORDER,
		    "%s lies over %s of %s: revert it first", above->id,
		    f->name, l->id);
	if (above != NULL)
		return say(r, NATIVE_ORDER, "%s needs %s: revert it first",
		    above->id, l->id);
	if (switch_over(l, 1, r) != NATIVE_OK)
		return r->code;
	live_remove(set, l);
	return say(r, NATIVE_OK,
	    "reverted %s: %zu function(s), %u other threads paused %lld us",
	    l->id, l->nfuncs, r->threads, (long long)(r->pause_ns / 1000));
}

enum native_code
native_revert(const char *id, struct native_report *out)
{
	struct native_report r = new_report(id);
	int before = enter();

	take_off(id, &r);
	hand_out(&r, out);
	leave(before);
	return r.code;
}

/* --- what there is ------------------------------------------------------- */

static void
describe_live(struct buf *b, const struct live *l)
{
	size_t i;

	buf_printf(b, "%s: %zu function%s (", l->id, l->nfuncs,
	    l->nfuncs == 1 ? "" : "s");
	for (i = 0; i < l->nfuncs; i++)
		buf_printf(b, "%s%s", i > 0 ? ", " : "", l->funcs[i].name);
	buf_printf(b, "), %zu+%zu bytes\n", l->code_len, l->data_len);
}

size_t
native_list(void (*each)(void *arg, const char *line), void *arg)
{
	int before = enter();
	struct buf b = BUF_INIT;
	const struct live *l;
	char *line, *end;
	size_t n;

	n = live_count(&native.program.set);
	for (l = native.program.set.live; l != NULL && each != NULL;
	     l = l->next)
		describe_live(&b, l);
	leave(before);
	/* It may ask for more, so the lock is given back before. */
	for (line = buf_text(&b); line != NULL && *line != '\0';
	     line = end + 1) {
		end = strchr(line, '\n');
		*end = '\0';
		each(arg, line);
	}
	buf_free(&b);
	return n;
}

int
native_is_live(const char *id)
{
	int before = enter(), live;

	live = live_find(&native.program.set, id) != NULL;
	leave(before);
	return live;
}

void
native_safepoint(void)
{
	park_wait();
}
