/* hotfix pack: a release package of a folder. */

#include "cmd/verbs.h"

#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "cmd/clock.h"
#include "cmd/options.h"
#include "cmd/package.h"
#include "cmd/progress.h"
#include "cmd/signals.h"

struct pack {
	struct say say;
	const char *key, *command; /* who signs */
	const char *name, *release, *out, *build, *since;
	struct option_list exclude, unchecked;
	struct clock_options asked;
	struct clock clock;
	struct progress progress;
	const volatile sig_atomic_t *stop;
};

/* 1 when a key was given, in whatever way: then it must do. */
static int
is_signed(const struct pack *p)
{
	const char *key = getenv("HOTFIX_KEY");

	return p->key != NULL || p->command != NULL ||
	       (key != NULL && *key != '\0');
}

static void
print(struct pack *p, const char *path, const struct package_info *info,
    int with_sig)
{
	struct say *s = &p->say;
	char digits[2 * SHA512_SIZE + 1];
	char *sig = package_sig_name(path);

	clock_say(s, &p->clock);
	package_say(s, info);
	say_text(s, "path", path);
	say_count(s, "files", info->nheld);
	if (p->since != NULL)
		say_count(s, "removed", info->nremoved);
	say_count(s, "bytes", info->len);
	say_text(s, "md5", hex_encode(digits, info->md5, MD5_SIZE));
	say_text(s, "sha512", hex_encode(digits, info->sha512, SHA512_SIZE));
	say_text(s, "signed", with_sig && sig != NULL ? sig : "no");
	say_end(s);
	free(sig);
}

static void
on_progress(void *arg, uint64_t so_far, uint64_t total)
{
	struct pack *p = arg;

	progress_moved(&p->progress, so_far, total);
}

static int
make(struct pack *p, const char *dir, const char *path, struct err *e)
{
	struct package_job job = {
	    .say = &p->say,
	    .dir = dir,
	    .name = p->name,
	    .release = p->release,
	    .since = p->since,
	    .build = p->build,
	    .exclude = &p->exclude,
	    .unchecked = &p->unchecked,
	    .progress = on_progress,
	    .arg = p,
	    .stop = p->stop,
	};
	const int with_sig = is_signed(p);
	struct package_info info;
	struct signer signer;
	int ret = -1;

	if (with_sig) {
		if (signer_open(&signer, p->key, p->command, e) != 0)
			goto out;
		job.signer = &signer;
	}
	if (package_time(clock_now_us(&p->clock), &job.time_us, e) != 0)
		goto out;
	progress_open(&p->progress, &p->say, "pack");
	ret = package_make(&job, path, &info, e);
	progress_hide(&p->progress);
	if (ret == 0)
		print(p, path, &info, with_sig);
out:
	if (with_sig)
		signer_close(&signer);
	return ret;
}

static int
interrupted(const struct pack *p)
{
	say_error(&p->say, "interrupted; nothing was packed");
	return EXIT_INTERRUPTED;
}

int
cmd_pack(int argc, char **argv)
{
	struct pack p = {.asked = CLOCK_OPTIONS_INIT};
	const struct option options[] = {
	    {'k', "key", "FILE", "sign with this secret key (HOTFIX_KEY)",
		.text = &p.key},
	    {0, "sign-with", "CMD", "sign by this command", .text = &p.command},
	    {'n', "name", "NAME", "the package's name", .text = &p.name},
	    {'r', "release", "RELEASE", "its release", .text = &p.release},
	    {'o', "output", "FILE", "make this file (NAME-RELEASE.tar)",
		.text = &p.out},
	    {0, "build", "CMD", "run this in DIR first", .text = &p.build},
	    {0, "since", "FILE", "pack what changed since this package",
		.text = &p.since},
	    {0, "exclude", "GLOB", "leave these out", .list = &p.exclude},
	    {0, "no-lua-check", "GLOB", "do not compile these *.lua",
		.list = &p.unchecked},
	    {0, "ntp", "SERVER", "the time by this server, not the clock",
		.list = &p.asked.ntp},
	    {0, "max-offset", "T", "stop when the clock is further off (10s)",
		.ms = &p.asked.max_offset_ms},
	    {0, "set-clock", NULL, "set the clock instead",
		.flag = &p.asked.set_clock},
	};
	const struct usage usage = {
	    "[-qvh] [--json] [-k KEY | --sign-with CMD] -n NAME -r RELEASE"
	    " [OPTION...] DIR",
	    "Pack the folder DIR as a release package, FILE, with its"
	    " signature FILE.sig\nbeside it when there is a key. The same"
	    " files and the same SOURCE_DATE_EPOCH\ngive the same bytes.\n",
	    options, sizeof options / sizeof *options, NULL, 0, NULL, 0};
	char **operands;
	char *path = NULL;
	struct err e;
	size_t n;
	int status;

	status = options_parse(&p.say, &usage, argc, argv, &operands, &n);
	if (status != OPTIONS_GO_ON)
		return status;
	if (n != 1 || *operands[0] == '\0')
		return options_complain(&p.say, "one DIR is needed");
	if (p.name == NULL || p.release == NULL)
		return options_complain(&p.say, "no %s",
		    p.name == NULL ? "-n NAME" : "-r RELEASE");
	if (!release_is_word(p.name, strlen(p.name)) ||
	    !release_is_word(p.release, strlen(p.release)))
		return options_complain(&p.say,
		    "NAME and RELEASE are 1 to %d letters, digits and '._+-',"
		    " a letter or digit first",
		    RELEASE_WORD);
	if (p.out != NULL && strcmp(p.out, "-") == 0)
		return options_complain(&p.say,
		    "-o -: a package is a file, with its signature beside it");
	status = clock_correct(&p.say, &p.asked, &p.clock);
	if (status != CLOCK_GO_ON)
		return status;
	path = p.out != NULL ? strdup(p.out)
			     : package_file_name(p.name, p.release);
	status = 0;
	if (path == NULL)
		err_set(&e, ERR_LOCAL, "out of memory");
	if (path == NULL || (p.stop = signals_flag(&e)) == NULL ||
	    make(&p, operands[0], path, &e) != 0)
		status = p.stop != NULL && *p.stop ? interrupted(&p)
						   : say_err(&p.say, &e);
	free(path);
	return status;
}
