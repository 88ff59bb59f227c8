#include "crypto/signify.h"

#include <unistd.h>

#include "base/base64.h"
#include "base/err.h"
#include "base/file.h"
#include "tests/tap.h"

/* Made by OpenBSD's signify -G -n and -S for this test; the last by -G under
 * the passphrase "pw". */
static const char known_pub[] =
    "untrusted comment: signify public key\n"
    "RWTKozJfmKwkbzCe/+b5LWm2rQtes6VAGy+1ANx/evrCFU2XSGt53Zj5\n";
static const char known_sec[] =
    "untrusted comment: signify secret key\n"
    "RWRCSwAAAACXLC/AXYVuyFOETswiKFG7gLYKz0/WWIjKozJfmKwkb1ye4TCX"
    "SG76mrbXAKTw2I9yn2GNl7/ZCoGlK8Qy/x4WMJ7/5vktabatC16zpUAbL7UA"
    "3H96+sIVTZdIa3ndmPk=\n";
static const char known_msg[] = "move 1\n";
static const char known_sig[] =
    "untrusted comment: verify with a.pub\n"
    "RWTKozJfmKwkb8yBd28wZucJcTHkv89JpxrWlUFBisDZwrWOAhL/lTIwOS5U"
    "xUE3AhAHOZr4a2UpH4O8QDdNtKH52Z56oTksOQE=\n";
static const char known_protected[] =
    "untrusted comment: signify secret key\n"
    "RWRCSwAAACpCBSbw+P8qIJrYa/H5JxDtdd3X7/TSDNsbjvKoPPUb3F7spKm7"
    "lDnUvNUBDivLml1eB5Ex1VsRPPL+KpzVOzw6UWgVc1dG0Wj2VXDOtsp6jOv5"
    "95JTUouUzUexCipj6xs=\n";

#define LEN(s) (sizeof(s) - 1)

static uint64_t seed;

static void
any(uint8_t *out, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		out[i] = (uint8_t)(tap_random(&seed) >> 56);
}

static void
known(void)
{
	struct signify_pub pub, derived, decoded;
	struct signify_sec sec;
	struct signify_sig sig, ours;
	struct buf out = BUF_INIT;
	char line[SIGNIFY_PUB_BASE64];
	size_t used = 0;

	IS(signify_pub_parse(&pub, known_pub, LEN(known_pub)), SIGNIFY_OK,
	    "signify's public key");
	IS(signify_sec_parse(&sec, known_sec, LEN(known_sec)), SIGNIFY_OK,
	    "its secret key");
	IS(signify_sig_parse(&sig, known_sig, LEN(known_sig), &used),
	    SIGNIFY_OK, "its signature");
	IS(used, LEN(known_sig), "of which nothing is left over");
	IS(signify_sec_parse(&sec, known_protected, LEN(known_protected)),
	    SIGNIFY_PASSPHRASE, "its secret key under a passphrase");

	signify_sec_public(&derived, &sec);
	IS_MEM(&derived, &pub, sizeof(pub), "the two keys belong together");
	IS(signify_verify(&sig, &pub, known_msg, LEN(known_msg)), 0,
	    "its signature is good");
	IS(signify_verify(&sig, &pub, known_msg, LEN(known_msg) - 1), -1,
	    "and not for another text");
	signify_sign(&ours, &sec, known_msg, LEN(known_msg));
	IS_MEM(&ours, &sig, sizeof(sig), "ours is the same");
	pub.keynum[7] ^= 1;
	IS(signify_verify(&sig, &pub, known_msg, LEN(known_msg)), -1,
	    "not with a key of another number");
	pub.keynum[7] ^= 1;

	IS(signify_pub_format(&out, &pub, "signify public key"), 0,
	    "a public key is written");
	IS_STR(buf_text(&out), known_pub, "as signify does");
	buf_reset(&out);
	IS(signify_sig_format(&out, &sig, "a"), 0, "a signature is written");
	IS_STR(buf_text(&out), known_sig, "as signify does");
	buf_free(&out);

	IS_STR(signify_pub_encode(line, &pub),
	    "RWTKozJfmKwkbzCe/+b5LWm2rQtes6VAGy+1ANx/evrCFU2XSGt53Zj5",
	    "the line alone");
	IS(signify_pub_decode(&decoded, line, strlen(line)), SIGNIFY_OK,
	    "is read alone");
	IS_MEM(&decoded, &pub, sizeof(pub), "as the same key");
	IS(signify_pub_decode(&decoded, known_sig + 37, 100), SIGNIFY_SYNTAX,
	    "a signature is no key");
	line[1] = 'U';
	IS(signify_pub_decode(&decoded, line, strlen(line)), SIGNIFY_SYNTAX,
	    "another algorithm is none");
}

static void
secret_round_trip(void)
{
	struct signify_sec sec, back;
	struct buf out = BUF_INIT;
	size_t len;

	any((uint8_t *)&sec, sizeof(sec));
	IS(signify_sec_format(&out, &sec, "hers, secret"), 0,
	    "a secret key is written");
	OK(out.len <= SIGNIFY_FILE, "and not longer than said");
	IS(signify_sec_parse(&back, (char *)out.data, out.len), SIGNIFY_OK,
	    "and read");
	IS_MEM(&back, &sec, sizeof(sec), "as the same key");

	buf_reset(&out);
	out.oom = 1;
	IS(signify_sec_format(&out, &sec, "x"), -1, "lack of memory is told");
	out.oom = 0;
	len = out.len;
	IS(signify_sec_format(&out, &sec, ""), -1, "a comment is needed");
	IS(signify_sec_format(&out, &sec, "a\nb"), -1, "of one line");
	IS(out.len, len, "nothing is written then");
	buf_free(&out);
}

/* Any kind of file in the form of the known one; 0 when it is taken. */
enum kind { PUB, SEC, SIG };

static const struct file {
	enum kind kind;
	const char *text;
	size_t len;
} file[] = {
    {PUB, known_pub, LEN(known_pub)},
    {SEC, known_sec, LEN(known_sec)},
    {SIG, known_sig, LEN(known_sig)},
};

static enum signify_result
parse(enum kind kind, const char *text, size_t len)
{
	struct signify_pub pub;
	struct signify_sec sec;
	struct signify_sig sig;
	size_t used;
	enum signify_result r = SIGNIFY_SYNTAX;
	char *exact = malloc(len > 0 ? len : 1); /* what is behind is guarded */

	if (exact == NULL)
		abort();
	memcpy(exact, text, len);
	switch (kind) {
	case PUB:
		r = signify_pub_parse(&pub, exact, len);
		break;
	case SEC:
		r = signify_sec_parse(&sec, exact, len);
		break;
	case SIG:
		r = signify_sig_parse(&sig, exact, len, &used);
		if (r == SIGNIFY_OK && used != len)
			r = SIGNIFY_SYNTAX;
		break;
	}
	free(exact);
	return r;
}

/* The lines, with a comment of n times c, and an end instead of the LF. */
static enum signify_result
parse_with(const struct file *f, size_t n, char c, const char *end)
{
	char text[SIGNIFY_FILE + 16];
	const char *base64 = strchr(f->text, '\n') + 1;
	size_t len = 19;

	memcpy(text, "untrusted comment: ", len);
	memset(text + len, c, n);
	len += n;
	len += (size_t)snprintf(text + len, sizeof(text) - len, "\n%.*s%s",
	    (int)(strlen(base64) - 1), base64, end);
	return parse(f->kind, text, len);
}

static void
forms(const struct file *f)
{
	char text[SIGNIFY_FILE];
	size_t i, at = (size_t)(strchr(f->text, '\n') - f->text);
	size_t taken = 0;

	IS(parse(f->kind, f->text, f->len), SIGNIFY_OK, "the file is taken");
	for (i = 0; i < f->len; i++)
		taken += parse(f->kind, f->text, i) == SIGNIFY_OK;
	IS(taken, 0, "not when cut short anywhere");

	IS(parse_with(f, 1, 'x', "\n"), SIGNIFY_OK, "a comment of 1 byte");
	IS(parse_with(f, 0, 'x', "\n"), SIGNIFY_SYNTAX, "not of none");
	IS(parse_with(f, SIGNIFY_COMMENT, 'x', "\n"), SIGNIFY_OK,
	    "a comment of 1023 bytes");
	IS(parse_with(f, SIGNIFY_COMMENT + 1, 'x', "\n"), SIGNIFY_SYNTAX,
	    "not of 1024");
	IS(parse_with(f, 3, '\x1b', "\n"), SIGNIFY_SYNTAX, "control bytes");
	IS(parse_with(f, 3, '\r', "\n"), SIGNIFY_SYNTAX, "CR in the comment");
	IS(parse_with(f, 3, '\xff', "\n"), SIGNIFY_SYNTAX, "no UTF-8");
	IS(parse_with(f, 3, '\0', "\n"), SIGNIFY_SYNTAX, "NUL");
	IS(parse_with(f, 3, 'x', ""), SIGNIFY_SYNTAX, "no LF at the end");
	IS(parse_with(f, 3, 'x', "\r\n"), SIGNIFY_SYNTAX, "CR LF");
	IS(parse_with(f, 3, 'x', " \n"), SIGNIFY_SYNTAX, "a blank");
	IS(parse_with(f, 3, 'x', "\n\n"), SIGNIFY_SYNTAX, "one LF more");
	IS(parse_with(f, 3, 'x', "\nx"), SIGNIFY_SYNTAX, "one byte more");
	IS(parse_with(f, 3, 'x', "AAAA\n"), SIGNIFY_SYNTAX, "three bytes more");

	/* No byte of the first line's form and none of the base64 may be
	 * another in whatever way and leave the same reading. */
	for (i = 0, taken = 0; i < 19; i++) {
		memcpy(text, f->text, f->len);
		text[i] ^= 1;
		taken += parse(f->kind, text, f->len) == SIGNIFY_OK;
	}
	memcpy(text, f->text, f->len);
	text[at] = ' ';
	taken += parse(f->kind, text, f->len) == SIGNIFY_OK;
	IS(taken, 0, "a changed frame");
	for (i = 0, taken = 0; i < sizeof(file) / sizeof(file[0]); i++)
		taken +=
		    parse(f->kind, file[i].text, file[i].len) == SIGNIFY_OK;
	IS(taken, 1, "no other kind of file");
}

/*
 * Any bit flipped in the base64 line: a public key or a signature is refused
 * or becomes another one; a secret key is refused, but for its salt, which
 * means nothing, and its key number, which the checksum does not cover.
 */
static void
flips(void)
{
	char text[SIGNIFY_FILE];
	struct signify_pub pub, pub0;
	struct signify_sig sig, sig0;
	struct signify_sec sec, sec0;
	size_t i, bit, used, same = 0, taken = 0;

	signify_pub_parse(&pub0, known_pub, LEN(known_pub));
	signify_sig_parse(&sig0, known_sig, LEN(known_sig), &used);
	signify_sec_parse(&sec0, known_sec, LEN(known_sec));
	for (i = 0; i < sizeof(file) / sizeof(file[0]); i++) {
		size_t from =
		    (size_t)(strchr(file[i].text, '\n') - file[i].text) + 1;

		for (bit = 8 * from; bit < 8 * file[i].len; bit++) {
			size_t at = (bit / 8 - from) / 4 * 3;

			memcpy(text, file[i].text, file[i].len);
			text[bit / 8] ^= (char)(1 << bit % 8);
			switch (file[i].kind) {
			case PUB:
				same += signify_pub_parse(&pub, text,
					    file[i].len) == SIGNIFY_OK &&
					memcmp(&pub, &pub0, sizeof(pub)) == 0;
				break;
			case SIG:
				same += signify_sig_parse(&sig, text,
					    file[i].len, &used) == SIGNIFY_OK &&
					memcmp(&sig, &sig0, sizeof(sig)) == 0;
				break;
			case SEC:
				if (signify_sec_parse(&sec, text,
					file[i].len) != SIGNIFY_OK)
					break;
				/* salt 8 to 23, key number 32 to 39 */
				taken += at + 3 <= 8 ||
					 (at >= 24 && at + 3 <= 32) ||
					 at >= 40 ||
					 memcmp(sec.seed, sec0.seed,
					     sizeof(sec.seed)) != 0;
				break;
			}
		}
	}
	IS(same, 0, "a bit flipped in a key or signature makes another");
	IS(taken, 0, "a bit flipped in a secret key is found");
}

/* A known secret key with other bytes in it, encoded again. */
static enum signify_result
parse_changed(size_t at, size_t len, const void *bytes, int mend)
{
	uint8_t raw[104], digest[SHA512_SIZE];
	char text[SIGNIFY_FILE], base64[BASE64_SIZE(sizeof(raw))];
	const char *line = strchr(known_sec, '\n') + 1;
	struct signify_sec sec;
	int n;

	if (base64_decode(raw, sizeof(raw), line, strlen(line) - 1) != 0)
		abort();
	memcpy(raw + at, bytes, len);
	if (mend) {
		sha512(digest, raw + 40, 64);
		memcpy(raw + 24, digest, 8);
	}
	n = snprintf(text, sizeof(text), "untrusted comment: x\n%s\n",
	    base64_encode(base64, raw, sizeof(raw)));
	return signify_sec_parse(&sec, text, (size_t)n);
}

static void
secret_fields(void)
{
	IS(parse_changed(0, 0, "", 0), SIGNIFY_OK, "unchanged");
	IS(parse_changed(0, 2, "ED", 0), SIGNIFY_SYNTAX, "the algorithm");
	IS(parse_changed(2, 2, "XX", 0), SIGNIFY_SYNTAX, "the kdf");
	IS(parse_changed(4, 4, "\0\0\0\1", 0), SIGNIFY_PASSPHRASE,
	    "a round of the kdf");
	IS(parse_changed(4, 4, "\1\0\0\0", 0), SIGNIFY_PASSPHRASE,
	    "many rounds of it");
	IS(parse_changed(24, 8, "checksum", 0), SIGNIFY_CHECKSUM,
	    "the checksum");
	IS(parse_changed(40, 4, "seed", 0), SIGNIFY_CHECKSUM, "the seed");
	IS(parse_changed(100, 4, "half", 0), SIGNIFY_CHECKSUM,
	    "the public half");
	IS(parse_changed(40, 4, "seed", 1), SIGNIFY_CHECKSUM,
	    "a seed under a right checksum, not of this public half");
	IS(parse_changed(72, 4, "half", 1), SIGNIFY_CHECKSUM,
	    "a public half under a right checksum, not of this seed");
}

/* Garbage, and known files with some garbage in them. What is found is only
 * that nothing breaks, which is for the sanitizers to say. */
static void
garbage(void)
{
	char text[SIGNIFY_FILE];
	struct signify_pub pub;
	uint8_t r[8];
	unsigned n, i, answers = 0;

	for (n = 0; n < 20000; n++) {
		const struct file *f = &file[n % 3];
		size_t len = f->len;

		any(r, sizeof(r));
		if (n % 4 == 0) {
			len = r[0];
			any((uint8_t *)text, len);
		} else {
			memcpy(text, f->text, len);
			for (i = 0; i < r[0] % 4u; i++)
				text[r[1 + i] % len] = (char)r[4 + i];
			len -= r[7] < 64 ? r[7] : 0;
		}
		for (i = 0; i < 3; i++)
			answers += parse((enum kind)i, text, len) <= SIGNIFY_OK;
		answers += signify_pub_decode(&pub, text, len) <= SIGNIFY_OK;
	}
	IS(answers, 4 * 20000, "garbage is answered");
}

/* --- the real signify ----------------------------------------------------- */

static int
run(const char *command)
{
	return system(command) == 0 ? 0 : -1;
}

static void
slurp(const char *path, struct buf *out)
{
	struct err e;

	buf_reset(out);
	if (file_read(path, 65536, out, &e) != 0)
		printf("# %s\n", e.text);
}

static void
spill(const char *path, const struct buf *b)
{
	struct err e;

	if (file_write(path, b->data, b->len, 0600, &e) != 0)
		printf("# %s\n", e.text);
}

#define S "signify-openbsd "

static void
theirs(void)
{
	struct buf msg = BUF_INIT, b = BUF_INIT, again = BUF_INIT;
	struct signify_pub pub, derived;
	struct signify_sec sec;
	struct signify_sig sig, ours;
	size_t used = 0;

	IS(run(S "-G -n -c hers -p t.pub -s t.sec"), 0, "signify makes keys");
	slurp("t.pub", &b);
	IS(signify_pub_parse(&pub, (char *)b.data, b.len), 0, "we read .pub");
	slurp("t.sec", &b);
	IS(signify_sec_parse(&sec, (char *)b.data, b.len), 0, "we read .sec");
	signify_sec_public(&derived, &sec);
	IS_MEM(&derived, &pub, sizeof(pub), "they belong together");
	signify_pub_format(&again, &derived, "hers public key");
	slurp("t.pub", &b);
	OK(b.len == again.len && memcmp(b.data, again.data, b.len) == 0,
	    "we write the same .pub");

	IS(run(S "-S -s t.sec -m msg -x t.sig"), 0, "signify signs");
	slurp("msg", &msg);
	slurp("t.sig", &b);
	IS(signify_sig_parse(&sig, (char *)b.data, b.len, &used), 0, "read");
	IS(used, b.len, "to its end");
	IS(signify_verify(&sig, &pub, msg.data, msg.len), 0, "and good");
	msg.data[0] ^= 1;
	IS(signify_verify(&sig, &pub, msg.data, msg.len), -1, "for that text");
	msg.data[0] ^= 1;
	signify_sign(&ours, &sec, msg.data, msg.len);
	buf_reset(&again);
	signify_sig_format(&again, &ours, "t");
	OK(b.len == again.len && memcmp(b.data, again.data, b.len) == 0,
	    "our own signature file is the same");

	IS(run(S "-S -e -s t.sec -m msg -x t.emb"), 0, "signify embeds");
	slurp("t.emb", &b);
	IS(signify_sig_parse(&sig, (char *)b.data, b.len, &used), 0, "read");
	OK(b.len - used == msg.len &&
		memcmp(b.data + used, msg.data, msg.len) == 0,
	    "the text is behind it");
	IS(signify_verify(&sig, &pub, b.data + used, b.len - used), 0,
	    "and good");

	/* Without a terminal it takes the passphrase from standard input. */
	if (run("command -v setsid >/dev/null") == 0 &&
	    run("printf 'pw\\npw\\n' | setsid -w " S
		"-G -p p.pub -s p.sec >/dev/null 2>&1") == 0) {
		slurp("p.sec", &b);
		IS(signify_sec_parse(&sec, (char *)b.data, b.len),
		    SIGNIFY_PASSPHRASE, "a secret key under a passphrase");
	} else {
		tap_skip("signify asks a terminal only");
	}
	buf_free(&msg);
	buf_free(&b);
	buf_free(&again);
}

static void
ours(void)
{
	struct buf msg = BUF_INIT, b = BUF_INIT;
	struct signify_sec sec;
	struct signify_pub pub;
	struct signify_sig sig;

	any((uint8_t *)&sec, sizeof(sec));
	signify_sec_public(&pub, &sec);
	signify_sec_format(&b, &sec, "ours");
	spill("o.sec", &b);
	buf_reset(&b);
	signify_pub_format(&b, &pub, "ours");
	spill("o.pub", &b);

	slurp("msg", &msg);
	signify_sign(&sig, &sec, msg.data, msg.len);
	buf_reset(&b);
	signify_sig_format(&b, &sig, "o");
	spill("o.sig", &b);
	IS(run(S "-V -q -p o.pub -m msg -x o.sig"), 0,
	    "signify takes our key and signature");
	IS(run(S "-V -q -p t.pub -m msg -x o.sig 2>/dev/null"), -1,
	    "not with another key");
	IS(run("tr m M <msg >bad && " S
	       "-V -q -p o.pub -m bad -x o.sig 2>/dev/null"),
	    -1, "not for another text");
	IS(run(S "-S -s o.sec -m msg -x o2.sig && cmp o.sig o2.sig"), 0,
	    "and signs with our secret key as we do");

	buf_append(&b, msg.data, msg.len);
	spill("o.emb", &b);
	IS(run(S "-V -q -e -p o.pub -x o.emb -m out && cmp msg out"), 0,
	    "signify takes our embedded signature");
	buf_free(&msg);
	buf_free(&b);
}

static void
real_signify(void)
{
	struct buf msg = BUF_INIT;

	if (run("command -v signify-openbsd >/dev/null") != 0) {
		tap_skip("no signify-openbsd here");
		return;
	}
	buf_puts(&msg, "some text\nof several lines\n");
	spill("msg", &msg);
	buf_free(&msg);
	theirs();
	ours();
}

int
main(void)
{
	size_t i;

	seed = tap_seed(1);
	known();
	secret_round_trip();
	for (i = 0; i < sizeof(file) / sizeof(file[0]); i++)
		forms(&file[i]);
	flips();
	secret_fields();
	garbage();
	real_signify();
	return tap_done();
}
