/* Hosts by operands and fleet files, and what their answers come to. */

#include "cmd/hosts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/num.h"
#include "base/text.h"

#define SHOWN 128 /* of a word in a message */

void
hosts_options(struct fleet_options *f, struct option rows[HOSTS_OPTIONS])
{
	const struct option all[HOSTS_OPTIONS] = {
	    {0, "fleet", "FILE", "hosts from a file", .text = &f->file},
	    {0, "select", "KEY=VALUE", "only these of the fleet",
		.list = &f->select},
	    {0, "batch", "N", "so many hosts at a time",
		.text = &f->batch_text},
	    {0, "fleet-max-failed", "N", "go on while no more hosts failed (0)",
		.text = &f->max_failed_text},
	    {0, "skip-failed", NULL, "leave out hosts that do not answer",
		.flag = &f->skip_failed},
	};

	memcpy(rows, all, sizeof all);
}

static int
add(struct hosts *h, const char *shown, const char *name, const char *address,
    struct err *e)
{
	struct host_line *l;
	size_t cap = h->cap > 0 ? 2 * h->cap : 4;
	char show[SHOWN];
	int v6;

	if (h->n == h->cap) {
		l = realloc(h->lines, cap * sizeof *l);
		if (l == NULL)
			return err_set(e, ERR_LOCAL, "out of memory");
		h->lines = l;
		h->cap = cap;
	}
	l = &h->lines[h->n];
	memset(l, 0, sizeof *l);
	l->rehearsed_us = l->stall_us = -1;
	if (sock_target_parse(&l->target, address, SOCK_PORT_DEFAULT) != 0 ||
	    (name != NULL && strlen(name) > SOCK_NAME_MAX))
		return err_set(e, ERR_USAGE,
		    "%s: not a host, [NAME@]ADDRESS[:PORT]",
		    text_escape(show, sizeof show, address, strlen(address),
			0));
	if (name != NULL)
		strcpy(l->target.name, name);
	v6 = strchr(l->target.address, ':') != NULL;
	snprintf(l->address, sizeof l->address, v6 ? "[%s]:%u" : "%s:%u",
	    l->target.address, (unsigned)l->target.port);
	l->shown = strdup(shown);
	if (l->shown == NULL)
		return err_set(e, ERR_LOCAL, "out of memory");
	h->n++;
	return 0;
}

/* The next word of a line that is changed in place; NULL at its end. */
static char *
next_word(char **line)
{
	char *word = *line + strspn(*line, " ");
	size_t len = strcspn(word, " ");

	if (len == 0)
		return NULL;
	*line = word + len;
	if (**line != '\0')
		*(*line)++ = '\0';
	return word;
}

/* One line of a fleet: 1 when it is selected. */
static int
fits(const struct option_list *select, const char *name, char *rest)
{
	int found[OPTION_LIST_MAX] = {0};
	char *word;
	size_t i;

	for (i = 0; i < select->n; i++)
		found[i] = strncmp(select->items[i], "name=", 5) == 0 &&
			   strcmp(select->items[i] + 5, name) == 0;
	while ((word = next_word(&rest)) != NULL)
		for (i = 0; i < select->n; i++)
			found[i] |= strcmp(select->items[i], word) == 0;
	for (i = 0; i < select->n; i++)
		if (!found[i])
			return 0;
	return 1;
}

static int
add_fleet_line(struct hosts *h, const char *path, size_t lineno, char *line,
    struct err *e)
{
	struct err why;
	char *name, *address, *tab;
	size_t i;

	for (tab = line; (tab = strchr(tab, '\t')) != NULL;)
		*tab = ' ';
	if (!text_is_clean(line, strlen(line)))
		return err_set(e, ERR_LOCAL, "%s: line %zu: not clean text",
		    path, lineno);
	name = next_word(&line);
	if (name == NULL || *name == '#')
		return 0;
	address = next_word(&line);
	if (address == NULL)
		return err_set(e, ERR_LOCAL, "%s: line %zu: no address", path,
		    lineno);
	if (!fits(&h->fleet->select, name, line))
		return 0;
	for (i = 0; i < h->n; i++)
		if (strcmp(h->lines[i].target.name, name) == 0)
			return err_set(e, ERR_LOCAL,
			    "%s: line %zu: %s is there already", path, lineno,
			    name);
	if (add(h, name, name, address, &why) != 0)
		return err_set(e, ERR_LOCAL, "%s: line %zu: %.*s", path, lineno,
		    SHOWN, why.text);
	return 0;
}

static int
add_fleet(struct hosts *h, const char *path, struct err *e)
{
	struct buf b = BUF_INIT;
	size_t lineno = 0, before = h->n;
	char *line, *end;
	int ret = -1;

	if (file_read(path, HOSTS_FLEET_FILE, &b, e) != 0)
		goto out;
	line = buf_text(&b);
	if (line == NULL) {
		err_set(e, ERR_LOCAL, "out of memory");
		goto out;
	}
	if (strlen(line) != b.len) {
		err_set(e, ERR_LOCAL, "%s: not a text", path);
		goto out;
	}
	for (; *line != '\0'; line = end) {
		end = line + strcspn(line, "\n");
		if (*end != '\0')
			*end++ = '\0';
		if (add_fleet_line(h, path, ++lineno, line, e) != 0)
			goto out;
	}
	if (h->n == before) {
		err_set(e, ERR_USAGE, "%s: no host is selected", path);
		goto out;
	}
	ret = 0;
out:
	buf_free(&b);
	return ret;
}

static int
number(const char *option, const char *text, size_t fallback, uint64_t min,
    size_t *out, struct err *e)
{
	uint64_t n;

	*out = fallback;
	if (text == NULL)
		return 0;
	if (num_parse(text, strlen(text), SIZE_MAX, &n) != NUM_OK || n < min)
		return err_set(e, ERR_USAGE, "%s: not a number from %d up",
		    option, (int)min);
	*out = (size_t)n;
	return 0;
}

int
hosts_open(struct hosts *h, struct fleet_options *f, char **operands, size_t n,
    int none_is_fine, struct err *e)
{
	size_t i;

	memset(h, 0, sizeof *h);
	h->fleet = f;
	if (number("--batch", f->batch_text, SIZE_MAX, 1, &f->batch, e) != 0 ||
	    number("--fleet-max-failed", f->max_failed_text, 0, 0,
		&f->max_failed, e) != 0)
		return -1;
	if (f->select.n > 0 && f->file == NULL)
		return err_set(e, ERR_USAGE, "--select goes with --fleet");
	for (i = 0; i < f->select.n; i++)
		if (strchr(f->select.items[i], '=') == NULL)
			return err_set(e, ERR_USAGE,
			    "--select takes KEY=VALUE");
	for (i = 0; i < n; i++)
		if (add(h, operands[i], NULL, operands[i], e) != 0)
			goto fail;
	if (f->file != NULL && add_fleet(h, f->file, e) != 0)
		goto fail;
	if (h->n == 0 && !none_is_fine) {
		err_set(e, ERR_USAGE, "no HOST");
		goto fail;
	}
	return 0;

fail:
	hosts_free(h);
	return -1;
}

void
hosts_free(struct hosts *h)
{
	size_t i;

	for (i = 0; i < h->n; i++) {
		free(h->lines[i].shown);
		buf_free(&h->lines[i].report);
		buf_free(&h->lines[i].groups);
		buf_free(&h->lines[i].body);
	}
	free(h->lines);
	memset(h, 0, sizeof *h);
}

void
host_line_print(struct say *s, const struct host_line *l)
{
	const char *name = l->name[0] != '\0' ? l->name : l->target.name;
	char text[2 * SOCK_NAME_MAX + 32];

	if (*name == '\0')
		name = "-";
	if (s->json) {
		say_text(s, "host", name);
		say_text(s, "address", l->address);
		return;
	}
	snprintf(text, sizeof text, "%s %s", name, l->address);
	say_text(s, "host", text);
}

void
host_line_reset(struct host_line *l)
{
	l->asked = 0;
	l->end = HOST_NOT_ASKED;
	l->result[0] = l->word[0] = l->text[0] = l->server[0] = '\0';
	l->rehearsed_us = l->stall_us = -1;
	l->has_clients = 0;
	buf_reset(&l->report);
	buf_reset(&l->groups);
	buf_reset(&l->body);
}

static int
is_one_of(const char *word, const char *const *words)
{
	for (; *words != NULL; words++)
		if (strcmp(word, *words) == 0)
			return 1;
	return 0;
}

int
host_line_status(const struct host_line *l, const char *good)
{
	static const char *const done[] = {
	    "applied", "have", "deferred", "dry-run", NULL};
	static const char *const denied[] = {
	    "denied", "closed", "untrusted-key", "out-of-scope", NULL};
	static const char *const later[] = {
	    "busy", "timeout", "shutdown", "internal", NULL};

	switch (l->end) {
	case HOST_NOT_ASKED:
	case HOST_OK:
		return l->left_out ? ERR_PEER : 0;
	case HOST_DONE:
		if (is_one_of(l->result, done) ||
		    (good != NULL && strcmp(l->result, good) == 0))
			return 0;
		break;
	case HOST_ERROR:
		if (l->word[0] == '\0')
			return ERR_PEER;
		break;
	}
	if (is_one_of(l->word, denied))
		return ERR_DENIED;
	return is_one_of(l->word, later) ? ERR_PEER : ERR_NO;
}

int
host_line_is_skipped(const struct host_line *l)
{
	return l->end == HOST_DONE && strcmp(l->result, "refused") == 0 &&
	       (strcmp(l->word, "not-for-me") == 0 ||
		   strcmp(l->word, "unknown") == 0);
}

int
hosts_join_status(int so_far, int status)
{
	if (so_far == 0 || status == 0)
		return so_far + status;
	if (so_far == ERR_PEER)
		return status;
	if (status == ERR_PEER)
		return so_far;
	return status > so_far ? status : so_far;
}

int
hosts_status(const struct hosts *h, const char *good)
{
	int status = 0;
	size_t i;

	for (i = 0; i < h->n; i++)
		status = hosts_join_status(status,
		    host_line_status(&h->lines[i], good));
	return status;
}
