/* net/netrc: who logs in where. */

#include "net/netrc.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "tests/tap.h"

static void
check_entries(void)
{
	static const struct {
		const char *text, *machine, *user;
		int r;
		const char *login, *password;
	} rows[] = {
	    {"", "h", "", 1, "", ""},
	    {"machine h login me password pw", "h", "", 0, "me", "pw"},
	    {"machine\nH\tlogin\r\nme\npassword pw\n", "h", "", 0, "me", "pw"},
	    {"machine a login x password y\nmachine h login me password pw\n",
		"h", "", 0, "me", "pw"},
	    {"machine h login a password 1\nmachine h login b password 2\n",
		"h", "b", 0, "b", "2"},
	    {"machine h login a password 1\nmachine h login b password 2\n",
		"h", "c", 1, "", ""},
	    {"machine h password pw", "h", "me", 0, "me", "pw"},
	    {"machine h password pw", "h", "", 0, "", "pw"},
	    {"machine a password x\ndefault login me password pw\n", "h", "", 0,
		"me", "pw"},
	    {"default login me password pw\nmachine h login u password x\n",
		"h", "", 0, "me", "pw"},
	    {"default login me password pw\nmachine h login u password x\n",
		"h", "u", 0, "u", "x"},
	    {"machine h login me account acc password pw", "h", "", 0, "me",
		"pw"},
	    {"# all of it\nmachine h # of us\nlogin me password #1\n", "h", "",
		0, "me", "#1"},
	    {"machine h login me password \"a b\\\"c\\\\d\"", "h", "", 0, "me",
		"a b\"c\\d"},
	    {"macdef init\nmachine h\nlogin x\n\nmachine h login me", "h", "",
		0, "me", ""},
	    {"machine h macdef init\r\nlogin x\r\n\r\nlogin me", "h", "", 0,
		"me", ""},
	    {"machine", "h", "", -1, "", ""},
	    {"machine h login", "h", "", -1, "", ""},
	    {"machine h login me password", "h", "", -1, "", ""},
	    {"machine h pasword pw", "h", "", -1, "", ""},
	    {"machine h password \"pw", "h", "", -1, "", ""},
	    {"machine h password \"pw\n\"", "h", "", -1, "", ""},
	};
	struct ftp_login l;
	struct err e;
	size_t i;
	int r;

	for (i = 0; i < sizeof rows / sizeof *rows; i++) {
		r = netrc_find(&l, rows[i].text, strlen(rows[i].text),
		    rows[i].machine, rows[i].user, 0, &e);
		IS(r, rows[i].r, "an entry is found or not");
		if (r == 0) {
			IS_STR(l.user, rows[i].login, "its login");
			IS_STR(l.password, rows[i].password, "its password");
		}
	}
	IS(netrc_find(&l, "machine a\nmachine h pasword s3cret", 33, "h", "", 0,
	       &e),
	    -1, "a wrong word");
	OK(strstr(e.text, "line 2") != NULL, "the line is told");
	OK(strstr(e.text, "s3cret") == NULL, "the word is not");
	IS(netrc_find(&l, "machine h login a\0b", 19, "h", "", 0, &e), -1,
	    "a NUL");
}

static void
write_netrc(const char *text, unsigned mode)
{
	struct err e;

	if (file_write(".netrc", text, strlen(text), mode, &e) != 0)
		printf("# %s\n", e.text);
}

/* The scratch folder is the home of the test. */
static void
check_find(void)
{
	struct ftp_login l;
	struct ftp_url u, me;
	struct err e;

	ftp_url_parse(&u, "ftp://h/a", &e);
	ftp_url_parse(&me, "ftp://me@h/a", &e);
	unsetenv("HOTFIX_FTP_PASSWORD");
	IS(ftp_login_find(&l, &u, FTP_GIVEN_HERE, &e), 0, "without a file");
	IS_STR(l.user, "anonymous", "nobody's name");
	OK(l.password[0] != '\0', "and something for a password");
	IS(ftp_login_find(&l, &me, FTP_GIVEN_HERE, &e), 0, "with a user");
	IS_STR(l.user, "me", "that one");
	IS_STR(l.password, "", "and no password");
	setenv("HOTFIX_FTP_PASSWORD", "env", 1);
	ftp_login_find(&l, &me, FTP_GIVEN_HERE, &e);
	IS_STR(l.password, "env", "the environment's");
	ftp_login_find(&l, &u, FTP_GIVEN_HERE, &e);
	IS_STR(l.user, "anonymous", "which is nobody else's");

	write_netrc("machine h login me password file\n", 0600);
	ftp_login_find(&l, &me, FTP_GIVEN_HERE, &e);
	IS_STR(l.password, "file", "the file goes before it");
	ftp_login_find(&l, &u, FTP_GIVEN_HERE, &e);
	IS_STR(l.user, "me", "also without a user");
	write_netrc("machine h login me password file\n", 0640);
	IS(ftp_login_find(&l, &u, FTP_GIVEN_HERE, &e), -1,
	    "a file that others read");
	IS(e.kind, ERR_LOCAL, "local trouble");
	OK(strstr(e.text, "chmod 600") != NULL, "what to do is told");
	write_netrc("machine h login me\n", 0644);
	IS(ftp_login_find(&l, &u, FTP_GIVEN_HERE, &e), 0,
	    "without a password all may");
	write_netrc("machine h nonsense\n", 0600);
	IS(ftp_login_find(&l, &u, FTP_GIVEN_HERE, &e), -1,
	    "a file that is none");
	write_netrc("machine h login me password \"a\rb\"\n", 0600);
	IS(ftp_login_find(&l, &u, FTP_GIVEN_HERE, &e), -1,
	    "a password with a line end");
	unlink(".netrc");
	setenv("HOTFIX_FTP_PASSWORD", "a\nDELE b", 1);
	IS(ftp_login_find(&l, &me, FTP_GIVEN_HERE, &e), -1,
	    "one in the environment");
	unsetenv("HOTFIX_FTP_PASSWORD");
	unsetenv("HOME");
	IS(ftp_login_find(&l, &u, FTP_GIVEN_HERE, &e), 0, "without a home");
}

/* A document may name any machine there is. */
static void
check_giver(void)
{
	static const char *const texts[] = {
	    "default login me password all\nmachine H login me password its\n",
	    "machine x login me password x\ndefault login me password all\n",
	};
	struct ftp_login l;
	struct ftp_url u, me;
	struct err e;

	setenv("HOME", ".", 1);
	setenv("HOTFIX_FTP_PASSWORD", "env", 1);
	ftp_url_parse(&u, "ftp://h/a", &e);
	ftp_url_parse(&me, "ftp://me@h/a", &e);
	write_netrc(texts[0], 0600);
	IS(ftp_login_find(&l, &u, FTP_GIVEN_HERE, &e), 0, "given here");
	IS_STR(l.password, "all", "default counts for what is given here");
	IS(ftp_login_find(&l, &u, FTP_GIVEN_SIGNED, &e), 0, "signed");
	IS_STR(l.password, "its", "a signed one gets what names its machine");
	IS(ftp_login_find(&l, &u, FTP_GIVEN_TOLD, &e), 0, "told");
	IS_STR(l.user, "anonymous", "and one that is told nothing");
	IS_STR(l.password, "hotfix@", "not even that");

	write_netrc(texts[1], 0600);
	IS(ftp_login_find(&l, &u, FTP_GIVEN_SIGNED, &e), 0, "another machine");
	IS_STR(l.user, "anonymous", "default is not for a signed address");
	IS_STR(l.password, "hotfix@", "nor is its password");
	IS(ftp_login_find(&l, &me, FTP_GIVEN_SIGNED, &e), 0, "with a user");
	IS_STR(l.password, "", "nor is the environment's");
	unlink(".netrc");
	unsetenv("HOTFIX_FTP_PASSWORD");
}

int
main(void)
{
	check_entries();
	check_giver();
	check_find();
	return tap_done();
}
