/*
 * The fields of a document: every rule with a text that keeps it and one that
 * breaks it. All are signed by a key that may do everything.
 */

#include "tests/docs.h"
#include "tests/tap.h"
#include "update/doc_fields.h"

#define FIRST   "hotfix-update: 1\n"
#define ID      "id: 1795342500123456\n"
#define CREATED "created: 2026-11-22T10:15:00.123456Z\n"
#define FEATURE "feature: combat-damage\n"
#define BASIC   FIRST ID CREATED FEATURE

/* Digests of no bytes. */
#define MD5_0 "d41d8cd98f00b204e9800998ecf8427e"
#define SHA_0                                                              \
	"cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce" \
	"47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e"
#define DIGESTS MD5_0 " " SHA_0
#define SERVER  "server: 0 " DIGESTS "\n"
#define CLIENT  "client: 0 " DIGESTS "\n"
#define PACKAGE "package: arena 1.5 9 " DIGESTS " ftp://example.net/a.tar\n"
#define UPDATE  BASIC SERVER

#define BAD(field, text)                      \
	{                                     \
		WORD_SYNTAX, field ": ", text \
	}
#define GOOD(text)                \
	{                         \
		WORD_OK, "", text \
	}
#define LATER(field, text)                                                   \
	{                                                                    \
		WORD_UNSUPPORTED, field ": not carried out by this version", \
		    text                                                     \
	}

static const struct {
	enum word word;
	const char *reason; /* how it begins */
	const char *text;   /* but for the empty line */
} rows[] = {
    /* The smallest of each kind. */
    GOOD(UPDATE),
    GOOD(BASIC CLIENT),
    GOOD(BASIC "reverts: 1795342500123455\n"),
    GOOD(BASIC "retires: 1\n"),
    GOOD(BASIC "notice: failed no space left\n"),
    GOOD(BASIC PACKAGE),
    GOOD(BASIC "native: 0 " DIGESTS "\n"),
    LATER("keys", BASIC "keys: 0 " DIGESTS "\n"),

    /* The version, and what it does not know. */
    BAD("hotfix-update", ID CREATED FEATURE SERVER),
    BAD("hotfix-update", ID FIRST CREATED FEATURE SERVER),
    BAD("hotfix-update", "hotfix-update:1\n" ID CREATED FEATURE SERVER),
    BAD("hotfix-update", "hotfix-update: \n" ID CREATED FEATURE SERVER),
    BAD("hotfix-update", "hotfix-update: 01\n" ID CREATED FEATURE SERVER),
    BAD("hotfix-update", "hotfix-update: 1 \n" ID CREATED FEATURE SERVER),
    BAD("hotfix-update", "hotfix-update: one\n" ID CREATED FEATURE SERVER),
    BAD("hotfix-update", "Hotfix-update: 1\n" ID CREATED FEATURE SERVER),
    BAD("hotfix-update", ""),
    {WORD_UNSUPPORTED,
	"hotfix-update: ", "hotfix-update: 2\n" ID CREATED FEATURE SERVER},
    {WORD_UNSUPPORTED, "hotfix-update: ", "hotfix-update: 0\nrubbish\n"},
    {WORD_UNSUPPORTED,
	"hotfix-update: ", "hotfix-update: 99999999999999999999999\n"},
    BAD("hotfix-update", UPDATE FIRST),
    {WORD_UNSUPPORTED, "must-fly: ", UPDATE "must-fly: yes\n"},
    {WORD_UNSUPPORTED, "must-: ", UPDATE "must-: \n"},
    {WORD_UNSUPPORTED, "must-2: ", FIRST "must-2: \x01\nrubbish\n"},
    GOOD(UPDATE "x-colour: blue\n"),
    GOOD(UPDATE "x: \n"),
    GOOD(UPDATE "0-9: any\n"),
    GOOD(UPDATE "mustard: yes\n"),

    /* Lines. */
    {WORD_SYNTAX, "line 6 of the signed text", UPDATE "must-x\n"},
    {WORD_SYNTAX, "line 6 of the signed text", UPDATE "x\n"},
    {WORD_SYNTAX, "line 6 of the signed text", UPDATE "x:y\n"},
    {WORD_SYNTAX, "line 6 of the signed text", UPDATE "x:\n"},
    {WORD_SYNTAX, "line 6 of the signed text", UPDATE "x:\ty\n"},
    {WORD_SYNTAX, "line 6 of the signed text", UPDATE "X: y\n"},
    {WORD_SYNTAX, "line 6 of the signed text", UPDATE "x_y: z\n"},
    {WORD_SYNTAX, "line 6 of the signed text", UPDATE "x y: z\n"},
    {WORD_SYNTAX, "line 6 of the signed text", UPDATE " x: y\n"},
    {WORD_SYNTAX, "line 6 of the signed text", UPDATE ": y\n"},
    {WORD_SYNTAX, "line 6 of the signed text", UPDATE " \n"},
    {WORD_SYNTAX, "line 6 of the signed text", UPDATE "\r\n"},
    {WORD_SYNTAX, "line 6 of the signed text", UPDATE "\xc3\xa9: y\n"},
    BAD("x", UPDATE "x: y\r\n"),
    BAD("x", UPDATE "x: \t\n"),
    BAD("x", UPDATE "x: \x1b[2J\n"),
    BAD("x", UPDATE "x: \x7f\n"),
    BAD("x", UPDATE "x: \xc2\x85\n"),
    BAD("x", UPDATE "x: \xff\n"),
    BAD("x", UPDATE "x: \xc0\xaf\n"),
    BAD("x", UPDATE "x: \xed\xa0\x80\n"),
    BAD("note", UPDATE "note: \xc3\n"),
    BAD("x", UPDATE "x: 1\ny: 2\nx: 1\n"),
    BAD("version", UPDATE "version: 1\nversion: 2\n"),
    BAD("server", UPDATE SERVER),
    BAD("id", UPDATE ID),

    /* id, created, feature. */
    BAD("id", FIRST CREATED FEATURE SERVER),
    BAD("id", FIRST "id: \n" CREATED FEATURE SERVER),
    BAD("id", FIRST "id: 01795342500123456\n" CREATED FEATURE SERVER),
    BAD("id", FIRST "id: +1795342500123456\n" CREATED FEATURE SERVER),
    BAD("id", FIRST "id: -1\n" CREATED FEATURE SERVER),
    BAD("id", FIRST "id: 0x10\n" CREATED FEATURE SERVER),
    BAD("id", FIRST "id:  1795342500123456\n" CREATED FEATURE SERVER),
    BAD("id", FIRST "id: 1795342500123456 \n" CREATED FEATURE SERVER),
    BAD("id", FIRST "id: 9223372036854775808\n" CREATED FEATURE SERVER),
    BAD("id", FIRST "id: 0\ncreated: 1970-01-01T00:00:00Z\n" FEATURE SERVER),
    GOOD(FIRST "id: 1\ncreated: 1970-01-01T00:00:00.000001Z\n" FEATURE SERVER),
    GOOD(FIRST "id: 253402300799999999\n"
	       "created: 9999-12-31T23:59:59.999999Z\n" FEATURE SERVER),
    GOOD(FIRST "id: 1795342500000000\n"
	       "created: 2026-11-22T10:15:00Z\n" FEATURE SERVER),
    GOOD(FIRST "id: 1795342500500000\n"
	       "created: 2026-11-22T10:15:00.5Z\n" FEATURE SERVER),
    BAD("created", FIRST ID FEATURE SERVER),
    BAD("created",
	FIRST ID "created: 2026-11-22T10:15:00.123457Z\n" FEATURE SERVER),
    BAD("created", FIRST ID "created: 2026-11-22T10:15:00Z\n" FEATURE SERVER),
    BAD("created",
	FIRST ID "created: 2026-11-22T10:15:00.123456\n" FEATURE SERVER),
    BAD("created",
	FIRST ID "created: 2026-11-22 10:15:00.123456Z\n" FEATURE SERVER),
    BAD("created",
	FIRST ID "created: 2026-11-22T10:15:00.1234560Z\n" FEATURE SERVER),
    BAD("created",
	FIRST ID "created: 2026-11-22T11:15:00.123456+01:00\n" FEATURE SERVER),
    BAD("created", FIRST "id: 9223372036854775807\n" CREATED FEATURE SERVER),
    BAD("feature", FIRST ID CREATED SERVER),
    BAD("feature", FIRST ID CREATED "feature: \n" SERVER),
    BAD("feature", FIRST ID CREATED "feature: Combat\n" SERVER),
    BAD("feature", FIRST ID CREATED "feature: a b\n" SERVER),
    BAD("feature", FIRST ID CREATED "feature: a/b\n" SERVER),
    BAD("feature", FIRST ID CREATED "feature: \xc3\xa9\n" SERVER),
    GOOD(FIRST ID CREATED "feature: a.b_c-9\n" SERVER),
    GOOD(FIRST ID CREATED "feature: 0123456789012345678901234567890123456789"
			  "012345678901234567890123\n" SERVER),
    BAD("feature",
	FIRST ID CREATED "feature: 0123456789012345678901234567890123456789"
			 "0123456789012345678901234\n" SERVER),

    /* Times of an update. */
    GOOD(UPDATE "expires: 2026-11-22T10:15:00Z\n"),
    GOOD(UPDATE "expires: 1970-01-01T00:00:00.000001Z\n"),
    BAD("expires", UPDATE "expires: 1970-01-01T00:00:00Z\n"),
    BAD("expires", UPDATE "expires: 2026-02-29T00:00:00Z\n"),
    BAD("expires", UPDATE "expires: never\n"),
    BAD("expires", UPDATE "expires: \n"),
    BAD("take-back-until", UPDATE "take-back-until: 5m\n"),

    /* Targets. */
    GOOD(UPDATE "program: arena\nversion: 1.4.*,!1.4.2\nplatform: *\n"
		"server-program: a?\nserver-version: 2.3\nzone: eu,us\n"),
    BAD("program", UPDATE "program: \n"),
    BAD("version", UPDATE "version: 1.4.1, 1.4.2\n"),
    BAD("version", UPDATE "version: 1.4.1,\n"),
    BAD("version", UPDATE "version: ,1.4.1\n"),
    BAD("version", UPDATE "version: !\n"),
    BAD("platform", UPDATE "platform: a b\n"),
    BAD("server-program", UPDATE "server-program: a,,b\n"),
    BAD("server-version", UPDATE "server-version: \n"),
    BAD("zone", UPDATE "zone: ,\n"),

    /* needs. */
    GOOD(UPDATE "needs: 1795342500123455\n"),
    GOOD(UPDATE "needs: 3 1 2\n"),
    BAD("needs", UPDATE "needs: \n"),
    BAD("needs", UPDATE "needs: 1 \n"),
    BAD("needs", UPDATE "needs:  1\n"),
    BAD("needs", UPDATE "needs: 1  2\n"),
    BAD("needs", UPDATE "needs: 1,2\n"),
    BAD("needs", UPDATE "needs: 0\n"),
    BAD("needs", UPDATE "needs: 01\n"),
    BAD("needs", UPDATE "needs: combat\n"),
    BAD("needs", UPDATE "needs: 9223372036854775808\n"),
    BAD("needs", UPDATE "needs: 1795342500123456\n"),
    BAD("needs", UPDATE "needs: 1 1795342500123457\n"),
    BAD("needs", FIRST "needs: 1795342500123456\n" ID CREATED FEATURE SERVER),

    /* on, by, at. */
    GOOD(UPDATE "on: round-end\n"),
    GOOD(UPDATE "on: round-end\nby: 2026-11-22T11:00:00Z\n"),
    GOOD(BASIC "by: 2026-11-22T11:00:00Z\non: \xc3\xa9:1\n" CLIENT),
    LATER("at", UPDATE "at: 2026-11-22T11:00:00Z\n"),
    BAD("on", UPDATE "on: \n"),
    BAD("on", UPDATE "on: round end\n"),
    BAD("on", BASIC "reverts: 1\non: round-end\n"),
    BAD("on", BASIC "on: round-end\nretires: 1\n"),
    BAD("by", UPDATE "by: 2026-11-22T11:00:00Z\n"),
    BAD("by", UPDATE "on: round-end\nby: 5m\n"),
    BAD("at", UPDATE "at: +5m\n"),
    BAD("at", UPDATE "on: round-end\nat: 2026-11-22T11:00:00Z\n"),
    BAD("at", UPDATE "on: e\nby: 2026-11-22T11:00:00Z\n"
		     "at: 2026-11-22T11:00:00Z\n"),
    BAD("by", UPDATE "by: 2026-11-22T11:00:00Z\n"
		     "at: 2026-11-22T11:00:00Z\n"),

    /* Parts. */
    GOOD(BASIC CLIENT SERVER),
    GOOD(BASIC "server: 1048576 " DIGESTS "\n"),
    {WORD_TOO_LARGE, "server: ", BASIC "server: 1048577 " DIGESTS "\n"},
    {WORD_TOO_LARGE, "client: ", BASIC "client: 1048577 " DIGESTS "\n"},
    {WORD_TOO_LARGE,
	"server: ", BASIC "server: 18446744073709551616 " DIGESTS "\n"},
    {WORD_TOO_LARGE, "native: ", BASIC "native: 33554433 " DIGESTS "\n"},
    {WORD_TOO_LARGE, "keys: ", BASIC "keys: 262145 " DIGESTS "\n"},
    GOOD(BASIC "native: 33554432 " DIGESTS "\n"),
    LATER("keys", BASIC "keys: 262144 " DIGESTS "\n"),
    BAD("server", BASIC "server: \n"),
    BAD("server", BASIC "server: 00 " DIGESTS "\n"),
    BAD("server", BASIC "server: -1 " DIGESTS "\n"),
    BAD("server", BASIC "server:  " DIGESTS "\n"),
    BAD("server", BASIC "server: 0  " DIGESTS "\n"),
    BAD("server", BASIC "server: 0 " MD5_0 "  " SHA_0 "\n"),
    BAD("server", BASIC "server: 0 " DIGESTS " \n"),
    BAD("server", BASIC "server: 0 " DIGESTS " x\n"),
    BAD("server", BASIC "server: 0 " MD5_0 "\n"),
    BAD("server", BASIC "server: 0\n"),
    BAD("server", BASIC "server: 0 " SHA_0 " " MD5_0 "\n"),
    BAD("server", BASIC "server: 0 " MD5_0 " " SHA_0 "0\n"),
    BAD("server", BASIC "server: 0 0" MD5_0 " " SHA_0 "\n"),
    BAD("server",
	BASIC "server: 0 D41D8CD98F00B204E9800998ECF8427E " SHA_0 "\n"),
    BAD("client", BASIC "client: 1048577 " MD5_0 "\n"),

    /* Packages. */
    GOOD(BASIC PACKAGE "spread: 5m\n"),
    GOOD(BASIC PACKAGE "base: 1.4\nfull: arena 1.5 9 " DIGESTS
		       " https://user-less.example:8080/x@y\n"),
    BAD("spread", UPDATE "spread: 10s\n"),
    BAD("take-back-until", BASIC PACKAGE "max-failed: 1\n"),
    BAD("spread", UPDATE "spread: 10\n"),
    BAD("spread", UPDATE "spread: 0s\n"),
    BAD("spread", UPDATE "spread: 1d\n"),
    BAD("base", UPDATE "base: 1.4\n"),
    BAD("base", BASIC PACKAGE "base: a/b\n"),
    BAD("base", BASIC PACKAGE "base: \n"),
    BAD("full", BASIC PACKAGE "full: arena 1.5 9 " DIGESTS " ftp://e/a.tar\n"),
    BAD("full", BASIC PACKAGE "base: 1.4\nfull: arena 1.5\n"),
    BAD("package", BASIC "package: \n"),
    BAD("package", BASIC "package: arena 1.5 9 " DIGESTS "\n"),
    BAD("package", BASIC "package: arena 1.5 9 " DIGESTS " \n"),
    BAD("package", BASIC "package: arena 1.5 9 " DIGESTS " a.tar\n"),
    BAD("package", BASIC "package: arena 1.5 9 " DIGESTS " ftp:/e/a.tar\n"),
    BAD("package", BASIC "package: arena 1.5 9 " DIGESTS " ftp:///a.tar\n"),
    BAD("package", BASIC "package: arena 1.5 9 " DIGESTS " ://e/a.tar\n"),
    BAD("package", BASIC "package: arena 1.5 9 " DIGESTS " 1://e/a.tar\n"),
    BAD("package", BASIC "package: arena 1.5 9 " DIGESTS " ftp://e/a b\n"),
    BAD("package", BASIC "package: arena 1.5 9 " DIGESTS " ftp://u@e/a.tar\n"),
    BAD("package",
	BASIC "package: arena 1.5 9 " DIGESTS " ftp://u:p@e/a.tar\n"),
    BAD("package", BASIC "package: arena 1.5 x " DIGESTS " ftp://e/a.tar\n"),
    BAD("package", BASIC "package: ../arena 1.5 9 " DIGESTS " ftp://e/a.tar\n"),
    BAD("package", BASIC "package: .arena 1.5 9 " DIGESTS " ftp://e/a.tar\n"),
    BAD("package", BASIC "package: arena -1.5 9 " DIGESTS " ftp://e/a.tar\n"),
    {WORD_TOO_LARGE, "package: ",
	BASIC "package: arena 1.5 9223372036854775808 " DIGESTS
	      " ftp://e/a.tar\n"},

    /* What it is: one of update, revert, retirement, notice. */
    {WORD_SYNTAX, "no part, and no revert, retirement or notice", BASIC},
    {WORD_SYNTAX, "no part, and no revert, retirement or notice",
	BASIC "note: nothing in it\n"},
    {WORD_SYNTAX, "reverts, retires, notice: more than one",
	BASIC "reverts: 1\nretires: 1\n"},
    {WORD_SYNTAX, "reverts, retires, notice: more than one",
	BASIC "retires: 1\nnotice: failed x\n"},
    {WORD_SYNTAX, "reverts, retires, notice: more than one",
	UPDATE "reverts: 1\nnotice: failed x\n"},
    {WORD_SYNTAX, "a revert, retirement or notice with a part",
	UPDATE "reverts: 1\n"},
    {WORD_SYNTAX, "a revert, retirement or notice with a part",
	BASIC CLIENT "retires: 1\n"},
    {WORD_SYNTAX, "a revert, retirement or notice with a part",
	BASIC "notice: failed x\nkeys: 0 " DIGESTS "\n"},
    {WORD_SYNTAX, "a revert, retirement or notice with a part",
	BASIC "reverts: 1\n" PACKAGE},
    BAD("reverts", BASIC "reverts: 1795342500123456\n"),
    BAD("reverts", BASIC "reverts: 1795342500123457\n"),
    BAD("reverts", BASIC "reverts: 0\n"),
    BAD("reverts", BASIC "reverts: 1 2\n"),
    BAD("reverts", BASIC "reverts: combat-damage\n"),
    BAD("retires", BASIC "retires: \n"),
    BAD("notice", BASIC "notice: \n"),
    BAD("notice", BASIC "notice: failed\n"),
    BAD("notice", BASIC "notice: failed \n"),
    BAD("notice", BASIC "notice: done well\n"),

    /* Guards. */
    GOOD(UPDATE "dry-run: yes\n"),
    GOOD(UPDATE "dry-run: yes\non: round-end\n"),
    BAD("dry-run", BASIC "reverts: 1\ndry-run: yes\n"),
    BAD("dry-run", BASIC "dry-run: yes\nretires: 1\n"),
    GOOD(BASIC "retires: 1\ndry-run: no\n"),
    GOOD(UPDATE "dry-run: no\n"),
    BAD("dry-run", UPDATE "dry-run: true\n"),
    BAD("dry-run", UPDATE "dry-run: \n"),
    GOOD(UPDATE "allow-partial: yes\n"),
    GOOD(UPDATE "allow-partial: no\n"),
    BAD("allow-partial", UPDATE "allow-partial: Yes\n"),
    GOOD(UPDATE "wait: 500ms\n"),
    BAD("wait", UPDATE "wait: 10\n"),
    BAD("wait", UPDATE "wait: 0s\n"),
    BAD("wait", UPDATE "wait: 010s\n"),
    GOOD(UPDATE "max-failed: 0\n"),
    GOOD(UPDATE "max-failed: 18446744073709551615\n"),
    GOOD(UPDATE "max-failed: 0%\n"),
    GOOD(UPDATE "max-failed: 100%\n"),
    BAD("max-failed", UPDATE "max-failed: 101%\n"),
    BAD("max-failed", UPDATE "max-failed: 18446744073709551616\n"),
    BAD("max-failed", UPDATE "max-failed: 5.5%\n"),
    BAD("max-failed", UPDATE "max-failed: %\n"),
    BAD("max-failed", UPDATE "max-failed: 5%%\n"),
    BAD("max-failed", UPDATE "max-failed: 5 %\n"),
    BAD("max-failed", UPDATE "max-failed: -1\n"),
    BAD("max-failed", UPDATE "max-failed: \n"),
    LATER("canary", UPDATE "canary: 5%\n"),
    LATER("canary", UPDATE "canary: 100%\n"),
    LATER("canary", UPDATE "canary: player-1,player-2\n"),
    LATER("canary", UPDATE "canary: 17,18\n"),
    BAD("canary", UPDATE "canary: 17\n"),
    BAD("canary", UPDATE "canary: 0%\n"),
    BAD("canary", UPDATE "canary: 101%\n"),
    BAD("canary", UPDATE "canary: %\n"),
    BAD("canary", UPDATE "canary: \n"),
    BAD("canary", UPDATE "canary: a,\n"),
    BAD("canary", UPDATE "canary: a,,b\n"),
    BAD("canary", UPDATE "canary: a, b\n"),
    BAD("take-back-until", BASIC CLIENT "max-failed: 1\n"),
    BAD("take-back-until", BASIC CLIENT "max-failed: 0%\n"),
    BAD("take-back-until", BASIC CLIENT SERVER "canary: 5%\n"),
    GOOD(BASIC CLIENT "max-failed: 1\n"
		      "take-back-until: 2026-11-22T10:16:00Z\n"),
    LATER("canary", BASIC CLIENT "canary: 5%\n"
				 "take-back-until: 2026-11-22T10:16:00Z\n"),
    GOOD(BASIC CLIENT),
    GOOD(UPDATE "note: \n"),
    GOOD(UPDATE "note: \xc3\xa9 : %s \\ fine\n"),

    /* The first in the document that is not carried out is the one named. */
    LATER("at", UPDATE "at: 2026-11-22T11:00:00Z\ncanary: 5%\n"
		       "take-back-until: 2026-11-22T10:16:00Z\n"),
    LATER("canary", UPDATE "canary: 5%\nat: 2026-11-22T11:00:00Z\n"
			   "take-back-until: 2026-11-22T10:16:00Z\n"),
    LATER("at", UPDATE "dry-run: yes\nat: 2026-11-22T11:00:00Z\n"),
};

static enum word
open_signed(struct doc **d, const struct keyring *ring, const char *text,
    struct refusal *why)
{
	struct signify_sec sec = test_key(1);
	struct buf whole = BUF_INIT, doc = BUF_INIT;
	enum word w;

	buf_printf(&whole, "%s\n", text);
	test_sign(&doc, &sec, (char *)whole.data, whole.len);
	w = doc_open(d, doc.data, doc.len, ring, why);
	buf_free(&whole);
	buf_free(&doc);
	return w;
}

/* Every row as a receiver reads it, and for its form alone. */
static void
all_rows(const struct keyring *ring)
{
	struct refusal why;
	struct doc *d;
	enum word w;
	size_t i;

	for (i = 0; i < sizeof rows / sizeof *rows; i++) {
		why.text[0] = '\0';
		w = open_signed(&d, ring, rows[i].text, &why);
		if (!OK(w == rows[i].word &&
			    strncmp(why.text, rows[i].reason,
				strlen(rows[i].reason)) == 0 &&
			    (d != NULL) == (w == WORD_OK),
			"%s: %s", word_name(rows[i].word), rows[i].reason))
			printf("# got %s: %s\n", word_name(w), why.text);
		doc_free(d);
		w = open_signed(&d, NULL, rows[i].text, NULL);
		/* Form alone does not refuse what is only not done yet. */
		if (strstr(rows[i].reason, "not carried out") == NULL)
			OK(w == rows[i].word, "the same without keys");
		else
			OK(w == WORD_OK &&
				strncmp(rows[i].reason, d->unsupported,
				    strlen(d->unsupported)) == 0,
			    "without keys it is only noted");
		doc_free(d);
	}
}

static void
values(const struct keyring *ring)
{
	struct refusal why;
	struct doc *d;

	if (IS(open_signed(&d, ring,
		   FIRST "note: last first\n"
			 "client: 456 " DIGESTS "\n"
			 "take-back-until: 2026-11-22T10:16:00Z\n"
			 "max-failed: 3%\n"
			 "wait: 2m\n"
			 "allow-partial: yes\n"
			 "by: 2026-11-22T11:00:00Z\n"
			 "on: round-end\n"
			 "dry-run: yes\n"
			 "needs: 7 5\n"
			 "expires: 2027-01-01T00:00:00.5Z\n" ID CREATED
			 "server: 123 " DIGESTS "\n"
			 "zone: eu\nserver-version: 2.3\n"
			 "server-program: as\nplatform: linux\n"
			 "version: 1.4.1,1.4.2\nprogram: arena\n" FEATURE,
		   &why),
		WORD_OK, "fields in any order")) {
		IS(d->kind, DOC_UPDATE, "an update");
		IS(d->id, 1795342500123456, "id");
		IS(d->created_us, 1795342500123456, "created");
		IS(d->expires_us, 1798761600500000, "expires");
		IS(d->take_back_until_us, 1795342560000000, "take-back-until");
		IS_STR(d->feature, "combat-damage", "feature");
		IS_STR(d->program, "arena", "program");
		IS_STR(d->version, "1.4.1,1.4.2", "version");
		IS_STR(d->platform, "linux", "platform");
		IS_STR(d->server_program, "as", "server-program");
		IS_STR(d->server_version, "2.3", "server-version");
		IS_STR(d->zone, "eu", "zone");
		IS_STR(d->note, "last first", "note");
		IS(d->nneeds, 2, "two needs");
		OK(d->needs[0] == 7 && d->needs[1] == 5, "as they stand");
		IS(d->max_failed.kind, DOC_BOUND_PERCENT, "a share");
		IS(d->max_failed.value, 3, "of 3%");
		IS(d->wait_ms, 120000, "wait");
		IS(d->allow_partial, 1, "allow-partial");
		IS_STR(d->on, "round-end", "on");
		IS(d->by_us, 1795345200000000, "by");
		IS(d->dry_run, 1, "dry-run");
		IS(d->nparts, 2, "two parts");
		OK(d->order[0] == DOC_CLIENT && d->order[1] == DOC_SERVER,
		    "parts in the order of their fields");
		OK(d->parts[DOC_CLIENT].offset == 0 &&
			d->parts[DOC_CLIENT].len == 456 &&
			d->parts[DOC_SERVER].offset == 456 &&
			d->parts[DOC_SERVER].len == 123,
		    "where they are");
		IS(d->body_len, 579, "and what they take");
		OK(d->unsupported == NULL, "all of it is carried out");
	}
	doc_free(d);
	if (IS(open_signed(&d, ring, UPDATE, &why), WORD_OK, "the defaults")) {
		OK(d->expires_us == 0 && d->take_back_until_us == 0 &&
			d->wait_ms == DOC_WAIT_DEFAULT_MS &&
			d->max_failed.kind == DOC_NO_BOUND && !d->dry_run &&
			!d->allow_partial && d->nneeds == 0 &&
			d->program == NULL && d->version == NULL &&
			d->platform == NULL && d->server_program == NULL &&
			d->server_version == NULL && d->zone == NULL &&
			d->note == NULL,
		    "are those of the protocol");
		OK(d->on == NULL && d->by_us == 0 && d->at_us == 0 &&
			d->canary == NULL && !d->package.present &&
			d->base == NULL && !d->full.present &&
			d->spread_ms == 0 && d->target == 0,
		    "absent is absent");
	}
	doc_free(d);
	if (IS(open_signed(&d, ring, BASIC "reverts: 77\n", &why), WORD_OK,
		"a revert"))
		OK(d->kind == DOC_REVERT && d->target == 77 && d->nparts == 0 &&
			d->body_len == 0,
		    "names its target");
	doc_free(d);
	if (IS(open_signed(&d, ring, BASIC "retires: 78\n", &why), WORD_OK,
		"a retirement"))
		OK(d->kind == DOC_RETIRE && d->target == 78,
		    "names its target");
	doc_free(d);
	if (IS(open_signed(&d, NULL, BASIC "notice: failed to read\n", &why),
		WORD_OK, "a notice"))
		OK(d->kind == DOC_NOTICE && d->nparts == 0 &&
			strcmp(d->notice, "to read") == 0,
		    "is no update, and its text is there");
	doc_free(d);
	if (IS(open_signed(&d, NULL,
		   BASIC PACKAGE "base: 1.4\nspread: 5m\n"
				 "at: 2026-11-22T11:00:00Z\n"
				 "canary: a,b\n"
				 "take-back-until: 2026-11-22T10:16:00Z\n",
		   &why),
		WORD_OK, "what is not carried out yet"))
		OK(strcmp(d->package.name, "arena") == 0 &&
			strcmp(d->package.release, "1.5") == 0 &&
			d->package.len == 9 && d->package.url != NULL &&
			strcmp(d->base, "1.4") == 0 && d->spread_ms == 300000 &&
			d->at_us == 1795345200000000 &&
			strcmp(d->canary, "a,b") == 0,
		    "is read all the same");
	doc_free(d);
}

/* Lines and heads up to their limits, made long by unknown fields. */
static void
limits(const struct keyring *ring)
{
	struct buf text = BUF_INIT, doc = BUF_INIT;
	struct signify_sec sec = test_key(1);
	struct refusal why;
	struct doc *d;
	size_t over, room;

	for (over = 0; over < 2; over++) {
		buf_reset(&text);
		buf_puts(&text, UPDATE "x: ");
		while (text.len - strlen(UPDATE) + 1 < DOC_LINE_MAX + over)
			buf_puts(&text, "y");
		buf_puts(&text, "\n");
		IS(open_signed(&d, ring, buf_text(&text), &why),
		    over ? WORD_TOO_LARGE : WORD_OK,
		    over ? "a line of one byte more" : "the longest line");
		doc_free(d);
	}
	for (over = 0; over < 2; over++) {
		/* Signature lines have one length, whatever is signed. */
		buf_reset(&doc);
		test_sign(&doc, &sec, "", 0);
		room = DOC_HEAD_MAX + over - doc.len - 1;
		buf_reset(&text);
		buf_puts(&text, UPDATE "x: ");
		while (text.len < DOC_LINE_MAX)
			buf_puts(&text, "y");
		buf_puts(&text, "\nz: ");
		while (text.len + 1 < room)
			buf_puts(&text, "y");
		buf_puts(&text, "\n");
		IS(open_signed(&d, ring, buf_text(&text), &why),
		    over ? WORD_TOO_LARGE : WORD_OK,
		    over ? "a head of one byte more" : "the longest head");
		if (d != NULL)
			IS(d->head_len, DOC_HEAD_MAX, "is that long");
		doc_free(d);
	}
	/* As many fields as a head can hold. */
	buf_reset(&text);
	buf_puts(&text, UPDATE);
	for (over = 0; text.len < DOC_HEAD_MAX - 200; over++)
		buf_printf(&text, "%c%c: \n", (int)('a' + over / 26 % 26),
		    (int)('a' + over % 26));
	IS(open_signed(&d, ring, buf_text(&text), &why), WORD_SYNTAX,
	    "very many fields, some twice");
	doc_free(d);
	buf_free(&text);
	buf_free(&doc);
}

static void
test_feature(void)
{
	char text[DOC_FEATURE + 1];
	int c, good = 0;

	memset(text, 'z', sizeof text);
	IS(doc_feature_is_valid(text, 0), 0, "no feature: nothing");
	IS(doc_feature_is_valid(text, DOC_FEATURE), 1, "a feature: 64 bytes");
	IS(doc_feature_is_valid(text, DOC_FEATURE + 1), 0, "none: 65 bytes");
	for (c = 0; c < 256; c++) {
		text[1] = (char)c;
		good += doc_feature_is_valid(text, 3);
	}
	IS(good, 26 + 10 + 3, "39 bytes may be in one");
}

int
main(void)
{
	struct signify_sec sec = test_key(1);
	struct keyring ring = KEYRING_INIT;

	test_trust(&ring, &sec, "all root");
	all_rows(&ring);
	values(&ring);
	limits(&ring);
	keyring_free(&ring);
	test_feature();
	return tap_done();
}
