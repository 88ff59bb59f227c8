#ifndef NET_NETRC_H
#define NET_NETRC_H

#include <stddef.h>

#include "base/err.h"
#include "net/ftp_url.h"

/*
 * Who logs in where. A ~/.netrc has words, parted by blanks and line ends:
 *
 *	machine HOST [login USER] [password WORD] [account WORD]
 *	default [login USER] [password WORD]
 *	macdef NAME  (lines, up to an empty one: passed over)
 *
 * A word may stand in double quotes, with \" and \\ in it. From '#', where
 * a keyword could stand, to the end of the line is passed over.
 */

#define NETRC_FILE_MAX   65536
#define FTP_PASSWORD_MAX 255

struct ftp_login {
	char user[FTP_USER_MAX + 1];
	char password[FTP_PASSWORD_MAX + 1]; /* "": none is known */
};

/*
 * The first entry, from the front, for this machine (case does not matter) or,
 * unless named is set, for all, whose login is user; with user "" any, and an
 * entry without a login is anybody's. Pure. 0 with *out (a user that the entry
 * does not tell is as asked); 1: none; -1: the text is no such file (ERR_LOCAL,
 * with the line; no word of it is shown).
 */
int netrc_find(struct ftp_login *out, const char *text, size_t len,
    const char *machine, const char *user, int named, struct err *e);

/*
 * Who gave an address, and so what may be sent there. FTP hides nothing, so a
 * password is for the machines that its owner chose, whoever signs addresses.
 */
enum ftp_giver {
	FTP_GIVEN_HERE,   /* by who runs this, for this: all that is known */
	FTP_GIVEN_SIGNED, /* by a document: what the .netrc has for this very
			     machine, by its name */
	FTP_GIVEN_TOLD,   /* by who has signed nothing: no password at all */
};

/*
 * Who to log in as: the entry of $HOME/.netrc; else, where the address has a
 * user and was given here, that one with the environment's
 * HOTFIX_FTP_PASSWORD; else anonymous. A .netrc with a password in the entry
 * must be ours and hidden from others. 0, or -1 (ERR_LOCAL).
 */
int ftp_login_find(struct ftp_login *out, const struct ftp_url *u,
    enum ftp_giver giver, struct err *e);

#endif
