/* Reverts and retirements. */

#include "cmd/withdraw.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/num.h"
#include "base/text.h"
#include "cmd/clock.h"
#include "cmd/query.h"
#include "cmd/send.h"
#include "cmd/signer.h"

#define SHOWN 128 /* of an operand in a message */

struct withdrawal {
	struct say say;
	enum withdraw what;
	const char *key, *sign_with, *feature, *zone, *note, *write;
	int64_t wait_ms;
	struct fleet_options fleet;
	struct clock_options asked;
	struct clock clock;

	/* about what */
	uint64_t id; /* 0: the newest of the feature */
	char feature_text[DOC_FEATURE + 1], wait_text[32];
	struct document old;
};

/* --- which one ----------------------------------------------------------- */

/* An "update:" line of STATUS, "ID FEATURE STATE ...": 1 when it is one that
 * is meant. */
static int
match(const struct withdrawal *w, int pending, char *text, uint64_t *id,
    char **feature)
{
	static const char mark[] = "update: ";
	char *state, *digits;

	if (strncmp(text, mark, sizeof mark - 1) != 0)
		return 0;
	text += sizeof mark - 1;
	digits = query_word(&text, ' ');
	*feature = query_word(&text, ' ');
	state = query_word(&text, ' ');
	if (num_parse(digits, strlen(digits), INT64_MAX, id) != NUM_OK)
		return 0;
	if (w->id != 0)
		return *id == w->id;
	if (strcmp(*feature, w->feature) != 0)
		return 0;
	return pending ? strcmp(state, "pending") == 0
		       : strcmp(state, "live") == 0 ||
			     strcmp(state, "retired") == 0;
}

/* The newest that is meant, of those in force or those that are not yet, in
 * what one host told; 0: none. */
static uint64_t
newest_of(struct withdrawal *w, const struct host_line *l, int pending)
{
	char text[1024], *feature;
	const char *line;
	size_t at = 0, len;
	uint64_t id, newest = 0;

	while (query_line(&l->body, &at, &line, &len)) {
		snprintf(text, sizeof text, "%.*s",
		    (int)(len < sizeof text ? len : sizeof text - 1), line);
		if (!match(w, pending, text, &id, &feature) || id < newest ||
		    strlen(feature) > DOC_FEATURE)
			continue;
		newest = id;
		if (w->feature == NULL)
			strcpy(w->feature_text, feature);
	}
	return newest;
}

/* What is in force; where nothing is, what is on its way. */
static uint64_t
newest_on(struct withdrawal *w, const struct host_line *l)
{
	uint64_t id = newest_of(w, l, 0);

	return id != 0 ? id : newest_of(w, l, 1);
}

/* What else to do about an update that no host tells of: one whose package a
 * host still fetches has no feature there, so that only who says both finds
 * it. */
static const char *
hint(const struct hosts *h)
{
	static const char mark[] = "package: ";
	const char *line;
	char text[256], *rest;
	size_t i, at, len, word;

	for (i = 0; i < h->n; i++) {
		if (h->lines[i].left_out)
			continue;
		at = 0;
		while (query_line(&h->lines[i].body, &at, &line, &len)) {
			snprintf(text, sizeof text, "%.*s",
			    (int)(len < sizeof text ? len : sizeof text - 1),
			    line);
			if (strncmp(text, mark, sizeof mark - 1) != 0)
				continue;
			rest = text + sizeof mark - 1;
			for (word = 0; word < 3; word++)
				query_word(&rest, ' ');
			if (strcmp(query_word(&rest, ' '), "fetching") == 0)
				return "; what is being fetched (hotfix"
				       " status) is taken back by its ID with"
				       " --feature, or by its document";
		}
	}
	return "";
}

/* As when a feature has a patch for each of several builds. A line for each
 * update: how many hosts, and one of them. */
static int
tell_different(const struct withdrawal *w, const struct hosts *h,
    const uint64_t *ids)
{
	size_t i, k, n;

	say_error(&w->say,
	    "the hosts run different updates of %s: give an ID, of each in turn"
	    " for all of them",
	    w->feature);
	for (i = 0; i < h->n; i++) {
		for (k = 0; k < i && ids[k] != ids[i]; k++)
			;
		if (ids[i] == 0 || k < i)
			continue;
		for (n = 0, k = i; k < h->n; k++)
			n += ids[k] == ids[i];
		if (n > 1)
			say_error(&w->say, "%" PRIu64 " on %s and %zu more",
			    ids[i], h->lines[i].shown, n - 1);
		else
			say_error(&w->say, "%" PRIu64 " on %s", ids[i],
			    h->lines[i].shown);
	}
	return ERR_NO;
}

/* What is in force on each of the hosts, into ids (0: nothing of it). The one
 * that they agree on, 0: none runs it, or UINT64_MAX. */
static uint64_t
ask_all(struct withdrawal *w, const struct hosts *h, uint64_t *ids)
{
	uint64_t found = 0;
	size_t i;

	for (i = 0; i < h->n; i++) {
		if (!h->lines[i].left_out)
			ids[i] = newest_on(w, &h->lines[i]);
		if (ids[i] != 0 && found != 0 && found != ids[i])
			found = UINT64_MAX;
		else if (ids[i] != 0 && found == 0)
			found = ids[i];
	}
	return found;
}

/* Fill in id and feature from what the hosts told: SEND_GO_ON, or a status.*/
static int
find(struct withdrawal *w, const struct hosts *h)
{
	uint64_t found, *ids = calloc(h->n, sizeof *ids);
	int status = SEND_GO_ON;

	if (ids == NULL) {
		say_error(&w->say, "out of memory");
		return ERR_LOCAL;
	}
	found = ask_all(w, h, ids);
	if (found == UINT64_MAX)
		status = tell_different(w, h, ids);
	free(ids);
	if (status != SEND_GO_ON)
		return status;
	if (w->id == 0 && found == 0) {
		say_error(&w->say, "no host runs an update of %s%s", w->feature,
		    hint(h));
		return ERR_NO;
	}
	if (w->id == 0)
		w->id = found;
	if (w->feature == NULL && w->feature_text[0] == '\0') {
		say_error(&w->say,
		    "no host knows %" PRIu64 ": give its"
		    " --feature too%s",
		    w->id, hint(h));
		return ERR_NO;
	}
	if (w->feature == NULL)
		w->feature = w->feature_text;
	return SEND_GO_ON;
}

/* The operand: an id, a document's file, else a feature. 0, or 2. */
static int
parse_target(struct withdrawal *w, const char *text)
{
	char shown[SHOWN];
	struct stat st;
	struct err e;

	if (num_parse(text, strlen(text), INT64_MAX, &w->id) == NUM_OK &&
	    w->id > 0)
		return 0;
	w->id = 0;
	if ((strcmp(text, "-") == 0 ||
		(stat(text, &st) == 0 && S_ISREG(st.st_mode))) &&
	    document_read(&w->old, text, &e) == 0) {
		w->id = w->old.doc->id;
		w->feature = w->old.doc->feature;
		return 0;
	}
	if (w->feature != NULL)
		return options_complain(&w->say, "--feature goes with an ID");
	if (!doc_feature_is_valid(text, strlen(text)))
		return options_complain(&w->say,
		    "%s: no ID, no document, no feature",
		    text_escape(shown, sizeof shown, text, strlen(text), 0));
	w->feature = text;
	return 0;
}

/* --- the verb ------------------------------------------------------------ */

/* What is to be signed, as far as it is known. */
static struct doc_spec
make_spec(struct withdrawal *w)
{
	struct doc_spec spec = {.id = (uint64_t)clock_now_us(&w->clock),
	    .feature = w->feature,
	    .zone = w->zone,
	    .note = w->note};

	if (w->what == WITHDRAW_REVERT)
		spec.reverts = w->id;
	else
		spec.retires = w->id;
	if (w->wait_ms >= 0) {
		snprintf(w->wait_text, sizeof w->wait_text, "%" PRId64 "ms",
		    w->wait_ms);
		spec.wait = w->wait_text;
	}
	return spec;
}

/* Whether it can be signed, before anybody is asked: what only hosts tell is
 * made up. 0, or -1 with err. */
static int
try(struct withdrawal *w, struct err *e)
{
	struct doc_spec spec = make_spec(w);
	struct buf text = BUF_INIT;
	int ret;

	if (w->id == 0) {
		spec.reverts = w->what == WITHDRAW_REVERT;
		spec.retires = w->what == WITHDRAW_RETIRE;
	}
	if (spec.feature == NULL)
		spec.feature = "any";
	ret = doc_build(&text, &spec, e);
	buf_free(&text);
	return ret;
}

static int
sign_and_send(struct withdrawal *w, const struct signer *signer, struct talk *t,
    struct hosts *h)
{
	struct doc_spec spec = make_spec(w);
	struct document d = DOCUMENT_INIT;
	struct err e;
	int status;

	if (document_sign(&d, &spec, signer, &e) != 0)
		status = say_err(&w->say, &e);
	else
		status = send_made(&w->say, t, h, &d, w->write,
		    w->what == WITHDRAW_REVERT ? "reverted" : NULL);
	document_free(&d);
	return status;
}

/* Ask the hosts, if there are any, and do it. */
static int
ask_and_send(struct withdrawal *w, const struct signer *signer, struct hosts *h)
{
	struct talk *t = NULL;
	struct err e;
	int status;

	if (h->n == 0 && (w->id == 0 || w->feature == NULL))
		return options_complain(&w->say,
		    "no HOST to ask: give an ID with its --feature, or a"
		    " DOCUMENT");
	if (h->n == 0)
		return sign_and_send(w, signer, NULL, h);
	t = talk_open(&w->say, &e);
	if (t == NULL)
		return say_err(&w->say, &e);
	talk_set_behind(t, clock_behind_us(&w->clock));
	/* One dead host does not keep the others from taking it back. */
	status = send_survey(&w->say, t, h, SEND_NEEDS_ONE);
	if (status == SEND_GO_ON)
		status = find(w, h);
	if (status == SEND_GO_ON)
		status = sign_and_send(w, signer, t, h);
	talk_close(t);
	return status;
}

static int
withdraw(struct withdrawal *w, char **operands, size_t n)
{
	struct hosts h = {NULL, 0, 0, NULL};
	struct signer signer;
	struct err e;
	int status;

	status = clock_check(&w->say, &w->asked);
	if (status != CLOCK_GO_ON)
		return status;
	if (signer_open(&signer, w->key, w->sign_with, &e) != 0 ||
	    try(w, &e) != 0 ||
	    hosts_open(&h, &w->fleet, operands, n, w->write != NULL, &e) != 0)
		status = say_err(&w->say, &e);
	else
		status = send_check_write(&w->say, w->write, &h);
	if (status == SEND_GO_ON)
		status = clock_correct(&w->say, &w->asked, &w->clock);
	if (status == CLOCK_GO_ON)
		status = ask_and_send(w, &signer, &h);
	hosts_free(&h);
	signer_close(&signer);
	return status;
}

int
withdraw_run(enum withdraw what, int argc, char **argv)
{
	struct withdrawal w = {
	    .what = what, .wait_ms = -1, .asked = CLOCK_OPTIONS_INIT};
	const struct option options[] = {
	    {'k', "key", "FILE", "secret key; default: $HOTFIX_KEY",
		.text = &w.key},
	    {0, "sign-with", "CMD", "have a command sign",
		.text = &w.sign_with},
	    {0, "feature", "F", "of an ID that no host knows",
		.text = &w.feature},
	    {0, "zone", "LIST", "hosts of these zones", .text = &w.zone},
	    {0, "wait", "T", "wait so long for clients (10s)",
		.ms = &w.wait_ms},
	    {0, "note", "TEXT", "one line for people", .text = &w.note},
	    {0, "write", "FILE", "keep the document", .text = &w.write},
	    {0, "ntp", "SERVER", "the time by this server, not the clock",
		.list = &w.asked.ntp},
	    {0, "max-offset", "T", "stop when the clock is further off (10s)",
		.ms = &w.asked.max_offset_ms},
	};
	struct option fleet[HOSTS_OPTIONS];
	const struct usage usage = {
	    "-k KEY [OPTION]... ID|FEATURE|DOCUMENT HOST[:PORT]...",
	    what == WITHDRAW_REVERT
		? "Take an update back on hosts and clients, for good: by its"
		  " ID, its document, or\nthe FEATURE whose newest update it"
		  " is.\n"
		: "Keep an update from starts to come; those that run it keep"
		  " it. By its ID, its\ndocument, or the FEATURE whose newest"
		  " update it is.\n",
	    options, sizeof options / sizeof *options, fleet, HOSTS_OPTIONS,
	    NULL, 0};
	char **operands;
	size_t n;
	int status;

	hosts_options(&w.fleet, fleet);
	status = options_parse(&w.say, &usage, argc, argv, &operands, &n);
	if (status != OPTIONS_GO_ON)
		return status;
	if (n == 0)
		return options_complain(&w.say, "no ID, FEATURE or DOCUMENT");
	status = parse_target(&w, operands[0]);
	if (status == 0)
		status = withdraw(&w, operands + 1, n - 1);
	document_free(&w.old);
	return status;
}
