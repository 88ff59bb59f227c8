/* Documents to hosts. */

#include "cmd/send.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "base/timetext.h"
#include "cmd/verbs.h"

#define TITLE 400 /* of a block: a host's name and a word */

int
send_interrupted(const struct say *s, const struct hosts *h, const char *unsent)
{
	size_t i;

	for (i = 0; i < h->n; i++)
		if (h->lines[i].asked)
			unsent = "what a host has received it finishes alone"
				 " (see hotfix log)";
	say_error(s, "interrupted; %s", unsent);
	return EXIT_INTERRUPTED;
}

void
send_complain(const struct say *s, const struct host_line *l)
{
	if (l->end == HOST_NOT_ASKED)
		return;
	if (l->word[0] != '\0' && l->text[0] != '\0')
		say_error(s, "%s: %s: %s", l->shown, l->word, l->text);
	else if (l->word[0] != '\0')
		say_error(s, "%s: %s", l->shown, l->word);
	else if (strncmp(l->text, l->shown, strlen(l->shown)) == 0)
		/* A failed connection names the address that was tried. */
		say_error(s, "%s", l->text);
	else if (l->text[0] != '\0')
		say_error(s, "%s: %s", l->shown, l->text);
}

static int
is_near(int64_t ahead_us)
{
	return ahead_us <= SEND_CLOCK_US && ahead_us >= -SEND_CLOCK_US;
}

/* Is the clock of every host that answered near enough? One that is not ends
 * this, or is left out while there are others. */
static int
check_clocks(const struct say *s, const struct talk *t, struct hosts *h,
    enum send_needs needs)
{
	struct host_line *l;
	int64_t off_us;
	size_t i, near = 0, far = 0;
	int ends;

	for (i = 0; i < h->n; i++) {
		l = &h->lines[i];
		near += !l->left_out && is_near(l->ahead_us);
		far += !l->left_out && !is_near(l->ahead_us);
	}
	ends =
	    needs == SEND_NEEDS_ALL || (near == 0 && needs != SEND_NEEDS_NONE);
	for (i = 0; i < h->n; i++) {
		l = &h->lines[i];
		if (l->left_out || is_near(l->ahead_us))
			continue;
		off_us = l->ahead_us < 0 ? -l->ahead_us : l->ahead_us;
		say_error(s, "%s: its clock is %" PRId64 " s %s %s; %s",
		    l->shown, off_us / 1000000,
		    l->ahead_us < 0 ? "behind" : "ahead of",
		    talk_behind_us(t) != 0 ? "the time servers'" : "this one",
		    ends ? "nothing was signed" : "it is left out");
		l->left_out = 1;
	}
	return far > 0 && ends ? ERR_NO : SEND_GO_ON;
}

/* The "name: value" of a STATUS body: 0 with *value, -1 when there is none such
 * or it is no number. */
static int
get_count(const struct host_line *l, const char *name, uint64_t *value)
{
	const char *p = (const char *)l->body.data, *end;
	const char *stop = p + l->body.len;
	size_t len = strlen(name);

	for (; p < stop; p = end + 1) {
		end = memchr(p, '\n', (size_t)(stop - p));
		if (end == NULL)
			end = stop;
		if ((size_t)(end - p) > len + 2 && memcmp(p, name, len) == 0 &&
		    memcmp(p + len, ": ", 2) == 0)
			return num_parse(p + len + 2,
				   (size_t)(end - p) - len - 2, UINT64_MAX,
				   value) == NUM_OK
				   ? 0
				   : -1;
	}
	return -1;
}

int
send_survey(struct say *s, struct talk *t, struct hosts *h,
    enum send_needs needs)
{
	const struct talk_request r = {.read = "STATUS"};
	struct host_line *l;
	size_t i, failed = 0;
	struct err e;
	int status;

	status = talk_to(t, h->lines, h->n, &r, NULL, NULL, &e);
	if (status < 0)
		return say_err(s, &e);
	/* The questions of a survey are no requests that count. */
	for (i = 0; i < h->n; i++)
		h->lines[i].asked = 0;
	if (status == TALK_INTERRUPTED)
		return send_interrupted(s, h, "nothing was signed or sent");
	for (i = 0; i < h->n; i++) {
		l = &h->lines[i];
		l->left_out = l->end != HOST_OK;
		if (!l->left_out) {
			if (get_count(l, "clients", &l->logged_in) != 0)
				l->logged_in = 0;
			continue;
		}
		failed++;
		send_complain(s, l);
	}
	if (failed > 0 && needs != SEND_NEEDS_NONE &&
	    (failed == h->n ||
		(needs == SEND_NEEDS_ALL && !h->fleet->skip_failed &&
		    failed > h->fleet->max_failed))) {
		say_error(s, "nothing was signed or sent");
		return hosts_status(h, NULL);
	}
	return check_clocks(s, t, h, needs);
}

int
send_announce(struct say *s, const struct document *d)
{
	char id[24];

	snprintf(id, sizeof id, "%" PRIu64, d->doc->id);
	say_text(s, "id", id);
	say_text(s, "feature", d->doc->feature);
	if (d->doc->target != 0) {
		snprintf(id, sizeof id, "%" PRIu64, d->doc->target);
		say_text(s, d->doc->kind == DOC_REVERT ? "reverts" : "retires",
		    id);
	}
	say_count(s, "bytes", d->bytes.len);
	/* Nobody may lose the id of something that was sent. */
	return say_end(s) == 0 ? SEND_GO_ON : ERR_LOCAL;
}

static const char *
result_of(const struct host_line *l, char out[2 * HOSTS_WORD])
{
	switch (l->end) {
	case HOST_DONE:
		if (l->word[0] == '\0')
			return l->result;
		snprintf(out, 2 * HOSTS_WORD, "%s %s", l->result, l->word);
		return out;
	case HOST_ERROR:
		if (l->word[0] == '\0')
			return "unreachable";
		snprintf(out, 2 * HOSTS_WORD, "error %s", l->word);
		return out;
	case HOST_NOT_ASKED:
	case HOST_OK:
		break;
	}
	return "not-sent";
}

/* 1 when nothing went wrong with a server part that ended so. */
static int
is_fine(const char *server)
{
	static const char *const fine[] = {
	    "applied", "have", "reverted", "deferred", "ready"};
	size_t i;

	for (i = 0; i < sizeof fine / sizeof *fine; i++)
		if (strcmp(server, fine[i]) == 0)
			return 1;
	return 0;
}

struct printing {
	struct say *say;
	const struct doc *doc;
	const char *good;
	int alone; /* there is one host only */
};

/* What is for people: reports and errors, on standard error. */
static void
print_talk(const struct printing *p, const struct host_line *l)
{
	const struct say *s = p->say;
	char title[TITLE];
	int bad = l->server[0] != '\0' && !is_fine(l->server);

	if (l->report.len > 0 && (bad || !s->quiet)) {
		snprintf(title, sizeof title, "%.255s: server %s", l->shown,
		    l->server);
		say_block(s, title, l->report.data, l->report.len);
	}
	if (l->groups.len > 0) {
		snprintf(title, sizeof title, "%.255s: clients", l->shown);
		say_block(s, title, l->groups.data, l->groups.len);
	}
	if (!p->alone && host_line_is_skipped(l))
		say_note(s, "%s: skipped: %s", l->shown,
		    l->text[0] != '\0' ? l->text : "it is not for this host");
	else if (host_line_status(l, p->good) != 0)
		send_complain(s, l);
}

/* "for the event E (until TIME)" */
static void
describe_event(char *out, size_t size, const struct doc *d)
{
	char by[TIMETEXT_SIZE], until[TIMETEXT_SIZE + 16] = "";

	if (d->by_us != 0)
		snprintf(until, sizeof until, " (until %s)",
		    timetext_format(d->by_us, by));
	/* Without one of the document, actions of the update name theirs. */
	if (d->on != NULL)
		snprintf(out, size, "for the event %.128s%s", d->on, until);
	else
		snprintf(out, size, "for events that it names");
}

/* Clients that have no last word yet: those that fetch are counted together
 * with those that wait. */
static void
print_fetching(const struct printing *p, const struct host_line *l,
    const char *event)
{
	const struct doc *d = p->doc;
	int may_wait = d->on != NULL || d->nparts > 0;

	say_note(p->say,
	    "%s: %" PRIu64 " clients still fetch the package%s%s; hotfix status"
	    " tells when they have it",
	    l->shown, l->clients.deferred, may_wait ? ", or wait " : "",
	    may_wait ? event : "");
}

/* Something waits: what for, and how long. */
static void
print_waiting(const struct printing *p, const struct host_line *l)
{
	int all = strcmp(l->result, "deferred") == 0;
	int has_package = p->doc->package.present;
	uint64_t n = l->clients.deferred;
	char event[ERR_TEXT];

	if (l->end != HOST_DONE)
		return;
	describe_event(event, sizeof event, p->doc);
	if (all && (!has_package || strcmp(l->server, "deferred") == 0))
		say_note(p->say, "%s: the update waits %s", l->shown, event);
	else if (n > 0 && !has_package)
		say_note(p->say, "%s: %" PRIu64 " clients wait %s", l->shown, n,
		    event);
	if (n > 0 && has_package)
		print_fetching(p, l, event);
}

/* An update for nobody is most often one with a slip of the pen. */
static void
print_nobody(const struct printing *p, const struct host_line *l)
{
	const struct doc *d = p->doc;
	const struct {
		const char *name, *list;
	} targets[] = {{"version", d->version}, {"platform", d->platform},
	    {"program", d->program}, {"zone", d->zone}};
	struct buf b = BUF_INIT;
	const char *text;
	size_t i;

	if (!d->parts[DOC_CLIENT].present || !l->has_clients ||
	    l->clients.targeted > 0 || l->logged_in == 0)
		return;
	for (i = 0; i < sizeof targets / sizeof *targets; i++)
		if (targets[i].list != NULL)
			buf_printf(&b, " --%s '%.64s'", targets[i].name,
			    targets[i].list);
	text = buf_text(&b);
	if (text != NULL && *text != '\0')
		say_note(p->say, "%s: no client here fits%s", l->shown, text);
	buf_free(&b);
}

static void
print_record(void *arg, struct host_line *l)
{
	const struct printing *p = arg;
	/* Who reads JSON finds the counts under one name; people are not to
	 * read that anything was applied. */
	const char *const names[] = {"targeted",
	    p->doc->dry_run && !p->say->json ? "ready" : "applied", "deferred",
	    "failed", "missing"};
	const uint64_t counts[] = {l->clients.targeted, l->clients.applied,
	    l->clients.deferred, l->clients.failed, l->clients.missing};
	char result[2 * HOSTS_WORD];

	host_line_print(p->say, l);
	if (l->server[0] != '\0')
		say_text(p->say, "server", l->server);
	if (l->rehearsed_us >= 0)
		say_seconds(p->say, "rehearsed", l->rehearsed_us);
	if (l->stall_us >= 0)
		say_seconds(p->say, "stall", l->stall_us);
	if (l->has_clients)
		say_counts(p->say, "clients", names, counts,
		    sizeof counts / sizeof *counts);
	say_text(p->say, "result", result_of(l, result));
	say_end(p->say);
	/* One that was left out has been complained about. */
	if (!l->left_out)
		print_talk(p, l);
	/* The host broke off, or ends: neither done nor refused. */
	if (l->asked && l->end == HOST_ERROR &&
	    (l->word[0] == '\0' || strcmp(l->word, "shutdown") == 0))
		say_error(p->say,
		    "%s: the host may have received it; hotfix log tells, and"
		    " the same document may be sent again",
		    l->shown);
	if (p->doc->dry_run && l->end == HOST_DONE)
		say_note(p->say, "%s: a dry run: nothing was changed",
		    l->shown);
	print_waiting(p, l);
	print_nobody(p, l);
}

/* By what a host is meant or not. What has something for clients is passed on
 * to them, whatever the host runs. */
static const char *
hosts_meant(struct buf *b, const struct doc *d)
{
	const struct {
		const char *name, *list;
	} targets[] = {{"zone", d->zone}, {"server-version", d->server_version},
	    {"server-program", d->server_program}};
	size_t i, n = sizeof targets / sizeof *targets;
	const char *text;

	if (doc_has_client(d))
		n = 1;
	else if (d->parts[DOC_NATIVE].present)
		buf_puts(b, ", by the build of its patch");
	for (i = 0; i < n; i++)
		if (targets[i].list != NULL)
			buf_printf(b, "%s --%s '%.64s'",
			    b->len > 0 ? " or" : ", by", targets[i].name,
			    targets[i].list);
	text = buf_text(b);
	return text != NULL ? text : "";
}

/* Sent to hosts of which none is meant. */
static void
print_none(const struct printing *p, const struct hosts *h)
{
	struct buf b = BUF_INIT;
	size_t i;

	/* Each was told, but for -q; a single one as an error. */
	for (i = 0; p->say->quiet && i < h->n; i++)
		if (host_line_is_skipped(&h->lines[i]))
			send_complain(p->say, &h->lines[i]);
	if (p->doc->kind == DOC_RETIRE)
		say_error(p->say,
		    "no host took it: on none of them the update is in force");
	else
		say_error(p->say, "no host took it: it is for none of them%s",
		    hosts_meant(&b, p->doc));
	buf_free(&b);
}

/* How the hosts ended, one joined to the status so far. */
struct tally {
	size_t took, skipped, failed, not_here;
	int status;
};

static void
count(struct tally *t, const struct hosts *h, const struct host_line *l,
    const char *good)
{
	int status = host_line_status(l, good);

	if (host_line_is_skipped(l)) {
		t->skipped++;
		return;
	}
	t->status = hosts_join_status(t->status, status);
	if (status == 0) {
		t->took += l->end == HOST_DONE;
		t->not_here += strcmp(l->word, "not-here") == 0;
	} else if (!l->left_out || !h->fleet->skip_failed) {
		t->failed++;
	}
}

int
send_document(struct say *s, struct talk *t, struct hosts *h,
    const struct document *d, const char *good)
{
	const struct talk_request r = {.doc = d->bytes.data,
	    .len = d->bytes.len,
	    .head_len = d->head_len,
	    .wait_ms = d->doc->wait_ms};
	struct printing p = {s, d->doc, good, h->n == 1};
	struct tally all = {0, 0, 0, 0, 0};
	size_t first, n, i;
	struct err e;
	int status;

	for (first = 0; first < h->n; first += n) {
		n = h->n - first;
		if (n > h->fleet->batch)
			n = h->fleet->batch;
		status =
		    talk_to(t, h->lines + first, n, &r, print_record, &p, &e);
		if (status < 0)
			return say_err(s, &e);
		if (status == TALK_INTERRUPTED)
			return send_interrupted(s, h, "nothing was sent");
		for (i = first; i < first + n; i++)
			count(&all, h, &h->lines[i], good);
		if (all.failed <= h->fleet->max_failed || first + n == h->n)
			continue;
		say_error(s,
		    "%zu failed: the other %zu hosts were not sent"
		    " to",
		    all.failed, h->n - first - n);
		for (i = first + n; i < h->n; i++) {
			print_record(&p, &h->lines[i]);
			count(&all, h, &h->lines[i], good);
		}
		break;
	}
	if (all.took > 0 && all.not_here == all.took)
		say_note(s,
		    "%" PRIu64 " was on no host that answered; they refuse it "
		    "from now on",
		    d->doc->target);
	if (all.took > 0 || all.skipped == 0)
		return all.status;
	/* What is for nobody is most often one with a slip of the pen. */
	if (!p.alone && all.failed == 0)
		print_none(&p, h);
	return hosts_join_status(all.status, ERR_NO);
}

int
send_check_write(const struct say *s, const char *path, const struct hosts *h)
{
	if (path == NULL || strcmp(path, "-") != 0 || h->n == 0)
		return SEND_GO_ON;
	return options_complain(s,
	    "--write - goes without a HOST, whose results are on standard"
	    " output");
}

int
send_made(struct say *s, struct talk *t, struct hosts *h,
    const struct document *d, const char *path, const char *good)
{
	struct err e;
	int status;

	if (path != NULL && document_write(d, path, &e) != 0)
		return say_err(s, &e);
	if (path != NULL && strcmp(path, "-") == 0)
		return 0;
	status = send_announce(s, d);
	if (status != SEND_GO_ON)
		return status;
	return h->n > 0 ? send_document(s, t, h, d, good) : 0;
}
