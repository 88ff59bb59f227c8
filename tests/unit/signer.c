/* Signing through a command; write(2) is interrupted now and then. */

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static ssize_t interrupted_write(int fd, const void *bytes, size_t len);

#define write interrupted_write
#include "cmd/signer.c"
#undef write

#include "tests/tap.h"

#define TEXT 3000 /* several pieces */

static int nwrites;

/* Every other time a signal comes first. */
static ssize_t
interrupted_write(int fd, const void *bytes, size_t len)
{
	if (nwrites++ % 2 == 0) {
		errno = EINTR;
		return -1;
	}
	return write(fd, bytes, len);
}

static void
test_command(void)
{
	const uint8_t seed[ED25519_SEED] = {7};
	struct buf lines = BUF_INIT, seen = BUF_INIT, want = BUF_INIT;
	struct signify_sig sig;
	struct signify_sec sec;
	struct signer s;
	char text[TEXT];
	struct err e;
	size_t i;

	for (i = 0; i < sizeof text; i++)
		text[i] = (char)('a' + i % 26);
	memset(&sec, 0, sizeof sec);
	memcpy(sec.seed, seed, sizeof seed);
	signify_sign(&sig, &sec, text, sizeof text);
	signify_sig_format(&want, &sig, "k");
	IS(file_write("sig", want.data, want.len, 0644, &e), 0, "an answer");

	IS(signer_open(&s, NULL, "cat >seen && cat sig", &e), 0, "a command");
	OK(signer_sign(&s, text, sizeof text, &lines, &e) == 0,
	    "it signs, whatever interrupts the writes");
	OK(nwrites > TEXT / 512, "%d writes", nwrites);
	OK(lines.len == want.len &&
		memcmp(lines.data, want.data, want.len) == 0,
	    "its answer is what is appended");
	IS(file_read("seen", TEXT, &seen, &e), 0, "what it was given");
	OK(seen.len == sizeof text && memcmp(seen.data, text, TEXT) == 0,
	    "is the whole text");
	signer_close(&s);
	buf_free(&lines);
	buf_free(&seen);
	buf_free(&want);
}

/* As a file that was read once before, and held this then. */
static int
sign_file(const struct signer *s, const void *before, size_t len, int fd,
    struct buf *lines, struct err *e)
{
	struct digests_work work;
	struct signer_run r;
	int ret;

	signer_begin(&r, s);
	work = signer_work(&r);
	work.update(work.arg, before, 5);
	work.update(work.arg, (const char *)before + 5, len - 5);
	ret = signer_end(&r, fd, "big", lines, e);
	signer_drop(&r);
	return ret;
}

static void
test_file(void)
{
	struct buf lines = BUF_INIT, want = BUF_INIT, seen = BUF_INIT;
	const size_t len = DIGESTS_PIECE * 2 + 17;
	char *text = malloc(len);
	struct signer s;
	struct err e;
	int fd;

	memset(text, 'x', len);
	IS(file_write("big", text, len, 0644, &e), 0, "a file of some pieces");
	fd = open("big", O_RDONLY);
	lseek(fd, 5, SEEK_SET);
	memset(&s, 0, sizeof s);
	s.sec.seed[0] = 7;
	strcpy(s.name, "k");
	IS(signer_sign(&s, text, len, &want, &e), 0, "signed as a text");
	IS(sign_file(&s, text, len, fd, &lines, &e), 0, "signed as a file");
	OK(lines.len == want.len &&
		memcmp(lines.data, want.data, want.len) == 0,
	    "is the same");
	buf_reset(&lines);
	text[len - 1] = 'y';
	IS(sign_file(&s, text, len, fd, &lines, &e), -1,
	    "another byte the second time");
	OK(strstr(e.text, "big: changed while") != NULL, "is told: %s", e.text);
	text[len - 1] = 'x';
	IS(sign_file(&s, text, len - 1, fd, &lines, &e), -1,
	    "one byte more then");
	IS(lines.len, 0, "and nothing is signed");

	IS(file_write("sig", want.data, want.len, 0644, &e), 0, "an answer");
	buf_reset(&lines);
	s.command = "cat >seen && cat sig";
	IS(sign_file(&s, text, len, fd, &lines, &e), 0, "by a command");
	OK(lines.len == want.len, "its answer is taken");
	IS(file_read("seen", len, &seen, &e), 0, "what it was given");
	OK(seen.len == len && memcmp(seen.data, text, len) == 0,
	    "is the whole file");
	s.command = "echo no";
	IS(sign_file(&s, text, len, fd, &lines, &e), -1, "another answer");
	s.command = "exit 3";
	IS(sign_file(&s, text, len, fd, &lines, &e), -1, "a failure");
	OK(strstr(e.text, "exit 3") != NULL, "is told: %s", e.text);
	close(fd);
	free(text);
	buf_free(&lines);
	buf_free(&want);
	buf_free(&seen);
}

int
main(void)
{
	test_command();
	test_file();
	return tap_done();
}
