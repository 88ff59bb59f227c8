/* hotfix serve: a host. */

#include "cmd/verbs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "cmd/options.h"
#include "cmd/run.h"
#include "peer/host.h"

#define FAREWELL_MS 1000 /* for clients to hear that this is the end */

struct serve {
	struct say say;
	struct option_list listen, allow, pub, skip, public_url;
	struct run_fetch fetch;
	uint64_t skip_ids[OPTION_LIST_MAX];
	const char *user;
	int no_rehearsal;
	struct hotfix_host_options host;
};

/* --skip ID... as numbers: 0 or 2. */
static int
parse_skip(struct serve *v)
{
	size_t i;

	for (i = 0; i < v->skip.n; i++)
		if (num_parse(v->skip.items[i], strlen(v->skip.items[i]),
			INT64_MAX, &v->skip_ids[i]) != NUM_OK)
			return options_complain(&v->say,
			    "--skip: not an update's id");
	return 0;
}

/* 0 or 2. */
static int
check_told(const struct serve *v)
{
	const struct hotfix_host_options *o = &v->host;
	const struct say *s = &v->say;

	/* A name is written in front of an address: NAME@ADDRESS. */
	if (run_check_told(s, "--name", o->name, HOST_LABEL, " @") != 0 ||
	    run_check_told(s, "--program", o->program, HOST_LABEL, "") != 0 ||
	    run_check_told(s, "--version", o->version, HOST_LABEL, "") != 0 ||
	    run_check_told(s, "--zone", o->zone, HOST_LABEL, "") != 0)
		return ERR_USAGE;
	return 0;
}

/* Until a signal, the program's stop or trouble. */
static int
run(struct serve *v, struct hotfix_loop *l, struct hotfix_host *h,
    const struct run_signals *signals)
{
	const char *address;
	int status = 0;
	size_t i;

	for (i = 0; (address = hotfix_host_address(h, i)) != NULL; i++) {
		say_text(&v->say, "listening", address);
		/* Who waits for this line would wait for ever. */
		if (say_end(&v->say) != 0)
			return ERR_LOCAL;
	}
	while (signals->signal == 0 && !hotfix_host_stopped(h, &status))
		if (hotfix_loop_step(l, -1) != 0 && errno != EINTR) {
			say_error(&v->say, "waiting: %s", strerror(errno));
			return ERR_LOCAL;
		}
	return signals->signal != 0 ? run_signal_status(signals->signal)
				    : status;
}

static int
serve(struct serve *v)
{
	struct hotfix_loop *l = NULL;
	struct hotfix_host *h = NULL;
	struct hotfix_native_report native;
	struct run_signals signals;
	struct hotfix_error error;
	struct err e;
	int status;

	if (v->user != NULL && run_as_user(v->user, &e) != 0)
		return say_err(&v->say, &e);
	/* Not before: what of its own memory a process may write is another
	 * matter when it has given up root, and root's handle on it is not to
	 * be kept. No thread or child is there yet. */
	hotfix_native_init(NULL, &native);
	run_raise_files();
	l = hotfix_loop_new(getenv("HOTFIX_LOOP"), &error);
	if (l == NULL || run_signals_open(&signals, l, &error) != 0 ||
	    (h = hotfix_host_start(l, &v->host, &error)) == NULL) {
		status = run_complain(&v->say, &error);
	} else {
		run_log(&v->say, native.text);
		status = run(v, l, h, &signals);
	}
	hotfix_host_stop(h, FAREWELL_MS);
	hotfix_loop_free(l);
	return status;
}

int
cmd_serve(int argc, char **argv)
{
	static const char *const later[] = {"metrics", NULL};
	struct serve v = {.fetch = RUN_FETCH_INIT};
	struct hotfix_host_options *o = &v.host;
	const struct option options[] = {
	    {'p', "pub", "FILE", "trust this public key", .list = &v.pub},
	    {0, "trust", "FILE", "trust the keys in this list",
		.text = &o->trust},
	    {'l', "listen", "ADDR:PORT", "listen here (127.0.0.1:4683)",
		.list = &v.listen},
	    {0, "allow", "ADDR", "operators' address or network; none",
		.list = &v.allow},
	    {0, "state", "DIR", "keep updates and ledger here",
		.text = &o->state_dir},
	    {0, "seed", "DIR", "take in the documents here at start",
		.text = &o->seed_dir},
	    {0, "name", "N", "the host's name (the machine's)",
		.text = &o->name},
	    {0, "program", "P", "the program's name", .text = &o->program},
	    {0, "version", "V", "the program's version", .text = &o->version},
	    {0, "zone", "Z", "the zone", .text = &o->zone},
	    {0, "user", "NAME", "give up root for this user", .text = &v.user},
	    {0, "skip", "ID", "leave this update's server part out",
		.list = &v.skip},
	    {0, "mirror", "DIR", "keep packages here (STATE/packages)",
		.text = &o->mirror_dir},
	    {0, "public-url", "FROM=TO", "announce packages at TO instead",
		.list = &v.public_url},
	    {0, "fetch-timeout", "T", "of a try to fetch a package (10m)",
		.ms = &v.fetch.timeout_ms},
	    {0, "fetch-tries", "N", "give a package up after so many (6)",
		.text = &v.fetch.tries},
	    {0, "fetch-with", "CMD", "fetch packages by CMD URL FILE",
		.text = &o->fetch_with},
	    {0, "no-rehearsal", NULL, "do not try updates on a copy first",
		.flag = &v.no_rehearsal},
	};
	const struct usage usage = {"[-p PUB]... [OPTION]... [SCRIPT [ARG]...]",
	    "Run a Lua program as a host: clients log in, operators push"
	    " updates. Without\nSCRIPT updates are only received and passed"
	    " on. Prints listening: ADDR:PORT\nwhen it is ready.\n",
	    options, sizeof options / sizeof *options, NULL, 0, later, 1};
	char **operands;
	size_t n;
	int status;

	status = options_parse(&v.say, &usage, argc, argv, &operands, &n);
	if (status != OPTIONS_GO_ON)
		return status;
	if (parse_skip(&v) != 0 || check_told(&v) != 0 ||
	    run_check_fetch(&v.say, &v.fetch, &o->fetch_timeout_ms,
		&o->fetch_tries) != 0)
		return ERR_USAGE;
	o->fetch = 1;
	o->public_urls = v.public_url.items;
	o->npublic_urls = v.public_url.n;
	o->listen = v.listen.items;
	o->nlisten = v.listen.n;
	o->allow = v.allow.items;
	o->nallow = v.allow.n;
	o->pub = v.pub.items;
	o->npub = v.pub.n;
	o->skip = v.skip_ids;
	o->nskip = v.skip.n;
	o->rehearse = !v.no_rehearsal;
	o->script = n > 0 ? operands[0] : NULL;
	o->argc = n > 0 ? (int)n - 1 : 0;
	o->argv = operands + 1;
	o->log = run_log;
	o->arg = &v.say;
	if (o->npub == 0 && o->trust == NULL)
		say_note(&v.say, "no trusted key (-p, --trust): every update"
				 " will be refused");
	return serve(&v);
}
