/* net/ftp_url: addresses, read strictly and written again. */

#include "net/ftp_url.h"

#include "tests/tap.h"

static void
check_good(void)
{
	static const struct {
		const char *url, *user, *host;
		int port;
		const char *path, *again;
	} rows[] = {
	    {"ftp://h/a/b.tar", "", "h", 21, "a/b.tar", "ftp://h/a/b.tar"},
	    {"ftp://h", "", "h", 21, "", "ftp://h/"},
	    {"ftp://h/", "", "h", 21, "", "ftp://h/"},
	    {"ftp://h:2121/a/", "", "h", 2121, "a", "ftp://h:2121/a"},
	    {"ftp://me@h/a", "me", "h", 21, "a", "ftp://h/a"},
	    {"ftp://me%40home@h/a", "me@home", "h", 21, "a", "ftp://h/a"},
	    {"ftp://me%3ax@h/a", "me:x", "h", 21, "a", "ftp://h/a"},
	    {"ftp://[::1]:21/a", "", "::1", 21, "a", "ftp://[::1]/a"},
	    {"ftp://192.0.2.1/%2Fetc/motd", "", "192.0.2.1", 21, "/etc/motd",
		"ftp://192.0.2.1/%2Fetc/motd"},
	    {"ftp://h/%2f", "", "h", 21, "/", "ftp://h/%2F"},
	    {"ftp://h/a%20b", "", "h", 21, "a b", "ftp://h/a%20b"},
	    {"ftp://h/a b", "", "h", 21, "a b", "ftp://h/a%20b"},
	    {"ftp://h/\xc3\xa9", "", "h", 21, "\xc3\xa9", "ftp://h/%C3%A9"},
	    {"ftp://h/%25%3b%23%3f", "", "h", 21, "%;#?",
		"ftp://h/%25%3B%23%3F"},
	    {"ftp://h/x%22'", "", "h", 21, "x\"'", "ftp://h/x%22%27"},
	    {"ftp://h/a;type=i", "", "h", 21, "a", "ftp://h/a"},
	    {"ftp://h/...", "", "h", 21, "...", "ftp://h/..."},
	    {"ftp://h/-a", "", "h", 21, "-a", "ftp://h/-a"},
	};
	struct buf b = BUF_INIT;
	struct ftp_url u, v;
	struct err e;
	size_t i;

	for (i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (!OK(ftp_url_parse(&u, rows[i].url, &e) == 0, "%s",
			rows[i].url))
			continue;
		IS_STR(u.user, rows[i].user, "its user");
		IS_STR(u.host, rows[i].host, "its host");
		IS(u.port, rows[i].port, "its port");
		IS_STR(u.path, rows[i].path, "its path");
		buf_reset(&b);
		IS(ftp_url_format(&b, &u), 0, "it is written again");
		IS_STR(buf_text(&b), rows[i].again, "without the user");
		IS(ftp_url_parse(&v, buf_text(&b), &e), 0, "and read again");
		IS_STR(v.path, rows[i].path, "the same path");
	}
	buf_free(&b);
}

static void
check_bad(void)
{
	static const char *const bad[] = {"", "ftp:/h/a", "http://h/a",
	    "FTP://h/a", "ftp://", "ftp:///a", "ftp://h:0/a", "ftp://h:65536/a",
	    "ftp://h:/a", "ftp://::1/a", "ftp://@h/a", "ftp://127.1/a",
	    "ftp://h//a", "ftp://h/a//b", "ftp://h/a//", "ftp://h/.",
	    "ftp://h/..", "ftp://h/a/../b", "ftp://h/%2e%2e/b", "ftp://h/a%2Fb",
	    "ftp://h/a/%2Fb", "ftp://h/%2F%2Fb", "ftp://h/%2F/b", "ftp://h/a%",
	    "ftp://h/a%2", "ftp://h/a%zz", "ftp://h/a%0d%0aDELE",
	    "ftp://h/a%0a", "ftp://h/a%00", "ftp://h/a%7f", "ftp://h/a%ff",
	    "ftp://h/a\nb", "ftp://h/a\xff", "ftp://h/a%c2%85",
	    "ftp://u%0a@h/a", "ftp://u%ff@h/a", "ftp://h/a?b", "ftp://h/a#b",
	    "ftp://h/a;b", "ftp://h/a;type=a", "ftp://h/a;type=d",
	    "ftp://h/a;type="};
	char url[FTP_PATH_MAX + 32];
	struct ftp_url u;
	struct err e;
	size_t i;

	for (i = 0; i < sizeof bad / sizeof *bad; i++) {
		OK(ftp_url_parse(&u, bad[i], &e) != 0, "refused: %s",
		    strchr(bad[i], '\n') == NULL ? bad[i] : "a line end");
		IS(e.kind, ERR_USAGE, "as wrong use");
	}
	snprintf(url, sizeof url, "ftp://h/%0*d", FTP_PATH_MAX, 7);
	IS(ftp_url_parse(&u, url, &e), 0, "the longest path");
	snprintf(url, sizeof url, "ftp://h/%0*d", FTP_PATH_MAX + 1, 7);
	IS(ftp_url_parse(&u, url, &e), -1, "one byte more");

	OK(ftp_url_parse(&u, "ftp://me:s3cret@h/a", &e) != 0, "a password");
	OK(strstr(e.text, "s3cret") == NULL, "and it is not shown");
	OK(strstr(e.text, "netrc") != NULL, "but where it belongs");
	OK(ftp_url_parse(&u, "ftp://me:s3@cret@h/a", &e) != 0,
	    "a password with an '@'");
	OK(strstr(e.text, "s3") == NULL && strstr(e.text, "cret") == NULL,
	    "neither part is shown");
}

int
main(void)
{
	struct ftp_url u;
	struct err e;

	check_good();
	check_bad();
	ftp_url_parse(&u, "ftp://h/a/b", &e);
	IS_STR(ftp_url_name(&u), "b", "the last part");
	ftp_url_parse(&u, "ftp://h/", &e);
	IS_STR(ftp_url_name(&u), "", "there is none");
	OK(ftp_can_send("a b\xc3\xa9") && !ftp_can_send("a\rb") &&
		!ftp_can_send("\x7f") && !ftp_can_send("\xff"),
	    "what can be sent");
	return tap_done();
}
