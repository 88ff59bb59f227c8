/* Questions and commands to hosts. */

#include "cmd/query.h"

#include <stdio.h>
#include <string.h>

#include "cmd/send.h"
#include "cmd/signer.h"
#include "cmd/verbs.h"

struct query {
	struct say *say;
	void (*print)(struct say *s, const struct host_line *l);
};

int
query_line(const struct buf *b, size_t *at, const char **line, size_t *len)
{
	const char *end;

	if (*at >= b->len)
		return 0;
	*line = (const char *)b->data + *at;
	end = memchr(*line, '\n', b->len - *at);
	*len = end != NULL ? (size_t)(end - *line) : b->len - *at;
	*at += *len + 1;
	return 1;
}

char *
query_word(char **rest, char sep)
{
	char *word = *rest, *end = strchr(word, sep);

	*rest = end != NULL ? end + 1 : word + strlen(word);
	if (end != NULL)
		*end = '\0';
	return word;
}

static void
print_answer(void *arg, struct host_line *l)
{
	char word[HOSTS_WORD + sizeof "error "];
	const struct query *q = arg;

	if (l->end == HOST_OK && q->print != NULL) {
		q->print(q->say, l);
		return;
	}
	host_line_print(q->say, l);
	if (l->end == HOST_OK)
		strcpy(word, "ok");
	else if (l->word[0] == '\0')
		strcpy(word, "unreachable");
	else
		snprintf(word, sizeof word, "error %s", l->word);
	say_text(q->say, "result", word);
	say_end(q->say);
	if (l->end != HOST_OK)
		send_complain(q->say, l);
}

int
query_run(struct say *s, struct fleet_options *f, char **operands, size_t n,
    const struct talk_request *r,
    void (*print)(struct say *s, const struct host_line *l))
{
	struct query q = {s, print};
	struct hosts h;
	struct talk *t;
	struct err e;
	int status;

	if (hosts_open(&h, f, operands, n, 0, &e) != 0)
		return say_err(s, &e);
	t = talk_open(s, &e);
	status =
	    t != NULL ? talk_to(t, h.lines, h.n, r, print_answer, &q, &e) : -1;
	if (status < 0) {
		status = say_err(s, &e);
	} else if (status != TALK_INTERRUPTED) {
		status = hosts_status(&h, NULL);
	} else if (r->command != NULL) {
		status = send_interrupted(s, &h, "nothing was sent");
	} else {
		say_error(s, "interrupted");
		status = EXIT_INTERRUPTED;
	}
	talk_close(t);
	hosts_free(&h);
	return status;
}

int
query_command(struct say *s, struct fleet_options *f, char **operands, size_t n,
    const char *key, const char *sign_with, const char *command)
{
	struct talk_request r = {.command = command};
	struct signer signer;
	struct err e;
	int status;

	if (signer_open(&signer, key, sign_with, &e) == 0) {
		r.signer = &signer;
		status = query_run(s, f, operands, n, &r, NULL);
	} else {
		status = say_err(s, &e);
	}
	signer_close(&signer);
	return status;
}
