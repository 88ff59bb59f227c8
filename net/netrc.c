/* Who logs in where: ~/.netrc and the environment. */

#include "net/netrc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"

#define WORD_MAX 512 /* no host, user or password is longer */
#define ANON     "anonymous"
#define ANON_WORD                                                   \
	"hotfix@" /* an address is asked for (RFC 1635), not needed \
		   */

/* --- words -----------------------------------------------------------------
 */

struct reader {
	const char *at, *end;
	size_t line;
	char word[WORD_MAX + 1];
	const char *bad; /* what is wrong with the file */
};

static int
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void
skip_blanks(struct reader *r)
{
	for (; r->at < r->end && is_blank(*r->at); r->at++)
		if (*r->at == '\n')
			r->line++;
}

static void
skip_line(struct reader *r)
{
	while (r->at < r->end && *r->at != '\n')
		r->at++;
}

/* The body of a macro: up to a line with nothing in it. */
static void
skip_macro(struct reader *r)
{
	const char *start;

	skip_line(r);
	while (r->at < r->end) {
		r->at++;
		r->line++;
		start = r->at;
		skip_line(r);
		if (r->at == start || (r->at == start + 1 && *start == '\r'))
			return;
	}
}

/* The next word. 1, or 0: there is none, or it is bad. */
static int
next_word(struct reader *r)
{
	size_t n = 0;
	int quoted;
	char c;

	skip_blanks(r);
	if (r->at == r->end)
		return 0;
	quoted = *r->at == '"';
	if (quoted)
		r->at++;
	for (; r->at < r->end; r->at++) {
		c = *r->at;
		if (quoted ? c == '"' || c == '\n' : is_blank(c))
			break;
		if (quoted && c == '\\' && r->at + 1 < r->end)
			c = *++r->at;
		if (n == WORD_MAX || c == '\0') {
			r->bad = "a word that is too long, or with a NUL";
			return 0;
		}
		r->word[n++] = c;
	}
	if (quoted && (r->at == r->end || *r->at != '"')) {
		r->bad = "a quote that has no end";
		return 0;
	}
	if (quoted)
		r->at++;
	r->word[n] = '\0';
	return 1;
}

/* The next keyword, past remarks. */
static int
next_keyword(struct reader *r)
{
	skip_blanks(r);
	while (r->at < r->end && *r->at == '#') {
		skip_line(r);
		skip_blanks(r);
	}
	return next_word(r);
}

/* --- entries ---------------------------------------------------------------
 */

struct entry {
	int matches; /* the machine */
	int has_login;
	struct ftp_login login;
};

/* The word behind a keyword into out. 0 or -1. */
static int
take_word(struct reader *r, const char *what, char *out, size_t size)
{
	if (!next_word(r)) {
		if (r->bad == NULL)
			r->bad = "a keyword without its word";
		return -1;
	}
	if (strlen(r->word) >= size) {
		r->bad = what;
		return -1;
	}
	memcpy(out, r->word, strlen(r->word) + 1);
	return 0;
}

/* 1 when the entry is the one that is sought; it is put into out. */
static int
is_it(const struct entry *en, const char *user, struct ftp_login *out)
{
	if (!en->matches || (user[0] != '\0' && en->has_login &&
				strcmp(en->login.user, user) != 0))
		return 0;
	*out = en->login;
	if (!en->has_login)
		snprintf(out->user, sizeof out->user, "%s", user);
	return 1;
}

/* 1 with out; 0: none; -1 with r->bad. */
static int
find(struct reader *r, struct ftp_login *out, const char *machine,
    const char *user, int named)
{
	char host[WORD_MAX + 1];
	struct entry en;

	memset(&en, 0, sizeof en);
	while (next_keyword(r)) {
		if (strcmp(r->word, "machine") == 0 ||
		    strcmp(r->word, "default") == 0) {
			if (is_it(&en, user, out))
				return 1;
			memset(&en, 0, sizeof en);
			en.matches = r->word[0] == 'd' && !named;
			if (r->word[0] != 'd') {
				if (take_word(r, "", host, sizeof host) != 0)
					return -1;
				en.matches = strcasecmp(host, machine) == 0;
			}
		} else if (strcmp(r->word, "login") == 0) {
			if (take_word(r, "a login that is too long",
				en.login.user, sizeof en.login.user) != 0)
				return -1;
			en.has_login = 1;
		} else if (strcmp(r->word, "password") == 0) {
			if (take_word(r, "a password that is too long",
				en.login.password,
				sizeof en.login.password) != 0)
				return -1;
		} else if (strcmp(r->word, "account") == 0) {
			if (take_word(r, "", host, sizeof host) != 0)
				return -1;
		} else if (strcmp(r->word, "macdef") == 0) {
			skip_macro(r);
		} else {
			r->bad = "a word where a keyword is expected";
			return -1;
		}
	}
	if (r->bad != NULL)
		return -1;
	return is_it(&en, user, out);
}

int
netrc_find(struct ftp_login *out, const char *text, size_t len,
    const char *machine, const char *user, int named, struct err *e)
{
	struct reader r;
	int found;

	memset(&r, 0, sizeof r);
	r.at = text;
	r.end = text + len;
	r.line = 1;
	memset(out, 0, sizeof *out);
	found = find(&r, out, machine, user, named);
	if (found < 0)
		return err_set(e, ERR_LOCAL, "line %zu: %s", r.line, r.bad);
	return found ? 0 : 1;
}

/* --- where they come from --------------------------------------------------
 */

/* The text of a file that belongs to us; *open_to_others says whether others
 * may read it. 0; 1: there is none; -1 with err. */
static int
read_netrc(const char *path, struct buf *text, int *open_to_others,
    struct err *e)
{
	struct stat st;

	if (stat(path, &st) != 0) {
		if (errno == ENOENT || errno == ENOTDIR)
			return 1;
		return err_errno(e, ERR_LOCAL, "%s", path);
	}
	if (st.st_uid != geteuid())
		return err_set(e, ERR_LOCAL, "%s: belongs to another user",
		    path);
	*open_to_others = (st.st_mode & (S_IRWXG | S_IRWXO)) != 0;
	return file_read(path, NETRC_FILE_MAX, text, e);
}

/* As netrc_find, of the file in the home folder. */
static int
find_at_home(struct ftp_login *out, const struct ftp_url *u, int named,
    struct err *e)
{
	const char *home = getenv("HOME");
	struct buf text = BUF_INIT;
	struct err why = {ERR_NONE, ""};
	char *path = NULL;
	int shared = 0;
	int ret = -1;

	if (home == NULL || *home == '\0')
		return 1;
	path = file_join(home, ".netrc");
	if (path == NULL) {
		err_set(e, ERR_LOCAL, "out of memory");
		goto out;
	}
	ret = read_netrc(path, &text, &shared, e);
	if (ret != 0)
		goto out;
	ret = netrc_find(out, (const char *)text.data, text.len, u->host,
	    u->user, named, &why);
	if (ret < 0)
		err_set(e, ERR_LOCAL, "%s: %s", path, why.text);
	else if (ret == 0 && out->password[0] != '\0' && shared)
		ret = err_set(e, ERR_LOCAL,
		    "%s: others may read the passwords in it (chmod 600)",
		    path);
out:
	buf_free(&text);
	free(path);
	return ret;
}

int
ftp_login_find(struct ftp_login *out, const struct ftp_url *u,
    enum ftp_giver giver, struct err *e)
{
	const char *password =
	    giver == FTP_GIVEN_HERE ? getenv("HOTFIX_FTP_PASSWORD") : NULL;
	int found = 1;

	if (giver != FTP_GIVEN_TOLD)
		found = find_at_home(out, u, giver != FTP_GIVEN_HERE, e);
	if (found < 0)
		return -1;
	if (found == 1) {
		memset(out, 0, sizeof *out);
		memcpy(out->user, u->user, sizeof out->user);
	}
	if (found == 1 && u->user[0] != '\0' && password != NULL) {
		if (strlen(password) > FTP_PASSWORD_MAX)
			return err_set(e, ERR_LOCAL,
			    "HOTFIX_FTP_PASSWORD: longer than %d bytes",
			    FTP_PASSWORD_MAX);
		memcpy(out->password, password, strlen(password) + 1);
	}
	if (out->user[0] == '\0')
		memcpy(out->user, ANON, sizeof ANON);
	if (strcmp(out->user, ANON) == 0 && out->password[0] == '\0')
		memcpy(out->password, ANON_WORD, sizeof ANON_WORD);
	if (!ftp_can_send(out->user) || !ftp_can_send(out->password))
		return err_set(e, ERR_LOCAL,
		    "the user or password for %s has bytes in it that cannot"
		    " be sent",
		    u->host);
	return 0;
}
