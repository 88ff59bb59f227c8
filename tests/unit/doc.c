/*
 * Update documents as a whole: nothing that was changed, cut or mixed passes,
 * the first check that fails gives the word, parts are what was signed.
 */

#include "base/hex.h"
#include "tests/docs.h"
#include "tests/tap.h"

#define ID    1795342500123456
#define FIRST "hotfix-update: 1\n"
#define BASIC                                    \
	"id: 1795342500123456\n"                 \
	"created: 2026-11-22T10:15:00.123456Z\n" \
	"feature: combat-damage\n"

static const char server[] = "hotfix.patch('combat')\n";
static const char client[] = "hotfix.patch('hud') -- \xc3\xa9\n";

static void
build(struct buf *out, const struct doc_spec *spec)
{
	struct signify_sec sec = test_key(1);
	struct buf text = BUF_INIT;
	struct signify_sig sig;
	struct err e;

	if (doc_build(&text, spec, &e) != 0) {
		printf("Bail out! %s\n", e.text);
		exit(1);
	}
	signify_sign(&sig, &sec, text.data, text.len);
	signify_sig_format(out, &sig, "ann");
	doc_assemble(out, text.data, text.len, spec);
	buf_free(&text);
}

/* A document with both parts, as an operator would push it. */
static void
build_both(struct buf *out)
{
	struct doc_spec spec;

	memset(&spec, 0, sizeof spec);
	spec.id = ID;
	spec.feature = "combat-damage";
	spec.program = "arena";
	spec.version = "1.4.1,1.4.2";
	spec.server_version = "2.*";
	spec.parts[DOC_SERVER].bytes = server;
	spec.parts[DOC_SERVER].len = sizeof server - 1;
	spec.parts[DOC_CLIENT].bytes = client;
	spec.parts[DOC_CLIENT].len = sizeof client - 1;
	build(out, &spec);
}

static void
good(const struct keyring *ring)
{
	struct buf b = BUF_INIT;
	struct refusal why;
	struct doc *d;
	size_t head;
	uint8_t digest[SHA512_SIZE];

	build_both(&b);
	head = doc_head_length(b.data, b.len);
	OK(head > 0, "a document has a head");
	if (IS(doc_open(&d, b.data, head, ring, &why), WORD_OK, "opened")) {
		IS_STR(d->key_name, "ann-of-ops",
		    "the name of who signed is the ring's, not the comment's");
		IS(d->head_len, head, "the head is kept");
		IS_MEM(d->head, b.data, head, "byte for byte");
		OK(strncmp(d->head + d->signed_at, FIRST, strlen(FIRST)) == 0,
		    "the signed text begins with its version");
		sha512(digest, b.data + d->signed_at, head - d->signed_at);
		IS_MEM(d->digest, digest, SHA512_SIZE,
		    "the digest is of the signed text");
		IS(doc_check_body(d, -1, b.data + head, b.len - head, &why),
		    WORD_OK, "its parts are good");
	}
	doc_free(d);
	if (IS(doc_open(&d, b.data, head, NULL, NULL), WORD_OK,
		"form alone, without keys and reasons"))
		IS_STR(d->key_name, "", "nobody signed, as far as is known");
	doc_free(d);
	doc_free(NULL);
	buf_free(&b);
}

static void
head_length(void)
{
	static const char text[] = "a: b\nc: d\n\nbody\n\n";
	char *longest = malloc(DOC_HEAD_MAX + 2);
	size_t n, wrong = 0;

	for (n = 0; n <= sizeof text - 1; n++)
		wrong += doc_head_length(text, n) !=
			 (n < 11 ? (size_t)0 : (size_t)11);
	IS(wrong, 0, "the head's length is known from its last byte on");
	IS(doc_head_length("\n\n", 2), 1, "an empty line may be the first");
	memset(longest, 'x', DOC_HEAD_MAX + 2);
	longest[DOC_HEAD_MAX - 2] = longest[DOC_HEAD_MAX - 1] = '\n';
	IS(doc_head_length(longest, DOC_HEAD_MAX + 2), DOC_HEAD_MAX,
	    "the longest head");
	memset(longest, 'x', DOC_HEAD_MAX + 2);
	longest[DOC_HEAD_MAX - 1] = longest[DOC_HEAD_MAX] = '\n';
	IS(doc_head_length(longest, DOC_HEAD_MAX + 2), 0, "one byte longer");
	free(longest);
}

/* One bit of any byte: refused, or in the comment, which nobody reads. */
static void
flipped(const struct keyring *ring)
{
	struct buf b = BUF_INIT;
	struct doc *whole, *d;
	size_t head, comment, i, harmless = 0, passed = 0, bad_body = 0;
	int bit;
	enum word w;

	build_both(&b);
	head = doc_head_length(b.data, b.len);
	comment = (size_t)((uint8_t *)memchr(b.data, '\n', b.len) - b.data);
	if (doc_open(&whole, b.data, head, ring, NULL) != WORD_OK)
		printf("Bail out! no document\n");
	for (i = 0; i < head; i++)
		for (bit = 0; bit < 8; bit++) {
			b.data[i] ^= (uint8_t)(1 << bit);
			w = doc_open(&d, b.data, head, ring, NULL);
			b.data[i] ^= (uint8_t)(1 << bit);
			if (w != WORD_OK)
				continue;
			if (i < comment &&
			    memcmp(d->digest, whole->digest, SHA512_SIZE) == 0)
				harmless++;
			else
				passed++;
			doc_free(d);
		}
	IS(passed, 0, "no bit of the head can be changed");
	OK(harmless > 0, "but for the comment (%zu bits of it)", harmless);
	for (i = head; i < b.len; i++)
		for (bit = 0; bit < 8; bit++) {
			b.data[i] ^= (uint8_t)(1 << bit);
			bad_body += doc_check_body(whole, -1, b.data + head,
					b.len - head, NULL) == WORD_BAD_DIGEST;
			b.data[i] ^= (uint8_t)(1 << bit);
		}
	IS(bad_body, 8 * (b.len - head), "no bit of the parts can be changed");
	doc_free(whole);
	buf_free(&b);
}

static void
cut_short(const struct keyring *ring)
{
	struct buf b = BUF_INIT;
	struct refusal why;
	size_t head, n, passed = 0;
	struct doc *d;

	build_both(&b);
	head = doc_head_length(b.data, b.len);
	for (n = 0; n < head; n++)
		passed += doc_head_length(b.data, n) != 0 ||
			  doc_open(&d, b.data, n, ring, NULL) != WORD_SYNTAX;
	IS(passed, 0, "a head cut at any byte is refused");
	IS(doc_open(&d, b.data, head + 1, ring, &why), WORD_SYNTAX,
	    "a head and a byte more is not a head");
	OK(d == NULL, "nothing is handed out");
	if (doc_open(&d, b.data, head, ring, &why) == WORD_OK) {
		for (n = 0, passed = 0; n < b.len - head; n++)
			passed += doc_check_body(d, -1, b.data + head, n,
				      NULL) != WORD_BAD_DIGEST;
		IS(passed, 0, "parts cut at any byte are refused");
		buf_puts(&b, "x");
		IS(doc_check_body(d, -1, b.data + head, b.len - head, &why),
		    WORD_BAD_DIGEST, "a byte left over is refused");
		doc_free(d);
	}
	buf_free(&b);
}

/* Every line of the signed text in turn: left out, doubled, changed. */
static void
stripped(const struct keyring *ring)
{
	struct buf b = BUF_INIT, other = BUF_INIT;
	struct doc *d;
	size_t head, at, end, lines = 0, wrong = 0;

	build_both(&b);
	head = doc_head_length(b.data, b.len);
	if (doc_open(&d, b.data, head, ring, NULL) != WORD_OK)
		printf("Bail out! no document\n");
	at = d->signed_at;
	doc_free(d);
	for (; b.data[at] != '\n'; at = end, lines++) {
		end = at + 1;
		while (b.data[end - 1] != '\n')
			end++;
		buf_reset(&other);
		buf_append(&other, b.data, at);
		buf_append(&other, b.data + end, head - end);
		wrong += doc_open(&d, other.data, other.len, ring, NULL) !=
			 WORD_BAD_SIGNATURE;
		buf_reset(&other);
		buf_append(&other, b.data, end);
		buf_append(&other, b.data + at, head - at);
		wrong += doc_open(&d, other.data, other.len, ring, NULL) !=
			 WORD_BAD_SIGNATURE;
		buf_reset(&other);
		buf_append(&other, b.data, end - 1);
		buf_puts(&other, "0");
		buf_append(&other, b.data + end - 1, head - end + 1);
		wrong += doc_open(&d, other.data, other.len, ring, NULL) !=
			 WORD_BAD_SIGNATURE;
	}
	IS(lines, 9, "nine lines of a signed text");
	IS(wrong, 0, "left out, doubled or changed: bad-signature");
	buf_free(&b);
	buf_free(&other);
}

/* Signature lines that are not, before any key is looked for. */
static void
signature_lines(const struct keyring *ring)
{
	static const struct {
		const char *from, *to;
	} edits[] = {
	    {"untrusted comment: ", "trusted comment: "},
	    {"untrusted comment: verify", "untrusted comment: \x1b[2J"},
	    {".pub\n", ".pub\r\n"},
	    {".pub\nRW", ".pub\nRX"}, /* no longer "Ed" */
	    {".pub\n", ".pub\n "},
	    {".pub\n", ".pub\n\n"},
	    {".pub\nR", ".pub\n"},
	    {"\n" FIRST, " \n" FIRST},
	    {"\n" FIRST, "\r\n" FIRST},
	    {"\n" FIRST, "=\n" FIRST},
	    {"untrusted", "\nuntrusted"},
	};
	struct buf b = BUF_INIT, other = BUF_INIT;
	char *text, *place;
	struct doc *d;
	size_t i;

	build_both(&b);
	b.len = doc_head_length(b.data, b.len);
	text = buf_text(&b);
	for (i = 0; i < sizeof edits / sizeof *edits; i++) {
		place = strstr(text, edits[i].from);
		if (!OK(place != NULL, "there is something to edit"))
			continue;
		buf_reset(&other);
		buf_append(&other, text, (size_t)(place - text));
		buf_puts(&other, edits[i].to);
		buf_puts(&other, place + strlen(edits[i].from));
		IS(doc_open(&d, other.data, other.len, ring, NULL), WORD_SYNTAX,
		    "signature lines that are not in form");
		OK(doc_open(&d, other.data, other.len, NULL, NULL) ==
			WORD_SYNTAX,
		    "nor without keys");
	}
	buf_free(&b);
	buf_free(&other);
}

/* What a comment says is never shown, whatever the refusal. */
static void
comment_unseen(const struct keyring *ring)
{
	static const char secret[] = "believe me";
	struct signify_sec sec = test_key(1), stranger = test_key(9);
	const struct signify_sec *keys[2];
	const char *texts[] = {
	    FIRST "\n", "x\n\n", FIRST BASIC "x\n\n", FIRST "must-x: y\n\n"};
	struct buf b = BUF_INIT;
	struct signify_sig sig;
	struct refusal why;
	struct doc *d;
	size_t i, k, seen = 0;

	keys[0] = &sec;
	keys[1] = &stranger;
	for (i = 0; i < 4; i++)
		for (k = 0; k < 2; k++) {
			buf_reset(&b);
			signify_sign(&sig, keys[k], texts[i], strlen(texts[i]));
			signify_sig_format(&b, &sig, secret);
			buf_puts(&b, texts[i]);
			seen += doc_open(&d, b.data, b.len, ring, &why) ==
				    WORD_OK ||
				strstr(why.text, secret) != NULL;
		}
	IS(seen, 0, "a comment is not shown in any reason");
	buf_free(&b);
}

/* Each document is bad in every way from one check on; that one speaks. */
static void
order(void)
{
	enum { STRANGER = 1, FORGED = 2 };
	static const struct {
		const char *what;
		enum word word;
		int how;
		const char *text;
	} rows[] = {
	    {"key", WORD_UNTRUSTED_KEY, STRANGER | FORGED,
		"hotfix-update: 2\nmust-x: y\nrubbish\nat: "
		"2026-11-22T11:00:00Z\n"},
	    {"signature", WORD_BAD_SIGNATURE, FORGED,
		"hotfix-update: 2\nmust-x: y\nrubbish\nat: "
		"2026-11-22T11:00:00Z\n"},
	    {"version", WORD_UNSUPPORTED, 0,
		"hotfix-update: 2\nrubbish\nat: 2026-11-22T11:00:00Z\n"},
	    {"must-", WORD_UNSUPPORTED, 0,
		FIRST "rubbish\nmust-x: y\nat: 2026-11-22T11:00:00Z\n"},
	    {"field", WORD_SYNTAX, 0,
		FIRST BASIC "at: 2026-11-22T11:00:00Z\nretires: 0\n"},
	    {"combination", WORD_SYNTAX, 0,
		FIRST BASIC "at: 2026-11-22T11:00:00Z\n"},
	    {"not carried out", WORD_UNSUPPORTED, 0,
		FIRST BASIC "retires: 5\nat: 2026-11-22T11:00:00Z\n"},
	    {"scope", WORD_OUT_OF_SCOPE, 0, FIRST BASIC "retires: 5\n"},
	    {"none", WORD_OK, 0, FIRST BASIC "reverts: 5\n"},
	};
	struct signify_sec sec = test_key(1), stranger = test_key(9);
	struct keyring ring = KEYRING_INIT;
	struct buf b = BUF_INIT, text = BUF_INIT;
	struct refusal why;
	struct doc *d;
	enum word w;
	size_t i;

	test_trust(&ring, &sec, "reverter verbs=revert");
	for (i = 0; i < sizeof rows / sizeof *rows; i++) {
		buf_reset(&b);
		buf_reset(&text);
		buf_printf(&text, "%s\n", rows[i].text);
		test_sign(&b, (rows[i].how & STRANGER) != 0 ? &stranger : &sec,
		    (char *)text.data, text.len);
		if ((rows[i].how & FORGED) != 0) {
			/* One more line, unsigned. */
			b.len--;
			buf_puts(&b, "x: y\n\n");
		}
		w = doc_open(&d, b.data, b.len, &ring, &why);
		if (!OK(w == rows[i].word, "%s: %s", rows[i].what,
			word_name(rows[i].word)))
			printf("# got %s: %s\n", word_name(w), why.text);
		if (rows[i].word == WORD_UNSUPPORTED && rows[i].text[15] == '1')
			OK(strstr(why.text, i == 3 ? "must-x"
						   : "at: not "
						     "carried out") == why.text,
			    "it names the field");
		doc_free(d);
	}
	/* The limits of size come before the signature lines. */
	buf_reset(&b);
	while (b.len < DOC_HEAD_MAX - 1)
		buf_puts(&b, "x\n");
	buf_puts(&b, "x\n\n");
	IS(doc_open(&d, b.data, b.len, &ring, &why), WORD_TOO_LARGE, "size");
	buf_free(&b);
	buf_free(&text);
	keyring_free(&ring);
}

/* Every limit of a key, met by the documents that it is about. */
static void
scopes(void)
{
	static const struct {
		const char *limits, *extra;
		int server, client;
		uint64_t reverts;
		enum word word;
	} rows[] = {
	    {"n verbs=push", NULL, 1, 1, 0, WORD_OK},
	    {"n verbs=push", NULL, 0, 0, 5, WORD_OUT_OF_SCOPE},
	    {"n verbs=revert", NULL, 0, 0, 5, WORD_OK},
	    {"n verbs=revert", NULL, 1, 0, 0, WORD_OUT_OF_SCOPE},
	    {"n parts=client", NULL, 0, 1, 0, WORD_OK},
	    {"n parts=client", NULL, 1, 1, 0, WORD_OUT_OF_SCOPE},
	    {"n parts=server", NULL, 0, 1, 0, WORD_OUT_OF_SCOPE},
	    {"n features=combat-*", NULL, 1, 0, 0, WORD_OK},
	    {"n features=ui", NULL, 1, 0, 0, WORD_OUT_OF_SCOPE},
	    {"n zones=eu", NULL, 1, 0, 0, WORD_OUT_OF_SCOPE},
	    {"n zones=eu", "zone: eu\n", 1, 0, 0, WORD_OK},
	    {"n zones=eu", "zone: e?\n", 1, 0, 0, WORD_OUT_OF_SCOPE},
	    {"n zones=eu", "zone: eu,us\n", 1, 0, 0, WORD_OUT_OF_SCOPE},
	    {"n zones=eu", "zone: us\n", 0, 0, 5, WORD_OUT_OF_SCOPE},
	};
	struct signify_sec sec = test_key(1);
	struct keyring ring = KEYRING_INIT;
	struct buf b = BUF_INIT;
	struct doc_spec spec;
	struct doc *d;
	size_t i;

	for (i = 0; i < sizeof rows / sizeof *rows; i++) {
		memset(&spec, 0, sizeof spec);
		spec.id = ID;
		spec.feature = "combat-damage";
		spec.extra = rows[i].extra;
		spec.reverts = rows[i].reverts;
		spec.parts[DOC_SERVER].bytes = rows[i].server ? "" : NULL;
		spec.parts[DOC_CLIENT].bytes = rows[i].client ? "" : NULL;
		buf_reset(&b);
		build(&b, &spec);
		test_trust(&ring, &sec, rows[i].limits);
		OK(doc_open(&d, b.data, b.len, &ring, NULL) == rows[i].word,
		    "%s, %s: %s", rows[i].limits,
		    rows[i].extra != NULL ? "with a zone" : "without zone",
		    word_name(rows[i].word));
		doc_free(d);
		keyring_free(&ring);
	}
	buf_free(&b);
}

/* A document of one client part, whose line may lie about one thing. */
static enum word
lie(const struct keyring *ring, size_t len, int md5_off, int sha_off,
    const char *body, size_t body_len, int only)
{
	char short_hex[2 * MD5_SIZE + 1], long_hex[2 * SHA512_SIZE + 1];
	uint8_t short_digest[MD5_SIZE], long_digest[SHA512_SIZE];
	struct signify_sec sec = test_key(1);
	struct buf b = BUF_INIT, text = BUF_INIT;
	struct doc *d;
	enum word w;

	md5(short_digest, client, sizeof client - 1);
	sha512(long_digest, client, sizeof client - 1);
	hex_encode(short_hex, short_digest, MD5_SIZE);
	hex_encode(long_hex, long_digest, SHA512_SIZE);
	if (md5_off)
		short_hex[0] = short_hex[0] == '0' ? '1' : '0';
	if (sha_off)
		long_hex[0] = long_hex[0] == '0' ? '1' : '0';
	buf_printf(&text, FIRST BASIC "client: %zu %s %s\n\n", len, short_hex,
	    long_hex);
	test_sign(&b, &sec, (char *)text.data, text.len);
	w = doc_open(&d, b.data, b.len, ring, NULL);
	if (w == WORD_OK)
		w = doc_check_body(d, only, body, body_len, NULL);
	doc_free(d);
	buf_free(&b);
	buf_free(&text);
	return w;
}

static void
parts(const struct keyring *ring)
{
	const size_t len = sizeof client - 1;
	struct buf b = BUF_INIT;
	struct doc_spec spec;
	struct refusal why;
	struct doc *d;
	int only;

	for (only = -1; only <= DOC_CLIENT; only += DOC_CLIENT + 1) {
		IS(lie(ring, len, 0, 0, client, len, only), WORD_OK,
		    "a good part");
		IS(lie(ring, len - 1, 0, 0, client, len, only), WORD_BAD_DIGEST,
		    "the length in the line is less");
		IS(lie(ring, len - 1, 0, 0, client, len - 1, only),
		    WORD_BAD_DIGEST, "and the bytes are too");
		IS(lie(ring, len + 1, 0, 0, client, len + 1, only),
		    WORD_BAD_DIGEST, "one byte more, in both");
		IS(lie(ring, len, 1, 0, client, len, only), WORD_BAD_DIGEST,
		    "another MD5 alone");
		IS(lie(ring, len, 0, 1, client, len, only), WORD_BAD_DIGEST,
		    "another SHA-512 alone");
		IS(lie(ring, len, 0, 0, NULL, 0, only), WORD_BAD_DIGEST,
		    "no bytes at all");
	}
	build_both(&b);
	b.len = doc_head_length(b.data, b.len);
	if (doc_open(&d, b.data, b.len, ring, &why) == WORD_OK) {
		IS(doc_check_body(d, DOC_CLIENT, client, len, &why), WORD_OK,
		    "a client is given its own part alone");
		IS(doc_check_body(d, DOC_SERVER, server, sizeof server - 1,
		       &why),
		    WORD_OK, "a host may look at its own too");
		IS(doc_check_body(d, DOC_CLIENT, server, sizeof server - 1,
		       &why),
		    WORD_BAD_DIGEST, "not one for the other");
		IS(doc_check_body(d, DOC_KEYS, NULL, 0, &why), WORD_BAD_DIGEST,
		    "not one that the document has not");
		buf_reset(&b);
		buf_puts(&b, client);
		buf_puts(&b, server);
		IS(doc_check_body(d, -1, b.data, b.len, &why), WORD_BAD_DIGEST,
		    "nor the parts in another order");
	}
	doc_free(d);
	memset(&spec, 0, sizeof spec);
	spec.id = ID;
	spec.feature = "f";
	spec.reverts = 5;
	buf_reset(&b);
	build(&b, &spec);
	if (doc_open(&d, b.data, b.len, ring, &why) == WORD_OK) {
		IS(doc_check_body(d, -1, NULL, 0, &why), WORD_OK,
		    "a revert has no parts");
		IS(doc_check_body(d, -1, "x", 1, &why), WORD_BAD_DIGEST,
		    "and nothing behind its head");
	}
	doc_free(d);
	buf_free(&b);
}

static void
targets(const struct keyring *ring)
{
	static const struct {
		const char *program, *version, *platform;
		int fits;
	} ends[] = {
	    {"arena", "1.4.1", "linux", 1},
	    {"arena", "1.4.9", "linux", 0},
	    {"arena", "1.5", "linux", 0},
	    {"arena", "", "linux", 0},
	    {"other", "1.4.1", "linux", 0},
	    {"", "1.4.1", "linux", 0},
	    {"arena", "1.4.1", "ios", 0},
	    {"arena", "1.4.1", "", 1},
	};
	struct buf b = BUF_INIT;
	struct doc_spec spec;
	struct doc *d;
	size_t i;

	memset(&spec, 0, sizeof spec);
	spec.id = ID;
	spec.feature = "f";
	spec.reverts = 5;
	build(&b, &spec);
	if (doc_open(&d, b.data, b.len, ring, NULL) == WORD_OK)
		OK(doc_fits_client(d, "", "", "") &&
			doc_fits_client(d, "a", "b", "c") &&
			doc_fits_host(d, "", "") && doc_fits_zone(d, ""),
		    "without targets it is for everyone");
	doc_free(d);
	spec.program = "arena";
	spec.version = "1.4.*,!1.4.9";
	spec.platform = "!ios";
	spec.server_program = "arenad";
	spec.server_version = "2.?";
	spec.zone = "eu,us";
	buf_reset(&b);
	build(&b, &spec);
	if (doc_open(&d, b.data, b.len, ring, NULL) != WORD_OK)
		printf("Bail out! no document\n");
	for (i = 0; i < sizeof ends / sizeof *ends; i++)
		OK(doc_fits_client(d, ends[i].program, ends[i].version,
		       ends[i].platform) == ends[i].fits,
		    "client %s %s %s", ends[i].program, ends[i].version,
		    ends[i].platform);
	OK(doc_fits_host(d, "arenad", "2.3"), "a host that it is for");
	OK(!doc_fits_host(d, "arena", "2.3"), "another server program");
	OK(!doc_fits_host(d, "arenad", "2.33"), "another server version");
	OK(!doc_fits_host(d, "arenad", ""), "a version that is not told");
	OK(doc_fits_zone(d, "us") && !doc_fits_zone(d, "asia") &&
		!doc_fits_zone(d, ""),
	    "zones");
	doc_free(d);
	buf_free(&b);
}

static void
bounds(void)
{
	static const struct {
		enum doc_bound_kind kind;
		uint64_t value;
		size_t targeted, most;
	} rows[] = {
	    {DOC_NO_BOUND, 0, 100, SIZE_MAX},
	    {DOC_BOUND_COUNT, 0, 100, 0},
	    {DOC_BOUND_COUNT, 3, 0, 3},
	    {DOC_BOUND_COUNT, UINT64_MAX, 5, SIZE_MAX},
	    {DOC_BOUND_PERCENT, 0, 1000, 0},
	    {DOC_BOUND_PERCENT, 1, 99, 0},
	    {DOC_BOUND_PERCENT, 1, 100, 1},
	    {DOC_BOUND_PERCENT, 1, 199, 1},
	    {DOC_BOUND_PERCENT, 33, 10, 3},
	    {DOC_BOUND_PERCENT, 50, 5, 2},
	    {DOC_BOUND_PERCENT, 100, 1207, 1207},
	    {DOC_BOUND_PERCENT, 100, SIZE_MAX, SIZE_MAX},
	};
	struct doc d;
	size_t i;

	memset(&d, 0, sizeof d);
	for (i = 0; i < sizeof rows / sizeof *rows; i++) {
		d.max_failed.kind = rows[i].kind;
		d.max_failed.value = rows[i].value;
		OK(doc_max_failed(&d, rows[i].targeted) == rows[i].most,
		    "of %zu may fail %zu", rows[i].targeted, rows[i].most);
	}
}

int
main(void)
{
	struct signify_sec sec = test_key(1);
	struct keyring ring = KEYRING_INIT;

	test_trust(&ring, &sec, "ann-of-ops");
	good(&ring);
	head_length();
	flipped(&ring);
	cut_short(&ring);
	stripped(&ring);
	signature_lines(&ring);
	comment_unseen(&ring);
	order();
	scopes();
	parts(&ring);
	targets(&ring);
	bounds();
	keyring_free(&ring);
	return tap_done();
}
