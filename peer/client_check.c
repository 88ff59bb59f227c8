/* CHECK, APPLY, DROP: what is looked at first and applied later, or never. */

#include "peer/client_internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static void
clear(struct client_check *k)
{
	doc_free(k->doc);
	free(k->part);
	memset(k, 0, sizeof *k);
}

/* The one of this id in this state; NULL: none. */
static struct client_check *
find(struct client *c, uint64_t id, int state)
{
	size_t i;

	for (i = 0; i < CLIENT_CHECKED; i++)
		if ((int)c->checks[i].state == state &&
		    c->checks[i].doc->id == id)
			return &c->checks[i];
	return NULL;
}

/* Nobody wants it any more. One that the program works on stays until the
 * program's answer, which would be taken for that of another check. */
static void
leave(struct client_check *k)
{
	if (k->state == CHECK_READY)
		clear(k);
	else if (k->state == CHECK_ASKED)
		k->state = CHECK_LEFT;
}

void
client_drop_checks(struct client *c)
{
	size_t i;

	for (i = 0; i < CLIENT_CHECKED; i++)
		leave(&c->checks[i]);
}

void
client_free_checks(struct client *c)
{
	size_t i;

	for (i = 0; i < CLIENT_CHECKED; i++)
		if (c->checks[i].state != CHECK_NONE)
			clear(&c->checks[i]);
}

/* --- CHECK -------------------------------------------------------------- */

/* A place that holds document and part; NULL with the refusal, and d is still
 * the caller's. */
static struct client_check *
reserve(struct client *c, struct doc *d, const void *part, size_t len,
    struct client_answer *a)
{
	struct client_check *k = NULL;
	size_t i;

	for (i = 0; i < CLIENT_CHECKED && k == NULL; i++)
		if (c->checks[i].state == CHECK_NONE)
			k = &c->checks[i];
	if (k == NULL) {
		refuse(&a->why, WORD_FULL, "%d updates are checked already",
		    CLIENT_CHECKED);
		return NULL;
	}
	k->part = malloc(len + 1); /* malloc(0) may be NULL */
	if (k->part == NULL) {
		refuse(&a->why, WORD_INTERNAL, "out of memory");
		return NULL;
	}
	memcpy(k->part, part, len);
	k->len = len;
	k->doc = d;
	k->state = CHECK_ASKED;
	return k;
}

/* The program's answer, and what becomes of the check then. */
static void
conclude(struct client_check *k, struct client_answer *a)
{
	if (a->applied.result == RESULT_READY) {
		client_judge(a, RESULT_READY);
		k->state = CHECK_READY;
		return;
	}
	/* Nothing was to change, so these two are all that can have been. */
	if (a->applied.result != RESULT_HUNG)
		a->applied.result = RESULT_FAILED;
	client_judge(a, RESULT_FAILED);
	clear(k);
}

/* 1 when there is an answer. */
static int
check(struct client *c, uint64_t id, const uint8_t *head, size_t head_len,
    size_t len, struct client_answer *a)
{
	const uint8_t *part = head + head_len;
	uint64_t drop[CATALOG_LIVE];
	struct client_check *k;
	struct doc *d;
	size_t n;

	if (c->cb.check == NULL) {
		refuse(&a->why, WORD_UNSUPPORTED,
		    "this client takes updates at once only");
		return 1;
	}
	if (find(c, id, CHECK_ASKED) != NULL ||
	    find(c, id, CHECK_LEFT) != NULL) {
		refuse(&a->why, WORD_BUSY, "it is being checked already");
		return 1;
	}
	k = find(c, id, CHECK_READY);
	if (k != NULL)
		clear(k); /* it is looked at anew */
	d = client_open_update(c, id, head, head_len, 1, a);
	if (d == NULL)
		return 1;
	if (client_check_part(c, d, part, len, a) != 0 ||
	    (k = reserve(c, d, part, len, a)) == NULL) {
		doc_free(d);
		return 1;
	}
	n = client_find_held(c, d->feature, d->id, drop);
	if (c->cb.check(c->cb.arg, d, k->part, len, drop, n, &a->applied) == 0)
		return 0;
	conclude(k, a);
	return 1;
}

void
client_take_check(struct client *c, const struct frame *f)
{
	struct client_answer a;
	size_t head_len;
	uint64_t id;

	if (client_read_update(c, f, &id, &head_len) != 0)
		return;
	client_answer_init(&a);
	if (!check(c, id, f->body, head_len, (size_t)f->body_len - head_len,
		&a))
		return;
	if (a.result == RESULT_DEFERRED)
		a.result = RESULT_HAVE; /* it is in force; a final word */
	client_send_result(c, id, &a);
	client_log_answer(c, "check", id, &a);
}

void
client_checked(struct client *c, uint64_t id, const struct client_applied *out)
{
	struct client_check *k = find(c, id, CHECK_LEFT);
	struct client_answer a;

	if (k != NULL) {
		clear(k);
		return;
	}
	k = find(c, id, CHECK_ASKED);
	if (k == NULL)
		return;
	client_answer_init(&a);
	a.applied = *out;
	memcpy(a.feature, k->doc->feature, strlen(k->doc->feature) + 1);
	conclude(k, &a);
	client_send_result(c, id, &a);
	client_log_answer(c, "check", id, &a);
}

/* --- APPLY, DROP -------------------------------------------------------- */

static void
apply(struct client *c, uint64_t id, struct client_answer *a)
{
	struct client_check *k = find(c, id, CHECK_READY);
	struct client_check taken;

	if (k == NULL) {
		refuse(&a->why, WORD_UNKNOWN,
		    "%" PRIu64 " was not found ready here", id);
		return;
	}
	memcpy(a->feature, k->doc->feature, strlen(k->doc->feature) + 1);
	if (k->doc->dry_run) {
		refuse(&a->why, WORD_SYNTAX,
		    "a dry run is checked, not applied");
		return;
	}
	taken = *k;
	memset(k, 0, sizeof *k);
	/* Much may have come since the check. */
	if (client_admit(c, taken.doc, a) == WORD_OK &&
	    client_apply(c, taken.doc, taken.part, taken.len, a))
		taken.doc = NULL; /* it was kept */
	clear(&taken);
}

void
client_take_apply(struct client *c, const struct frame *f)
{
	struct client_answer a;
	uint64_t id;

	if (client_read_id(c, f, &id) != 0)
		return;
	if (f->has_body) {
		client_syntax(c, "APPLY");
		return;
	}
	client_answer_init(&a);
	if (frame_get(f, "at") != NULL)
		refuse(&a.why, WORD_UNSUPPORTED,
		    "this client applies at once only");
	else
		apply(c, id, &a);
	client_answer(c, "apply", id, &a);
	client_fire_due(c);
	client_rearm(c);
}

void
client_take_drop(struct client *c, const struct frame *f)
{
	struct client_check *k;
	uint64_t id;

	if (client_read_id(c, f, &id) != 0)
		return;
	if (f->has_body) {
		client_syntax(c, "DROP");
		return;
	}
	if ((k = find(c, id, CHECK_READY)) != NULL ||
	    (k = find(c, id, CHECK_ASKED)) != NULL)
		leave(k);
}
