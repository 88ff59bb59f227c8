/* Answers of an FTP server. */

#include "net/ftp_reply.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/hex.h"
#include "base/num.h"
#include "base/timetext.h"

#define CODE_LEN     3
#define PORT_LOW_END 1024 /* below are services, which nobody listens on */
#define PORT_MAX     65535
#define STAMP_LEN    14 /* YYYYMMDDhhmmss */
#define FRACTION_MAX 6

void
ftp_reply_init(struct ftp_reply *r)
{
	r->code = 0;
	r->text[0] = '\0';
	r->len = 0;
	r->line = 0;
	r->lines = 0;
	r->multi = 0;
	r->state = FTP_REPLY_MORE;
}

static int
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The code in front of a line; 0: none. */
static int
code_of(const char *line, size_t len)
{
	if (len < CODE_LEN || line[0] < '1' || line[0] > '5' ||
	    !is_digit(line[1]) || !is_digit(line[2]))
		return 0;
	return (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
}

/* A line is complete: what it is to the answer. */
static enum ftp_reply_result
end_line(struct ftp_reply *r)
{
	const char *line = r->text + r->line;
	size_t len = r->len - r->line;
	int code = code_of(line, len);
	char mark = len > CODE_LEN ? line[CODE_LEN] : '\0';

	r->lines++;
	if (r->lines == 1) {
		if (code == 0 || (mark != ' ' && mark != '-' && mark != '\0'))
			return FTP_REPLY_CODE;
		r->code = code;
		r->multi = mark == '-';
		return r->multi ? FTP_REPLY_MORE : FTP_REPLY_DONE;
	}
	if (code != 0 && mark == ' ')
		return code == r->code ? FTP_REPLY_DONE : FTP_REPLY_MIXED;
	return FTP_REPLY_MORE;
}

static enum ftp_reply_result
take(struct ftp_reply *r, char c)
{
	enum ftp_reply_result state;

	if (c == '\0')
		return FTP_REPLY_NUL;
	if (c == '\n') {
		if (r->len > r->line && r->text[r->len - 1] == '\r')
			r->len--;
		state = end_line(r);
		if (state != FTP_REPLY_MORE) {
			r->text[r->len] = '\0';
			return state;
		}
		if (r->lines == FTP_REPLY_LINES)
			return FTP_REPLY_LONG;
	} else if (r->len - r->line == FTP_LINE_MAX && c != '\r') {
		return FTP_REPLY_LONG;
	} else if (r->len - r->line > FTP_LINE_MAX) {
		return FTP_REPLY_LONG;
	}
	if (r->len == FTP_REPLY_MAX)
		return FTP_REPLY_LONG;
	r->text[r->len++] = c;
	if (c == '\n')
		r->line = r->len;
	return FTP_REPLY_MORE;
}

enum ftp_reply_result
ftp_reply_feed(struct ftp_reply *r, const uint8_t *bytes, size_t len,
    size_t *used)
{
	size_t i = 0;

	while (i < len && r->state == FTP_REPLY_MORE)
		r->state = take(r, (char)bytes[i++]);
	*used = i;
	return r->state;
}

const char *
ftp_reply_text(const struct ftp_reply *r)
{
	const char *line = r->text + r->line;

	if (r->len - r->line <= CODE_LEN)
		return line + (r->len - r->line);
	return line + CODE_LEN + 1;
}

const char *
ftp_reply_strerror(enum ftp_reply_result r)
{
	switch (r) {
	case FTP_REPLY_MORE:
	case FTP_REPLY_DONE:
		break;
	case FTP_REPLY_LONG:
		return "the server's answer has no end";
	case FTP_REPLY_CODE:
		return "what the server says is no FTP";
	case FTP_REPLY_NUL:
		return "the server's answer has a NUL in it";
	case FTP_REPLY_MIXED:
		return "the server's answer has another one in it";
	}
	return "the server's answer is good";
}

/* --- what answers tell -----------------------------------------------------
 */

/* A number up to max at *at, which goes behind it. 0 or -1. */
static int
take_number(const char **at, uint64_t max, uint64_t *out)
{
	size_t len = 0;

	while (is_digit((*at)[len]))
		len++;
	if (num_parse(*at, len, max, out) != NUM_OK)
		return -1;
	*at += len;
	return 0;
}

int
ftp_reply_pasv(const char *text, uint16_t *port)
{
	const char *at = strchr(text, '(');
	int brackets = at != NULL;
	uint64_t n[6];
	size_t i;

	if (brackets) {
		at++;
	} else {
		at = text + strcspn(text, "0123456789");
		if (at > text && at[-1] != ' ')
			return -1;
	}
	for (i = 0; i < 6; i++) {
		if (i > 0 && *at++ != ',')
			return -1;
		if (take_number(&at, 255, &n[i]) != 0)
			return -1;
	}
	if (brackets ? *at != ')' : *at != '\0' && *at != ' ' && *at != '.')
		return -1;
	if (n[4] * 256 + n[5] < PORT_LOW_END)
		return -1;
	*port = (uint16_t)(n[4] * 256 + n[5]);
	return 0;
}

int
ftp_reply_epsv(const char *text, uint16_t *port)
{
	const char *at = strchr(text, '(');
	const char *end;
	uint64_t n;
	char d;

	if (at == NULL)
		return -1;
	d = at[1];
	if (d < 33 || d > 126 || at[2] != d || at[3] != d)
		return -1;
	at += 4;
	end = strchr(at, d);
	if (end == NULL || end[1] != ')' ||
	    num_parse(at, (size_t)(end - at), PORT_MAX, &n) != NUM_OK ||
	    n < PORT_LOW_END)
		return -1;
	*port = (uint16_t)n;
	return 0;
}

int
ftp_reply_size(const char *text, uint64_t *size)
{
	return num_parse(text, strlen(text), INT64_MAX, size) == NUM_OK ? 0
									: -1;
}

int
ftp_reply_mtime(const char *text, int64_t *us)
{
	char iso[TIMETEXT_SIZE];
	size_t len = strlen(text), fraction = 0;

	if (len < STAMP_LEN || strspn(text, "0123456789") != STAMP_LEN)
		return -1;
	if (len > STAMP_LEN) {
		fraction = strspn(text + STAMP_LEN + 1, "0123456789");
		if (text[STAMP_LEN] != '.' || fraction == 0 ||
		    len != STAMP_LEN + 1 + fraction)
			return -1;
		if (fraction > FRACTION_MAX)
			fraction = FRACTION_MAX;
	}
	snprintf(iso, sizeof iso, "%.4s-%.2s-%.2sT%.2s:%.2s:%.2s%.*sZ", text,
	    text + 4, text + 6, text + 8, text + 10, text + 12,
	    fraction > 0 ? (int)fraction + 1 : 0, text + STAMP_LEN);
	return timetext_parse(iso, strlen(iso), us);
}

int
ftp_reply_md5(const char *text, uint8_t md5[16])
{
	static const char digits[] = "0123456789abcdefABCDEF";
	char lower[2 * 16 + 1];
	int found = 0;
	size_t len, i;

	for (; *text != '\0'; text += len) {
		text += strspn(text, " ");
		len = strcspn(text, " ");
		if (len != 2 * 16 || strspn(text, digits) != len)
			continue;
		if (found)
			return -1;
		found = 1;
		for (i = 0; i < len; i++)
			lower[i] = (char)(text[i] >= 'A' && text[i] <= 'F'
					      ? text[i] + 'a' - 'A'
					      : text[i]);
	}
	return found ? hex_decode(md5, 16, lower, 2 * 16) : -1;
}

int
ftp_reply_feature(const struct ftp_reply *r, const char *feature)
{
	size_t len = strlen(feature);
	const char *at = strchr(r->text, '\n');

	/* The first and the last line are no features; those in between begin
	 * with a blank. */
	while (at != NULL && at + 1 < r->text + r->line) {
		at++;
		if (*at == ' ' && strncasecmp(at + 1, feature, len) == 0 &&
		    (at[1 + len] == ' ' || at[1 + len] == '\n'))
			return 1;
		at = strchr(at, '\n');
	}
	return 0;
}
