/* The state folder of a host. */

#include "peer/journal.h"
#include "base/file.h"
#include "base/num.h"
#include "peer/keep.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct journal {
	char *dir; /* NULL: nothing is kept */
	char *updates;
	struct ledger *ledger;
	int results;
	size_t results_len;
};

#define NAME_MAX_ID 24 /* an id in decimal and a NUL */

static char *
doc_path(const struct journal *j, uint64_t id)
{
	char name[NAME_MAX_ID];

	snprintf(name, sizeof name, "%" PRIu64, id);
	return file_join(j->updates, name);
}

/* Results are for people; a host without them still works. */
static void
open_results(struct journal *j)
{
	char *path = file_join(j->dir, "results");
	struct stat st;

	j->results = -1;
	if (path == NULL)
		return;
	j->results = open(path,
	    O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (j->results >= 0 && fstat(j->results, &st) == 0)
		j->results_len = (size_t)st.st_size;
	free(path);
}

struct journal *
journal_open(const char *dir,
    int (*replay)(void *arg, const struct ledger_event *ev, struct err *e),
    void *arg, size_t *torn, struct err *e)
{
	struct journal *j = calloc(1, sizeof *j);

	*torn = 0;
	if (j == NULL) {
		err_set(e, ERR_LOCAL, "out of memory");
		return NULL;
	}
	j->results = -1;
	if (dir == NULL)
		return j;
	j->dir = strdup(dir);
	j->updates = file_join(dir, "updates");
	if (j->dir == NULL || j->updates == NULL) {
		err_set(e, ERR_LOCAL, "%s: out of memory", dir);
		goto fail;
	}
	if (file_check_lacks(j->dir, KEEP_LOCK, "a client", e) != 0 ||
	    file_mkdirs(j->updates, e) != 0 || file_check_own(j->dir, e) != 0 ||
	    file_check_own(j->updates, e) != 0)
		goto fail;
	j->ledger = ledger_open(dir, replay, arg, torn, e);
	if (j->ledger == NULL)
		goto fail;
	open_results(j);
	return j;

fail:
	journal_close(j);
	return NULL;
}

void
journal_close(struct journal *j)
{
	if (j == NULL)
		return;
	if (j->results >= 0)
		close(j->results);
	ledger_close(j->ledger);
	free(j->updates);
	free(j->dir);
	free(j);
}

int
journal_put_doc(struct journal *j, uint64_t id, const void *doc, size_t len,
    struct err *e)
{
	char *path;
	int r;

	if (j->dir == NULL)
		return 0;
	path = doc_path(j, id);
	if (path == NULL)
		return err_set(e, ERR_LOCAL, "%s: out of memory", j->updates);
	r = file_write(path, doc, len, 0600, e);
	free(path);
	return r;
}

int
journal_get_doc(struct journal *j, uint64_t id, struct buf *out, struct err *e)
{
	char *path = doc_path(j, id);
	int r;

	if (path == NULL)
		return err_set(e, ERR_LOCAL, "%s: out of memory", j->updates);
	r = file_read(path, JOURNAL_DOC_MAX, out, e);
	free(path);
	return r;
}

void
journal_remove_doc(struct journal *j, uint64_t id)
{
	char *path = j->dir != NULL ? doc_path(j, id) : NULL;

	if (path != NULL)
		unlink(path);
	free(path);
}

void
journal_sweep(struct journal *j, int (*needed)(void *arg, uint64_t id),
    void *arg)
{
	DIR *folder = j->dir != NULL ? opendir(j->updates) : NULL;
	const struct dirent *d;
	uint64_t id;
	size_t len;

	if (folder == NULL)
		return;
	while ((d = readdir(folder)) != NULL) {
		/* Files of other names are somebody's own. */
		len = strcspn(d->d_name, ".");
		if (num_parse(d->d_name, len, INT64_MAX, &id) != NUM_OK)
			continue;
		if (d->d_name[len] == '\0' ? !needed(arg, id)
					   : file_is_unfinished(d->d_name, len))
			unlinkat(dirfd(folder), d->d_name, 0);
	}
	closedir(folder);
}

int
journal_event(struct journal *j, const struct ledger_event *ev, struct err *e)
{
	return j->ledger != NULL ? ledger_append(j->ledger, ev, e) : 0;
}

int
journal_tail(struct journal *j, size_t n, struct buf *out, struct err *e)
{
	return j->ledger != NULL ? ledger_tail(j->ledger, n, out, e) : 0;
}

static void
rotate_results(struct journal *j)
{
	char *now = file_join(j->dir, "results");
	char *old = file_join(j->dir, "results.1");

	if (now != NULL && old != NULL && rename(now, old) == 0) {
		close(j->results);
		j->results_len = 0;
		open_results(j);
	}
	free(now);
	free(old);
}

void
journal_result(struct journal *j, const char *line)
{
	size_t len = strlen(line);

	if (j->results < 0)
		return;
	if (j->results_len + len > JOURNAL_RESULTS)
		rotate_results(j);
	if (j->results >= 0 && file_write_all(j->results, line, len) == 0)
		j->results_len += len;
}
