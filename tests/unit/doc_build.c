/* Building documents: what is built opens with the values that were given,
 * and what would not open is not built. */

#include "tests/docs.h"
#include "tests/tap.h"

#define ID    1795342500123456
#define BY_US INT64_C(1795345200000000) /* 2026-11-22T11:00:00Z */

static void
spec_init(struct doc_spec *s)
{
	memset(s, 0, sizeof *s);
	s->id = ID;
	s->feature = "combat-damage";
	s->parts[DOC_SERVER].bytes = "server";
	s->parts[DOC_SERVER].len = 6;
}

static void
exact(void)
{
	static const char want[] =
	    "hotfix-update: 1\n"
	    "id: 1795342500123456\n"
	    "feature: combat-damage\n"
	    "created: 2026-11-22T10:15:00.123456Z\n"
	    "version: 1.4.*\n"
	    "on: round-end\n"
	    "by: 2026-11-22T11:00:00.000000Z\n"
	    "server: 0 d41d8cd98f00b204e9800998ecf8427e cf83e1357eefb8bdf154285"
	    "0d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d28"
	    "77eec2f63b931bd47417a81a538327af927da3e\n"
	    "dry-run: yes\n"
	    "note: first\n"
	    "\n";
	struct buf b = BUF_INIT;
	struct doc_spec s;
	struct err e;

	spec_init(&s);
	s.version = "1.4.*";
	s.note = "first";
	s.on = "round-end";
	s.by_us = BY_US;
	s.dry_run = 1;
	s.parts[DOC_SERVER].len = 0;
	buf_puts(&b, "before ");
	if (IS(doc_build(&b, &s, &e), 0, "a signed text is built"))
		IS_STR(buf_text(&b) + 7, want, "it is this one");
	IS(strncmp((char *)b.data, "before ", 7), 0, "it is appended");
	buf_free(&b);
}

static void
round_trip(void)
{
	struct signify_sec sec = test_key(1);
	struct keyring ring = KEYRING_INIT;
	struct buf text = BUF_INIT, b = BUF_INIT;
	struct signify_sig sig;
	struct refusal why;
	struct doc_spec s;
	struct err e;
	struct doc *d;
	size_t head;

	test_trust(&ring, &sec, "ann");
	spec_init(&s);
	s.program = "arena";
	s.version = "1.4.1,!1.4.2";
	s.platform = "linux-*";
	s.server_program = "arenad";
	s.server_version = "2.3";
	s.zone = "eu-1";
	s.needs = "17 1795342500123455";
	s.on = "round-end";
	s.by_us = BY_US;
	s.dry_run = 1;
	s.expires_us = ID + 5;
	s.take_back_until_us = ID + 70 * INT64_C(1000000);
	s.max_failed = "1%";
	s.wait = "90s";
	s.note = "a \xc3\xa9: note";
	s.allow_partial = 1;
	s.extra = "x-unknown: y\nx-other: z\n";
	s.parts[DOC_CLIENT].bytes = "the client";
	s.parts[DOC_CLIENT].len = 10;
	if (!IS(doc_build(&text, &s, &e), 0, "everything at once"))
		printf("# %s\n", e.text);
	signify_sign(&sig, &sec, text.data, text.len);
	signify_sig_format(&b, &sig, "ann");
	IS(doc_assemble(&b, text.data, text.len, &s), 0, "assembled");
	head = doc_head_length(b.data, b.len);
	if (IS(doc_open(&d, b.data, head, &ring, &why), WORD_OK, "opens")) {
		IS(d->id, ID, "id");
		IS(d->created_us, ID, "created");
		IS_STR(d->feature, "combat-damage", "feature");
		IS_STR(d->program, "arena", "program");
		IS_STR(d->version, "1.4.1,!1.4.2", "version");
		IS_STR(d->platform, "linux-*", "platform");
		IS_STR(d->server_program, "arenad", "server-program");
		IS_STR(d->server_version, "2.3", "server-version");
		IS_STR(d->zone, "eu-1", "zone");
		OK(d->nneeds == 2 && d->needs[0] == 17 && d->needs[1] == ID - 1,
		    "needs");
		IS_STR(d->on, "round-end", "on");
		IS(d->by_us, BY_US, "by");
		IS(d->dry_run, 1, "dry-run");
		IS(d->expires_us, ID + 5, "expires");
		IS(d->take_back_until_us, ID + 70 * INT64_C(1000000),
		    "take-back-until");
		OK(d->max_failed.kind == DOC_BOUND_PERCENT &&
			d->max_failed.value == 1,
		    "max-failed");
		IS(d->wait_ms, 90000, "wait");
		IS_STR(d->note, "a \xc3\xa9: note", "note");
		IS(d->allow_partial, 1, "allow-partial");
		IS(d->nparts, 2, "parts");
		IS(doc_check_body(d, -1, b.data + head, b.len - head, &why),
		    WORD_OK, "the parts behind the head are theirs");
		IS(doc_check_body(d, DOC_CLIENT, "the client", 10, &why),
		    WORD_OK, "each is its own");
	} else {
		printf("# %s\n", why.text);
	}
	doc_free(d);

	spec_init(&s);
	s.parts[DOC_SERVER].bytes = NULL;
	s.retires = 16;
	buf_reset(&text);
	buf_reset(&b);
	IS(doc_build(&text, &s, &e), 0, "a retirement");
	signify_sign(&sig, &sec, text.data, text.len);
	signify_sig_format(&b, &sig, "ann");
	doc_assemble(&b, text.data, text.len, &s);
	if (IS(doc_open(&d, b.data, b.len, &ring, &why), WORD_OK,
		"is nothing but its head"))
		OK(d->kind == DOC_RETIRE && d->target == 16, "of its target");
	doc_free(d);
	keyring_free(&ring);
	buf_free(&text);
	buf_free(&b);
}

static void
refuses(const struct doc_spec *s, const char *reason)
{
	struct buf b = BUF_INIT;
	struct err e = {ERR_NONE, ""};

	if (!OK(doc_build(&b, s, &e) == -1 && e.kind == ERR_USAGE &&
		    b.len == 0 && strncmp(e.text, reason, strlen(reason)) == 0,
		"refused: %s", reason))
		printf("# %s\n", e.text);
	buf_free(&b);
}

/* One text of a good spec made bad: refused, and named. */
static void
bad_texts(void)
{
#define AT(member) offsetof(struct doc_spec, member)
	static const struct {
		size_t member;
		const char *value, *reason;
	} rows[] = {
	    {AT(feature), "Combat", "feature: "},
	    {AT(feature), "combat\nprogram: all", "feature: "},
	    {AT(feature), NULL, "feature: missing"},
	    {AT(program), "", "program: "},
	    {AT(version), "1, 2", "version: "},
	    {AT(platform), "a,", "platform: "},
	    {AT(server_program), "!", "server-program: "},
	    {AT(server_version), " ", "server-version: "},
	    {AT(zone), ",", "zone: "},
	    {AT(needs), "1  2", "needs: "},
	    {AT(needs), "1795342500123456", "needs: "},
	    {AT(on), "", "on: "},
	    {AT(on), "round end", "on: "},
	    {AT(on), "e\nby: x", "on: "},
	    {AT(max_failed), "101%", "max-failed: "},
	    {AT(wait), "10", "wait: "},
	    {AT(note), "x\nzone: eu", "note: "},
	    {AT(note), "\xff", "note: "},
	    {AT(extra), "x: y", "the head does not end"},
	    {AT(extra), "x: y\n\nz: a\n", "the head does not end"},
	    {AT(extra), "feature: other\n", "feature: "},
	    {AT(extra), "must-x: y\n", "must-x: "},
	};
	struct doc_spec s;
	size_t i;

	for (i = 0; i < sizeof rows / sizeof *rows; i++) {
		spec_init(&s);
		*(const char **)(void *)((char *)&s + rows[i].member) =
		    rows[i].value;
		refuses(&s, rows[i].reason);
	}
}

static void
bad_numbers(void)
{
	struct doc_spec s;

	spec_init(&s);
	s.id = 0;
	refuses(&s, "id: missing");
	s.id = UINT64_C(1) << 63;
	refuses(&s, "id: ");
	s.id = UINT64_C(253402300800000000); /* the year 10000 */
	refuses(&s, "created: ");
	spec_init(&s);
	s.expires_us = INT64_C(253402300800000000);
	refuses(&s, "expires: ");
	s.expires_us = -1;
	refuses(&s, "expires: ");
	spec_init(&s);
	s.on = "e";
	s.by_us = -1;
	refuses(&s, "by: ");
	spec_init(&s);
	s.take_back_until_us = INT64_MAX;
	refuses(&s, "take-back-until: ");
	spec_init(&s);
	s.reverts = ID;
	s.parts[DOC_SERVER].bytes = NULL;
	refuses(&s, "reverts: ");
}

static void
bad_together(void)
{
	struct doc_spec s;

	spec_init(&s);
	s.parts[DOC_SERVER].bytes = NULL;
	refuses(&s, "no part");
	s.reverts = 1;
	s.retires = 2;
	refuses(&s, "reverts, retires");
	spec_init(&s);
	s.reverts = 1;
	refuses(&s, "a revert");
	s.parts[DOC_SERVER].bytes = NULL;
	s.on = "e";
	refuses(&s, "on: ");
	s.on = NULL;
	s.dry_run = 1;
	refuses(&s, "dry-run: ");
	spec_init(&s);
	s.by_us = BY_US;
	refuses(&s, "by: without on");
	spec_init(&s);
	s.parts[DOC_CLIENT].bytes = "";
	s.max_failed = "1";
	refuses(&s, "take-back-until: ");
}

static void
too_large(void)
{
	char *bytes = calloc(1, DOC_PART_MAX + 1);
	struct buf b = BUF_INIT;
	struct doc_spec s;
	struct err e;
	int i;

	spec_init(&s);
	s.parts[DOC_SERVER].bytes = bytes;
	s.parts[DOC_SERVER].len = DOC_PART_MAX + 1;
	refuses(&s, "server: ");
	s.parts[DOC_SERVER].len--;
	IS(doc_build(&b, &s, &e), 0, "a part of the largest size");
	spec_init(&s);
	memset(bytes, 'x', DOC_LINE_MAX);
	bytes[DOC_LINE_MAX] = '\0';
	s.note = bytes;
	refuses(&s, "line ");
	buf_reset(&b);
	for (i = 0; b.len < DOC_HEAD_MAX - 1000; i++)
		buf_printf(&b, "x-%d: y\n", i);
	spec_init(&s);
	s.extra = buf_text(&b);
	refuses(&s, "the fields take more than ");
	buf_free(&b);
	free(bytes);
}

static void
not_yet(void)
{
	struct buf b = BUF_INIT;
	struct doc_spec s;

	spec_init(&s);
	s.extra = "canary: 5%\n";
	IS(doc_build(&b, &s, NULL), 0, "a field for versions to come");
	buf_reset(&b);
	s.extra = "canary: 5\n";
	IS(doc_build(&b, &s, NULL), -1, "must be right all the same");
	buf_free(&b);
}

int
main(void)
{
	exact();
	round_trip();
	bad_texts();
	bad_numbers();
	bad_together();
	too_large();
	not_yet();
	return tap_done();
}
