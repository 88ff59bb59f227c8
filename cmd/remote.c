/* Files at addresses, fetched to be looked at. */

#include "cmd/remote.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "cmd/signals.h"
#include "crypto/signify.h"
#include "net/ftp_url.h"
#include "pack/fetch.h"

#define SIG ".sig"

/* --- while it comes ----------------------------------------------------------
 */

static void
on_trace(void *arg, const char *line)
{
	struct remote *r = arg;

	progress_hide(&r->progress);
	say_detail(r->say, "%s", line);
}

static void
on_progress(void *arg, uint64_t so_far, uint64_t size)
{
	struct remote *r = arg;

	progress_moved(&r->progress, so_far, size);
}

static void
on_again(void *arg, const struct err *why)
{
	struct remote *r = arg;

	progress_hide(&r->progress);
	say_note(r->say, "%s; trying again", why->text);
}

static struct fetch_spec
spec_of(struct remote *r, const char *url)
{
	struct fetch_spec s = {.url = url,
	    .fresh = 1,
	    .trace = r->say->verbose ? on_trace : NULL,
	    .again = on_again,
	    .arg = r,
	    .stop = r->stop};

	return s;
}

/* --- the file ----------------------------------------------------------------
 */

int
remote_init(struct remote *r, const struct say *s, struct err *e)
{
	memset(r, 0, sizeof *r);
	r->say = s;
	r->stop = signals_flag(e);
	return r->stop != NULL ? 0 : -1;
}

int
remote_open(struct remote *r, const char *url, struct err *e)
{
	struct fetch_spec s = spec_of(r, url);
	char *dir = file_make_temporary(e), *path = NULL;
	int fd = -1;

	if (dir == NULL)
		return -1;
	path = file_join(dir, "file");
	if (path == NULL) {
		err_set(e, ERR_LOCAL, "out of memory");
		goto out;
	}
	s.progress = on_progress;
	progress_open(&r->progress, r->say, "fetch");
	if (fetch_file(&s, path, e) == 0) {
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			err_errno(e, ERR_LOCAL, "%s", path);
		unlink(path);
	}
	progress_hide(&r->progress);
out:
	/* What did not come whole was removed by the fetch: nothing is known
	 * of the file that it could be gone on with. */
	rmdir(dir);
	free(path);
	free(dir);
	return fd;
}

/* --- its signature -----------------------------------------------------------
 */

char *
remote_sig_url(const char *url)
{
	/* It belongs to the path; the kind of transfer stands behind it. */
	const char *mark = strstr(url, FTP_TYPE_MARK "i");
	size_t len = mark != NULL ? (size_t)(mark - url) : strlen(url);
	char *out = malloc(len + sizeof SIG);

	if (out != NULL) {
		memcpy(out, url, len);
		memcpy(out + len, SIG, sizeof SIG);
	}
	return out;
}

int
remote_sig(struct remote *r, const char *url, struct buf *out, struct err *e)
{
	char *sig = remote_sig_url(url);
	struct fetch_spec s;
	int ret = -1;

	if (sig == NULL)
		return err_set(e, ERR_LOCAL, "out of memory");
	s = spec_of(r, sig);
	ret = fetch_memory(&s, SIGNIFY_FILE, out, e);
	free(sig);
	return ret;
}
