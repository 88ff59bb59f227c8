#include "native/switch.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "native/arch.h"
#include "native/own.h"
#include "native/park.h"
#include "native/write.h"

/* Between two attempts: a thread has left some first instructions by then. If
 * it has not, the others shall not be halted more and more. */
#define NAP_FIRST_NS 50000
#define NAP_LAST_NS  10000000

/*
 * How long threads are kept halted for one that does not come, at first; twice
 * as long at the next attempt. It may block all signals and wait for a lock
 * that a halted one has (C libraries do so where threads begin and end), and
 * is helped by nothing but letting that one go on.
 */
#define WAIT_FIRST_NS INT64_C(30000000)

/* What one halt found. */
enum found {
	FOUND_DONE,
	FOUND_INSIDE,  /* a thread is in the first bytes of functions[which], or
			* comes back there from a signal's handler */
	FOUND_CHANGED, /* somebody else wrote to that entry */
	FOUND_FAILED,  /* writing failed, all is as it was */
	FOUND_BROKEN   /* so did putting back */
};

struct work {
	const struct switch_spec *spec;
	struct write_job to[NATIVE_FUNCS], from[NATIVE_FUNCS];
	struct writer writer, undo;
	struct switch_told *told;
	size_t which;
	int cause; /* errno */
};

/* A handler of the program, in which a thread may be, would go back there. */
static NATIVE_OWN int
goes_back_into(const struct live_func *f, size_t jump_len,
    const uintptr_t *words, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (words[i] > f->site && words[i] < f->site + jump_len)
			return 1;
	return 0;
}

/* Where is everybody? Who is among NOPs begins anew; 0, or -1 and which. */
static NATIVE_OWN int
look_at_threads(struct work *w)
{
	const struct live *l = w->spec->live;
	const struct switch_range *r;
	const struct live_func *f;
	size_t i, k, n = park_count(), nwords;
	const uintptr_t *words = NULL;
	uintptr_t pc;

	w->told->inside = 0;
	for (i = 0; i < n; i++) {
		pc = park_pc(i);
		for (r = w->spec->left; r < w->spec->left + w->spec->nleft; r++)
			w->told->inside += pc >= r->at && pc - r->at < r->len;
		/* Where a jump takes one instruction's place nobody is in the
		 * midst of it. */
		nwords = w->spec->back || l->jump_len <= NATIVE_JUMP_AARCH64
			     ? 0
			     : park_stack(i, &words);
		for (k = 0; k < l->nfuncs; k++) {
			f = &l->funcs[k];
			if (goes_back_into(f, l->jump_len, words, nwords)) {
				w->which = k;
				return -1;
			}
			/* In a jump nobody can be: it is one instruction. */
			if (pc <= f->site || pc >= f->site + l->jump_len ||
			    w->spec->back)
				continue;
			w->which = k;
			if (!f->sled)
				return -1;
			park_set_pc(i, f->site);
		}
	}
	w->told->threads = (unsigned)n;
	return 0;
}

static NATIVE_OWN enum found
write_entries(struct work *w)
{
	const struct live *l = w->spec->live;
	size_t i;

	for (i = 0; i < l->nfuncs; i++) {
		w->which = i;
		if (memcmp((const void *)w->from[i].at, w->from[i].bytes,
			w->from[i].len) != 0)
			return FOUND_CHANGED;
	}
	w->told->written = 1;
	if (writer_run(&w->writer) == 0)
		return FOUND_DONE;
	w->cause = errno;
	return writer_run(&w->undo) == 0 ? FOUND_FAILED : FOUND_BROKEN;
}

/* Nothing here may allocate, print or lock: see park.h. */
static NATIVE_OWN enum found
while_halted(struct work *w)
{
	enum found found = FOUND_INSIDE;

	if (look_at_threads(w) == 0) {
		found = write_entries(w);
		park_sync();
	}
	return found;
}

__attribute__((format(printf, 3, 4))) static enum native_code
no(struct work *w, enum native_code code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(w->told->why, sizeof w->told->why, fmt, ap);
	va_end(ap);
	return code;
}

static enum native_code
not_halted(struct work *w, enum park_result result)
{
	switch (result) {
	case PARK_LATE:
		return no(w, NATIVE_BUSY,
		    "thread %d did not halt within %lld ms", park_late(),
		    (long long)(w->spec->bound_ns / 1000000));
	case PARK_MANY:
		return no(w, NATIVE_BUSY,
		    "the program has more than %d threads", PARK_THREADS);
	default:
		return no(w, NATIVE_BUSY,
		    "threads cannot be halted: the program has taken the "
		    "signal for itself, or /proc/self/task cannot be read");
	}
}

static enum native_code
tell(struct work *w, enum found found)
{
	const char *name = w->spec->live->funcs[w->which].name;

	switch (found) {
	case FOUND_DONE:
		return NATIVE_OK;
	case FOUND_INSIDE:
		return no(w, NATIVE_BUSY,
		    "a thread stays in the first instructions of %s", name);
	case FOUND_CHANGED:
		return no(w, NATIVE_MISMATCH,
		    "%s: its entry was changed by somebody else", name);
	case FOUND_FAILED:
		w->told->method_failed = 1;
		return no(w, NATIVE_PERM, "code cannot be written: %s",
		    strerror(w->cause));
	case FOUND_BROKEN:
		break;
	}
	return no(w, NATIVE_DISABLED,
	    "writing failed half way: %s; no more patches until the program "
	    "is restarted",
	    strerror(w->cause));
}

/* One halt, at most until then. */
static enum park_result
attempt(struct work *w, int64_t until_ns, enum found *found)
{
	enum park_result result = PARK_OK;
	int64_t begin_ns = clock_mono_ns();

	if (w->spec->park) {
		result = park_halt(until_ns);
		if (result != PARK_OK)
			return result;
		*found = while_halted(w);
		park_release();
	} else {
		*found = write_entries(w);
		park_sync();
	}
	w->told->pause_ns = clock_mono_ns() - begin_ns;
	return result;
}

static enum native_code
attempts(struct work *w)
{
	struct timespec nap = {0, NAP_FIRST_NS};
	int64_t now = clock_mono_ns(), until_ns = now + w->spec->bound_ns;
	int64_t wait_ns = WAIT_FIRST_NS;
	enum found found = FOUND_DONE;
	enum park_result result;

	for (;;) {
		result = attempt(w,
		    now + wait_ns < until_ns ? now + wait_ns : until_ns,
		    &found);
		if (result == PARK_OK && found != FOUND_INSIDE)
			return tell(w, found);
		if (result != PARK_OK && result != PARK_LATE)
			return not_halted(w, result);
		if (result == PARK_LATE)
			wait_ns *= 2;
		now = clock_mono_ns();
		if (now >= until_ns)
			/* Too late for another attempt is no reason. */
			return found == FOUND_INSIDE ? tell(w, found)
						     : not_halted(w, result);
		nanosleep(&nap, NULL);
		if (nap.tv_nsec < NAP_LAST_NS)
			nap.tv_nsec *= 2;
		now = clock_mono_ns();
	}
}

enum native_code
switch_entries(const struct switch_spec *s, struct switch_told *told)
{
	enum native_code code = NATIVE_PERM;
	struct work w = {.spec = s, .told = told};
	const struct live *l = s->live;
	const struct live_func *f;
	size_t i;

	memset(told, 0, sizeof *told);
	w.writer.fd = w.undo.fd = -1;
	for (i = 0; i < l->nfuncs; i++) {
		f = &l->funcs[i];
		w.to[i].at = w.from[i].at = f->site;
		w.to[i].len = w.from[i].len = l->jump_len;
		w.to[i].bytes = s->back ? f->before : f->jump;
		w.from[i].bytes = s->back ? f->jump : f->before;
	}
	/* The way back is ready before anything is written. */
	if (writer_open(&w.writer, s->method, w.to, l->nfuncs) != 0 ||
	    writer_open(&w.undo, s->method, w.from, l->nfuncs) != 0) {
		told->method_failed = 1;
		no(&w, code, "code cannot be written: %s", strerror(errno));
		goto done;
	}
	code = attempts(&w);
done:
	writer_close(&w.writer);
	writer_close(&w.undo);
	return code;
}
