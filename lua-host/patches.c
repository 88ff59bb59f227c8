/* The native patches of a host's updates. */

#include "lua-host/patches.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "native/apply.h"

struct entry {
	uint64_t id;
	struct native_patch *patch;
	uint64_t over; /* the update that took its place; 0: none */
	int waits, alone;
};

/* In the order in which they came. */
struct list {
	struct entry *v;
	size_t n;
};

struct patches {
	/* before: what undo goes back to, from a change until it is kept or
	 * undone. A patch may be in both lists. */
	struct list now, before;
	int open;
};

/* --- lists -----------------------------------------------------------------
 */

static int
is_same(const struct native_patch *a, const struct native_patch *b)
{
	return memcmp(a->digest, b->digest, sizeof a->digest) == 0;
}

/* The first n entries: is the patch live by one of them? */
static int
is_live_in(const struct entry *v, size_t n, const struct native_patch *patch)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (!v[i].waits && is_same(v[i].patch, patch))
			return 1;
	return 0;
}

static int
is_owned_by(const struct list *l, const struct native_patch *patch)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		if (l->v[i].patch == patch)
			return 1;
	return 0;
}

static struct entry *
find(const struct list *l, uint64_t id)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		if (l->v[i].id == id)
			return &l->v[i];
	return NULL;
}

/* The list and what of it is not in the other one. */
static void
list_free(struct list *l, const struct list *other)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		if (!is_owned_by(other, l->v[i].patch))
			native_patch_free(l->v[i].patch);
	free(l->v);
	l->v = NULL;
	l->n = 0;
}

static int
out_of_memory(struct buf *text)
{
	buf_puts(text, "native: out of memory\n");
	return -1;
}

/* Empty, with room for one more than are there now. */
static int
list_begin(const struct patches *p, struct list *l, struct buf *text)
{
	l->n = 0;
	l->v = malloc((p->now.n + 1) * sizeof *l->v);
	return l->v != NULL ? 0 : out_of_memory(text);
}

/* --- from one list to another ----------------------------------------------
 */

struct step {
	int apply; /* else it is taken off */
	const struct native_patch *patch;
};

static int
carry_out(const struct step *s, struct buf *text)
{
	struct native_report r;
	enum native_code code = s->apply ? native_apply(s->patch, &r)
					 : native_revert(s->patch->id, &r);

	buf_printf(text, "%s\n", r.text);
	/* Another host of this process, or the program itself, was first. */
	return code == NATIVE_OK ||
		       code == (s->apply ? NATIVE_DUP : NATIVE_NOTFOUND)
		   ? 0
		   : -1;
}

/* The steps up to here are undone, the last one first. */
static void
go_back(const struct step *steps, size_t n, struct buf *text)
{
	struct step back;

	while (n-- > 0) {
		back = steps[n];
		back.apply = !back.apply;
		if (carry_out(&back, text) != 0)
			buf_printf(text, "%s could not be %s again\n",
			    back.patch->id,
			    back.apply ? "applied" : "taken off");
	}
}

/* The line from here to there, then the others. */
static void
put_told(struct buf *text, const struct buf *told, size_t from, size_t to)
{
	if (told->len == 0)
		return;
	buf_append(text, told->data + from, to - from);
	buf_append(text, told->data, from);
	buf_append(text, told->data + to, told->len - to);
}

/*
 * What is live in one list only: the latest is taken off first. 0, or -1: it is
 * as before. Of the text logs have the first line: that is of what failed, or
 * of what was applied, not of what was taken off for it.
 */
static int
go(const struct list *from, const struct list *to, struct buf *text)
{
	struct step *steps = malloc((from->n + to->n + 1) * sizeof *steps);
	size_t i, n = 0, begin = 0, end = 0, at;
	struct buf told = BUF_INIT;
	int ret = 0, applied = 0;

	if (steps == NULL)
		return out_of_memory(text);
	for (i = from->n; i-- > 0;)
		if (!from->v[i].waits &&
		    !is_live_in(from->v, i, from->v[i].patch) &&
		    !is_live_in(to->v, to->n, from->v[i].patch))
			steps[n++] = (struct step){0, from->v[i].patch};
	for (i = 0; i < to->n; i++)
		if (!to->v[i].waits && !is_live_in(to->v, i, to->v[i].patch) &&
		    !is_live_in(from->v, from->n, to->v[i].patch))
			steps[n++] = (struct step){1, to->v[i].patch};
	for (i = 0; ret == 0 && i < n; i++) {
		at = told.len;
		ret = carry_out(&steps[i], &told);
		if (i == 0 || ret != 0 || (steps[i].apply && !applied)) {
			begin = at;
			end = told.len;
		}
		applied = steps[i].apply;
		if (ret != 0)
			go_back(steps, i, &told);
	}
	put_told(text, &told, begin, end);
	buf_free(&told);
	free(steps);
	return ret;
}

/* The list takes the place of the one now; it is freed when that fails. */
static int
change_to(struct patches *p, struct list *next, struct buf *text)
{
	if (go(&p->now, next, text) != 0) {
		list_free(next, &p->now);
		return -1;
	}
	p->before = p->now;
	p->now = *next;
	p->open = 1;
	return 0;
}

/* --- what is to be ---------------------------------------------------------
 */

static int
is_in(uint64_t id, const struct patches_change *c)
{
	size_t i;

	for (i = 0; i < c->ndrop; i++)
		if (c->drop[i] == id)
			return 1;
	return 0;
}

/* It leaves, or comes to lie below, with this change. */
static int
is_dropped(const struct entry *e, const struct patches_change *c)
{
	return is_in(e->id, c) || is_in(e->over, c) || e->id == c->id;
}

static int
has_function(const struct native_patch *p, uint64_t off)
{
	size_t i;

	for (i = 0; i < p->nfuncs; i++)
		if (p->funcs[i].off == off)
			return 1;
	return 0;
}

static int
has_all_of(const struct native_patch *p, const struct native_patch *older)
{
	size_t i;

	for (i = 0; i < older->nfuncs; i++)
		if (!has_function(p, older->funcs[i].off))
			return 0;
	return 1;
}

static int
shares_function(const struct native_patch *a, const struct native_patch *b)
{
	size_t i;

	for (i = 0; i < b->nfuncs; i++)
		if (has_function(a, b->funcs[i].off))
			return 1;
	return 0;
}

/*
 * Where this patch is live by an update that leaves, or comes to lie below:
 * there it stays, for the one that comes. The end of the list: nowhere.
 */
static size_t
own_place(const struct patches *p, const struct native_patch *patch,
    const struct patches_change *c)
{
	const struct entry *e;
	size_t i;

	for (i = 0; patch != NULL && !c->waits && i < p->now.n; i++) {
		e = &p->now.v[i];
		if (!e->waits && is_same(e->patch, patch) &&
		    (c->back ? is_in(e->id, c) : is_dropped(e, c)))
			return i;
	}
	return p->now.n;
}

/* 1 when what is dropped of the first n may stay live below this patch. */
static int
may_lie_over(const struct patches *p, size_t n,
    const struct native_patch *patch, const struct patches_change *c)
{
	const struct entry *e;
	size_t i;

	for (i = 0; i < n; i++) {
		e = &p->now.v[i];
		if (!is_dropped(e, c) || e->waits)
			continue;
		if (!has_all_of(patch, e->patch) ||
		    (strcmp(patch->id, e->patch->id) == 0 &&
			!is_same(patch, e->patch)))
			return 0;
	}
	return 1;
}

static const struct entry *
who_needs(const struct patches *p, const char *id,
    const struct patches_change *c)
{
	size_t i;

	for (i = 0; i < p->now.n; i++)
		if (!is_dropped(&p->now.v[i], c) &&
		    strcmp(p->now.v[i].patch->needs, id) == 0)
			return &p->now.v[i];
	return NULL;
}

/*
 * A program that is started anew is given nothing of what is dropped: neither
 * this patch nor another one may need it. And ids are what patches are known
 * by.
 */
static int
look_at_one(const struct patches *p, const struct entry *e,
    const struct native_patch *patch, const struct patches_change *c,
    struct buf *text)
{
	const struct entry *other;

	if (is_same(patch, e->patch))
		return 0;
	if (!is_dropped(e, c)) {
		if (e->waits || strcmp(patch->id, e->patch->id) != 0)
			return 0;
		buf_printf(text,
		    "update %" PRIu64 " has another patch with the id %s\n",
		    e->id, patch->id);
		return -1;
	}
	if (strcmp(patch->needs, e->patch->id) == 0) {
		buf_printf(text,
		    "%s needs %s of update %" PRIu64 ", whose place it would "
		    "take; give it another feature\n",
		    patch->id, e->patch->id, e->id);
		return -1;
	}
	other = who_needs(p, e->patch->id, c);
	if (other == NULL)
		return 0;
	buf_printf(text,
	    "%s of update %" PRIu64 " needs %s, which would leave; take that "
	    "update back first\n",
	    other->patch->id, other->id, e->patch->id);
	return -1;
}

/* A program that is started anew has it above what is there by then; where it
 * is live already it stays below. */
static int
look_above(const struct patches *p, const struct native_patch *patch,
    const struct patches_change *c, struct buf *text)
{
	size_t i = own_place(p, patch, c);
	const struct entry *e;

	if (c->back || is_live_in(p->now.v, i, patch))
		return 0;
	for (; i < p->now.n; i++) {
		e = &p->now.v[i];
		if (e->waits || is_dropped(e, c) || is_same(e->patch, patch) ||
		    !shares_function(e->patch, patch))
			continue;
		buf_printf(text,
		    "%s is live already, below %s of update %" PRIu64
		    ", and would not come above it; revert that update "
		    "first\n",
		    patch->id, e->patch->id, e->id);
		return -1;
	}
	return 0;
}

static int
look_at(const struct patches *p, const struct native_patch *patch,
    const struct patches_change *c, struct buf *text)
{
	size_t i;

	for (i = 0; i < p->now.n; i++)
		if (look_at_one(p, &p->now.v[i], patch, c, text) != 0)
			return -1;
	return look_above(p, patch, c, text);
}

/* The patch of the change; NULL: it has none. 0 or -1. */
static int
read_patch(struct native_patch **patch, const struct patches_change *c,
    struct buf *text)
{
	struct err e;

	*patch = NULL;
	if (c->file == NULL ||
	    native_patch_parse(patch, c->file, c->len, &e) == 0)
		return 0;
	buf_printf(text, "%s\n", e.text);
	return -1;
}

static int
drops_id(const struct patches *p, const char *id,
    const struct patches_change *c)
{
	size_t i;

	for (i = 0; i < p->now.n; i++)
		if (is_dropped(&p->now.v[i], c) && !p->now.v[i].waits &&
		    strcmp(p->now.v[i].patch->id, id) == 0)
			return 1;
	return 0;
}

int
patches_check(const struct patches *p, const struct patches_change *c,
    struct buf *text)
{
	struct native_patch *patch;
	struct native_report r;
	enum native_code code;
	int ret = -1;

	if (read_patch(&patch, c, text) != 0)
		return -1;
	if (patch == NULL)
		return 0;
	if (look_at(p, patch, c, text) == 0) {
		code = native_try(patch, &r);
		/* The one of its id leaves before. */
		if (code == NATIVE_ORDER && drops_id(p, patch->id, c))
			code = NATIVE_OK;
		else
			buf_printf(text, "%s\n", r.text);
		ret = code == NATIVE_OK || code == NATIVE_DUP ? 0 : -1;
	}
	native_patch_free(patch);
	return ret;
}

/* The update that comes, with the patch of one whose place it takes. */
static struct entry
heir(const struct entry *e, const struct patches_change *c)
{
	return (struct entry){c->id, e->patch, 0, 0, c->alone};
}

/* Those in drop leave, and what lay below them is no more below them. */
static void
take_back(const struct patches *p, const struct patches_change *c, size_t place,
    struct list *next)
{
	struct entry e;
	size_t i;

	for (i = 0; i < p->now.n; i++) {
		e = p->now.v[i];
		if (i == place) {
			e = heir(&e, c);
		} else if (is_in(e.id, c)) {
			continue;
		} else if (e.id == c->id) {
			e.over = 0;
			e.waits = c->waits;
		} else if (is_in(e.over, c)) {
			e.over = c->id;
		}
		next->v[next->n++] = e;
	}
}

/* Those in drop leave, or stay below the patch that comes; what lies over its
 * own place leaves in any case. */
static void
give_way(const struct patches *p, const struct patches_change *c, size_t place,
    int over, struct list *next)
{
	struct entry e;
	size_t i;

	for (i = 0; i < p->now.n; i++) {
		e = p->now.v[i];
		if (i == place) {
			e = heir(&e, c);
		} else if (is_dropped(&e, c)) {
			if (!over || i > place || e.waits || e.id == c->id)
				continue;
			e.over = c->id;
		}
		next->v[next->n++] = e;
	}
}

int
patches_enter(struct patches *p, const struct patches_change *c,
    struct buf *text)
{
	struct native_patch *patch;
	struct list next;
	size_t place;
	int over;

	if (read_patch(&patch, c, text) != 0)
		return -1;
	if ((patch != NULL && look_at(p, patch, c, text) != 0) ||
	    list_begin(p, &next, text) != 0) {
		native_patch_free(patch);
		return -1;
	}
	place = own_place(p, patch, c);
	over = patch != NULL && !c->waits && may_lie_over(p, place, patch, c);
	if (patch != NULL && is_live_in(p->now.v, p->now.n, patch))
		buf_printf(text, "%s: live already\n", patch->id);
	if (c->back)
		take_back(p, c, place, &next);
	else
		give_way(p, c, place, over, &next);
	if (patch != NULL && find(&next, c->id) == NULL)
		next.v[next.n++] =
		    (struct entry){c->id, patch, 0, c->waits, c->alone};
	else
		native_patch_free(patch);
	return change_to(p, &next, text);
}

int
patches_release(struct patches *p, uint64_t id, struct buf *text)
{
	const struct entry *waiting = find(&p->now, id);
	struct list next;
	size_t i;

	if (list_begin(p, &next, text) != 0)
		return -1;
	for (i = 0; i < p->now.n; i++)
		if (&p->now.v[i] != waiting)
			next.v[next.n++] = p->now.v[i];
	if (waiting != NULL) {
		next.v[next.n] = *waiting;
		next.v[next.n++].waits = 0;
	}
	return change_to(p, &next, text);
}

/* What is to leave before the update can, the last of it; NULL: nothing that
 * an update has brought. */
static const struct entry *
who_keeps(const struct patches *p, uint64_t id)
{
	const struct entry *mine = find(&p->now, id), *e;
	size_t i;

	for (i = p->now.n; mine != NULL && &p->now.v[i - 1] != mine; i--) {
		e = &p->now.v[i - 1];
		if (!e->waits && !is_same(e->patch, mine->patch) &&
		    (strcmp(e->patch->needs, mine->patch->id) == 0 ||
			shares_function(e->patch, mine->patch)))
			return e->over != 0 ? find(&p->now, e->over) : e;
	}
	return NULL;
}

/* Another update whose patch hides all of the i-th, which leaves with id; 0:
 * none does. */
static uint64_t
who_hides(const struct list *l, size_t i, uint64_t id)
{
	const struct entry *e;
	size_t k;

	for (k = i + 1; k < l->n; k++) {
		e = &l->v[k];
		if (e->id != id && e->over != id && !e->waits &&
		    has_all_of(e->patch, l->v[i].patch))
			return e->id;
	}
	return 0;
}

int
patches_leave(struct patches *p, uint64_t id, struct buf *text)
{
	const struct entry *above = who_keeps(p, id);
	struct list next;
	struct entry e;
	size_t i;

	if (list_begin(p, &next, text) != 0)
		return -1;
	for (i = 0; i < p->now.n; i++) {
		e = p->now.v[i];
		if (e.id == id)
			continue;
		/* It cannot be taken off from below another feature's, and
		 * need not be, for the one that is to go can. */
		if (e.over == id && (e.over = who_hides(&p->now, i, id)) == 0)
			continue;
		next.v[next.n++] = e;
	}
	if (change_to(p, &next, text) == 0)
		return 0;
	if (above != NULL)
		buf_printf(text, "revert update %" PRIu64 " first\n",
		    above->id);
	return -1;
}

void
patches_keep(struct patches *p)
{
	if (!p->open)
		return;
	list_free(&p->before, &p->now);
	p->open = 0;
}

void
patches_undo(struct patches *p, struct buf *text)
{
	struct list back;

	if (!p->open)
		return;
	if (go(&p->now, &p->before, text) != 0) {
		buf_puts(text,
		    "native: the patches stay as they are until the program "
		    "is started anew\n");
		patches_keep(p);
		return;
	}
	back = p->before;
	p->before = p->now;
	p->now = back;
	patches_keep(p);
}

/* --- what is told ----------------------------------------------------------
 */

enum word
patches_fit(const void *file, size_t len, struct refusal *why)
{
	struct native_patch *patch;
	struct native_report r;
	enum native_code code;
	struct err e;

	if (native_patch_parse(&patch, file, len, &e) != 0)
		return WORD_OK;
	code = native_try(patch, &r);
	native_patch_free(patch);
	switch (code) {
	case NATIVE_ARCH:
	case NATIVE_BUILD:
		return refuse(why, WORD_NOT_FOR_ME, "%s", r.text);
	case NATIVE_PERM:
	case NATIVE_DISABLED:
		return refuse(why, WORD_UNSUPPORTED, "%s", r.text);
	default:
		return WORD_OK;
	}
}

int
patches_is_alone(const struct patches *p, uint64_t id)
{
	const struct entry *e = find(&p->now, id);

	return e != NULL && e->alone;
}

static void
put_entry(const struct entry *e, struct buf *out)
{
	const struct native_patch *p = e->patch;
	size_t i;

	buf_printf(out, "patch: %s %s update=%" PRIu64 " functions=", p->id,
	    e->waits       ? "waits"
	    : e->over != 0 ? "below"
			   : "live",
	    e->id);
	for (i = 0; i < p->nfuncs; i++)
		buf_printf(out, "%s%s", i > 0 ? "," : "", p->funcs[i].name);
	buf_printf(out, " code=%zu data=%zu\n", p->code + p->rodata,
	    p->data + p->bss);
}

void
patches_put_status(const struct patches *p, struct buf *out)
{
	struct native_report r;
	size_t i;

	native_status(&r);
	buf_printf(out, "%s\n", r.text);
	for (i = 0; i < p->now.n; i++)
		put_entry(&p->now.v[i], out);
}

/* --- the whole --------------------------------------------------------------
 */

struct patches *
patches_new(void)
{
	return calloc(1, sizeof(struct patches));
}

void
patches_free(struct patches *p)
{
	if (p == NULL)
		return;
	patches_keep(p);
	list_free(&p->now, &p->before);
	free(p);
}
