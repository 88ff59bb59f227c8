/* Addresses of files on FTP servers. */

#include "net/ftp_url.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"

#define SHOWN 256 /* of an address in a message */

static const char scheme[] = "ftp://";

int
ftp_can_send(const char *text)
{
	const uint8_t *p = (const uint8_t *)text;

	for (; *p != '\0'; p++)
		if (*p < 32 || *p == 127 || *p == 255)
			return 0;
	return 1;
}

int
ftp_url_is(const char *text)
{
	return strncmp(text, scheme, sizeof scheme - 1) == 0;
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Clean text with its %XX resolved. The length, or -1: a bad %, what is not
 * clean, or more than size - 1 bytes. */
static long
decode(char *out, size_t size, const char *s, size_t len)
{
	size_t n = 0, i = 0;
	int high, low;

	while (i < len) {
		if (n + 1 >= size)
			return -1;
		if (s[i] != '%') {
			out[n++] = s[i++];
			continue;
		}
		if (len - i < 3)
			return -1;
		high = hex_value(s[i + 1]);
		low = hex_value(s[i + 2]);
		if (high < 0 || low < 0)
			return -1;
		out[n++] = (char)(high * 16 + low);
		i += 3;
	}
	out[n] = '\0';
	return text_is_clean(out, n) ? (long)n : -1;
}

/* Each fails with what is wrong, or NULL when nothing is. */

static const char *
parse_user(struct ftp_url *out, const char *s, size_t len)
{
	if (memchr(s, ':', len) != NULL)
		return "no password belongs into an address: put it into"
		       " ~/.netrc";
	if (decode(out->user, sizeof out->user, s, len) < 1)
		return "the user is no clean text";
	return NULL;
}

static const char *
parse_host(struct ftp_url *out, const char *s, size_t len)
{
	char text[SOCK_NAME_MAX + sizeof "[]:65535"];
	struct sock_target t;
	const char *colon;

	if (len >= sizeof text)
		return "the host is too long";
	memcpy(text, s, len);
	text[len] = '\0';
	/* As a part of an address, IPv6 always has its brackets. */
	colon = strchr(text, ':');
	if (text[0] != '[' && colon != NULL && strchr(colon + 1, ':') != NULL)
		return "an IPv6 address belongs into brackets";
	if (sock_target_parse(&t, text, FTP_PORT) != 0)
		return "no host and port";
	memcpy(out->host, t.address, sizeof out->host);
	out->port = t.port;
	return NULL;
}

static const char *
parse_path(struct ftp_url *out, const char *s, size_t len)
{
	static const char mark[] = FTP_TYPE_MARK;
	const size_t mark_len = sizeof mark - 1;
	size_t used = 0, part;
	long n;

	if (len > mark_len &&
	    memcmp(s + len - mark_len - 1, mark, mark_len) == 0) {
		if (s[len - 1] != 'i')
			return "files are moved as they are, ;type=i alone";
		len -= mark_len + 1;
	}
	if (memchr(s, ';', len) != NULL)
		return "';' in a path is written %3B";
	if (memchr(s, '#', len) != NULL || memchr(s, '?', len) != NULL)
		return "'#' and '?' in a path are written %23 and %3F";
	if (len >= 3 && strncasecmp(s, "%2f", 3) == 0) {
		out->path[used++] = '/';
		s += 3;
		len -= 3;
	}
	for (; len > 0; s += part, len -= part) {
		const char *slash = memchr(s, '/', len);
		char *at = out->path + used;

		part = slash != NULL ? (size_t)(slash - s) : len;
		if (part == 0)
			return "an empty part in the path; an absolute one"
			       " begins with %2F";
		n = decode(at, sizeof out->path - used, s, part);
		if (n < 0)
			return "the path is too long or no clean text";
		if (strchr(at, '/') != NULL)
			return "%2F stands at the front of a path alone";
		if (strcmp(at, ".") == 0 || strcmp(at, "..") == 0)
			return "a part . or .. in the path";
		used += (size_t)n;
		if (slash == NULL)
			break;
		part++;
		if (part == len)
			break;
		if (used + 1 >= sizeof out->path)
			return "the path is too long";
		out->path[used++] = '/';
	}
	out->path[used] = '\0';
	return NULL;
}

static const char *
parse(struct ftp_url *out, const char *url)
{
	const char *at, *slash, *why;
	size_t len;

	if (!ftp_url_is(url))
		return "not an address ftp://HOST/PATH";
	url += sizeof scheme - 1;
	len = strcspn(url, "/");
	slash = url + len;
	/* The last one: a user may have one that nobody escaped. */
	for (at = slash; at > url && at[-1] != '@'; at--)
		;
	if (at > url) {
		why = parse_user(out, url, (size_t)(at - url) - 1);
		if (why != NULL)
			return why;
	}
	why = parse_host(out, at, (size_t)(slash - at));
	if (why != NULL)
		return why;
	if (*slash == '/')
		slash++;
	return parse_path(out, slash, strlen(slash));
}

/* What may be shown of an address that is wrong: nothing of a password, which
 * stands before an '@'. */
static const char *
harmless(const char *url)
{
	const char *at = strrchr(url, '@');

	return at != NULL ? at + 1 : url;
}

int
ftp_url_parse(struct ftp_url *out, const char *url, struct err *e)
{
	char shown[SHOWN];
	const char *why, *rest;

	memset(out, 0, sizeof *out);
	why = parse(out, url);
	if (why == NULL)
		return 0;
	memset(out, 0, sizeof *out);
	rest = harmless(url);
	text_escape(shown, sizeof shown, rest, strlen(rest), 0);
	return err_set(e, ERR_USAGE, "%s%s: %s", rest != url ? "...@" : "",
	    shown, why);
}

/* What needs no escape in a path: what RFC 3986 2.3 leaves alone, and a few
 * that nobody takes for anything else. */
static int
is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') ||
	       (c != '\0' && strchr("-._~/+,=@", c) != NULL);
}

int
ftp_url_format(struct buf *out, const struct ftp_url *u)
{
	int v6 = strchr(u->host, ':') != NULL;
	const char *p = u->path;

	buf_printf(out, "%s%s%s%s", scheme, v6 ? "[" : "", u->host,
	    v6 ? "]" : "");
	if (u->port != FTP_PORT)
		buf_printf(out, ":%u", (unsigned)u->port);
	buf_puts(out, "/");
	if (*p == '/') {
		buf_puts(out, "%2F");
		p++;
	}
	for (; *p != '\0'; p++) {
		if (is_plain(*p))
			buf_append(out, p, 1);
		else
			buf_printf(out, "%%%02X", (unsigned)(uint8_t)*p);
	}
	return out->oom ? -1 : 0;
}

const char *
ftp_url_name(const struct ftp_url *u)
{
	const char *slash = strrchr(u->path, '/');

	return slash != NULL ? slash + 1 : u->path;
}
