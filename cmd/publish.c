/* hotfix publish: a release, from a folder to everybody's notice. */

#include "cmd/verbs.h"

#include <stdio.h>
#include <string.h>

#include "cmd/publishing.h"
#include "cmd/signals.h"
#include "crypto/wipe.h"

#define SYNOPSIS                                                         \
	"-k KEY --to PLACE --version LIST [OPTION]... PACKAGE\n"         \
	"       hotfix publish -k KEY --to PLACE --version LIST -n NAME" \
	" -r RELEASE [OPTION]... DIR\n"                                  \
	"       hotfix publish -k KEY --to PLACE -n NAME --undo [OPTION]..."

#define ABOUT                                                               \
	"Put a release package into a place, ftp://[USER@]HOST[:PORT]/PATH" \
	" or a folder: it is\nuploaded, read back, compared, and gets its"  \
	" name at once; then it is the latest\nrelease, and hosts are told.\n"

/* Clients fetch before they can answer. */
#define WAIT_MS 30000

/* 0, or the status after a message: nothing was done yet anywhere. */
static int
prepare(struct publishing *p, char **operands, size_t n)
{
	const struct say *s = &p->say;
	char *names[OPTION_LIST_MAX];
	struct err e;
	int status;

	/* They are words of argv, as operands are. */
	memcpy(names, p->notify.items, sizeof names);
	status = publishing_check(p, operands, n);
	if (status != 0)
		return status;
	status = clock_check(s, &p->plan.clock);
	if (status != CLOCK_GO_ON)
		return status;
	p->plan.feature = p->said_feature;
	/* A package that is to be opened yet tells its name later. */
	publishing_name(p, p->name != NULL ? p->name : "n");
	if (publishing_find_place(p, &e) != 0 ||
	    signer_open(&p->signer, p->plan.key, p->plan.sign_with, &e) != 0 ||
	    publishing_load_keys(p, &e) != 0 ||
	    hosts_open(&p->hosts, &p->plan.fleet, names, p->notify.n, 1, &e) !=
		0 ||
	    publishing_find_url(p, &e) != 0 ||
	    (p->stop = signals_flag(&e)) == NULL)
		return say_err(s, &e);
	p->plan.clock.stop = p->stop;
	if (p->plan.client != NULL && plan_read_parts(&p->plan, &e) != 0)
		return say_err(s, &e);
	status = clock_correct(s, &p->plan.clock, &p->clock);
	if (status != CLOCK_GO_ON)
		return status;
	clock_say(&p->say, &p->clock);
	if (publishing_try(p, &e) != 0)
		return say_err(s, &e);
	return 0;
}

static int
interrupted(const struct publishing *p)
{
	say_error(&p->say, "interrupted; %s",
	    p->is_released ? "it is released, but not every host was told"
			   : "nothing was released; run again it goes on");
	return EXIT_INTERRUPTED;
}

static int
fail(struct publishing *p, const struct err *e)
{
	publishing_hide(p);
	parcel_tell(&p->package, &p->say);
	parcel_tell(&p->whole, &p->say);
	return *p->stop ? interrupted(p) : say_err(&p->say, e);
}

/* There is no place for it. What is wrong here is told before what is wrong
 * there. */
static int
no_place(struct publishing *p, struct err *e)
{
	struct say *s = &p->say;
	int status;

	if (!*p->stop && publishing_settle(p, 1, e) != 0)
		return fail(p, e);
	status = fail(p, e);
	if (!*p->stop) {
		say_text(s, "released", "no");
		say_end(s);
	}
	return status;
}

/* What is done under the lock. 0, or a status with the reason in e. */
static int
release(struct publishing *p, struct err *e)
{
	struct err why;
	int status = 0;

	if (publishing_release(p, e) != 0) {
		if (!*p->stop && !p->is_bad)
			publishing_settle(p, 1, e);
		status = fail(p, e);
	}
	if (publish_close(p->place, &why) != 0)
		say_note(&p->say, "the lock may be left behind: %.400s",
		    why.text);
	p->place = NULL;
	return status;
}

static int
publish(struct publishing *p, char **operands, size_t n)
{
	struct say *s = &p->say;
	struct err e;
	int status;

	status = prepare(p, operands, n);
	if (status != 0)
		return status;
	if (!p->undo && (publishing_open_packages(p, operands[0], &e) != 0 ||
			    publishing_settle(p, 0, &e) < 0))
		return fail(p, &e);
	p->talk = talk_open(s, &e);
	if (p->talk == NULL)
		return say_err(s, &e);
	talk_set_behind(p->talk, clock_behind_us(&p->clock));
	if (publishing_open_place(p, &e) != 0)
		return no_place(p, &e);
	status = release(p, &e);
	if (p->is_bad)
		return status; /* and nothing was to be released */
	if (status == 0 || !*p->stop)
		say_text(s, "released", p->is_released ? "yes" : "no");
	say_end(s);
	if (status == 0)
		return publishing_notify(p);
	if (!*p->stop && !p->is_released)
		publishing_tell_failure(p, &e);
	return status;
}

static void
free_all(struct publishing *p)
{
	store_close(p->store);
	talk_close(p->talk);
	parcel_close(&p->package);
	parcel_close(&p->whole);
	document_free(&p->latest);
	document_free(&p->made);
	buf_free(&p->fields);
	hosts_free(&p->hosts);
	keyring_free(&p->keys);
	signer_close(&p->signer);
	crypto_wipe(&p->login, sizeof p->login);
	plan_free(&p->plan);
}

int
cmd_publish(int argc, char **argv)
{
	struct publishing p = {.plan = {.wait_ms = -1,
				   .take_back_ms = -1,
				   .clock = CLOCK_OPTIONS_INIT},
	    .spread_ms = -1,
	    .timeout_ms = -1,
	    .package = PARCEL_INIT,
	    .whole = PARCEL_INIT};
	const struct option options[] = {
	    {'k', "key", "FILE", "secret key; default: $HOTFIX_KEY",
		.text = &p.plan.key},
	    {0, "sign-with", "CMD", "have a command sign",
		.text = &p.plan.sign_with},
	    {0, "to", "PLACE", "ftp://[USER@]HOST[:PORT]/PATH, or a folder",
		.text = &p.to},
	    {'n', "name", "NAME", "of a folder's package", .text = &p.name},
	    {'r', "release", "RELEASE", "of a folder's package",
		.text = &p.release},
	    {'o', "output", "FILE", "the package (NAME-RELEASE.tar)",
		.text = &p.output},
	    {0, "since", "OLD.tar", "pack what changed since that release",
		.text = &p.since},
	    {0, "exclude", "GLOB", "leave these files out", .list = &p.exclude},
	    {0, "build", "CMD", "run this in the folder first",
		.text = &p.build},
	    {0, "no-lua-check", "GLOB", "these need not compile",
		.list = &p.unchecked},
	    {0, "full", "PACKAGE", "for clients without the base",
		.text = &p.full},
	    {0, "client", "FILE", "Lua for the clients, beside the package",
		.text = &p.plan.client},
	    {0, "spread", "T", "clients begin to fetch within this time",
		.ms = &p.spread_ms},
	    {0, "on", "EVENT", "apply it at this event of the program",
		.text = &p.plan.on},
	    {0, "by", "TIME|+T", "at the latest then, event or not",
		.text = &p.plan.by},
	    {0, "max-failed", "N|P%", "take back when more clients fail",
		.text = &p.plan.max_failed},
	    {0, "wait", "T", "wait so long for clients (30s)",
		.ms = &p.plan.wait_ms},
	    {0, "take-back", "T", "the host may take it back (wait + 60s)",
		.ms = &p.plan.take_back_ms},
	    {0, "allow-partial", NULL, "plain chunks, not to be undone",
		.flag = &p.plan.allow_partial},
	    {0, "feature", "F", "its name; default: the package's",
		.text = &p.said_feature},
	    {0, "needs", "ID", "only where this is in force",
		.list = &p.plan.needs},
	    {0, "expires", "TIME|+T", "not applied anew past it",
		.text = &p.plan.expires},
	    {0, "note", "TEXT", "one line for people", .text = &p.plan.note},
	    {0, "ntp", "SERVER", "the time by this server, not the clock",
		.list = &p.plan.clock.ntp},
	    {0, "max-offset", "T", "stop when the clock is further off (10s)",
		.ms = &p.plan.clock.max_offset_ms},
	    {0, "set-clock", NULL, "set the clock instead",
		.flag = &p.plan.clock.set_clock},
	    {0, "notify", "HOST", "tell this host", .list = &p.notify},
	    {0, "readback", "yes|no", "no: where the place makes out digests",
		.text = &p.readback},
	    {0, "url", "URL", "where clients find the place", .text = &p.url},
	    {0, "undo", NULL, "release what was before the latest",
		.flag = &p.undo},
	    {'p', "pub", "FILE", "--undo believes this key too",
		.list = &p.pub},
	    {0, "trust", "FILE", "--undo believes these keys too",
		.text = &p.trust},
	    {0, "retries", "N", "after a broken connection (5)",
		.text = &p.retries},
	    {0, "timeout", "T", "no byte in this time is a broken one (30s)",
		.ms = &p.timeout_ms},
	    {0, "break-lock", NULL, "one that is older than an hour",
		.flag = &p.break_lock},
	};
	struct option shared[PLAN_TARGET_OPTIONS + HOSTS_OPTIONS];
	const struct usage usage = {SYNOPSIS, ABOUT, options,
	    sizeof options / sizeof *options, shared,
	    sizeof shared / sizeof *shared, NULL, 0};
	char **operands;
	size_t n;
	int status;

	plan_target_options(&p.plan, shared);
	hosts_options(&p.plan.fleet, shared + PLAN_TARGET_OPTIONS);
	status = options_parse(&p.say, &usage, argc, argv, &operands, &n);
	if (status != OPTIONS_GO_ON)
		return status;
	if (p.plan.wait_ms < 0)
		p.plan.wait_ms = WAIT_MS;
	status = publish(&p, operands, n);
	free_all(&p);
	return status;
}
