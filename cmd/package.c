/* Packages of the verbs. */

#include "cmd/package.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/num.h"
#include "lua-host/compile.h"

/* The last second of 9999, as far as instants go. */
#define EPOCH_MAX UINT64_C(253402300799)
#define US        INT64_C(1000000)

struct package_making {
	struct package_job job;
	int is_apart;
	char *path;
	struct buf sig;
	struct signer_run signing;
	struct digests_work also;
	struct package_draft *draft;
};

/* --- making -----------------------------------------------------------------
 */

/* The child's side; does not return. */
static void
run_build(const char *command, const char *dir)
{
	signal(SIGPIPE, SIG_DFL);
	signal(SIGXFSZ, SIG_DFL);
	/* Builds run much code of others, to whom the place is no business. */
	unsetenv("HOTFIX_FTP_PASSWORD");
	if (chdir(dir) == 0 && dup2(STDERR_FILENO, STDOUT_FILENO) >= 0)
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	_exit(127);
}

static int
build(const char *command, const char *dir, struct err *e)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		run_build(command, dir);
	if (pid < 0)
		return err_errno(e, ERR_LOCAL, "--build: fork");
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_errno(e, ERR_LOCAL, "--build");
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	return err_set(e, ERR_NO, "--build: the command failed (%s %d)",
	    WIFEXITED(status) ? "exit" : "signal",
	    WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
}

static int
check_source(void *arg, const char *name, const void *text, size_t len,
    struct err *e)
{
	(void)arg;
	return compile_check(name, text, len, e);
}

/* The signature gets its name first: no package is seen without it. */
static int
seal(void *arg, int fd, const struct package_info *info, struct err *e)
{
	struct package_making *m = arg;
	char *path = package_sig_name(m->path);
	int ret = -1;

	(void)info;
	if (path == NULL)
		err_set(e, ERR_LOCAL, "out of memory");
	else if (signer_end(&m->signing, fd, m->path, &m->sig, e) == 0)
		ret = file_write(path, m->sig.data, m->sig.len, 0644, e);
	free(path);
	return ret;
}

static void
progress(void *arg, uint64_t so_far, uint64_t total)
{
	const struct package_making *m = arg;

	if (m->job.progress != NULL && !m->is_apart)
		m->job.progress(m->job.arg, so_far, total);
}

static int
stopped(void *arg)
{
	const struct package_making *m = arg;

	return m->job.stop != NULL && *m->job.stop && !m->is_apart;
}

static void
written(void *arg, uint64_t so_far)
{
	const struct package_making *m = arg;

	if (m->job.written != NULL)
		m->job.written(m->job.written_arg, so_far);
}

int
package_build(const struct package_job *j, struct err *e)
{
	return j->build != NULL ? build(j->build, j->dir, e) : 0;
}

struct package_making *
package_begin(const struct package_job *j, const char *path,
    struct package_info *out, struct err *e)
{
	struct package_making *m = calloc(1, sizeof *m);
	struct package_spec spec = {
	    .dir = j->dir,
	    .name = j->name,
	    .release = j->release,
	    .since = j->since,
	    .exclude = j->exclude->items,
	    .nexclude = j->exclude->n,
	    .unchecked = j->unchecked->items,
	    .nunchecked = j->unchecked->n,
	    .time_us = j->time_us,
	    .check = check_source,
	    .seal = j->signer != NULL ? seal : NULL,
	    .seal_forks = j->signer != NULL && j->signer->command != NULL,
	    .progress = progress,
	    .written = written,
	    .stopped = stopped,
	    .arg = m,
	};

	if (m == NULL || (m->path = strdup(path)) == NULL) {
		free(m);
		err_set(e, ERR_LOCAL, "out of memory");
		return NULL;
	}
	m->job = *j;
	if (j->signer != NULL) {
		signer_begin(&m->signing, j->signer);
		m->also = signer_work(&m->signing);
		spec.also = &m->also;
	}
	m->draft = package_draft(&spec, path, out, e);
	if (m->draft != NULL)
		return m;
	package_drop(m);
	return NULL;
}

int
package_fd(const struct package_making *m)
{
	return package_draft_fd(m->draft);
}

void
package_apart(struct package_making *m)
{
	m->is_apart = 1;
}

int
package_fill(struct package_making *m, struct err *e)
{
	return package_write(m->draft, e);
}

int
package_end(struct package_making *m, struct buf *sig, struct err *e)
{
	if (package_finish(m->draft, e) != 0)
		return -1;
	if (sig != NULL && buf_append(sig, m->sig.data, m->sig.len) != 0)
		return err_set(e, ERR_LOCAL, "out of memory");
	return 0;
}

void
package_drop(struct package_making *m)
{
	if (m == NULL)
		return;
	package_draft_free(m->draft);
	signer_drop(&m->signing);
	buf_free(&m->sig);
	free(m->path);
	free(m);
}

int
package_make(const struct package_job *j, const char *path,
    struct package_info *out, struct err *e)
{
	struct package_making *m = NULL;
	int ret = -1;

	if (package_build(j, e) == 0)
		m = package_begin(j, path, out, e);
	if (m != NULL && package_fill(m, e) == 0)
		ret = package_end(m, NULL, e);
	package_drop(m);
	return ret;
}

int
package_time(int64_t now_us, int64_t *us, struct err *e)
{
	const char *text = getenv("SOURCE_DATE_EPOCH");
	uint64_t seconds;

	*us = now_us;
	if (text == NULL || *text == '\0')
		return 0;
	if (num_parse(text, strlen(text), EPOCH_MAX, &seconds) != NUM_OK)
		return err_set(e, ERR_USAGE,
		    "SOURCE_DATE_EPOCH is not a number of seconds since 1970");
	*us = (int64_t)seconds * US;
	return 0;
}

static char *
joined(const char *a, const char *between, const char *b, const char *end)
{
	size_t size = strlen(a) + strlen(between) + strlen(b) + strlen(end) + 1;
	char *text = malloc(size);

	if (text != NULL)
		snprintf(text, size, "%s%s%s%s", a, between, b, end);
	return text;
}

char *
package_file_name(const char *name, const char *release)
{
	return joined(name, "-", release, ".tar");
}

char *
package_sig_name(const char *path)
{
	return joined(path, "", "", ".sig");
}

/* --- opening ----------------------------------------------------------------
 */

/* The signature of path: what sig_text holds, or (NULL) path.sig. Its bytes
 * are appended to text. */
static int
read_sig(const char *path, const struct buf *sig_text, struct signify_sig *sig,
    struct buf *text, struct err *e)
{
	char *sig_path = package_sig_name(path);
	const size_t start = text->len;
	enum signify_result r;
	size_t used;
	int ret = -1;

	if (sig_path == NULL) {
		err_set(e, ERR_LOCAL, "out of memory");
		goto out;
	}
	if (sig_text != NULL &&
	    buf_append(text, sig_text->data, sig_text->len) != 0) {
		err_set(e, ERR_LOCAL, "out of memory");
		goto out;
	}
	if (sig_text == NULL && file_read(sig_path, SIGNIFY_FILE, text, e) != 0)
		goto out;
	r = signify_sig_parse(sig, (const char *)text->data + start,
	    text->len - start, &used);
	if (r == SIGNIFY_OK && used != text->len - start)
		r = SIGNIFY_SYNTAX;
	if (r != SIGNIFY_OK)
		err_set(e, ERR_NO, "%s: %s", sig_path, signify_strerror(r));
	else
		ret = 0;
out:
	free(sig_path);
	return ret;
}

int
package_check_sig(const struct keyring *keys, const char *path,
    const struct buf *sig_text, int fd, struct err *e)
{
	const struct trust_key *key;
	struct buf text = BUF_INIT;
	struct signify_sig sig;
	int ret = -1;

	if (read_sig(path, sig_text, &sig, &text, e) == 0)
		ret = keyring_check_fd(keys, &key, &sig, fd, path, e);
	buf_free(&text);
	return ret;
}

struct opening {
	void (*miss)(void *arg, const char *line);
	void *arg;
	const char *path;
	struct keyring_check *check;
};

static void
tell_miss(void *arg, const char *line)
{
	const struct opening *o = arg;

	if (o->miss != NULL)
		o->miss(o->arg, line);
}

/* Nothing of the package is told before this. */
static int
settle(void *arg, struct err *e)
{
	const struct opening *o = arg;
	const struct trust_key *key;

	if (keyring_check_final(o->check, &key, e) != 0)
		return -1;
	if ((key->parts & KEY_PACKAGE) == 0)
		return err_set(e, ERR_NO,
		    "%s: the key %s may not sign packages", o->path, key->name);
	return 0;
}

struct digests_work
package_check_work(struct keyring_check *c)
{
	struct digests_work work = {keyring_check_update, c};
	struct sha512 *hash = keyring_check_hash(c);

	if (hash != NULL) {
		work.update = digests_sha512;
		work.arg = hash;
	}
	return work;
}

struct package *
package_open_for(void (*miss)(void *arg, const char *line), void *arg,
    const struct keyring *keys, const char *path, const struct buf *sig_text,
    int fd, unsigned without, struct buf *sig, struct err *e)
{
	struct opening o = {.miss = miss, .arg = arg, .path = path};
	struct package_ask ask = {
	    .without = without, .miss = tell_miss, .arg = &o};
	struct digests_work also;
	struct package *p = NULL;
	struct buf own = BUF_INIT;
	struct signify_sig found;

	if (keys != NULL) {
		if (read_sig(path, sig_text, &found, sig != NULL ? sig : &own,
			e) != 0)
			goto out;
		o.check = keyring_check_start(keys, &found, path, e);
		if (o.check == NULL)
			goto out;
		also = package_check_work(o.check);
		ask.also = &also;
		ask.settle = settle;
	}
	p = package_open(fd, path, &ask, e);
out:
	keyring_check_free(o.check);
	buf_free(&own);
	return p;
}

struct telling {
	const struct say *say;
};

static void
say_miss(void *arg, const char *line)
{
	const struct telling *t = arg;

	say_error(t->say, "%s", line);
}

struct package *
package_open_fd(const struct say *say, const struct keyring *keys,
    const char *path, const struct buf *sig_text, int fd, unsigned without,
    struct buf *sig, struct err *e)
{
	struct telling t = {say};

	return package_open_for(say_miss, &t, keys, path, sig_text, fd, without,
	    sig, e);
}

void
package_say(struct say *s, const struct package_info *info)
{
	say_text(s, "package", info->release.name);
	say_text(s, "release", info->release.release);
	if (info->release.base[0] != '\0')
		say_text(s, "base", info->release.base);
}
