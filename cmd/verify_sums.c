/* hotfix verify --sums: what md5sum -c does. */

#include "cmd/verify_sums.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/text.h"
#include "pack/sumcheck.h"
#include "pack/sums.h"

/* A million files whose names are of a usual length. */
#define LIST_MAX ((size_t)256 * 1024 * 1024)

#define SHOWN (4 * SUMS_NAME_MAX + 1) /* of a name, every byte escaped */

struct sums {
	struct say *say;
	struct buf text; /* names are in there, each with a NUL behind it */
	struct sumcheck_entry *entries;
	size_t n;
	size_t failed, missing;
};

static void
each(void *arg, size_t index, enum sum_result r, int errnum)
{
	static const char *const words[] = {
	    "OK", "FAILED", "FAILED open or read"};
	struct sums *s = arg;
	const char *name = s->entries[index].name;
	char shown[SHOWN];

	text_escape(shown, sizeof shown, name, strlen(name), 0);
	s->failed += r == SUM_FAILED;
	s->missing += r == SUM_MISSING;
	if (r == SUM_MISSING)
		say_error(s->say, "%s: %s", shown,
		    errnum != 0 ? strerror(errnum) : "not a regular file");
	if (r == SUM_OK && s->say->quiet)
		return;
	if (s->say->json) {
		say_text(s->say, "path", name);
		say_text(s->say, "result", words[r]);
	} else {
		say_text(s->say, shown, words[r]);
	}
	say_next(s->say);
}

static int
read_list(struct sums *s, const char *list, struct err *e)
{
	const char *at, *end;
	struct sums_line line;
	size_t lines = 0, i;
	int got;

	if (file_read(list, LIST_MAX, &s->text, e) != 0)
		return -1;
	for (i = 0; i < s->text.len; i++)
		lines += s->text.data[i] == '\n';
	s->entries = calloc(lines + 1, sizeof *s->entries);
	if (s->entries == NULL)
		return err_set(e, ERR_LOCAL, "out of memory");
	at = (const char *)s->text.data;
	end = at + s->text.len;
	while ((got = sums_next(&at, end, &line)) > 0) {
		memcpy(s->entries[s->n].md5, line.md5, MD5_SIZE);
		s->entries[s->n].name = line.name;
		s->text.data[(line.name - (const char *)s->text.data) +
			     (ptrdiff_t)line.name_len] = '\0';
		s->n++;
	}
	if (got < 0)
		return err_set(e, ERR_NO,
		    "%s: line %zu is not a digest, two blanks and a name; no"
		    " file was checked",
		    list, s->n + 1);
	if (s->n == 0)
		return err_set(e, ERR_NO, "%s: an empty list", list);
	return 0;
}

int
verify_sums(struct say *s, const char *list, const char *dir)
{
	struct sums sums = {s, BUF_INIT, NULL, 0, 0, 0};
	struct sumcheck_spec spec = {
	    AT_FDCWD, 1, NULL, 0, 0, each, &sums, NULL};
	struct err e;
	int status;

	if (read_list(&sums, list, &e) != 0) {
		status = say_err(s, &e);
		goto out;
	}
	if (dir != NULL)
		spec.dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir != NULL && spec.dir_fd < 0) {
		err_errno(&e, ERR_LOCAL, "%s", dir);
		status = say_err(s, &e);
		goto out;
	}
	spec.entries = sums.entries;
	spec.n = sums.n;
	if (sumcheck_run(&spec, &e) != 0) {
		status = say_err(s, &e);
		goto out;
	}
	if (sums.missing > 0)
		say_error(s, "%s: %zu of %zu files could not be read", list,
		    sums.missing, sums.n);
	if (sums.failed > 0)
		say_error(s, "%s: %zu of %zu files do not match", list,
		    sums.failed, sums.n);
	status = sums.missing + sums.failed > 0;
out:
	if (spec.dir_fd >= 0)
		close(spec.dir_fd);
	free(sums.entries);
	buf_free(&sums.text);
	return status;
}
