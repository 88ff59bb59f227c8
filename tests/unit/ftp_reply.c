/* net/ftp_reply: answers, whole and in pieces, and what they tell. */

#include "net/ftp_reply.h"

#include <stdlib.h>

#include "tests/tap.h"

/* The answer to these bytes, fed in pieces of this size. */
static enum ftp_reply_result
feed(struct ftp_reply *r, const char *bytes, size_t len, size_t piece,
    size_t *taken)
{
	enum ftp_reply_result state = FTP_REPLY_MORE;
	size_t at = 0, n, used;

	ftp_reply_init(r);
	while (at < len && state == FTP_REPLY_MORE) {
		n = len - at < piece ? len - at : piece;
		state =
		    ftp_reply_feed(r, (const uint8_t *)bytes + at, n, &used);
		at += used;
	}
	*taken = at;
	return state;
}

static void
check_answers(struct ftp_reply *r)
{
	static const struct {
		const char *bytes;
		enum ftp_reply_result state;
		int code;
		const char *text;
	} rows[] = {
	    {"220 ready\r\n", FTP_REPLY_DONE, 220, "ready"},
	    {"220 ready\n", FTP_REPLY_DONE, 220, "ready"},
	    {"220 \r\n", FTP_REPLY_DONE, 220, ""},
	    {"220\r\n", FTP_REPLY_DONE, 220, ""},
	    {"220 ready\r", FTP_REPLY_MORE, 0, NULL},
	    {"220-a\r\nb\r\n220 c\r\n", FTP_REPLY_DONE, 220, "c"},
	    {"220-a\r\n220-b\r\n220 c\r\n", FTP_REPLY_DONE, 220, "c"},
	    {"220-a\r\n 220 b\r\n220 c\r\n", FTP_REPLY_DONE, 220, "c"},
	    {"220-a\r\n220\r\n220 c\r\n", FTP_REPLY_DONE, 220, "c"},
	    {"220-a\r\n2201 b\r\n220 c\r\n", FTP_REPLY_DONE, 220, "c"},
	    {"220-a\r\n666 b\r\n220 c\r\n", FTP_REPLY_DONE, 220, "c"},
	    {"220-a\r\n221-b\r\n220 c\r\n", FTP_REPLY_DONE, 220, "c"},
	    {"220-a\r\n421 b\r\n", FTP_REPLY_MIXED, 0, NULL},
	    {"220-a\r\n221 b\r\n", FTP_REPLY_MIXED, 0, NULL},
	    {"099 a\r\n", FTP_REPLY_CODE, 0, NULL},
	    {"600 a\r\n", FTP_REPLY_CODE, 0, NULL},
	    {"22 a\r\n", FTP_REPLY_CODE, 0, NULL},
	    {"2200 a\r\n", FTP_REPLY_CODE, 0, NULL},
	    {" 220 a\r\n", FTP_REPLY_CODE, 0, NULL},
	    {"\r\n", FTP_REPLY_CODE, 0, NULL},
	    {"SSH-2.0-x\r\n", FTP_REPLY_CODE, 0, NULL},
	};
	size_t i, piece, used;

	for (i = 0; i < sizeof rows / sizeof *rows; i++)
		for (piece = 1; piece < 9; piece += 7) {
			size_t len = strlen(rows[i].bytes);

			printf("# row %zu, pieces of %zu\n", i, piece);
			IS(feed(r, rows[i].bytes, len, piece, &used),
			    rows[i].state, "an answer or none");
			if (rows[i].state != FTP_REPLY_DONE)
				continue;
			IS(r->code, rows[i].code, "its code");
			IS(used, len, "all of it is taken");
			IS_STR(ftp_reply_text(r), rows[i].text, "its text");
		}
	IS(feed(r, "220 a\r\n221 b\r\n", 14, 14, &used), FTP_REPLY_DONE,
	    "two at once are one");
	IS(used, 7, "and the other is left");
	IS(feed(r, "220 a\0b\r\n", 9, 9, &used), FTP_REPLY_NUL, "a NUL");
}

static void
check_bounds(struct ftp_reply *r)
{
	static char bytes[FTP_REPLY_MAX + 2 * FTP_LINE_MAX];
	size_t len, used, i;

	memset(bytes, 'x', sizeof bytes);
	memcpy(bytes, "220 ", 4);
	memcpy(bytes + FTP_LINE_MAX, "\r\n", 2);
	IS(feed(r, bytes, sizeof bytes, 1000, &used), FTP_REPLY_DONE,
	    "the longest line");
	memcpy(bytes + FTP_LINE_MAX, "x\r\n", 3);
	IS(feed(r, bytes, sizeof bytes, 1000, &used), FTP_REPLY_LONG,
	    "one byte more");

	for (len = 0, i = 0; i < FTP_REPLY_LINES - 1; i++, len += 5)
		memcpy(bytes + len, "220-\n", 5);
	memcpy(bytes + len, "220 \n", 5);
	IS(feed(r, bytes, len + 5, 1000, &used), FTP_REPLY_DONE,
	    "the most lines");
	memcpy(bytes + len, "220-\n220 \n", 10);
	IS(feed(r, bytes, len + 10, 1000, &used), FTP_REPLY_LONG,
	    "one line more");

	memset(bytes, 'x', sizeof bytes);
	for (i = 0; i < sizeof bytes; i += 4000)
		memcpy(bytes + i, "\n220-", 5);
	IS(feed(r, bytes + 1, sizeof bytes - 1, 1000, &used), FTP_REPLY_LONG,
	    "long lines are too much together");
	OK(used <= FTP_REPLY_MAX + 1, "and no more than that was read");
}

static void
check_ports(void)
{
	static const struct {
		const char *text;
		int port; /* 0: refused */
	} pasv[] =
	    {
		{"Entering Passive Mode (127,0,0,1,200,10).", 51210},
		{"Entering Passive Mode 127,0,0,1,200,10", 51210},
		{"Entering Passive Mode 127,0,0,1,200,10.", 51210},
		{"(1,2,3,4,4,0)", 1024},
		{"(1,2,3,4,3,255)", 0},
		{"(255,255,255,255,255,255)", 65535},
		{"(256,0,0,1,200,10)", 0},
		{"(127,0,0,1,200,256)", 0},
		{"(127,0,0,1,4294967496,10)", 0},
		{"(127,0,0,1,-200,10)", 0},
		{"(127,0,0,1,+200,10)", 0},
		{"(127,0,0,1,0200,10)", 0},
		{"(127,0,0,1, 200,10)", 0},
		{"(127,0,0,1,200)", 0},
		{"(127,0,0,1,200,)", 0},
		{"(127,0,0,1,200,10,1)", 0},
		{"(127,0,0,1,200,10", 0},
		{"127,0,0,1,200,10)", 0},
		{"mode=127,0,0,1,200,10", 0},
		{"()", 0},
		{"", 0},
	    },
	  epsv[] = {
	      {"Entering Extended Passive Mode (|||1024|)", 1024},
	      {"(|||65535|) thank you", 65535},
	      {"(!!!51210!)", 51210},
	      {"(~~~51210~)", 51210},
	      {"(|||1023|)", 0},
	      {"(|||65536|)", 0},
	      {"(|||4294968320|)", 0},
	      {"(|||-1|)", 0},
	      {"(||| 51210|)", 0},
	      {"(|||051210|)", 0},
	      {"(||||)", 0},
	      {"(|1|127.0.0.1|51210|)", 0},
	      {"(|1||51210|)", 0},
	      {"(||51210|)", 0},
	      {"(|||51210)", 0},
	      {"(|||51210|", 0},
	      {"(   51210 )", 0},
	      {"(\x7f\x7f\x7f"
	       "51210\x7f)",
		  0},
	      {"|||51210|", 0},
	      {"(", 0},
	      {"", 0},
	  };
	uint16_t port;
	size_t i;

	for (i = 0; i < sizeof pasv / sizeof *pasv; i++) {
		port = 0;
		IS(ftp_reply_pasv(pasv[i].text, &port),
		    pasv[i].port > 0 ? 0 : -1, pasv[i].text);
		IS(port, pasv[i].port, "its port");
	}
	for (i = 0; i < sizeof epsv / sizeof *epsv; i++) {
		port = 0;
		IS(ftp_reply_epsv(epsv[i].text, &port),
		    epsv[i].port > 0 ? 0 : -1, epsv[i].text);
		IS(port, epsv[i].port, "its port");
	}
}

static void
check_numbers(void)
{
	uint64_t size = 7;
	int64_t us = 7;
	uint8_t md5[16];

	IS(ftp_reply_size("9223372036854775807", &size), 0, "a large size");
	IS(size, INT64_MAX, "its value");
	IS(ftp_reply_size("9223372036854775808", &size), -1, "past that");
	IS(ftp_reply_size("12 ", &size), -1, "a blank behind");
	IS(ftp_reply_size("", &size), -1, "no size");
	IS(ftp_reply_mtime("20260102030405", &us), 0, "a time");
	IS(us, INT64_C(1767323045000000), "its value");
	IS(ftp_reply_mtime("20260102030405.25", &us), 0, "with a fraction");
	IS(us, INT64_C(1767323045250000), "its value");
	IS(ftp_reply_mtime("20260102030405.1234567", &us), 0, "a long one");
	IS(us, INT64_C(1767323045123456), "is cut");
	IS(ftp_reply_mtime("20261302030405", &us), -1, "a 13th month");
	IS(ftp_reply_mtime("2026010203040", &us), -1, "a digit less");
	IS(ftp_reply_mtime("20260102030405.", &us), -1, "an empty fraction");
	IS(ftp_reply_mtime("20260102030405Z", &us), -1, "a letter");
	IS(ftp_reply_md5("5D41402ABC4B2A76B9719D911017C592", md5), 0, "an MD5");
	IS(md5[0], 0x5d, "its first byte");
	IS(ftp_reply_md5("a.tar 5d41402abc4b2a76b9719d911017c592", md5), 0,
	    "behind a name");
	IS(ftp_reply_md5("5d41402abc4b2a76b9719d911017c59", md5), -1,
	    "a digit less");
	IS(ftp_reply_md5("5d41402abc4b2a76b9719d911017c592 "
			 "5d41402abc4b2a76b9719d911017c592",
	       md5),
	    -1, "two of them");
}

static void
check_features(struct ftp_reply *r)
{
	static const char text[] = "211-Have:\r\n SIZE\r\n rest STREAM\r\n"
				   " MDTM*\r\n211 End SIZ\r\n";
	size_t used;

	feed(r, text, sizeof text - 1, sizeof text, &used);
	OK(ftp_reply_feature(r, "SIZE"), "a feature");
	OK(ftp_reply_feature(r, "REST STREAM"), "of two words, any case");
	OK(ftp_reply_feature(r, "REST"), "its first word alone");
	OK(!ftp_reply_feature(r, "SIZ"), "not a part of a word");
	OK(!ftp_reply_feature(r, "MDTM"), "nor one that is longer");
	OK(!ftp_reply_feature(r, "Have:"), "not the first line");
	OK(!ftp_reply_feature(r, "End"), "not the last line");
}

int
main(void)
{
	struct ftp_reply *r = malloc(sizeof *r);

	if (r == NULL)
		return 1;
	check_answers(r);
	check_bounds(r);
	check_ports();
	check_numbers();
	check_features(r);
	free(r);
	return tap_done();
}
