/*
 * Frames: what is one and what is not, the same news however the bytes are
 * split, every limit at the limit and one past it, and no memory that has
 * not been paid for with bytes.
 */

#include "net/frame.h"

#include "tests/tap.h"

#define BODY_MAX 4096

static const char *const event_names[] = {
    "more", "verb", "head", "body", "done", "syntax", "too-large", "nomem"};

static void
trace_text(struct buf *out, const struct frame_text *t)
{
	/* Lengths and NULs must agree. */
	if (strlen(t->s) != t->len)
		buf_puts(out, "BAD LENGTH ");
	buf_append(out, t->s, t->len);
}

static void
trace(struct buf *out, const struct frame_reader *r, enum frame_event ev)
{
	const struct frame *f = &r->frame;
	size_t i;

	buf_printf(out, "<%s", event_names[ev]);
	if (ev == FRAME_VERB || ev == FRAME_HEAD || ev == FRAME_BODY ||
	    ev == FRAME_DONE) {
		buf_puts(out, " ");
		trace_text(out, &f->verb);
		for (i = 0; i < f->nargs; i++) {
			buf_puts(out, "|");
			trace_text(out, &f->args[i]);
		}
		for (i = 0; i < f->nfields; i++) {
			buf_puts(out, ",");
			trace_text(out, &f->fields[i].name);
			buf_puts(out, "=");
			trace_text(out, &f->fields[i].value);
		}
		if (f->has_body)
			buf_printf(out, " length %" PRIu64, f->body_len);
	}
	if (ev == FRAME_BODY)
		buf_printf(out, " has %zu", r->body.len);
	if (ev == FRAME_DONE && f->has_body) {
		buf_puts(out, " ");
		buf_append(out, f->body, (size_t)f->body_len);
	}
	buf_puts(out, ">");
}

/* Feed bytes, append what is told of to out. Returns the last event. */
static enum frame_event
feed(struct frame_reader *r, const void *bytes, size_t len, uint64_t wake_at,
    struct buf *out)
{
	/* Of exactly this size, so that a sanitizer sees what is past it. */
	uint8_t *copy = malloc(len > 0 ? len : 1);
	enum frame_event ev;
	size_t at = 0, used;

	if (len > 0)
		memcpy(copy, bytes, len);
	do {
		ev = frame_read(r, copy + at, len - at, &used);
		at += used;
		if (ev == FRAME_MORE && at != len)
			buf_puts(out, "MORE BUT NOT ALL TAKEN");
		if (ev != FRAME_MORE)
			trace(out, r, ev);
		if (ev == FRAME_HEAD)
			r->wake_at = wake_at;
	} while (ev != FRAME_MORE && ev < FRAME_SYNTAX);
	free(copy);
	return ev;
}

/* The news of these bytes as text to free; piece 0: all at once. */
static char *
news(const void *bytes, size_t len, size_t first, size_t piece,
    uint64_t wake_at)
{
	struct frame_reader r;
	struct buf out = BUF_INIT;
	enum frame_event ev = FRAME_MORE;
	size_t at = 0, n;

	frame_reader_init(&r, BODY_MAX);
	while (at < len && ev < FRAME_SYNTAX) {
		n = at == 0 && first > 0 ? first : piece;
		if (n == 0 || n > len - at)
			n = len - at;
		ev = feed(&r, (const char *)bytes + at, n, wake_at, &out);
		at += n;
	}
	if (ev < FRAME_SYNTAX && !frame_reader_is_idle(&r))
		buf_puts(&out, "...");
	frame_reader_free(&r);
	buf_text(&out);
	return (char *)out.data;
}

/* --- what is a frame ------------------------------------------------------ */

static const struct {
	const char *what, *bytes, *news;
} cases[] = {
    {"nothing", "", ""},
    {"no arguments", "BYE\n\n", "<verb BYE><head BYE><done BYE>"},
    {"an argument", "PING x\n\n", "<verb PING|x><head PING|x><done PING|x>"},
    {"more than a few arguments", "A 1 2 3 4 5 6\n\n",
	"<verb A|1|2|3|4|5|6><head A|1|2|3|4|5|6><done A|1|2|3|4|5|6>"},
    {"fields, sorted", "A\nz: 1\na: b c\n\n",
	"<verb A><head A,a=b c,z=1><done A,a=b c,z=1>"},
    {"more than a few fields", "A\nf: 6\ne: 5\nd: 4\nc: 3\nb: 2\na: 1\n\n",
	"<verb A><head A,a=1,b=2,c=3,d=4,e=5,f=6>"
	"<done A,a=1,b=2,c=3,d=4,e=5,f=6>"},
    {"an empty value", "A\nx: \n\n", "<verb A><head A,x=><done A,x=>"},
    {"a value of blanks and colons", "A\nx:   : y: \n\n",
	"<verb A><head A,x=  : y: ><done A,x=  : y: >"},
    {"names of digits and '-'", "A\n-0-9: v\n\n",
	"<verb A><head A,-0-9=v><done A,-0-9=v>"},
    {"UTF-8", "A \xc3\xa9 \xf0\x9f\x8e\xae\nx: \xe2\x82\xac\n\n",
	"<verb A|\xc3\xa9|\xf0\x9f\x8e\xae>"
	"<head A|\xc3\xa9|\xf0\x9f\x8e\xae,x=\xe2\x82\xac>"
	"<done A|\xc3\xa9|\xf0\x9f\x8e\xae,x=\xe2\x82\xac>"},
    {"a body", "A\nlength: 3\n\nx\ny\n",
	"<verb A><head A,length=3 length 3><done A,length=3 length 3 x\ny>"},
    {"an empty body", "A\nlength: 0\n\n\nB\n\n",
	"<verb A><head A,length=0 length 0><done A,length=0 length 0 >"
	"<verb B><head B><done B>"},
    {"pipelined", "A 1\n\nB\nlength: 1\n\nxZ\n\n",
	"<verb A|1><head A|1><done A|1><verb B><head B,length=1 length 1>"
	"<syntax>"},
    {"two frames", "A\nlength: 1\n\n\n\nB\nx: 1\n\n",
	"<verb A><head A,length=1 length 1><done A,length=1 length 1 \n>"
	"<verb B><head B,x=1><done B,x=1>"},
    {"16 letters", "ABCDEFGHIJKLMNOP\n", "<verb ABCDEFGHIJKLMNOP>..."},
    {"17 letters", "ABCDEFGHIJKLMNOPQ\n", "<syntax>"},
    {"half a verb", "PIN", "..."},
    {"an empty line first", "\nPING\n\n", "<syntax>"},
    {"a space first", " PING\n\n", "<syntax>"},
    {"lower case", "ping\n\n", "<syntax>"},
    {"mixed case", "PINg\n\n", "<syntax>"},
    {"a digit", "PING2\n\n", "<syntax>"},
    {"a browser", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "<syntax>"},
    {"two spaces", "PING  x\n\n", "<syntax>"},
    {"a space at the end", "PING x \n\n", "<syntax>"},
    {"a space and nothing", "PING \n\n", "<syntax>"},
    {"a TAB", "PING\tx\n\n", "<syntax>"},
    {"CR in the verb line", "PING\r\n\r\n", "<syntax>"},
    {"CR in a field", "A\nx: y\r\n\n", "<verb A><syntax>"},
    {"CR as the empty line", "A\n\r\n", "<verb A><syntax>"},
    {"DEL in an argument", "A \x7f\n\n", "<syntax>"},
    {"C1 in an argument", "A \xc2\x80\n\n", "<syntax>"},
    {"C1 in a value", "A\nx: \xc2\x9f\n\n", "<verb A><syntax>"},
    {"U+00A0 is clean", "A \xc2\xa0\n", "<verb A|\xc2\xa0>..."},
    {"overlong", "A \xc0\xaf\n\n", "<syntax>"},
    {"overlong of three", "A \xe0\x80\xaf\n\n", "<syntax>"},
    {"a surrogate", "A\nx: \xed\xa0\x80\n\n", "<verb A><syntax>"},
    {"past U+10FFFF", "A\nx: \xf4\x90\x80\x80\n\n", "<verb A><syntax>"},
    {"a cut character", "A \xe2\x82\n\n", "<syntax>"},
    {"a character cut by a space", "A \xe2\x82 \xac\n\n", "<syntax>"},
    {"an escape", "A\nx: \x1b[31m\n\n", "<verb A><syntax>"},
    {"no colon", "A\nxy\n\n", "<verb A><syntax>"},
    {"no space after the colon", "A\nx:y\n\n", "<verb A><syntax>"},
    {"a colon at the end", "A\nx:\n\n", "<verb A><syntax>"},
    {"a space before the colon", "A\nx : y\n\n", "<verb A><syntax>"},
    {"no name", "A\n: y\n\n", "<verb A><syntax>"},
    {"upper case name", "A\nLength: 1\n\n", "<verb A><syntax>"},
    {"a folded line", "A\nx: y\n z: 1\n\n", "<verb A><syntax>"},
    {"underscore", "A\nx_y: 1\n\n", "<verb A><syntax>"},
    {"twice", "A\nx: 1\nx: 1\n\n", "<verb A><syntax>"},
    {"twice, apart", "A\nx: 1\ny: 1\nz: 1\nw: 1\nv: 1\nx: 2\n\n",
	"<verb A><syntax>"},
    {"length twice", "A\nlength: 1\nlength: 1\n\nx\n", "<verb A><syntax>"},
    {"the body is not followed by LF", "A\nlength: 1\n\nxx",
	"<verb A><head A,length=1 length 1><syntax>"},
    {"an empty body is not followed by LF", "A\nlength: 0\n\nB",
	"<verb A><head A,length=0 length 0><syntax>"},
    {"CR LF after the body", "A\nlength: 1\n\nx\r\n",
	"<verb A><head A,length=1 length 1><syntax>"},
};

/* How a length is spelled, and what is told of it; NULL: a syntax error. */
static const struct {
	const char *value, *news;
} lengths[] = {
    {"0", "0"}, {"1", "1"}, {"4096", "4096"}, {"4097", "4097><too-large"},
    {"67108864", "67108864><too-large"},
    {"9223372036854775808", "9223372036854775808><too-large"},
    {"18446744073709551614", "18446744073709551614><too-large"},
    {"18446744073709551615", "18446744073709551615><too-large"},
    {"18446744073709551616", "18446744073709551615><too-large"},
    {"18446744073709551621", "18446744073709551615><too-large"},
    {"99999999999999999999", "18446744073709551615><too-large"},
    {"340282366920938463463374607431768211461",
	"18446744073709551615><too-large"},
    {"", NULL}, {"+5", NULL}, {"-1", NULL}, {"-0", NULL}, {"05", NULL},
    {"00", NULL}, {"018446744073709551616", NULL}, {"5 ", NULL}, {" 5", NULL},
    {"5 5", NULL}, {"0x5", NULL}, {"5k", NULL}, {"5.", NULL}, {"1e3", NULL},
    {"99999999999999999999x", NULL}, {"\xd9\xa5", NULL}, /* an Arabic five */
};

static void
check_cases(void)
{
	size_t i;
	char *got;

	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		got = news(cases[i].bytes, strlen(cases[i].bytes), 0, 0, 0);
		IS_STR(got, cases[i].news, cases[i].what);
		free(got);
	}
	got = news("A x\0y\n\n", 7, 0, 0, 0);
	IS_STR(got, "<syntax>", "NUL in an argument");
	free(got);
	got = news("A\nx: \0\n\n", 8, 0, 0, 0);
	IS_STR(got, "<verb A><syntax>", "NUL in a value");
	free(got);
	got = news("A\nx\0: y\n\n", 9, 0, 0, 0);
	IS_STR(got, "<verb A><syntax>", "NUL in a name");
	free(got);
	got = news("A\0\n\n", 4, 0, 0, 0);
	IS_STR(got, "<syntax>", "NUL behind the verb");
	free(got);
}

static void
check_lengths(void)
{
	char bytes[128], want[128];
	size_t i;
	char *got;

	for (i = 0; i < sizeof lengths / sizeof *lengths; i++) {
		snprintf(bytes, sizeof bytes, "A\nlength: %s\n\n",
		    lengths[i].value);
		got = news(bytes, strlen(bytes), 0, 0, 0);
		if (lengths[i].news == NULL)
			snprintf(want, sizeof want, "<verb A><syntax>");
		else
			snprintf(want, sizeof want,
			    "<verb A><head A,length=%s length %s>%s",
			    lengths[i].value, lengths[i].news,
			    strchr(lengths[i].news, '>') != NULL ? "" : "...");
		IS_STR(got, want, lengths[i].value);
		free(got);
	}
}

/* --- splits --------------------------------------------------------------- */

/* The news of every two-part split and of bytes one at a time. */
static int
same_when_split(const void *bytes, size_t len, uint64_t wake_at)
{
	char *whole = news(bytes, len, 0, 0, wake_at);
	char *split = news(bytes, len, 0, 1, wake_at);
	int same = strcmp(whole, split) == 0;
	size_t i;

	if (!same)
		printf("# one at a time: %s\n# whole: %s\n", split, whole);
	free(split);
	for (i = 1; same && i < len; i++) {
		split = news(bytes, len, i, 0, wake_at);
		same = strcmp(whole, split) == 0;
		if (!same)
			printf("# split at %zu: %s\n# whole: %s\n", i, split,
			    whole);
		free(split);
	}
	free(whole);
	return same;
}

static void
check_splits(void)
{
	size_t i;
	uint64_t wake_at;

	for (i = 0; i < sizeof cases / sizeof *cases; i++)
		OK(same_when_split(cases[i].bytes, strlen(cases[i].bytes), 0),
		    "split anywhere: %s", cases[i].what);
	for (wake_at = 0; wake_at < 8; wake_at++)
		OK(same_when_split("A\nlength: 5\n\nhello\nB\n\n", 21, wake_at),
		    "split anywhere, awaiting %d bytes", (int)wake_at);
}

static void
check_wake(void)
{
	struct frame_reader r;
	struct buf out = BUF_INIT;
	size_t used;
	char *got;

	got = news("A\nlength: 5\n\nhello\n", 19, 0, 0, 2);
	IS_STR(got,
	    "<verb A><head A,length=5 length 5>"
	    "<body A,length=5 length 5 has 2><done A,length=5 length 5 hello>",
	    "FRAME_BODY at wake_at exactly, once");
	free(got);
	got = news("A\nlength: 5\n\nhello", 18, 0, 0, 5);
	IS_STR(got,
	    "<verb A><head A,length=5 length 5>"
	    "<body A,length=5 length 5 has 5>...",
	    "the whole body can be awaited, before its LF");
	free(got);
	got = news("A\nlength: 5\n\nhello\n", 19, 0, 0, 6);
	IS_STR(got,
	    "<verb A><head A,length=5 length 5><done A,length=5 length 5 "
	    "hello>",
	    "more than the body is never there");
	free(got);

	frame_reader_init(&r, 1);
	IS(frame_read(&r, (const uint8_t *)"A\nlength: 9\n\n", 13, &used),
	    FRAME_VERB, "verb");
	IS(frame_read(&r, (const uint8_t *)"length: 9\n\n", 11, &used),
	    FRAME_HEAD, "a body past the limit is told of");
	r.body_max = 9;
	r.wake_at = 3;
	IS(feed(&r, "12345", 5, 0, &out), FRAME_MORE,
	    "body_max raised after the head lets it in");
	r.wake_at = 4;
	IS(frame_read(&r, NULL, 0, &used), FRAME_BODY,
	    "a mark that is passed already is told of at once");
	IS(r.body.len, 5, "with what is there");
	r.wake_at = 7;
	feed(&r, "6789\n", 5, 0, &out);
	buf_text(&out);
	IS_STR((char *)out.data,
	    "<body A,length=9 length 9 has 3>"
	    "<body A,length=9 length 9 has 7>"
	    "<done A,length=9 length 9 123456789>",
	    "a second mark may be set");
	IS(r.wake_at, 0, "marks are gone between frames");
	frame_reader_free(&r);
	buf_free(&out);
}

/* --- limits --------------------------------------------------------------- */

/* A field whose line has this many bytes, its LF counted. */
static void
put_line(struct buf *b, size_t bytes, int n)
{
	size_t start = b->len;

	buf_printf(b, "n%d: ", n);
	while (b->len - start + 1 < bytes)
		buf_puts(b, "v");
	buf_puts(b, "\n");
}

static void
check_limit(const char *what, const struct buf *b, const char *end)
{
	char *got = news(b->data, b->len, 0, 0, 0);
	char *split = news(b->data, b->len, 0, 1, 0);
	size_t n = strlen(got);

	OK(n >= strlen(end) && strcmp(got + n - strlen(end), end) == 0, "%s",
	    what);
	OK(strcmp(got, split) == 0, "%s: the same one byte at a time", what);
	free(got);
	free(split);
}

static void
check_limits(void)
{
	struct buf b = BUF_INIT;
	size_t i;

	buf_puts(&b, "PING ");
	while (b.len < FRAME_LINE - 1)
		buf_puts(&b, "x");
	check_limit("a verb line of 8191 bytes without LF is waited for", &b,
	    "...");
	buf_puts(&b, "\n");
	check_limit("a verb line of 8192 bytes", &b, "x>...");
	b.data[FRAME_LINE - 1] = 'x';
	check_limit("one more", &b, "<too-large>");
	buf_puts(&b, "\n\n");
	check_limit("one more and its LF", &b, "<too-large>");

	buf_reset(&b);
	buf_puts(&b, "A\n");
	put_line(&b, FRAME_LINE, 1);
	check_limit("a field of 8192 bytes", &b, "<verb A>...");
	buf_reset(&b);
	buf_puts(&b, "A\n");
	put_line(&b, FRAME_LINE + 1, 1);
	check_limit("a field of 8193 bytes", &b, "<too-large>");

	buf_reset(&b);
	buf_puts(&b, "A\n");
	put_line(&b, 8000, 1);
	put_line(&b, 8000, 2);
	put_line(&b, FRAME_HEAD_MAX - 1 - b.len, 3);
	IS(b.len, FRAME_HEAD_MAX - 1, "made as meant");
	check_limit("a head of 16383 bytes goes on", &b, "...");
	buf_puts(&b, "\n");
	check_limit("a head of 16384 bytes", &b, "v>");
	buf_reset(&b);
	buf_puts(&b, "A\n");
	put_line(&b, 8000, 1);
	put_line(&b, 8000, 2);
	put_line(&b, FRAME_HEAD_MAX - b.len, 3);
	check_limit("16384 bytes without the empty line", &b, "<too-large>");
	buf_puts(&b, "\n");
	check_limit("a head of 16385 bytes", &b, "<too-large>");

	buf_reset(&b);
	buf_puts(&b, "A\n");
	for (i = 0; b.len < FRAME_HEAD_MAX - 12; i++)
		buf_printf(&b, "%zu: \n", i);
	buf_puts(&b, "\n");
	OK(i > 2000, "%zu fields in one head", i);
	check_limit("as many fields as a head holds", &b, ",999=>");
	b.len--;
	buf_puts(&b, "7: \n\n");
	check_limit("one of so many twice", &b, "<verb A><syntax>");

	buf_reset(&b);
	buf_puts(&b, "A");
	while (b.len < FRAME_LINE - 1)
		buf_puts(&b, " x");
	buf_puts(&b, "\n\n");
	check_limit("as many arguments as a line holds", &b, "|x|x|x>");

	buf_reset(&b);
	buf_printf(&b, "A\nlength: %d\n\n", BODY_MAX);
	for (i = 0; i < BODY_MAX; i++)
		buf_puts(&b, "b");
	check_limit("a body of body_max", &b, "...");
	buf_puts(&b, "\n");
	check_limit("a body of body_max, complete", &b, "bbb>");
	buf_free(&b);
}

/* --- memory and failure --------------------------------------------------- */

static void
check_memory(void)
{
	struct frame_reader r;
	struct buf out = BUF_INIT;
	uint8_t bytes[4096];
	size_t i, used;

	memset(bytes, 'x', sizeof bytes);
	frame_reader_init(&r, FRAME_BODY_MAX);
	OK(frame_reader_is_idle(&r), "idle at first");
	feed(&r, "P", 1, 0, &out);
	OK(!frame_reader_is_idle(&r), "not idle within a frame");
	feed(&r, "USH\nlength: 67108864\n\n", 22, 0, &out);
	OK(r.body.data == NULL, "64 MiB are promised: nothing is allocated");
	for (i = 1; i <= 64; i++) {
		feed(&r, bytes, sizeof bytes, 0, &out);
		if (r.body.len != i * sizeof bytes ||
		    r.body.cap > 2 * r.body.len)
			break;
	}
	IS(i, 65, "no more than twice of what has arrived, ever");
	frame_reader_free(&r);
	OK(r.body.data == NULL && r.head.data == NULL, "freed within a frame");

	frame_reader_init(&r, BODY_MAX);
	IS(frame_read(&r, (const uint8_t *)"PING 1\n\n", 8, &used), FRAME_VERB,
	    "verb");
	IS(used, 7, "the verb line is taken");
	IS(frame_read(&r, (const uint8_t *)"\n", 1, &used), FRAME_HEAD, "head");
	OK(frame_is(&r.frame, "PING") && !frame_is(&r.frame, "PIN"), "is");
	OK(r.args == NULL && r.fields == NULL && r.body.data == NULL,
	    "a small frame has one allocation, of its head");
	IS(frame_read(&r, NULL, 0, &used), FRAME_DONE, "done without a byte");
	OK(frame_reader_is_idle(&r), "idle after it");
	OK(frame_is(&r.frame, "PING"), "and still there to look at");
	IS(frame_read(&r, NULL, 0, &used), FRAME_MORE, "no news then");
	OK(r.head.data == NULL, "and no memory is held");
	OK(frame_is(&r.frame, ""), "nor a frame");

	IS(feed(&r,
	       "A 1 2 3 4 5\na: 1\nb: 1\nc: 1\nd: 1\ne: 1\nlength: 1\n\nxy", 50,
	       0, &out),
	    FRAME_SYNTAX, "a bad end");
	OK(r.head.data == NULL && r.body.data == NULL && r.args == NULL &&
		r.fields == NULL,
	    "a failed reader holds no memory");
	OK(!frame_reader_is_idle(&r), "and is not idle");
	IS(frame_read(&r, (const uint8_t *)"A\n\n", 3, &used), FRAME_SYNTAX,
	    "it repeats its event");
	IS(used, 0, "and takes nothing");
	OK(frame_get(&r.frame, "a") == NULL && frame_is(&r.frame, ""),
	    "its frame is empty");
	frame_reader_free(&r);

	/* As buf marks it when there is no memory. */
	frame_reader_init(&r, BODY_MAX);
	r.head.oom = 1;
	IS(frame_read(&r, bytes, 1, &used), FRAME_NOMEM, "no memory: head");
	IS(frame_read(&r, bytes, 1, &used), FRAME_NOMEM, "repeated");
	frame_reader_free(&r);
	frame_reader_init(&r, BODY_MAX);
	feed(&r, "A\nlength: 1\n\n", 13, 0, &out);
	r.body.oom = 1;
	IS(frame_read(&r, bytes, 1, &used), FRAME_NOMEM, "no memory: body");
	frame_reader_free(&r);
	buf_free(&out);
}

/* What was told of at FRAME_VERB stays true while the head grows. */
static void
check_growth(void)
{
	struct frame_reader r;
	struct buf out = BUF_INIT;
	char line[64];
	int i, good = 1;

	frame_reader_init(&r, BODY_MAX);
	feed(&r, "VERB one two\n", 13, 0, &out);
	for (i = 0; i < 300; i++) {
		snprintf(line, sizeof line, "name-%d: a value that fills\n", i);
		feed(&r, line, strlen(line), 0, &out);
		good = good && frame_is(&r.frame, "VERB") &&
		       r.frame.nargs == 2 &&
		       strcmp(r.frame.args[1].s, "two") == 0;
	}
	OK(good, "verb and arguments can be looked at while fields arrive");
	frame_reader_free(&r);
	buf_free(&out);
}

/* --- properties ----------------------------------------------------------- */

static void
check_mutations(void)
{
	static const char seed_frames[] =
	    "LOGIN player-17\nprogram: arena\nversion: 1.4.2\nhave: 1 2\n"
	    "waiting: 3\nproof: 00ff\n\n"
	    "RESULT 1 applied\ntook: 0.1\nlength: 5\n\nhello\n"
	    "PING 1\n\n";
	static const char alphabet[] = "\n\n :AZaz09-\r\0\x7f\x80\xc3\xa9\xff";
	uint64_t state = tap_seed(20261122);
	char bytes[sizeof seed_frames + 8];
	int round, good = 1;

	for (round = 0; good && round < 300; round++) {
		size_t len = sizeof seed_frames - 1;
		int edits = (int)(tap_random(&state) % 4);

		memcpy(bytes, seed_frames, len);
		while (edits-- > 0) {
			size_t at = (size_t)(tap_random(&state) % len);
			char c = alphabet[tap_random(&state) %
					  (sizeof alphabet - 1)];

			if (tap_random(&state) % 2 == 0) {
				bytes[at] = c;
			} else {
				memmove(bytes + at + 1, bytes + at, len - at);
				bytes[at] = c;
				len++;
			}
		}
		good = same_when_split(bytes, len, tap_random(&state) % 7);
	}
	OK(good, "mutated frames: the same news however they are split");
}

/* Random frames as they are written are read as they were meant. */
static void
check_round_trip(void)
{
	uint64_t state = tap_seed(7);
	struct frame_reader r;
	struct buf out = BUF_INIT, body = BUF_INIT, in = BUF_INIT;
	enum frame_event ev;
	size_t used, at, i;
	int round, good = 1;

	frame_reader_init(&r, 1 << 20);
	for (round = 0; good && round < 500; round++) {
		size_t nargs = (size_t)(tap_random(&state) % 8);
		size_t nfields = (size_t)(tap_random(&state) % 12);
		int has_body = (int)(tap_random(&state) % 2);
		const struct frame *f = &r.frame;

		buf_reset(&in);
		buf_reset(&body);
		for (i = tap_random(&state) % 3000; i > 0; i--) {
			uint8_t byte = (uint8_t)tap_random(&state);
			buf_append(&body, &byte, 1);
		}
		frame_begin(&in, "TEST");
		for (i = 0; i < nargs; i++)
			frame_arg(&in, "arg-%zu", i);
		for (i = 0; i < nfields; i++) {
			char name[16];
			snprintf(name, sizeof name, "name-%02zu", i);
			frame_put(&in, name, "%zu of %zu", i, nfields);
		}
		if (!has_body)
			frame_end(&in);
		else if (round % 3 == 0) {
			frame_body_begin(&in, body.len);
			buf_append(&in, body.data, body.len);
			buf_puts(&in, "\n");
		} else {
			frame_body(&in, body.data, body.len);
		}
		at = 0;
		do {
			ev = frame_read(&r, in.data + at, in.len - at, &used);
			at += used;
		} while (ev == FRAME_VERB || ev == FRAME_HEAD);
		good = ev == FRAME_DONE && at == in.len &&
		       frame_is(f, "TEST") && f->nargs == nargs &&
		       f->nfields == nfields + (size_t)has_body &&
		       f->has_body == has_body &&
		       (!has_body ||
			   (f->body_len == body.len &&
			       (body.len == 0 ||
				   memcmp(f->body, body.data, body.len) == 0)));
		for (i = 0; good && i < nfields; i++) {
			char name[16], value[32];
			snprintf(name, sizeof name, "name-%02zu", i);
			snprintf(value, sizeof value, "%zu of %zu", i, nfields);
			good = frame_get(f, name) != NULL &&
			       strcmp(frame_get(f, name)->s, value) == 0;
		}
		for (i = 0; good && i < nargs; i++) {
			char arg[16];
			snprintf(arg, sizeof arg, "arg-%zu", i);
			good = strcmp(f->args[i].s, arg) == 0;
		}
		good = good && frame_get(f, "name") == NULL;
	}
	OK(good, "what is written is read");
	buf_reset(&out);
	frame_begin(&out, "OK");
	frame_arg(&out, "%d", 1);
	frame_put(&out, "a", "%s", "");
	frame_body(&out, "b", 1);
	IS_STR(buf_text(&out), "OK 1\na: \nlength: 1\n\nb\n", "as bytes");
	frame_reader_free(&r);
	buf_free(&out);
	buf_free(&in);
	buf_free(&body);
}

int
main(void)
{
	check_cases();
	check_lengths();
	check_splits();
	check_wake();
	check_limits();
	check_memory();
	check_growth();
	check_mutations();
	check_round_trip();
	return tap_done();
}
