/*
 * The latest time of a host, for a start at which none can be reached: what
 * expired while this client ran is not to be fresh again.
 */

#include "peer/client_internal.h"

#include "base/text.h"
#include "peer/seen.h"

#include <string.h>

/* Nothing else hangs on the time of a start. */
static int
keeps_what_expires(const struct client *c)
{
	const struct client_fetch *f;
	size_t i;

	for (f = c->fetches; f != NULL; f = f->next)
		if (f->kept.id != 0 && f->doc->expires_us != 0)
			return 1;
	for (i = 0; i < c->catalog.n; i++) {
		const struct record *r = c->catalog.records[i];

		if (r->state == RECORD_LIVE && client_note(r)->kept &&
		    r->doc->expires_us != 0)
			return 1;
	}
	return 0;
}

static void
log_error(struct client *c, const char *after, const struct err *e)
{
	char text[ERR_TEXT];

	client_log(c, "%s%s",
	    text_escape(text, sizeof text, e->text, strlen(e->text), 0), after);
}

void
client_time_open(struct client *c)
{
	struct err e;

	if (keep_get_seen(c->keep, &c->seen_us, &e) != 0)
		log_error(c, "; it is made anew", &e);
}

int64_t
client_time_next_ns(const struct client *c)
{
	/* A login is kept besides, and is the first. */
	return c->keep != NULL && c->greeted && keeps_what_expires(c)
		   ? c->seen_ns + SEEN_EACH_NS
		   : -1;
}

static void
save(struct client *c)
{
	struct err e;
	int bad = keep_put_seen(c->keep, client_host_us(c), &e) != 0;

	if (bad && !c->seen_failing)
		log_error(c, "; the time is not kept", &e);
	c->seen_failing = bad;
}

void
client_time_tick(struct client *c)
{
	int64_t next_ns = client_time_next_ns(c);

	if (next_ns < 0 || client_now_ns(c) < next_ns)
		return;
	c->seen_ns = client_now_ns(c);
	save(c);
}

void
client_time_close(struct client *c)
{
	if (client_time_next_ns(c) >= 0)
		save(c);
}
