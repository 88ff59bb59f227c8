/*
 * What a client keeps from one start to the next. fsync, rename and unlink are
 * this file's own: at each of them the folder can be looked at as a kill would
 * leave it there, or the disk be full.
 */

#include "tests/player.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

/* --- the disk ------------------------------------------------------------ */

static struct {
	void (*look)(void); /* before and after each step; NULL: nobody */
	long steps;         /* so far */
	long full_from;     /* the step at which the disk is full; -1: never */
	long full_to;       /* and the one at which it is not any more */
	int names_go;       /* full as it is, it lets files go */
} disk = {NULL, 0, -1, 0, 1};

static void
look(void)
{
	void (*f)(void) = disk.look;

	disk.look = NULL; /* what it does itself is not looked at */
	if (f != NULL)
		f();
	disk.look = f;
}

/* 1 when this step fails. */
static int
fails(void)
{
	const long step = disk.steps++;

	look();
	if (disk.full_from < 0 || step < disk.full_from || step >= disk.full_to)
		return 0;
	errno = ENOSPC;
	return 1;
}

int
fsync(int fd)
{
	struct stat st;
	int ret = 0; /* nobody pulls the plug */

	/* A full disk has no bytes for files, but lets names go. */
	if (!disk.names_go || fstat(fd, &st) != 0 || !S_ISDIR(st.st_mode))
		ret = fails() ? -1 : 0;
	look();
	return ret;
}

int
rename(const char *from, const char *to)
{
	int ret = fails() ? -1 : renameat(AT_FDCWD, from, AT_FDCWD, to);

	look();
	return ret;
}

int
unlink(const char *path)
{
	int ret = !disk.names_go && fails() ? -1 : unlinkat(AT_FDCWD, path, 0);

	look();
	return ret;
}

static void
copy_file(const char *from, const char *to)
{
	struct buf b = BUF_INIT;
	FILE *f;

	if (file_read(from, KEEP_STATE_MAX + KEEP_DOC_MAX, &b, NULL) == 0 &&
	    (f = fopen(to, "w")) != NULL) {
		fwrite(b.data, 1, b.len, f);
		fclose(f);
	}
	buf_free(&b);
}

/* Every file of a folder, and of those in it if they are there already. */
static void
each_file(const char *dir, void (*f)(const char *path, const char *arg),
    const char *arg)
{
	DIR *folder = opendir(dir);
	const struct dirent *d;
	char path[600];
	struct stat st;

	while (folder != NULL && (d = readdir(folder)) != NULL) {
		snprintf(path, sizeof path, "%s/%s", dir, d->d_name);
		if (stat(path, &st) == 0 && S_ISREG(st.st_mode))
			f(path, arg);
	}
	if (folder != NULL)
		closedir(folder);
}

static void
remove_one(const char *path, const char *arg)
{
	(void)arg;
	unlinkat(AT_FDCWD, path, 0);
}

static void
copy_one(const char *path, const char *to)
{
	char out[800];

	snprintf(out, sizeof out, "%s%s", to, strrchr(path, '/'));
	copy_file(path, out);
}

/* The folder as a kill would leave it now, in a fresh one. */
static void
copy_folder(const char *from, const char *to)
{
	char a[300], b[300];

	snprintf(a, sizeof a, "%s/updates", from);
	snprintf(b, sizeof b, "%s/updates", to);
	mkdir(to, 0700);
	mkdir(b, 0700);
	each_file(b, remove_one, NULL);
	each_file(to, remove_one, NULL);
	each_file(a, copy_one, b);
	each_file(from, copy_one, to);
}

static int
is_there(const char *dir, unsigned n)
{
	char path[300];

	snprintf(path, sizeof path, "%s/updates/%" PRIu64, dir, T0 + n * S);
	return access(path, F_OK) == 0;
}

static int
state_has(const char *dir, const char *text)
{
	struct buf b = BUF_INIT;
	char path[300];
	int found;

	snprintf(path, sizeof path, "%s/state", dir);
	found = file_read(path, KEEP_STATE_MAX, &b, NULL) == 0 &&
		strstr(buf_text(&b), text) != NULL;
	buf_free(&b);
	return found;
}

static int
state_says(const char *dir, const char *text)
{
	int found = state_has(dir, text);

	if (!found)
		printf("# no '%s' in %s/state\n", text, dir);
	return found;
}

/* --- starts -------------------------------------------------------------- */

/* A client that was killed: its process is gone, the folder is as it was. */
static void
world_killed(struct world *w)
{
	w->client->begun = 0; /* no end in order: nothing is proven or saved */
	world_free(w);
}

static void
start(struct world *w, const char *dir)
{
	world_in(w, dir);
	client_begin(w->client);
}

/* Start, and log in. */
static void
start_in(struct world *w, const char *dir)
{
	start(w, dir);
	log_in(w);
}

/* --- what is kept -------------------------------------------------------- */

static void
test_kept(void)
{
	struct doc_spec spec = update_spec(20, "b", "b()");
	struct world w;

	world_in(&w, "kept");
	OK(!client_wants_connection(w.client),
	    "with a state folder nothing is tried before the start");
	client_begin(w.client);
	OK(client_wants_connection(w.client), "then it wants to connect");
	log_in(&w);
	OK(state_says("kept", "\nlast: 1795342600000000\n"),
	    "a login is noted at once");
	spec.version = "1.4.*";
	hear_update(&w, &spec);
	give(&w, 10, "a");
	OK(is_there("kept", 10) && is_there("kept", 20),
	    "S1.6 what was applied is kept");
	world_free(&w);

	start(&w, "kept");
	IS_STR(told(&w),
	    "apply 10 a 'part()'\nupdated 10 a applied\n"
	    "apply 20 b 'b()'\nupdated 20 b applied\n",
	    "S1.6 the next start applies it, in the order of ids");
	OK(client_wants_connection(w.client), "the host was not asked");
	client_connecting(w.client);
	client_closed(w.client, "unreachable");
	OK(runs(&w, 10) && runs(&w, 20), "S1.6 nor needs it be there");
	w.ns = client_next_ns(w.client);
	client_tick(w.client);
	client_opened(w.client);
	hear_text(&w, GREETING);
	IS_STR(sent(&w),
	    LOGIN_HEAD "have: 1795342510000000 1795342520000000\n"
		       "last: 2026-11-22T10:16:40.000000Z\n\n",
	    "the login tells what runs, and of the last one");
	hear_text(&w, WELCOME("0"));
	told(&w);
	hear_update(&w, &spec);
	IS_RESULT(&w, 20, "have", "it is the same document");
	client_begin(w.client);
	IS_STR(told(&w), "", "a second begin does nothing");

	give(&w, 11, "a");
	OK(is_there("kept", 11) && !is_there("kept", 10),
	    "S1.6 a newer one of its feature takes its place");
	w.applied.result = RESULT_FAILED;
	give(&w, 21, "b");
	OK(is_there("kept", 20) && !is_there("kept", 21),
	    "one that failed does not");
	world_killed(&w);

	start_in(&w, "kept");
	OK(runs(&w, 11) && runs(&w, 20) && !runs(&w, 10), "nor after a kill");
	give(&w, 10, "a");
	IS_RESULT(&w, 10, "refused stale",
	    "an older one played again is stale after a restart");
	give(&w, 11, "b");
	IS_RESULT(&w, 11, "refused stale", "of every feature");
	world_free(&w);
}

static void
test_deferred(void)
{
	struct world w;

	start_in(&w, "deferred");
	give_deferred(&w, 10, "a", "on: round-end\n");
	OK(is_there("deferred", 10), "what waits is kept");
	world_killed(&w);

	world_in(&w, "deferred");
	w.applied.result = RESULT_DEFERRED;
	client_begin(w.client);
	IS_STR(told(&w), "apply 10 a 'part()'\n", "and waits again");
	client_opened(w.client);
	hear_text(&w, GREETING);
	OK(strstr(sent(&w), "\nwaiting: 1795342510000000\n") != NULL,
	    "the login tells it");
	hear_text(&w, WELCOME("0"));
	settle(&w, 10, RESULT_APPLIED);
	IS_RESULT(&w, 10, "applied", "its event comes");
	give_deferred(&w, 11, "b", "on: round-end\n");
	settle(&w, 11, RESULT_FAILED);
	sent(&w);
	OK(!is_there("deferred", 11), "what fails at its event is not kept");
	world_killed(&w);

	world_in(&w, "deferred");
	w.applied.result = RESULT_DEFERRED;
	client_begin(w.client);
	OK(waits(&w, 10) && !waits(&w, 11), "after a kill too");
	log_in(&w);
	give_deferred(&w, 11, "b", "on: round-end\n");
	IS_RESULT(&w, 11, "deferred", "it may come again");
	world_free(&w);
}

static void
test_by(void)
{
	struct world w;
	int64_t start_ns;

	start_in(&w, "by");
	give_deferred(&w, 10, "a", "on: round-end\nby: 2026-11-22T10:20:00Z\n");
	world_killed(&w);

	world_in(&w, "by");
	w.applied.result = RESULT_DEFERRED;
	client_begin(w.client);
	start_ns = w.ns;
	IS(client_due_ns(w.client), start_ns + 200 * SEC,
	    "without a host the last login is the time");
	log_in_at(&w, GREETING_AT("2026-11-22T10:19:00Z"), "0");
	IS(client_due_ns(w.client), start_ns + 60 * SEC,
	    "the next greeting tells it");
	world_killed(&w);

	world_in(&w, "by");
	w.applied.result = RESULT_DEFERRED;
	client_begin(w.client);
	client_opened(w.client);
	hear_text(&w, GREETING_AT("2026-11-22T10:21:00Z"));
	told(&w);
	hear_text(&w, WELCOME("0"));
	IS_STR(told(&w), "welcome\ndue 10\n", "past it: due at once");
	world_free(&w);
}

static void
test_reverted(void)
{
	struct doc_spec spec = revert_spec(12, "a", 10), retire, unknown;
	struct world w;

	start_in(&w, "reverted");
	give(&w, 10, "a");
	give(&w, 20, "b");
	give(&w, 30, "c");
	retire = retire_spec(31, "c", 30);
	hear_update(&w, &retire);
	sent(&w);
	w.applied.result = RESULT_REVERTED;
	hear_revert(&w, &spec);
	IS_RESULT(&w, 10, "reverted", "a revert");
	OK(!is_there("reverted", 10), "takes the kept one away");
	OK(runs(&w, 30) && !is_there("reverted", 30),
	    "a retirement too, though it runs on");
	unknown = revert_spec(42, "d", 41);
	hear_revert(&w, &unknown);
	sent(&w);
	world_killed(&w);

	start_in(&w, "reverted");
	OK(!runs(&w, 10) && runs(&w, 20), "after a kill it is still gone");
	OK(!runs(&w, 30), "what was retired is not for new starts");
	give(&w, 10, "a");
	IS_RESULT(&w, 10, "refused reverted", "refused for ever");
	give(&w, 11, "a");
	IS_RESULT(&w, 11, "refused stale", "and nothing older than the revert");
	give(&w, 41, "d");
	IS_RESULT(&w, 41, "refused reverted", "so what was never here");
	give(&w, 41, "e");
	IS_RESULT(&w, 41, "applied", "under the feature of the revert alone");
	give(&w, 30, "c");
	IS_RESULT(&w, 30, "refused stale", "what was retired is past");
	hear_revert(&w, &spec);
	IS_RESULT(&w, 10, "have", "the revert itself is known");
	spec = revert_spec(13, "a", 10);
	w.applied.result = RESULT_REVERTED;
	hear_revert(&w, &spec);
	IS_RESULT(&w, 10, "refused unknown", "another is noted");
	world_free(&w);
	start(&w, "reverted");
	log_in(&w);
	hear_revert(&w, &spec);
	IS_RESULT(&w, 10, "have", "and known then");
	world_free(&w);
}

/* 200 s after the greeting. */
#define EXPIRES     "expires: 2026-11-22T10:20:00Z\n"
#define UNTIL(time) "take-back-until: 2026-11-22T" time "Z\n"
#define TAKE_BACK   "REVERT 1795342511000000\n\n"

static void
test_take_back(void)
{
	struct doc_spec spec = update_spec(11, "a", "part()");
	struct world w;

	spec.extra = UNTIL("10:20:00"); /* 200 s after the greeting */
	start_in(&w, "back");
	give(&w, 10, "a");
	hear_update(&w, &spec);
	sent(&w);
	copy_folder("back", "back2");
	world_killed(&w);

	start_in(&w, "back");
	w.applied.result = RESULT_REVERTED;
	hear_text(&w, TAKE_BACK);
	IS_RESULT(&w, 11, "reverted", "a host may take back after a restart");
	OK(!is_there("back", 11), "what is kept too");
	world_killed(&w);
	start_in(&w, "back");
	OK(!runs(&w, 11), "it stays away");
	give(&w, 9, "a");
	IS_RESULT(&w, 9, "refused stale", "what is older than all stays stale");
	give(&w, 10, "a");
	IS_RESULT(&w, 10, "applied", "what it superseded may come again");
	world_free(&w);

	/* The greeting always tells the same time. */
	start_in(&w, "back2");
	w.ns += 150 * SEC;
	world_free(&w);
	start_in(&w, "back2");
	w.ns += 49 * SEC;
	client_proven(w.client);
	w.applied.result = RESULT_FAILED;
	hear_text(&w, TAKE_BACK);
	IS_RESULT(&w, 11, "failed", "199 s of running: it may, still");
	w.ns += SEC;
	hear_text(&w, TAKE_BACK);
	IS_RESULT(&w, 11, "refused expired",
	    "restarts give no time back, whatever the greeting tells");
	world_free(&w);
}

static int64_t wall_us;

static int64_t
wall(void *arg)
{
	(void)arg;
	return wall_us;
}

/* A wall clock that goes shortens the time for taking back. */
static void
test_take_back_wall(void)
{
	static const struct {
		int64_t before, after;
		const char *words, *what;
	} cases[] = {
	    {1000, 1000 + 199, "failed", "199 s by the wall clock"},
	    {1000, 1000 + 200, "refused expired", "200 s are too many"},
	    {1000, 5, "failed", "one that was set back does nothing"},
	    {-5, 1000000, "failed", "nor one from before 1970"},
	};
	struct doc_spec spec = update_spec(11, "a", "part()");
	struct signify_sec all = test_key(1);
	struct keyring keys = KEYRING_INIT;
	struct client_config config;
	char dir[16];
	struct world w;
	size_t i;

	spec.extra = UNTIL("10:20:00");
	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		snprintf(dir, sizeof dir, "wall%zu", i);
		wall_us = cases[i].before * 1000000;
		world_in(&w, dir);
		w.client->clock.wall_us = wall;
		client_begin(w.client);
		log_in(&w);
		hear_update(&w, &spec);
		world_killed(&w);
		wall_us = cases[i].after * 1000000;
		test_trust(&keys, &all, "all");
		memset(&w, 0, sizeof w);
		w.ns = 5000 * SEC;
		config = plain_config(&w, &keys);
		config.state_dir = dir;
		config.clock.wall_us = wall;
		world_start(&w, &config);
		client_begin(w.client);
		log_in(&w);
		w.applied.result = RESULT_FAILED;
		hear_text(&w, TAKE_BACK);
		OK(is_result(&w, 11, cases[i].words), "%s", cases[i].what);
		world_free(&w);
	}
}

/* --- what does not do any more ------------------------------------------- */

static void
keep_one(const char *dir, const struct doc_spec *spec)
{
	struct world w;

	start_in(&w, dir);
	hear_update(&w, spec);
	give(&w, 50, "other");
	world_free(&w);
}

/* Start with another configuration; the update 10 is left out and logged so,
 * the other is not. */
static void
left_out(struct world *w, const struct client_config *config, const char *dir,
    const char *why)
{
	struct client_config own = *config;

	own.state_dir = dir;
	memset(w, 0, sizeof *w);
	w->ns = 5000 * SEC;
	world_start(w, &own);
	client_begin(w->client);
	OK(!runs(w, 10) && runs(w, 50), "left out, the other is not: %s", why);
	OK(strstr(logged(w), why) != NULL && !is_there(dir, 10),
	    "the log says so and its file goes");
}

static void
test_not_good_any_more(void)
{
	struct doc_spec spec = update_spec(10, "a", "part()");
	struct signify_sec one = test_key(1), two = test_key(2);
	struct keyring keys = KEYRING_INIT, other = KEYRING_INIT;
	struct client_config config;
	struct buf b = BUF_INIT;
	char path[100];
	struct world w;

	config = plain_config(&w, &keys);
	spec.version = "1.4.*";
	keep_one("version", &spec);
	test_trust(&keys, &one, "all");
	config.version = "1.5";
	left_out(&w, &config, "version",
	    "10000000 a is left out: it is not for this program, version");
	world_free(&w);
	test_trust(&keys, &one, "all");
	config.version = "1.4.2";
	left_out(&w, &config, "version", "");
	log_in(&w);
	hear_update(&w, &spec);
	IS_RESULT(&w, 10, "applied", "back at its version it may come again");
	give(&w, 9, "a");
	IS_RESULT(&w, 9, "refused stale", "nothing older may");
	world_free(&w);

	spec.version = NULL;
	keep_one("key", &spec);
	config.keys = &other;
	test_trust(&other, &one, "one features=other");
	test_trust(&other, &two, "two");
	left_out(&w, &config, "key", "10000000 a is left out: key one may");
	world_free(&w);
	keep_one("key2", &spec);
	world_in(&w, "key2");
	keyring_free(&w.client->keys);
	test_trust(&w.client->keys, &two, "two");
	client_begin(w.client);
	OK(client_have(w.client, NULL, 0) == 0 && strcmp(told(&w), "") == 0 &&
		!is_there("key2", 10),
	    "nothing runs whose key is not trusted any more");
	world_free(&w);

	spec.expires_us = (int64_t)(T0 + 105 * S);
	keep_one("expired", &spec);
	start(&w, "expired");
	OK(runs(&w, 10), "not expired, as far as can be known");
	log_in_at(&w, GREETING_AT("2026-11-22T10:17:00Z"), "0");
	OK(runs(&w, 10), "where it runs it goes on");
	world_free(&w);
	test_trust(&keys, &one, "all");
	config.keys = &keys;
	left_out(&w, &config, "expired", "is left out: it has expired");
	log_in(&w);
	hear_update(&w, &spec);
	IS_RESULT(&w, 10, "applied", "a greeting may know it better");
	world_free(&w);
	spec.expires_us = 0;

	keep_one("bits", &spec);
	snprintf(path, sizeof path, "bits/updates/%" PRIu64, T0 + 10 * S);
	file_read(path, KEEP_DOC_MAX, &b, NULL);
	b.data[b.len - 1] ^= 1;
	file_write(path, b.data, b.len, 0600, NULL);
	test_trust(&keys, &one, "all");
	left_out(&w, &config, "bits", "is left out: client: its SHA-512");
	log_in(&w);
	hear_update(&w, &spec);
	IS_RESULT(&w, 10, "applied", "a damaged file is mended by the host");
	world_free(&w);

	keep_one("head", &spec);
	snprintf(path, sizeof path, "head/updates/%" PRIu64, T0 + 10 * S);
	b.data[200] ^= 1;
	file_write(path, b.data, b.len, 0600, NULL);
	test_trust(&keys, &one, "all");
	left_out(&w, &config, "head", "is left out: ");
	world_free(&w);

	keep_one("short", &spec);
	snprintf(path, sizeof path, "short/updates/%" PRIu64, T0 + 10 * S);
	file_write(path, "", 0, 0600, NULL);
	test_trust(&keys, &one, "all");
	left_out(&w, &config, "short", "is left out: ");
	world_free(&w);

	keep_one("swap", &spec);
	snprintf(path, sizeof path, "swap/updates/%" PRIu64, T0 + 50 * S);
	buf_reset(&b);
	file_read(path, KEEP_DOC_MAX, &b, NULL);
	snprintf(path, sizeof path, "swap/updates/%" PRIu64, T0 + 10 * S);
	file_write(path, b.data, b.len, 0600, NULL);
	test_trust(&keys, &one, "all");
	left_out(&w, &config, "swap", "is left out: it is another document");
	world_free(&w);

	keep_one("lost", &spec);
	snprintf(path, sizeof path, "lost/updates/%" PRIu64, T0 + 10 * S);
	unlink(path);
	test_trust(&keys, &one, "all");
	left_out(&w, &config, "lost", "is left out: its file cannot be read");
	log_in(&w);
	hear_update(&w, &spec);
	IS_RESULT(&w, 10, "refused stale",
	    "a file that is gone may be gone for a reason");
	world_free(&w);

	keep_one("fails", &spec);
	world_in(&w, "fails");
	w.applied.result = RESULT_FAILED;
	client_begin(w.client);
	OK(!runs(&w, 10) && !is_there("fails", 10), "what fails is left out");
	OK(strstr(logged(&w), "a is left out: failed\n") != NULL, "and logged");
	w.applied.result = RESULT_APPLIED;
	log_in(&w);
	hear_update(&w, &spec);
	IS_RESULT(&w, 10, "applied", "and may come again");
	world_free(&w);
	buf_free(&b);
}

static void
test_refused_folder(void)
{
	struct keyring keys = KEYRING_INIT;
	struct client_config config;
	struct world w;
	struct err e;

	start(&w, "folder");
	config = plain_config(&w, &keys);
	config.state_dir = "folder";
	OK(client_new(&config, &e) == NULL && e.kind == ERR_LOCAL &&
		strstr(e.text, "in use") != NULL,
	    "one client for a folder: %s", e.text);
	world_free(&w);
	chmod("folder", 0777);
	OK(client_new(&config, &e) == NULL && e.kind == ERR_LOCAL &&
		strstr(e.text, "others may write") != NULL,
	    "that nobody else may write to: %s", e.text);
	chmod("folder", 0700);
	file_write("folder/state", "rubbish", 7, 0600, &e);
	OK(client_new(&config, &e) == NULL && e.kind == ERR_LOCAL &&
		strstr(e.text, "folder/state: line 1") != NULL,
	    "with a state that parses: %s", e.text);
}

/* --- limits -------------------------------------------------------------- */

static void
test_many_reverts(void)
{
	struct doc_spec spec;
	struct world w;
	unsigned i;

	start_in(&w, "many");
	for (i = 1; i <= KEEP_REVERTED + 1; i++) {
		spec = revert_spec(2 * i + 1, "a", 2 * i);
		spec.id = T0 + 2 * i + 1;
		spec.reverts = T0 + 2 * i;
		hear_revert(&w, &spec);
	}
	sent(&w);
	world_killed(&w);
	start_in(&w, "many");
	spec = update_spec(0, "a", "part()");
	spec.id = T0 + 2 * (KEEP_REVERTED + 1);
	hear_update(&w, &spec);
	OK(strstr(sent(&w), " refused reverted\n") != NULL,
	    "the newest reverts are known by name");
	spec.id = T0 + 2 * 2;
	hear_update(&w, &spec);
	OK(strstr(sent(&w), " refused reverted\n") != NULL,
	    "as many as the limit");
	spec.id = T0 + 2;
	hear_update(&w, &spec);
	OK(strstr(sent(&w), " refused stale\n") != NULL,
	    "one that is older is refused all the same");
	world_free(&w);
}

static void
test_many_features(void)
{
	char name[16];
	struct world w;
	unsigned i;

	start_in(&w, "features");
	give(&w, 10, "a");
	for (i = 1; i < KEEP_FEATURES; i++) {
		snprintf(name, sizeof name, "f%u", i);
		catalog_accept(&w.client->catalog, name, T0);
	}
	sent(&w);
	give(&w, 20, "one-more");
	IS_RESULT(&w, 20, "refused full", "one feature more is refused");
	give(&w, 11, "a");
	IS_RESULT(&w, 11, "applied", "a known one is not");
	world_killed(&w);
	start(&w, "features");
	OK(runs(&w, 11), "the folder is good");
	world_free(&w);
}

static void
test_many_tries(void)
{
	struct doc_spec spec = update_spec(0, "a", "part()");
	char name[16];
	struct world w;
	unsigned i;

	start_in(&w, "tries");
	for (i = 1; i <= KEEP_TRIED + KEEP_KEPT + 10; i++) {
		snprintf(name, sizeof name, "f%u", i);
		client_keep_try(w.client, T0 + i, name);
	}
	world_killed(&w);
	start_in(&w, "tries");
	IS(w.client->nmarks, KEEP_TRIED, "so many tries are remembered");
	OK(w.client->marks[0].id == T0 + KEEP_KEPT + 11, "the newest");
	hear_update(&w, &spec);
	IS_RESULT(&w, 0, "applied", "more do no harm");
	world_free(&w);
}

/* --- crashes ------------------------------------------------------------- */

static void
test_crash_at_start(void)
{
	struct doc_spec spec = update_spec(10, "a", "part()");
	struct world w;

	start_in(&w, "crash");
	hear_update(&w, &spec);
	give(&w, 20, "b");
	w.ns += CLIENT_PROVEN_NS;
	give(&w, 30, "c");
	client_tick(w.client); /* a and b are proven, c is not */
	world_killed(&w);
	OK(state_says("crash", " a proven ") && state_says("crash", " c 1 "),
	    "what ran for 10 s is proven");

	start(&w, "crash");
	OK(runs(&w, 10) && runs(&w, 20), "one death is none");
	OK(state_says("crash", " c 2 "), "the try is on the disk at once");
	world_killed(&w);

	start(&w, "crash");
	OK(strstr(logged(&w), " c is left out: the program died 2 times") !=
		NULL,
	    "two in a row without proof: left out");
	OK(runs(&w, 20), "what was proven once is not tried again");
	log_in(&w);
	give(&w, 30, "c");
	IS_RESULT(&w, 30, "crashed", "a host that hands it out hears why");
	IS_STR(told(&w), "", "and it is not applied");
	world_killed(&w);
	start_in(&w, "crash");
	give(&w, 30, "c");
	IS_RESULT(&w, 30, "crashed", "so after the next start");
	give(&w, 31, "c");
	IS_RESULT(&w, 31, "applied", "a newer one of its feature is new");
	OK(strstr(logged(&w), "left out") == NULL, "nothing is left out twice");
	OK(!state_has("crash", "tried: "), "and what was tried is past");
	world_free(&w);
	start(&w, "crash");
	OK(runs(&w, 31), "an end in order is proof");
	OK(state_says("crash", " c proven "), "for good");
	world_killed(&w);
}

static void
test_proof(void)
{
	struct world w;

	start_in(&w, "proof");
	give(&w, 10, "a");
	world_killed(&w);
	start(&w, "proof");
	w.ns += CLIENT_PROVEN_NS - 1;
	client_tick(w.client);
	IS(client_next_ns(w.client), w.ns + 1, "proof takes its time");
	OK(state_says("proof", " a 2 "), "and is not there before");
	w.ns++;
	client_tick(w.client);
	OK(state_says("proof", " a proven "), "then it is");
	IS(client_next_ns(w.client), -1, "and nothing more is waited for");
	world_killed(&w);
	start(&w, "proof");
	world_killed(&w);
	start(&w, "proof");
	world_killed(&w);
	start_in(&w, "proof");
	OK(runs(&w, 10), "kills do not matter then");
	give(&w, 11, "a");
	client_proven(w.client);
	OK(state_says("proof", "11000000 a proven "),
	    "the program can say it earlier");
	world_killed(&w);

	start_in(&w, "proof");
	give_deferred(&w, 20, "b", "on: e\n");
	client_proven(w.client);
	OK(state_says("proof", " b 0 "), "what waits has proven nothing");
	world_free(&w);
}

/* --- the time of a start ------------------------------------------------- */

/* Let so many seconds go by, after which the client looks. */
static void
run_on(struct world *w, int64_t s)
{
	w->ns += s * SEC;
	client_tick(w->client);
}

static void
put_time(const char *dir, const char *text)
{
	char path[100];

	snprintf(path, sizeof path, "%s/time", dir);
	file_write(path, text, strlen(text), 0600, NULL);
}

static int
has_time(const char *dir)
{
	char path[100];

	snprintf(path, sizeof path, "%s/time", dir);
	return access(path, F_OK) == 0;
}

static void
test_time(void)
{
	static const char not_kept[] = "; the time is not kept";
	const char *log;
	struct doc_spec spec = update_spec(10, "a", "part()");
	struct world w;

	spec.expires_us = (int64_t)(T0 + 200 * S); /* 100 s after the login */
	start_in(&w, "time");
	run_on(&w, 61);
	OK(!has_time("time") && client_next_ns(w.client) == -1,
	    "where nothing expires nobody looks at the time");
	hear_update(&w, &spec);
	client_proven(w.client);
	OK(client_next_ns(w.client) >= 0, "where something does it is looked");
	run_on(&w, 1);
	OK(has_time("time"), "and what it is is kept");
	run_on(&w, 59);
	world_killed(&w);
	start(&w, "time");
	OK(runs(&w, 10), "not expired, as far as was kept");
	log_in(&w);
	run_on(&w, 101);
	OK(runs(&w, 10), "where it runs it goes on");
	world_killed(&w);
	copy_folder("time", "time2");
	copy_folder("time", "time3");
	copy_folder("time", "time4");
	start(&w, "time");
	OK(!runs(&w, 10) && strstr(logged(&w), "it has expired") != NULL,
	    "N13 what expired after the login does not run at the next start");
	log_in(&w);
	hear_update(&w, &spec);
	IS_RESULT(&w, 10, "applied", "a greeting may know it better");
	world_free(&w);

	put_time("time2", "hotfix-time: 1\n");
	start(&w, "time2");
	OK(strstr(logged(&w), "time2/time: damaged, it tells no time; it is") !=
		    NULL &&
		runs(&w, 10),
	    "without it the last login tells the time");
	world_killed(&w);

	start_in(&w, "time3");
	OK(!runs(&w, 10), "it is gone");
	world_free(&w);

	put_time("time4",
	    "hotfix-time: 1\nseen: 2026-11-22T10:15:00.000000Z\n");
	start(&w, "time4");
	OK(runs(&w, 10), "nor is it before that");
	log_in(&w);
	run_on(&w, 101);
	disk.full_from = 0;
	disk.full_to = LONG_MAX;
	run_on(&w, 61);
	run_on(&w, 61);
	disk.full_from = -1;
	log = strstr(logged(&w), not_kept);
	OK(log != NULL && strstr(log + 1, not_kept) == NULL,
	    "a full disk is told, once");
	/* The end in order writes once more. */
	put_time("time4",
	    "hotfix-time: 1\nseen: 2026-11-22T10:15:00.000000Z\n");
	world_free(&w);
	start(&w, "time4");
	OK(!runs(&w, 10), "the end in order keeps the time, too");
	world_free(&w);
}

static struct world *proving;

static void
prove_on_update(void *arg, uint64_t id, const char *feature, const char *result)
{
	(void)arg, (void)feature, (void)result;
	client_proven(proving->client);
	if (id == T0 + 10 * S)
		copy_folder("early", "early2");
}

/* A program that says so while the start is under way. */
static void
test_early_proof(void)
{
	struct world w;

	start_in(&w, "early");
	give(&w, 10, "a");
	give(&w, 20, "b");
	world_killed(&w);
	world_in(&w, "early");
	proving = &w;
	w.client->cb.updated = prove_on_update;
	client_begin(w.client);
	world_killed(&w);
	start(&w, "early2");
	OK(runs(&w, 10) && runs(&w, 20),
	    "said in the middle of a start, all is there at the next");
	world_killed(&w);
}

static char dead[32]; /* a copy of the folder from within apply */

static void
apply_and_copy(void *arg, const struct doc *d, const void *part, size_t len,
    const uint64_t *drop, size_t ndrop, struct client_applied *out)
{
	on_apply(arg, d, part, len, drop, ndrop, out);
	copy_folder("online", dead);
}

static void
test_crash_online(void)
{
	struct world w;

	start_in(&w, "online");
	give(&w, 5, "a");
	client_proven(w.client);
	w.client->cb.apply = apply_and_copy;
	strcpy(dead, "dead1");
	give(&w, 10, "a");
	OK(is_there("online", 10), "what lived on is kept");
	world_killed(&w);
	OK(!is_there("dead1", 10) && state_says("dead1", "10000000 a 1\n"),
	    "who died in it kept its try alone");

	copy_folder("dead1", "online");
	start_in(&w, "online");
	OK(runs(&w, 5) && !runs(&w, 10), "the older one runs");
	w.client->cb.apply = apply_and_copy;
	strcpy(dead, "dead2");
	give(&w, 10, "a");
	IS_RESULT(&w, 10, "applied", "it is tried once more");
	world_killed(&w);

	copy_folder("dead2", "online");
	start_in(&w, "online");
	give(&w, 10, "a");
	IS_RESULT(&w, 10, "crashed", "not a third time");
	OK(runs(&w, 5), "the older one runs on");
	world_free(&w);

	copy_folder("dead1", "online");
	start_in(&w, "online");
	w.applied.result = RESULT_FAILED;
	give(&w, 10, "a");
	IS_RESULT(&w, 10, "failed", "an error is no crash");
	world_killed(&w);
	start_in(&w, "online");
	give(&w, 10, "a");
	IS_RESULT(&w, 10, "applied", "so it is tried from the beginning");
	world_free(&w);
}

static void
due_and_copy(void *arg, uint64_t id)
{
	on_due(arg, id);
	copy_folder("event", dead);
}

/* What waits is tried when its event comes. */
static void
test_crash_at_event(void)
{
	struct world w;
	int i;

	start_in(&w, "event");
	give_deferred(&w, 10, "a", "on: e\n");
	for (i = 0; i < 3; i++) {
		world_killed(&w);
		world_in(&w, "event");
		w.applied.result = RESULT_DEFERRED;
		client_begin(w.client);
	}
	OK(waits(&w, 10), "who waits does not die of it");
	client_trying(w.client, T0 + 10 * S);
	OK(state_says("event", " a 1 "), "its try is on the disk first");
	world_killed(&w);
	world_in(&w, "event");
	w.applied.result = RESULT_DEFERRED;
	client_begin(w.client);
	OK(waits(&w, 10) && state_says("event", " a 1 "),
	    "waiting again proves nothing");
	client_trying(w.client, T0 + 10 * S);
	client_trying(w.client, T0 + 11 * S);
	world_killed(&w);
	start_in(&w, "event");
	OK(!waits(&w, 10) && !runs(&w, 10), "two deaths: left out");
	give_deferred(&w, 10, "a", "on: e\n");
	IS_RESULT(&w, 10, "crashed", "and answered so");

	strcpy(dead, "dead3");
	w.client->cb.due = due_and_copy;
	give_deferred(&w, 20, "b", "on: e\nby: 2026-11-22T10:16:00Z\n");
	settle(&w, 20, RESULT_APPLIED);
	OK(state_says("dead3", " b 1 "), "\"by\" is an event too");
	w.ns += CLIENT_PROVEN_NS;
	client_tick(w.client);
	OK(state_says("event", " b proven "), "proven in its turn");
	give_deferred(&w, 30, "c", "on: e\n");
	settle(&w, 30, RESULT_APPLIED);
	OK(state_says("event", " c 1 "),
	    "a program that says nothing before is counted after");
	world_free(&w);
}

/* --- packages ------------------------------------------------------------ */

/* A folder whose package 10 of "a" and update 20 of "b" were kept. */
static void
keep_package(const char *dir, const char *fields)
{
	struct doc_spec spec = package_spec(10, "a", "part()");
	struct world w;

	start_in(&w, dir);
	give(&w, 9, "a");
	spec.extra = fields;
	hear_update(&w, &spec);
	OK(!is_there(dir, 10) && is_there(dir, 9),
	    "what is being fetched is not kept yet");
	fetched(&w, 10, RESULT_READY);
	OK(is_there(dir, 10) && !is_there(dir, 9), "when it is applied it is");
	give(&w, 20, "b");
	world_free(&w);
}

/* A start, its packages having gone but for fetch 1. */
static void
start_lost(struct world *w, const char *dir, int fetch)
{
	world_in(w, dir);
	w->fetch = fetch;
	w->no_fetch.result = RESULT_FAILED;
	client_begin(w->client);
}

static void
test_package_here(void)
{
	struct world w;

	keep_package("here", PACKAGE);
	start_lost(&w, "here", 1);
	IS_STR(told(&w),
	    "fetch 10 a " PACKAGE_AT "\n"
	    "apply 10 a 'part()'\nupdated 10 a applied\n"
	    "apply 20 b 'part()'\nupdated 20 b applied\n",
	    "S1.6 a kept package that is here is applied at the start");
	OK(runs(&w, 10), "it runs");
	world_free(&w);
}

static void
test_package_lost(void)
{
	struct world w;
	int i;

	keep_package("plost", PACKAGE);
	for (i = 0; i < 3; i++) {
		start_lost(&w, "plost", 0);
		IS_STR(told(&w),
		    "fetch 10 a " PACKAGE_AT "\n"
		    "apply 20 b 'part()'\nupdated 20 b applied\n",
		    "one that is lost is fetched; later ones do not wait");
		OK(fetches(&w, 10) && client_wants_connection(w.client),
		    "nor does the login");
		OK(is_there("plost", 10) && state_says("plost", " 1795342510"),
		    "it is kept still");
		if (i == 0)
			world_killed(&w);
		else
			world_free(&w);
	}
	OK(state_says("plost", " a proven "), "it was not tried meanwhile");

	start_lost(&w, "plost", 0);
	told(&w);
	fetched(&w, 10, RESULT_READY);
	IS_STR(told(&w), "apply 10 a 'part()'\nupdated 10 a applied\n",
	    "it is applied when it comes, without a host");
	OK(runs(&w, 10) && is_there("plost", 10), "it runs and is kept");
	client_opened(w.client);
	hear_text(&w, GREETING);
	OK(strstr(sent(&w), "have: 1795342510000000 1795342520000000\n") !=
		NULL,
	    "the login tells it");
	world_killed(&w);

	start_lost(&w, "plost", 0);
	log_in_at(&w, GREETING, "1");
	give(&w, 9, "a");
	IS_RESULT(&w, 9, "refused stale", "nothing older comes meanwhile");
	client_closed(w.client, "test");
	w.ns = client_next_ns(w.client);
	client_tick(w.client);
	log_in_at(&w, GREETING, "1");
	give_package(&w, 10, "a");
	IS_RESULT(&w, 10, "fetching", "handed out again it is fetched on");
	fetched(&w, 10, RESULT_READY);
	IS_RESULT(&w, 10, "applied", "the host has its result");
	world_killed(&w);
	start_lost(&w, "plost", 1);
	OK(runs(&w, 10), "and it is kept");
	world_free(&w);
}

/* What a kept one becomes that does not come. */
static void
test_package_gone(void)
{
	static const char *const folders[] = {
	    "gone0", "gone1", "gone2", "gone3", "gone4", "gone5"};
	struct doc_spec spec = package_spec(10, "a", "part()");
	struct world w;
	size_t i;

	spec.extra = PACKAGE EXPIRES;
	for (i = 0; i < sizeof folders / sizeof *folders; i++) {
		keep_package(folders[i], PACKAGE EXPIRES);
		start_lost(&w, folders[i], i == 0 ? -1 : 0);
		switch (i) {
		case 0: /* it cannot be had */
			break;
		case 1:
			fetched(&w, 10, RESULT_GAVE_UP);
			break;
		case 2:
			log_in_at(&w, GREETING, "1");
			hear_update(&w, &spec);
			sent(&w);
			fetched(&w, 10, RESULT_GAVE_UP);
			OK(strstr(sent(&w), " gave-up\n") != NULL,
			    "S2.5 a host that asked is told");
			break;
		case 3: /* the host has it no more */
			log_in(&w);
			OK(strstr(logged(&w), " a is fetched no more") != NULL,
			    "the log says so");
			break;
		case 4:
			w.applied.result = RESULT_FAILED;
			fetched(&w, 10, RESULT_READY);
			break;
		case 5:
			log_in_at(&w, GREETING, "1");
			hear_update(&w, &spec);
			w.ns += 201 * SEC;
			fetched(&w, 10, RESULT_READY);
			OK(strstr(sent(&w), " refused expired\n") != NULL,
			    "it expired meanwhile");
			break;
		}
		OK(!fetches(&w, 10) && !runs(&w, 10), "it is left out");
		OK(!is_there(folders[i], 10), "and kept no more");
		world_killed(&w);
		start_lost(&w, folders[i], 0);
		OK(!fetches(&w, 10) && runs(&w, 20), "at no start");
		log_in_at(&w, GREETING, "1");
		give(&w, 9, "a");
		IS_RESULT(&w, 9, "refused stale", "nothing older comes");
		hear_update(&w, &spec);
		IS_RESULT(&w, 10, "fetching", "it may come again");
		fetched(&w, 10, RESULT_READY);
		IS_RESULT(&w, 10, "applied", "and be applied");
		OK(is_there(folders[i], 10), "and kept");
		world_free(&w);
	}
}

static void
test_package_not_good(void)
{
	struct signify_sec one = test_key(1);
	struct client_config config;
	struct keyring keys;
	struct world w;
	int i;

	keep_package("not", PACKAGE EXPIRES);
	for (i = 0; i < 3; i++) {
		copy_folder("not", "not1");
		memset(&w, 0, sizeof w);
		keys = (struct keyring)KEYRING_INIT;
		test_trust(&keys, &one, "all");
		config = plain_config(&w, &keys);
		config.state_dir = "not1";
		if (i == 0)
			config.floor_us = (int64_t)(T0 + 400 * S);
		if (i == 1)
			config.cb.fetch = NULL;
		world_start(&w, &config);
		client_begin(w.client);
		OK((strstr(told(&w), "fetch 10") != NULL) == (i == 2) &&
			fetches(&w, 10) == (i == 2) && !runs(&w, 10),
		    i == 0   ? "past its time it is not fetched"
		    : i == 1 ? "nor where nothing is fetched"
			     : "only where it is good");
		world_free(&w);
	}
}

static void
test_package_reverted(void)
{
	struct doc_spec spec = revert_spec(12, "a", 10);
	struct world w;

	keep_package("prev", PACKAGE);
	start_lost(&w, "prev", 0);
	log_in_at(&w, GREETING, "2");
	give_package(&w, 10, "a");
	sent(&w);
	told(&w);
	hear_revert(&w, &spec);
	IS_STR(sent(&w), "RESULT 1795342510000000 reverted\n\n",
	    "one that is lost is reverted once");
	IS_STR(told(&w), "cancel 10\nwelcome\n", "and not fetched on");
	OK(!is_there("prev", 10), "nor kept");
	world_killed(&w);
	start_lost(&w, "prev", 0);
	OK(!fetches(&w, 10), "it does not come back");
	log_in_at(&w, GREETING, "1");
	give_package(&w, 10, "a");
	IS_RESULT(&w, 10, "refused reverted", "for good");
	world_free(&w);

	keep_package("pold", PACKAGE);
	start_lost(&w, "pold", 0);
	log_in_at(&w, GREETING, "1");
	told(&w);
	give_package(&w, 13, "a");
	IS_STR(told(&w), "fetch 13 a " PACKAGE_AT "\ncancel 10\nwelcome\n",
	    "a newer one takes the place of one that is lost");
	IS_RESULT(&w, 13, "fetching", "nobody had asked for that");
	OK(!is_there("pold", 10), "it is kept no more");
	world_killed(&w);
	start_lost(&w, "pold", 0);
	OK(!fetches(&w, 10), "at no start");
	log_in_at(&w, GREETING, "1");
	give_package(&w, 10, "a");
	IS_RESULT(&w, 10, "refused stale", "nor comes it again");
	world_free(&w);

	keep_package("pret", PACKAGE);
	start_lost(&w, "pret", 0);
	log_in_at(&w, GREETING, "2");
	give_package(&w, 10, "a");
	spec = retire_spec(14, "a", 10);
	hear_update(&w, &spec);
	OK(!is_there("pret", 10), "one that is retired is kept no more");
	sent(&w);
	fetched(&w, 10, RESULT_READY);
	IS_RESULT(&w, 10, "applied", "but applied when it comes");
	OK(runs(&w, 10) && !is_there("pret", 10), "until the end");
	world_killed(&w);
	start_lost(&w, "pret", 0);
	OK(!runs(&w, 10) && !fetches(&w, 10), "not after it");
	world_free(&w);
}

static void
test_package_taken_back(void)
{
	struct doc_spec spec = package_spec(10, "a", "part()");
	struct world w;

	spec.extra = PACKAGE UNTIL("10:20:00");
	keep_package("ptake", spec.extra);
	start_lost(&w, "ptake", 0);
	w.ns += 150 * SEC;
	log_in_at(&w, GREETING, "2");
	hear_update(&w, &spec);
	sent(&w);
	copy_folder("ptake", "ptake2");
	hear_text(&w, "REVERT 1795342510000000\n\n");
	IS_RESULT(&w, 10, "reverted", "a host takes back what is lost");
	OK(!is_there("ptake", 10), "for the next start, too");
	give(&w, 8, "a");
	IS_RESULT(&w, 8, "refused stale", "what is older than all is stale");
	give(&w, 9, "a");
	IS_RESULT(&w, 9, "applied", "what it superseded may come again");
	world_free(&w);

	start_lost(&w, "ptake2", 0);
	w.ns += 51 * SEC;
	log_in_at(&w, GREETING, "2");
	hear_update(&w, &spec);
	sent(&w);
	hear_text(&w, "REVERT 1795342510000000\n\n");
	IS_RESULT(&w, 10, "refused expired",
	    "a fetch gives no time for that back");
	fetched(&w, 10, RESULT_READY);
	sent(&w);
	hear_text(&w, "REVERT 1795342510000000\n\n");
	IS_RESULT(&w, 10, "refused expired", "nor does its end");
	world_free(&w);
}

/* What is fetched for the first time is no news for the next start; what came
 * over it meanwhile does not keep it out there. */
static void
test_package_order(void)
{
	struct doc_spec spec = revert_spec(12, "a", 9);
	struct world w;

	start_in(&w, "porder");
	give(&w, 9, "a");
	give_package(&w, 10, "a");
	w.applied.result = RESULT_REVERTED;
	hear_revert(&w, &spec);
	world_killed(&w);
	start_lost(&w, "porder", 0);
	OK(!fetches(&w, 10), "a fetch does not outlast the process");
	log_in_at(&w, GREETING, "1");
	give_package(&w, 10, "a");
	IS_RESULT(&w, 10, "fetching",
	    "a revert of another does not keep it out");
	give(&w, 9, "a");
	IS_RESULT(&w, 9, "refused reverted", "but that one");
	fetched(&w, 10, RESULT_READY);
	IS_RESULT(&w, 10, "applied", "and it runs");
	world_free(&w);
}

static void
test_package_crash(void)
{
	struct world w;
	int i;

	start_in(&w, "pcrash");
	give_package(&w, 10, "a");
	OK(!state_has("pcrash", " a 1"), "a fetch is no try");
	fetched(&w, 10, RESULT_READY);
	OK(state_says("pcrash", " a 1 "), "what is applied is tried");
	world_killed(&w);
	for (i = 0; i < 2; i++) { /* a start that came no further than this */
		start_lost(&w, "pcrash", 0);
		OK(fetches(&w, 10), "it is fetched at a start");
		OK(state_says("pcrash", " a 1 "), "which counts for nothing");
		world_killed(&w);
	}
	start_lost(&w, "pcrash", 0);
	fetched(&w, 10, RESULT_READY);
	OK(state_says("pcrash", " a 2 "), "until it is applied again");
	world_killed(&w);
	start_lost(&w, "pcrash", 0);
	IS_STR(told(&w), "", "after two tries it is left out, not fetched");
	log_in_at(&w, GREETING, "1");
	give_package(&w, 10, "a");
	IS_RESULT(&w, 10, "crashed", "and the host is told");
	world_free(&w);
}

/* --- kills and full disks ------------------------------------------------- */

/* What must hold after a start, whenever the process was killed. */
static struct {
	unsigned runs[8], gone[8], high[8]; /* n of ids, ended by 0 */
	int starts, bad;
} now;

static void
note(unsigned *list, unsigned n)
{
	while (*list != 0 && *list != n)
		list++;
	*list = n;
}

static void
forget(unsigned *list, unsigned n)
{
	unsigned *to = list;

	for (; *list != 0; list++)
		if (*list != n)
			*to++ = *list;
	*to = 0;
}

static void
bad(const char *what, unsigned n)
{
	printf("# step %ld: %s %u\n", disk.steps, what, n);
	now.bad++;
}

static void
check_start(const char *dir)
{
	struct keyring keys = KEYRING_INIT;
	struct signify_sec all = test_key(1);
	struct client_config config;
	char words[64];
	struct world w;
	struct err e;
	size_t i;

	memset(&w, 0, sizeof w);
	w.ns = 5000 * SEC;
	w.applied.result = RESULT_APPLIED;
	w.fetch = 1; /* whatever was unpacked is there */
	config = plain_config(&w, &keys);
	test_trust(&keys, &all, "all");
	config.state_dir = dir;
	w.client = client_new(&config, &e);
	now.starts++;
	if (w.client == NULL) {
		keyring_free(&keys);
		bad(e.text, 0);
		return;
	}
	client_begin(w.client);
	log_in(&w);
	for (i = 0; now.runs[i] != 0; i++)
		if (!runs(&w, now.runs[i]))
			bad("does not run", now.runs[i]);
	for (i = 0; now.gone[i] != 0; i++) {
		if (runs(&w, now.gone[i]))
			bad("came back", now.gone[i]);
		give(&w, now.gone[i], "a");
		snprintf(words, sizeof words, " %" PRIu64 " refused ",
		    T0 + now.gone[i] * S);
		if (strstr(sent(&w), words) == NULL)
			bad("was not refused", now.gone[i]);
	}
	for (i = 0; now.high[i] != 0; i++) {
		give(&w, now.high[i], "a");
		snprintf(words, sizeof words, " %" PRIu64 " refused stale",
		    T0 + now.high[i] * S);
		if (strstr(sent(&w), words) == NULL)
			bad("was not stale", now.high[i]);
	}
	world_free(&w);
}

static void
check_kill(void)
{
	copy_folder("live", "snap");
	check_start("snap");
}

static int
answered(struct world *w, const char *word)
{
	char text[64];

	snprintf(text, sizeof text, " %s\n", word);
	return strstr(sent(w), text) != NULL;
}

/* A life of a folder; what was answered must last, whatever happens next. With
 * a full disk updates may not be kept, but what was told as gone is gone. */
static void
history(struct world *w, int full)
{
	struct doc_spec spec;
	const char *got;

	start(w, "live");
	log_in(w);
	give(w, 10, "a");
	if (answered(w, "applied") && !full)
		note(now.runs, 10);
	give(w, 40, "b");
	if (answered(w, "applied") && !full)
		note(now.runs, 40);
	forget(now.runs, 10);
	give(w, 12, "a");
	if (answered(w, "applied") && !full) {
		note(now.runs, 12);
		note(now.gone, 10);
		note(now.high, 10);
	}
	forget(now.runs, 12);
	w->applied.result = RESULT_REVERTED;
	spec = revert_spec(14, "a", 12);
	hear_revert(w, &spec);
	if (answered(w, "reverted"))
		note(now.gone, 12);
	w->applied.result = RESULT_APPLIED;
	spec = update_spec(16, "a", "part()");
	spec.extra = UNTIL("11:00:00");
	hear_update(w, &spec);
	if (answered(w, "applied") && !full)
		note(now.runs, 16);
	forget(now.runs, 16);
	w->applied.result = RESULT_REVERTED;
	hear_text(w, "REVERT 1795342516000000\n\n");
	if (answered(w, "reverted") && !full)
		note(now.high, 11);
	w->applied.result = RESULT_DEFERRED;
	give(w, 18, "a");
	if (answered(w, "deferred") && !full)
		note(now.runs, 18);
	settle(w, 18, RESULT_APPLIED);
	forget(now.runs, 18);
	spec = retire_spec(20, "a", 18);
	hear_update(w, &spec);
	if (answered(w, "applied") && !full)
		note(now.gone, 18);
	w->ns += CLIENT_PROVEN_NS;
	client_tick(w->client);
	w->applied.result = RESULT_APPLIED;
	give_package(w, 22, "a");
	sent(w);
	fetched(w, 22, RESULT_READY);
	if (answered(w, "applied") && !full)
		note(now.runs, 22);
	if (full) {
		give_package(w, 24, "a");
	} else { /* its folder is lost */
		world_killed(w);
		world_in(w, "live");
		client_begin(w->client);
		log_in_at(w, GREETING, "1");
		give_package(w, 22, "a");
	}
	OK(answered(w, "fetching"), "a package is being fetched");
	forget(now.runs, 22);
	w->applied.result = RESULT_REVERTED;
	spec = revert_spec(26, "a", full ? 24 : 22);
	hear_revert(w, &spec);
	/* Of what did not run yet both are told when it is not for good. */
	got = sent(w);
	if (strstr(got, " reverted\n") != NULL &&
	    strstr(got, " partial\n") == NULL)
		note(now.gone, full ? 24 : 22);
}

static void
test_kills(void)
{
	struct world w;

	memset(&now, 0, sizeof now);
	disk.steps = 0;
	disk.look = check_kill;
	disk.names_go = 0;
	history(&w, 0);
	world_free(&w);
	disk.look = NULL;
	OK(now.starts > 100, "killed %d times, at every step of the disk",
	    now.starts);
	IS(now.bad, 0, "every start was good");
	check_kill();
	IS(now.bad, 0, "the last one too");
	OK(now.runs[0] == 40 && now.gone[0] == 10 && now.gone[1] == 12 &&
		now.gone[2] == 18 && now.gone[3] == 22,
	    "and something had to hold");
}

/* The disk is full for so many steps from each one on. */
static void
fill_disk(long steps, int names_go, const char *what)
{
	long from, total = 0;
	struct world w;

	now.bad = now.starts = 0;
	for (from = -1; from < total; from++) {
		memset(now.runs, 0, sizeof now.runs);
		memset(now.gone, 0, sizeof now.gone);
		memset(now.high, 0, sizeof now.high);
		copy_folder("none", "live");
		disk.steps = 0;
		disk.full_from = -1;
		disk.names_go = names_go;
		start(&w, "live"); /* the first state is there */
		world_killed(&w);
		disk.steps = 0;
		disk.full_from = from;
		disk.full_to = from + steps;
		history(&w, 1);
		OK(from < 0 || runs(&w, 40), "it runs all the same");
		world_killed(&w);
		if (from < 0)
			total = disk.steps;
		disk.full_from = -1;
		check_kill();
	}
	OK(total > 30, "the disk was full at each of %ld steps", total);
	IS(now.bad, 0, what);
}

static void
test_full_disk(void)
{
	struct doc_spec spec = update_spec(10, "a", "part()");
	struct world w;

	fill_disk(1, 0, "for one step: each start is good");
	fill_disk(1000000, 0, "for ever: each start is good");
	fill_disk(1000000, 1, "for ever, but files can go: each start is good");

	start_in(&w, "full");
	disk.full_from = 0;
	disk.full_to = 1L << 30;
	hear_update(&w, &spec);
	IS_RESULT(&w, 10, "applied", "with a full disk an update is applied");
	OK(strstr(logged(&w), "10000000 a is not kept") != NULL,
	    "the log says that it is not kept");
	disk.full_from = -1;
	give(&w, 20, "b");
	world_killed(&w);
	start_in(&w, "full");
	OK(!runs(&w, 10) && runs(&w, 20), "it is not");
	hear_update(&w, &spec);
	IS_RESULT(&w, 10, "applied", "so a host can give it again");
	give(&w, 9, "a");
	IS_RESULT(&w, 9, "refused stale", "nothing older");
	client_proven(w.client); /* the kills here are no crashes */
	disk.full_from = 0;
	spec = revert_spec(12, "a", 10);
	w.applied.result = RESULT_REVERTED;
	disk.names_go = 1;
	hear_revert(&w, &spec);
	OK(answered(&w, "reverted") && !is_there("full", 10),
	    "a revert lasts: its file can go");
	spec = revert_spec(22, "b", 20);
	disk.names_go = 0;
	hear_revert(&w, &spec);
	OK(answered(&w, "partial") && is_there("full", 20),
	    "one that does not last is not answered so");
	OK(!runs(&w, 20), "though it is done");
	spec = revert_spec(32, "c", 31);
	hear_revert(&w, &spec);
	OK(strstr(sent(&w), "noted until the restart") != NULL,
	    "of what was never here, that is told");
	world_killed(&w);
	disk.full_from = -1;
	start_in(&w, "full");
	OK(!runs(&w, 10) && runs(&w, 20), "just so");
	give(&w, 10, "a");
	IS_RESULT(&w, 10, "refused stale", "what went does not come again");
	world_free(&w);
}

int
main(void)
{
	test_kept();
	test_deferred();
	test_by();
	test_reverted();
	test_take_back();
	test_take_back_wall();
	test_not_good_any_more();
	test_refused_folder();
	test_many_reverts();
	test_many_features();
	test_many_tries();
	test_package_here();
	test_package_lost();
	test_package_gone();
	test_package_not_good();
	test_package_reverted();
	test_package_taken_back();
	test_package_order();
	test_package_crash();
	test_crash_at_start();
	test_time();
	test_proof();
	test_early_proof();
	test_crash_online();
	test_crash_at_event();
	test_kills();
	test_full_disk();
	return tap_done();
}
