/* hotfix push: sign an update and send it. */

#include "cmd/plan.h"

#include <string.h>
#include <sys/stat.h>

#include "cmd/send.h"
#include "cmd/signer.h"
#include "cmd/verbs.h"

#define SYNOPSIS                                                      \
	"-k KEY [PART]... [OPTION]... HOST[:PORT]...\n"               \
	"       hotfix push -k KEY --again DOCUMENT HOST[:PORT]...\n" \
	"       hotfix push DOCUMENT HOST[:PORT]..."

#define ABOUT                                                                  \
	"Sign an update of the server's part, the clients' part or both, send" \
	" it to every\nHOST, wait, and print what it did there. A DOCUMENT"    \
	" made by --write is sent as\nit is.\n"

static int
has_parts(const struct plan *p)
{
	return plan_has_part(p, DOC_SERVER) || plan_has_part(p, DOC_CLIENT) ||
	       plan_has_part(p, DOC_NATIVE);
}

/* 1 when something is said that a finished document says already. */
static int
has_content(const struct plan *p)
{
	return has_parts(p) || p->version != NULL || p->platform != NULL ||
	       p->program != NULL || p->server_version != NULL ||
	       p->server_program != NULL || p->zone != NULL ||
	       p->max_failed != NULL || p->feature != NULL ||
	       p->expires != NULL || p->note != NULL || p->wait_ms >= 0 ||
	       p->take_back_ms >= 0 || p->allow_partial || p->needs.n > 0 ||
	       p->dry_run || p->on != NULL || p->by != NULL;
}

/* What is wrong with the options as they stand: 0 or 2. */
static int
check_usage(const struct say *s, const struct plan *p)
{
	if (p->again != NULL && has_content(p))
		return options_complain(s, "--again takes everything from its"
					   " DOCUMENT");
	if (p->again != NULL)
		return 0;
	if (!has_parts(p))
		return options_complain(s, "no part: give --server, --client,"
					   " --both or --native FILE, or a"
					   " module");
	if (p->both != NULL && (p->server != NULL || p->client != NULL))
		return options_complain(s, "--both excludes --server and"
					   " --client");
	if (p->by != NULL && p->on == NULL)
		return options_complain(s, "--by is the latest for an event:"
					   " give --on EVENT");
	if (plan_has_part(p, DOC_CLIENT) && p->version == NULL)
		return options_complain(s,
		    "a client part needs --version V:"
		    " the clients it was made for ('*' if really all, those"
		    " of every future build too)");
	if (!plan_has_part(p, DOC_CLIENT) &&
	    (p->max_failed != NULL || p->take_back_ms >= 0))
		return options_complain(s, "--max-failed and --take-back are"
					   " about clients, and there is no"
					   " client part");
	return 0;
}

/* What waited once is wanted at once when it is sent again later, such as to a
 * host that lost its folder; but it should not take anybody by surprise. */
static void
note_past(const struct say *s, const struct plan *p, int64_t now_us)
{
	const struct doc *d = p->old.doc;

	if (d->by_us != 0 && d->by_us <= now_us)
		say_note(s,
		    "%s: the instant of its --by is past: it will not wait for"
		    " the event %.128s",
		    p->again, d->on);
}

/* Read what is to be signed, ask for the time, and see whether it can be. 0, or
 * the status. */
static int
read_input(const struct say *s, struct plan *p, struct clock *clock)
{
	struct err e;
	int status;

	if (p->again != NULL) {
		if (document_read(&p->old, p->again, &e) != 0)
			return say_err(s, &e);
	} else if (plan_read_parts(p, &e) != 0) {
		return say_err(s, &e);
	}
	status = clock_correct(s, &p->clock, clock);
	if (status != CLOCK_GO_ON)
		return status;
	if (p->again != NULL)
		note_past(s, p, clock_now_us(clock));
	if (plan_try(p, clock_now_us(clock), &e) != 0)
		return say_err(s, &e);
	return 0;
}

/* Sign, write, send. */
static int
sign_and_send(struct say *s, struct plan *p, const struct signer *signer,
    struct talk *t, struct hosts *h, const struct clock *clock)
{
	struct document d = DOCUMENT_INIT;
	int64_t now_us = clock_now_us(clock);
	struct err e;
	int status;

	if ((p->again != NULL ? plan_make_again(p, now_us, &e)
			      : plan_make(p, h, now_us, &e)) != 0 ||
	    document_sign(&d, &p->spec, signer, &e) != 0)
		status = say_err(s, &e);
	else
		status = send_made(s, t, h, &d, p->write, NULL);
	document_free(&d);
	return status;
}

static int
push_new(struct say *s, struct plan *p, char **operands, size_t n)
{
	struct hosts h = {NULL, 0, 0, NULL};
	struct talk *t = NULL;
	struct signer signer;
	struct clock clock;
	struct err e;
	int status;

	status = check_usage(s, p);
	if (status != 0)
		return status;
	status = clock_check(s, &p->clock);
	if (status != CLOCK_GO_ON)
		return status;
	if (signer_open(&signer, p->key, p->sign_with, &e) != 0) {
		status = say_err(s, &e);
		goto out;
	}
	if (hosts_open(&h, &p->fleet, operands, n, p->write != NULL, &e) != 0) {
		status = say_err(s, &e);
		goto out;
	}
	status = send_check_write(s, p->write, &h);
	if (status != SEND_GO_ON)
		goto out;
	status = read_input(s, p, &clock);
	if (status != 0)
		goto out;
	if (h.n == 0 && plan_has_part(p, DOC_SERVER) &&
	    p->server_version == NULL) {
		status = options_complain(s, "no host to ask: give"
					     " --server-version V");
		goto out;
	}
	t = talk_open(s, &e);
	if (t == NULL) {
		status = say_err(s, &e);
		goto out;
	}
	talk_set_behind(t, clock_behind_us(&clock));
	status = h.n > 0 ? send_survey(s, t, &h, SEND_NEEDS_ALL) : SEND_GO_ON;
	if (status == SEND_GO_ON)
		status = sign_and_send(s, p, &signer, t, &h, &clock);
out:
	talk_close(t);
	hosts_free(&h);
	signer_close(&signer);
	return status;
}

/* There is no part, but something that only goes with one. */
static int
refuse_options(const struct say *s, const struct plan *p, char **operands,
    size_t n)
{
	struct stat st;

	if (n > 0 && stat(operands[0], &st) == 0 && S_ISREG(st.st_mode))
		return options_complain(s,
		    "%s: a document is signed already: it is sent without -k,"
		    " and as it is",
		    operands[0]);
	return check_usage(s, p);
}

static int
push_document(struct say *s, struct plan *p, char **operands, size_t n)
{
	struct document d = DOCUMENT_INIT;
	struct hosts h = {NULL, 0, 0, NULL};
	struct talk *t = NULL;
	struct err e;
	int status;

	if (p->key != NULL || p->sign_with != NULL || p->write != NULL ||
	    p->clock.ntp.n > 0 || p->clock.max_offset_ms >= 0 || has_content(p))
		return refuse_options(s, p, operands, n);
	if (n == 0)
		return options_complain(s, "no part and no DOCUMENT");
	if (document_read(&d, operands[0], &e) != 0 ||
	    hosts_open(&h, &p->fleet, operands + 1, n - 1, 0, &e) != 0 ||
	    (t = talk_open(s, &e)) == NULL) {
		status = say_err(s, &e);
		goto out;
	}
	status = send_announce(s, &d);
	if (status == SEND_GO_ON)
		status = send_document(s, t, &h, &d,
		    d.doc->kind == DOC_REVERT ? "reverted" : NULL);
out:
	talk_close(t);
	hosts_free(&h);
	document_free(&d);
	return status;
}

int
cmd_push(int argc, char **argv)
{
	static const char *const later[] = {"at", "canary", NULL};
	struct plan p = {
	    .wait_ms = -1, .take_back_ms = -1, .clock = CLOCK_OPTIONS_INIT};
	const struct option options[] = {
	    {'k', "key", "FILE", "secret key; default: $HOTFIX_KEY",
		.text = &p.key},
	    {0, "sign-with", "CMD", "have a command sign",
		.text = &p.sign_with},
	    {0, "server", "FILE", "part: Lua for the host's program",
		.text = &p.server},
	    {0, "client", "FILE", "part: Lua for the clients' programs",
		.text = &p.client},
	    {0, "both", "FILE", "the same text for both", .text = &p.both},
	    {0, "server-module", "NAME=FILE", "a module's new source, server",
		.list = &p.modules[DOC_SERVER]},
	    {0, "client-module", "NAME=FILE", "a module's new source, clients",
		.list = &p.modules[DOC_CLIENT]},
	    {0, "native", "FILE", "part: a patch for the host's executable",
		.text = &p.native},
	    {0, "dry-run", NULL, "try it everywhere, change nothing",
		.flag = &p.dry_run},
	    {0, "on", "EVENT", "apply it at this event of the program",
		.text = &p.on},
	    {0, "by", "TIME|+T", "at the latest then, event or not",
		.text = &p.by},
	    {0, "max-failed", "N|P%", "take back when more clients fail",
		.text = &p.max_failed},
	    {0, "wait", "T", "wait so long for clients (10s)",
		.ms = &p.wait_ms},
	    {0, "take-back", "T", "the host may take it back (wait + 60s)",
		.ms = &p.take_back_ms},
	    {0, "allow-partial", NULL, "plain chunks, not to be undone",
		.flag = &p.allow_partial},
	    {0, "feature", "F", "its name; default: the part's file's",
		.text = &p.feature},
	    {0, "needs", "ID", "only where this is in force", .list = &p.needs},
	    {0, "expires", "TIME|+T", "not applied anew past it",
		.text = &p.expires},
	    {0, "note", "TEXT", "one line for people", .text = &p.note},
	    {0, "ntp", "SERVER", "the time by this server, not the clock",
		.list = &p.clock.ntp},
	    {0, "max-offset", "T", "stop when the clock is further off (10s)",
		.ms = &p.clock.max_offset_ms},
	    {0, "write", "FILE", "keep the document", .text = &p.write},
	    {0, "again", "DOCUMENT", "the same under a new id",
		.text = &p.again},
	};
	struct option shared[PLAN_TARGET_OPTIONS + HOSTS_OPTIONS];
	const struct usage usage = {SYNOPSIS, ABOUT, options,
	    sizeof options / sizeof *options, shared,
	    sizeof shared / sizeof *shared, later, 0};
	struct say say = {0};
	char **operands;
	size_t n;
	int status;

	plan_target_options(&p, shared);
	hosts_options(&p.fleet, shared + PLAN_TARGET_OPTIONS);
	status = options_parse(&say, &usage, argc, argv, &operands, &n);
	if (status != OPTIONS_GO_ON)
		return status;
	status = has_parts(&p) || p.again != NULL
		     ? push_new(&say, &p, operands, n)
		     : push_document(&say, &p, operands, n);
	plan_free(&p);
	return status;
}
