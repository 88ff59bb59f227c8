/* hotfix publish: hosts are told, of a release or why there is none. */

#include "cmd/publishing.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cmd/verbs.h"

int
publishing_notify(struct publishing *p)
{
	char text[64];
	size_t i, good = 0;
	int status;

	if (p->hosts.n == 0)
		return 0;
	status = send_document(&p->say, p->talk, &p->hosts, &p->made, NULL);
	for (i = 0; i < p->hosts.n; i++)
		good += host_line_status(&p->hosts.lines[i], NULL) == 0 &&
			p->hosts.lines[i].asked;
	snprintf(text, sizeof text, "%zu of %zu", good, p->hosts.n);
	say_text(&p->say, "notified", text);
	say_end(&p->say);
	/* --undo once more would go back once more. */
	if (good < p->hosts.n && status != EXIT_INTERRUPTED)
		say_note(&p->say,
		    "it is released, but not on all hosts; %s%s%s",
		    p->undo ? "hotfix push sends them its "
			    : "the same again sends it to them anew",
		    p->undo ? p->latest_name : "",
		    p->undo ? " from the place" : "");
	return status;
}

void
publishing_tell_failure(struct publishing *p, const struct err *why)
{
	char text[ERR_TEXT], line[ERR_TEXT + 32];
	struct doc_spec spec = {
	    .feature = p->plan.feature, .zone = p->plan.zone, .extra = line};
	struct document d = DOCUMENT_INIT;
	struct host_line *l;
	size_t i, untold = 0;
	struct err e;

	if (p->hosts.n == 0)
		return;
	spec.id = (uint64_t)clock_now_us(&p->clock);
	text_escape(text, sizeof text - 64, why->text, strlen(why->text), 1);
	for (i = 0; text[i] != '\0'; i++)
		if (text[i] == '\n' || text[i] == '\t')
			text[i] = ' ';
	snprintf(line, sizeof line, "notice: failed %s\n", text);
	for (i = 0; i < p->hosts.n; i++) {
		host_line_reset(&p->hosts.lines[i]);
		p->hosts.lines[i].left_out = 0;
		p->hosts.lines[i].asked = 0;
	}
	if (document_sign(&d, &spec, &p->signer, &e) != 0) {
		say_err(&p->say, &e);
	} else {
		/* Their results are of this, and are not to be read as those
		 * of a release. */
		say_note(&p->say,
		    "the hosts are told that it failed; what runs there stays");
		send_document(&p->say, p->talk, &p->hosts, &d, NULL);
	}
	for (i = 0; i < p->hosts.n; i++) {
		l = &p->hosts.lines[i];
		untold += !l->asked || host_line_status(l, NULL) != 0;
	}
	if (untold > 0)
		say_error(&p->say,
		    "%zu of %zu hosts %s not told that it failed", untold,
		    p->hosts.n, untold == 1 ? "was" : "were");
	document_free(&d);
}
