/*
 * The ledger: what was appended comes back, what a crash leaves is cut off,
 * what was altered is named, what failed leaves the file as it was.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hex.h"
#include "base/text.h"
#include "crypto/sha512.h"
#include "tests/tap.h"
#include "update/ledger.h"

/* A disk whose calls fail when told to. */
static int fail_sync, fail_cut, syncs;
static size_t bytes_read;

int
fdatasync(int fd)
{
	(void)fd;
	syncs++;
	if (fail_sync) {
		errno = EIO;
		return -1;
	}
	return 0;
}

int
ftruncate(int fd, off_t len)
{
	char path[32];

	if (fail_cut) {
		errno = EIO;
		return -1;
	}
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	return truncate(path, len);
}

ssize_t
pread(int fd, void *out, size_t len, off_t at)
{
	ssize_t n;

	/* Pieces smaller than asked for, so that lines are split anywhere. */
	if (len > 1000)
		len = 1000;
	if (lseek(fd, at, SEEK_SET) < 0)
		return -1;
	n = read(fd, out, len);
	bytes_read += n > 0 ? (size_t)n : 0;
	return n;
}

/* What was replayed, as text. */
struct seen {
	struct buf text;
	size_t n, stop_at;
};

static int
note(void *arg, const struct ledger_event *ev, struct err *e)
{
	struct seen *seen = arg;
	size_t i;

	if (++seen->n == seen->stop_at)
		return err_set(e, ERR_NO, "stop");
	buf_printf(&seen->text, "%" PRId64 " %s", ev->time_us, ev->event);
	for (i = 0; i < ev->nfields; i++)
		buf_printf(&seen->text, " %s=<%s>", ev->fields[i].name,
		    ev->fields[i].value);
	buf_puts(&seen->text, "\n");
	return 0;
}

static struct ledger *
open_seen(struct seen *seen, size_t *torn, struct err *e)
{
	memset(seen, 0, sizeof *seen);
	e->text[0] = '\0';
	return ledger_open("state", note, seen, torn, e);
}

static const char *
seen_text(struct seen *seen)
{
	return buf_text(&seen->text);
}

static int
append(struct ledger *l, int64_t time_us, const char *event, const char *name,
    const char *value, struct err *e)
{
	struct ledger_event ev;

	memset(&ev, 0, sizeof ev);
	ev.time_us = time_us;
	ev.event = event;
	if (name != NULL) {
		ev.fields[0].name = name;
		ev.fields[0].value = value;
		ev.nfields = 1;
	}
	return ledger_append(l, &ev, e);
}

static void
slurp(struct buf *b)
{
	struct err e;

	buf_reset(b);
	if (file_read("state/ledger", SIZE_MAX / 4, b, &e) != 0)
		printf("Bail out! %s\n", e.text);
}

static void
put(const void *bytes, size_t len)
{
	struct err e;

	if (file_write("state/ledger", bytes, len, 0600, &e) != 0)
		printf("Bail out! %s\n", e.text);
}

/* A ledger of three lines in state/ledger, and in b. */
static void
three(struct buf *b)
{
	struct seen seen;
	struct ledger *l;
	struct err e;
	size_t torn;

	unlink("state/ledger");
	l = open_seen(&seen, &torn, &e);
	if (l == NULL || append(l, 1, "received", "id", "7", &e) != 0 ||
	    append(l, 2, "released", "id", "7", &e) != 0 ||
	    append(l, 3, "final", "note", "all is well", &e) != 0)
		printf("Bail out! %s\n", e.text);
	ledger_close(l);
	buf_free(&seen.text);
	slurp(b);
}

static void
one_line(void)
{
#define P "00000000000000000000000000000000"
#define T " 2026-11-22T10:15:00.123456Z"
#define ROW(r, text)                     \
	{                                \
		r, text, sizeof text - 1 \
	}
	static const struct {
		int result;
		const char *text;
		size_t len;
	} rows[] = {
	    ROW(0, P T " received"),
	    ROW(0, P T " server-applied id=7 key=ann address=::1"),
	    ROW(0, P T " e a="),
	    ROW(0, P T " e a=="),
	    ROW(0, P T " e a=%20%25%0a%ff"),
	    ROW(0, P T " e a=\xc3\xa9%c3"),
	    ROW(0, P T " e a=%c2%80"), /* U+0080 is not clean */
	    ROW(-2, "0000000000000000000000000000000a" T " received"),
	    ROW(-1, ""),
	    ROW(-1, P),
	    ROW(-1, P T),
	    ROW(-1, P T " "),
	    ROW(-1, P T "  received"),
	    ROW(-1, P T " received "),
	    ROW(-1, P T " received  a=b"),
	    ROW(-1, P T " received a"),
	    ROW(-1, P T " received =b"),
	    ROW(-1, P T " received A=b"),
	    ROW(-1, P T " received a=b a=b"),
	    ROW(-1, P T " Received"),
	    ROW(-1, P T " phase2"),
	    ROW(-1, P T " a=b"),
	    ROW(-1, P T " e a=b\r"),
	    ROW(-1, P T " e a=\xff"),
	    ROW(-1, P T " e a=\0"),
	    ROW(-1, P T " e a=%"),
	    ROW(-1, P T " e a=%2"),
	    ROW(-1, P T " e a=%00"),
	    ROW(-1, P T " e a=%0A"),         /* digits of another case */
	    ROW(-1, P T " e a=%41"),         /* 'A' needs no escape */
	    ROW(-1, P T " e a=%c3%a9"),      /* nor does a clean character */
	    ROW(-1, P T " e a=%e2\x82\xac"), /* half of one */
	    ROW(-1, "0000000000000000000000000000000g" T " received"),
	    ROW(-1, "0000000000000000000000000000000A" T " received"),
	    ROW(-1, "0" P T " received"),
	    ROW(-1, P "\t2026-11-22T10:15:00.123456Z received"),
	    ROW(-1, P " 2026-11-22T10:15:00Z received"),
	    ROW(-1, P " 2026-11-22T10:15:00.12345Z received  "),
	    ROW(-1, P " 2026-02-30T10:15:00.123456Z received"),
	    ROW(0, P T " e a=1 b=1 c=1 d=1 e=1 f=1 g=1 h=1 i=1 j=1 k=1 l=1 "
		       "m=1 n=1 o=1 p=1"),
	    ROW(-1, P T " e a=1 b=1 c=1 d=1 e=1 f=1 g=1 h=1 i=1 j=1 k=1 l=1 "
			"m=1 n=1 o=1 p=1 q=1"),
	};
	struct ledger_event ev;
	char line[LEDGER_LINE + 1], shown[400];
	size_t i;

	for (i = 0; i < sizeof rows / sizeof *rows; i++) {
		memcpy(line, rows[i].text, rows[i].len + 1);
		text_escape(shown, sizeof shown, rows[i].text, rows[i].len, 0);
		IS(ledger_parse(&ev, line, rows[i].len, P), rows[i].result,
		    shown);
	}
	memcpy(line, rows[7].text, rows[7].len + 1);
	IS(ledger_parse(&ev, line, rows[7].len, NULL), 0,
	    "without prev any chain is fine");
	memcpy(line, rows[4].text, rows[4].len + 1);
	if (IS(ledger_parse(&ev, line, rows[4].len, NULL), 0, "a value")) {
		IS_STR(ledger_get(&ev, "a"), " %\n\xff", "is decoded");
		OK(ledger_get(&ev, "b") == NULL, "none is none");
		IS(ev.time_us, 1795342500123456, "time");
		IS_STR(ev.event, "e", "event");
	}
	memset(line, 'x', sizeof line);
	memcpy(line, P T " e a=", sizeof P T " e a=" - 1);
	IS(ledger_parse(&ev, line, LEDGER_LINE - 1, NULL), 0,
	    "the longest line");
	memset(line, 'x', sizeof line);
	memcpy(line, P T " e a=", sizeof P T " e a=" - 1);
	IS(ledger_parse(&ev, line, LEDGER_LINE, NULL), -1, "one byte more");
}

static void
comes_back(void)
{
	struct buf b = BUF_INIT, all = BUF_INIT;
	char digest_text[33];
	uint8_t digest[SHA512_SIZE];
	struct ledger_event ev;
	struct seen seen;
	struct ledger *l;
	struct stat st;
	struct err e;
	size_t torn = 99, line, lines;
	int before, i;

	unlink("state/ledger");
	l = open_seen(&seen, &torn, &e);
	OK(l != NULL && torn == 0 && seen.n == 0, "a new ledger is empty");
	OK(stat("state/ledger", &st) == 0 && (st.st_mode & 0777) == 0600,
	    "its file is there, for its owner only");
	before = syncs;
	IS(append(l, INT64_C(1795342500123456), "received", "id", "7", &e), 0,
	    "an event is appended");
	IS(syncs, before + 1, "and synced");
	memset(&ev, 0, sizeof ev);
	ev.time_us = 5;
	ev.event = "server-applied";
	ev.nfields = LEDGER_FIELDS;
	for (i = 0; i < LEDGER_FIELDS; i++) {
		static const char *const names[] = {"a", "b", "c", "d", "e",
		    "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p-2"};
		static const char *const values[] = {"", " ", "%", "=", "a b",
		    "%20", "\n", "\x1b[2J", "\xc3\xa9", "\xc3", "\xe2\x82",
		    "\xe2\x82\xac", "\xc2\x85", "\xff\xfe", "x\r\ny", "100%"};

		ev.fields[i].name = names[i];
		ev.fields[i].value = values[i];
	}
	IS(ledger_append(l, &ev, &e), 0, "an event with all that may be");
	ledger_close(l);
	buf_free(&seen.text);
	slurp(&b);
	IS_STR(buf_text(&b) + 33 + 28 + 14 + 33,
	    "1970-01-01T00:00:00.000005Z server-applied a= b=%20 c=%25 d== "
	    "e=a%20b f=%2520 g=%0a h=%1b[2J i=\xc3\xa9 j=%c3 k=%e2%82 "
	    "l=\xe2\x82\xac m=%c2%85 n=%ff%fe o=x%0d%0ay p-2=100%25\n",
	    "as it stands in the file");
	OK(strncmp((char *)b.data, P T " received id=7\n",
	       sizeof P T " received id=7\n" - 1) == 0,
	    "the first line");
	line = (size_t)(strchr((char *)b.data, '\n') - (char *)b.data) + 1;
	sha512(digest, b.data, line);
	hex_encode(digest_text, digest, 16);
	IS_MEM(b.data + line, digest_text, 32,
	    "a line carries the digest of the one before");
	l = open_seen(&seen, &torn, &e);
	OK(l != NULL && torn == 0, "it opens again");
	IS_STR(seen_text(&seen),
	    "1795342500123456 received id=<7>\n"
	    "5 server-applied a=<> b=< > c=<%> d=<=> e=<a b> f=<%20> g=<\n> "
	    "h=<\x1b[2J> i=<\xc3\xa9> j=<\xc3> k=<\xe2\x82> l=<\xe2\x82\xac> "
	    "m=<\xc2\x85> n=<\xff\xfe> o=<x\r\ny> p-2=<100%>\n",
	    "and every value comes back");
	IS(append(l, 6, "final", NULL, NULL, &e), 0, "the chain goes on");
	ledger_close(l);
	buf_free(&seen.text);
	slurp(&all);
	IS(ledger_check("L", (char *)all.data, all.len, &lines, &e), 0,
	    "the whole chain is good");
	IS(lines, 3, "all of three lines");
	buf_free(&b);
	buf_free(&all);
	ledger_close(NULL);
}

static void
refused_events(void)
{
	char value[LEDGER_LINE + 1];
	struct buf b = BUF_INIT, after = BUF_INIT;
	struct ledger_event ev;
	struct seen seen;
	struct ledger *l;
	struct err e;
	size_t torn, room;
	int i;

	three(&b);
	l = open_seen(&seen, &torn, &e);
	IS(append(l, -1, "e", NULL, NULL, &e), -1, "an instant before 1970");
	IS(append(l, INT64_MAX, "e", NULL, NULL, &e), -1, "one after 9999");
	IS(append(l, 1, "", NULL, NULL, &e), -1, "no event");
	IS(append(l, 1, "a b=c", NULL, NULL, &e), -1, "an event with a space");
	IS(append(l, 1, "a\n", NULL, NULL, &e), -1, "an event with an LF");
	IS(append(l, 1, "e", "", "v", &e), -1, "no name");
	IS(append(l, 1, "e", "a=b", "v", &e), -1, "a name with '='");
	IS(append(l, 1, "e", "a b", "v", &e), -1, "a name with a space");
	memset(&ev, 0, sizeof ev);
	ev.event = "e";
	ev.nfields = 2;
	for (i = 0; i < 2; i++) {
		ev.fields[i].name = "a";
		ev.fields[i].value = "v";
	}
	IS(ledger_append(l, &ev, &e), -1, "a name twice");
	ev.nfields = LEDGER_FIELDS + 1;
	IS(ledger_append(l, &ev, &e), -1, "too many fields");
	memset(value, 'v', sizeof value);
	room = LEDGER_LINE - (33 + 28 + strlen("e n=") + 1);
	value[room + 1] = '\0';
	IS(append(l, 1, "e", "n", value, &e), -1, "a line of one byte more");
	slurp(&after);
	OK(after.len == b.len && memcmp(after.data, b.data, b.len) == 0,
	    "nothing of all that was written");
	value[room] = '\0';
	IS(append(l, 1, "e", "n", value, &e), 0, "the longest line");
	ledger_close(l);
	buf_free(&seen.text);
	l = open_seen(&seen, &torn, &e);
	OK(l != NULL && torn == 0 && seen.n == 4, "comes back too");
	ledger_close(l);
	buf_free(&seen.text);
	buf_free(&b);
	buf_free(&after);
}

/* The last line cut at every byte, and overwritten at every byte. */
static void
torn_tail(void)
{
	static const char two[] = "1 received id=<7>\n2 released id=<7>\n";
	struct buf b = BUF_INIT, after = BUF_INIT;
	struct seen seen;
	struct ledger *l;
	struct err e;
	size_t last, n, torn, wrong = 0, lines;
	char *copy;

	three(&b);
	last = b.len - 1;
	while (b.data[last - 1] != '\n')
		last--;
	for (n = last; n <= b.len; n++) {
		put(b.data, n);
		l = open_seen(&seen, &torn, &e);
		if (n == b.len)
			wrong += l == NULL || torn != 0 || seen.n != 3;
		else if (n == last)
			wrong += l == NULL || torn != 0 || seen.n != 2;
		else
			wrong += l == NULL || torn != 3 ||
				 strcmp(seen_text(&seen), two) != 0;
		wrong += l == NULL || append(l, 9, "final", NULL, NULL, &e);
		ledger_close(l);
		buf_free(&seen.text);
		slurp(&after);
		wrong += ledger_check("L", (char *)after.data, after.len,
			     &lines, &e) != 0 ||
			 lines != (n == b.len ? 4 : 3);
	}
	IS(wrong, 0, "cut at any byte, the rest is in force and goes on");

	/* A last line that does not parse, its LF in place. */
	copy = malloc(b.len);
	for (n = last, wrong = 0; n + 1 < b.len; n++) {
		memcpy(copy, b.data, b.len);
		memset(copy + n, 0, b.len - 1 - n);
		put(copy, b.len);
		l = open_seen(&seen, &torn, &e);
		wrong += l == NULL || torn != 3 || seen.n != 2;
		ledger_close(l);
		buf_free(&seen.text);
		slurp(&after);
		wrong += after.len != last;
	}
	IS(wrong, 0, "zeros from any byte on, as some file systems leave");
	free(copy);

	/* A whole line of something else was written by no crash. */
	put(b.data, b.len);
	slurp(&after);
	buf_puts(&after, "my shopping list\n");
	put(after.data, after.len);
	l = open_seen(&seen, &torn, &e);
	OK(l == NULL && strstr(e.text, "state/ledger: line 4: ") == e.text,
	    "a last line that was edited is not cut off: %s", e.text);
	buf_free(&seen.text);

	/* More than any line of ours is nothing that a crash leaves. */
	put(b.data, b.len);
	slurp(&after);
	for (n = 0; n <= LEDGER_LINE; n++)
		buf_puts(&after, "x");
	put(after.data, after.len);
	l = open_seen(&seen, &torn, &e);
	OK(l == NULL && strstr(e.text, "state/ledger: line 4: ") == e.text,
	    "a long rest is not cut off: %s", e.text);
	buf_free(&seen.text);
	put(after.data, after.len - 1);
	l = open_seen(&seen, &torn, &e);
	OK(l != NULL && torn == 4, "one as long as a line is");
	ledger_close(l);
	buf_free(&seen.text);
	fail_cut = 1;
	put(b.data, b.len - 1);
	l = open_seen(&seen, &torn, &e);
	OK(l == NULL, "a rest that cannot be cut off: no ledger");
	fail_cut = 0;
	buf_free(&seen.text);
	put("", 0);
	l = open_seen(&seen, &torn, &e);
	OK(l != NULL && torn == 0, "an empty file is an empty ledger");
	ledger_close(l);
	buf_free(&seen.text);
	put("x", 1);
	l = open_seen(&seen, &torn, &e);
	OK(l != NULL && torn == 1, "a first line can be torn too");
	ledger_close(l);
	buf_free(&seen.text);
	buf_free(&b);
	buf_free(&after);
}

static void
altered(void)
{
	struct buf b = BUF_INIT, cut = BUF_INIT;
	struct seen seen;
	struct ledger *l;
	struct err e;
	size_t at, torn, lines, last, passed = 0;
	int line = 1;
	char want[64];
	uint8_t kept;

	three(&b);
	last = b.len - 1;
	while (b.data[last - 1] != '\n')
		last--;
	/* Any byte before the last line: its line is named, one way or the
	 * other, and the file stays as it is. */
	for (at = 0; at + 1 < last; at++) {
		kept = b.data[at];
		b.data[at] = kept == '7' ? '8' : '7';
		put(b.data, b.len);
		l = open_seen(&seen, &torn, &e);
		snprintf(want, sizeof want, "line %d", line);
		if (l != NULL || torn != 0 || strstr(e.text, want) == NULL ||
		    strstr(e.text, "state/ledger: line ") != e.text) {
			passed++;
			printf("# byte %zu: %s\n", at, e.text);
		}
		ledger_close(l);
		buf_free(&seen.text);
		passed += ledger_check("L", (char *)b.data, b.len, &lines,
			      &e) != -1 ||
			  e.kind != ERR_NO || strstr(e.text, want) == NULL;
		slurp(&cut);
		passed += cut.len != b.len;
		b.data[at] = kept;
		if (kept == '\n')
			line++;
	}
	IS(passed, 0, "a byte changed in any earlier line: its line is named");

	/* Its LF lost, a line is one with the last, which does not parse. */
	b.data[last - 1] = 'x';
	put(b.data, b.len);
	l = open_seen(&seen, &torn, &e);
	OK(l == NULL && strstr(e.text, "state/ledger: line 2: ") == e.text,
	    "the LF before the last line: neither is cut off");
	buf_free(&seen.text);
	b.data[last - 1] = '\n';

	/* The last line's own link. */
	b.data[last] ^= 1;
	put(b.data, b.len);
	l = open_seen(&seen, &torn, &e);
	OK(l == NULL && torn == 0 &&
		strstr(e.text, "state/ledger: line 3: ") == e.text,
	    "a last line of another chain: %s", e.text);
	buf_free(&seen.text);
	b.data[last] ^= 1;

	/* A line taken out. */
	at = (size_t)(strchr((char *)b.data, '\n') - (char *)b.data) + 1;
	buf_reset(&cut);
	buf_append(&cut, b.data, at);
	buf_append(&cut, b.data + last, b.len - last);
	put(cut.data, cut.len);
	l = open_seen(&seen, &torn, &e);
	OK(l == NULL && seen.n == 1, "a line left out breaks the chain");
	buf_free(&seen.text);
	put(b.data + at, b.len - at);
	l = open_seen(&seen, &torn, &e);
	OK(l == NULL && strstr(e.text, "line 1: not the beginning") != NULL,
	    "the first line too: %s", e.text);
	buf_free(&seen.text);
	IS(ledger_check("L", (char *)b.data, b.len - 1, &lines, &e), -1,
	    "for a check a torn last line is an error");
	OK(strstr(e.text, "L: line 3: ") == e.text && lines == 2, "%s", e.text);
	IS(ledger_check("L", "", 0, &lines, &e), 0, "nothing is in order");
	buf_free(&b);
	buf_free(&cut);
}

static void
stopped(void)
{
	struct buf b = BUF_INIT;
	struct seen seen;
	struct err e;
	size_t torn;

	three(&b);
	memset(&seen, 0, sizeof seen);
	seen.stop_at = 2;
	OK(ledger_open("state", note, &seen, &torn, &e) == NULL,
	    "replay can stop it");
	OK(seen.n == 2 && strcmp(e.text, "stop") == 0, "with its own reason");
	buf_free(&seen.text);
	OK(ledger_open("no-such-folder", note, &seen, &torn, &e) == NULL,
	    "no folder, no ledger: %s", e.text);
	IS(rename("state/ledger", "other"), 0, "a ledger elsewhere");
	IS(symlink("../other", "state/ledger"), 0, "and a link to it");
	OK(ledger_open("state", note, &seen, &torn, &e) == NULL,
	    "is not followed");
	unlink("state/ledger");
	mkfifo("state/ledger", 0600);
	OK(ledger_open("state", note, &seen, &torn, &e) == NULL,
	    "a pipe is no ledger, and nothing waits for it");
	unlink("state/ledger");
	buf_free(&b);
}

static void
two_openers(void)
{
	struct buf b = BUF_INIT;
	struct seen seen, again;
	struct ledger *l, *second;
	struct err e;
	size_t torn;
	int status, ready[2];
	pid_t pid;
	char c;

	three(&b);
	l = open_seen(&seen, &torn, &e);
	second = open_seen(&again, &torn, &e);
	OK(second == NULL && again.n == 0,
	    "a second one of this process is refused: %s", e.text);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		second = open_seen(&again, &torn, &e);
		_exit(second != NULL);
	}
	waitpid(pid, &status, 0);
	OK(WIFEXITED(status) && WEXITSTATUS(status) == 0,
	    "one of another process is refused");
	IS(append(l, 9, "final", NULL, NULL, &e), 0, "the first one goes on");
	ledger_close(l);
	buf_free(&seen.text);
	second = open_seen(&again, &torn, &e);
	OK(second != NULL && again.n == 4, "closed, it is free");
	ledger_close(second);
	buf_free(&again.text);

	/* A holder that is killed lets go. */
	if (pipe(ready) != 0)
		printf("Bail out! no pipe\n");
	pid = fork();
	if (pid == 0) {
		second = open_seen(&again, &torn, &e);
		c = second != NULL;
		if (write(ready[1], &c, 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	IS(read(ready[0], &c, 1), 1, "another process holds it");
	OK(c == 1 && open_seen(&seen, &torn, &e) == NULL, "alone");
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	l = open_seen(&seen, &torn, &e);
	OK(l != NULL && seen.n == 4, "killed, it has let go");
	ledger_close(l);
	close(ready[0]);
	close(ready[1]);
	buf_free(&seen.text);
	buf_free(&b);
}

/* No room for all of a line, at every byte of it. */
static void
full_disk(void)
{
	struct buf b = BUF_INIT, after = BUF_INIT;
	struct rlimit old, tight;
	struct seen seen;
	struct ledger *l;
	struct err e;
	size_t torn, n, wrong = 0;
	int ret;

	three(&b);
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	tight = old;
	l = open_seen(&seen, &torn, &e);
	for (n = 0; n < 33 + 28 + strlen("received id=7\n"); n++) {
		tight.rlim_cur = b.len + n;
		setrlimit(RLIMIT_FSIZE, &tight);
		wrong += append(l, 9, "received", "id", "7", &e) != -1 ||
			 strstr(e.text, "state/ledger: ") != e.text;
		setrlimit(RLIMIT_FSIZE, &old);
		slurp(&after);
		wrong += after.len != b.len ||
			 memcmp(after.data, b.data, b.len) != 0;
	}
	IS(wrong, 0, "a full disk at any byte leaves the file as before");
	IS(append(l, 9, "received", "id", "7", &e), 0,
	    "room again: it goes on");
	slurp(&b);

	/* Even the cutting off fails. */
	tight.rlim_cur = b.len + 10;
	setrlimit(RLIMIT_FSIZE, &tight);
	fail_cut = 1;
	ret = append(l, 10, "final", NULL, NULL, &e);
	fail_cut = 0;
	/* What checks say may go to a file, too. */
	setrlimit(RLIMIT_FSIZE, &old);
	IS(ret, -1, "neither can be done");
	IS(append(l, 10, "final", NULL, NULL, &e), -1,
	    "then nothing is appended any more");
	ledger_close(l);
	buf_free(&seen.text);
	l = open_seen(&seen, &torn, &e);
	OK(l != NULL && torn == 5 && seen.n == 4,
	    "the next start cuts the rest off");

	fail_sync = 1;
	IS(append(l, 11, "final", NULL, NULL, &e), -1, "a sync that fails");
	fail_sync = 0;
	slurp(&after);
	OK(after.len == b.len && memcmp(after.data, b.data, b.len) == 0,
	    "leaves the file as before");
	IS(append(l, 11, "final", NULL, NULL, &e), -1,
	    "and nothing is appended any more");
	ledger_close(l);
	buf_free(&seen.text);
	signal(SIGXFSZ, SIG_DFL);
	buf_free(&b);
	buf_free(&after);
}

static void
tail(void)
{
	enum { MANY = 20000, SOME = 700 };
	struct buf b = BUF_INIT, out = BUF_INIT, want = BUF_INIT;
	struct seen seen;
	struct ledger *l;
	struct err e;
	size_t torn, n;
	char value[400];
	char *line;

	unlink("state/ledger");
	l = open_seen(&seen, &torn, &e);
	IS(ledger_tail(l, 5, &out, &e), 0, "nothing in an empty one");
	IS(out.len, 0, "is nothing");
	ledger_close(l);
	buf_free(&seen.text);
	three(&b);
	l = open_seen(&seen, &torn, &e);
	buf_puts(&out, "before\n");
	IS(ledger_tail(l, 2, &out, &e), 0, "the last two of three");
	IS_STR(buf_text(&out),
	    "before\n"
	    "1970-01-01T00:00:00.000002Z released id=7\n"
	    "1970-01-01T00:00:00.000003Z final note=all%20is%20well\n",
	    "appended as they stand, without PREV");
	buf_reset(&out);
	ledger_tail(l, 3, &out, &e);
	IS(out.len, b.len - 3 * 33, "all of three");
	buf_reset(&want);
	ledger_tail(l, SIZE_MAX, &want, &e);
	OK(want.len == out.len && memcmp(want.data, out.data, out.len) == 0,
	    "more than there are is all");
	buf_reset(&out);
	IS(ledger_tail(l, 0, &out, &e), 0, "none is asked for");
	IS(out.len, 0, "none is given");
	for (n = 0; n < MANY; n++) {
		snprintf(value, sizeof value, "%zu%0*d", n, 1 + (int)(n % 300),
		    0);
		if (append(l, 9, "final", "n", value, &e) != 0)
			printf("Bail out! %s\n", e.text);
	}
	slurp(&b);
	line = buf_text(&b);
	buf_reset(&want);
	for (n = 0; n < MANY + 3; n++, line = strchr(line, '\n') + 1)
		if (n >= MANY + 3 - SOME)
			buf_append(&want, line + 33,
			    (size_t)(strchr(line, '\n') - line) + 1 - 33);
	buf_reset(&out);
	bytes_read = 0;
	IS(ledger_tail(l, SOME, &out, &e), 0, "some of very many");
	OK(out.len == want.len && memcmp(out.data, want.data, out.len) == 0,
	    "are those");
	OK(bytes_read < b.len / 8, "%zu of %zu bytes are read for them",
	    bytes_read, b.len);
	ledger_close(l);
	buf_free(&seen.text);
	l = open_seen(&seen, &torn, &e);
	IS(seen.n, MANY + 3, "very many are replayed");
	IS(truncate("state/ledger", 100), 0, "somebody cuts the file");
	IS(ledger_tail(l, 5, &out, &e), -1, "then there is no tail");
	IS(out.len, want.len, "and nothing is appended");
	ledger_close(l);
	buf_free(&seen.text);
	buf_free(&b);
	buf_free(&out);
	buf_free(&want);
}

int
main(void)
{
	if (mkdir("state", 0700) != 0)
		printf("Bail out! no folder\n");
	one_line();
	comes_back();
	refused_events();
	torn_tail();
	altered();
	stopped();
	two_openers();
	full_disk();
	tail();
	return tap_done();
}
