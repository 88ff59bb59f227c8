/* hotfix publish: what was asked for, and what the document will say. */

/* realpath is an extension of POSIX. */
#define _XOPEN_SOURCE 700

#include "cmd/publishing.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/num.h"
#include "base/text.h"
#include "lua-host/keys.h"

#define RETRIES_MAX 1000

/* --- what was asked for ------------------------------------------------------
 */

int
publishing_is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static int
check_word(const struct say *s, const char *option, const char *word)
{
	if (word == NULL || release_is_word(word, strlen(word)))
		return 0;
	return options_complain(s,
	    "%s: 1 to %d letters, digits and '.', '_', '+', '-', a letter or"
	    " digit first",
	    option, RELEASE_WORD);
}

/* What goes with a folder alone. */
static int
has_making(const struct publishing *p)
{
	return p->since != NULL || p->build != NULL || p->output != NULL ||
	       p->exclude.n > 0 || p->unchecked.n > 0;
}

static int
check_undo(const struct publishing *p, size_t n)
{
	const struct say *s = &p->say;

	if (n > 0 || p->release != NULL || has_making(p) || p->full != NULL)
		return options_complain(s,
		    "--undo goes back to a package that is there: it takes"
		    " none");
	if (p->name == NULL)
		return options_complain(s, "--undo of what? give -n NAME");
	if (p->plan.client != NULL || p->spread_ms >= 0 || p->url != NULL)
		return options_complain(s, "--undo takes --client, --spread"
					   " and --url from the document:"
					   " leave them out");
	return 0;
}

static int
check_package(const struct publishing *p, char **operands, size_t n)
{
	const struct say *s = &p->say;

	if (n != 1)
		return options_complain(s, "one DIR or PACKAGE");
	if (p->plan.version == NULL)
		return options_complain(s,
		    "a package needs --version V: the clients it was made for"
		    " ('*' if really all, those of every future build too)");
	if (access(operands[0], F_OK) != 0) {
		say_error(s, "%s: %s", operands[0], strerror(errno));
		return ERR_LOCAL;
	}
	if (publishing_is_folder(operands[0]) &&
	    (p->name == NULL || p->release == NULL))
		return options_complain(s,
		    "%s is a folder: give -n NAME and -r RELEASE", operands[0]);
	if (!publishing_is_folder(operands[0]) &&
	    (p->name != NULL || p->release != NULL || has_making(p)))
		return options_complain(s,
		    "-n, -r, -o, --since, --exclude, --build and"
		    " --no-lua-check are for a folder; a package has its name"
		    " and release");
	return 0;
}

int
publishing_check(const struct publishing *p, char **operands, size_t n)
{
	const struct say *s = &p->say;
	int status;

	if (p->to == NULL)
		return options_complain(s, "where? give --to PLACE");
	/* A variable that was not set would be the root of this machine. */
	if (*p->to == '\0')
		return options_complain(s, "--to: its PLACE is empty");
	if (p->readback != NULL && strcmp(p->readback, "yes") != 0 &&
	    strcmp(p->readback, "no") != 0)
		return options_complain(s, "--readback: yes or no");
	if (p->plan.on == NULL && p->plan.by != NULL)
		return options_complain(s, "--by is the latest for an event:"
					   " give --on EVENT");
	if (p->url != NULL && !doc_url_is_valid(p->url, strlen(p->url)))
		return options_complain(s,
		    "--url: SCHEME://HOST/PATH, without a user: everybody reads"
		    " it");
	if (p->output != NULL && strcmp(p->output, "-") == 0)
		return options_complain(s,
		    "-o -: a package is a file, with its signature beside it");
	status = check_word(s, "-n", p->name);
	if (status == 0)
		status = check_word(s, "-r", p->release);
	if (status != 0)
		return status;
	return p->undo ? check_undo(p, n) : check_package(p, operands, n);
}

/* A folder here as an address, escaped as far as is needed. What is not there
 * yet is found from where we are. 0, or -1 with err. */
static int
put_folder(struct buf *out, const char *path, struct err *e)
{
	static const char plain[] = "/-._~";
	char *real = realpath(path, NULL), *here = NULL;
	struct buf full = BUF_INIT;
	const char *at;
	int ret = -1;

	if (real != NULL || path[0] == '/') {
		buf_puts(&full, real != NULL ? real : path);
	} else {
		here = realpath(".", NULL);
		if (here == NULL) {
			err_errno(e, ERR_LOCAL, "the current folder");
			goto out;
		}
		buf_printf(&full, "%s/%s", here, path);
	}
	buf_puts(out, "file://localhost");
	for (at = buf_text(&full); at != NULL && *at != '\0'; at++) {
		if ((*at >= '0' && *at <= '9') || (*at >= 'a' && *at <= 'z') ||
		    (*at >= 'A' && *at <= 'Z') || strchr(plain, *at) != NULL)
			buf_append(out, at, 1);
		else
			buf_printf(out, "%%%02X", (unsigned)(uint8_t)*at);
	}
	ret = full.oom ? err_set(e, ERR_LOCAL, "out of memory") : 0;
out:
	buf_free(&full);
	free(real);
	free(here);
	return ret;
}

int
publishing_find_url(struct publishing *p, struct err *e)
{
	struct buf b = BUF_INIT;
	const char *text = NULL;
	size_t len;
	int ret = -1;

	if (p->url != NULL) {
		buf_puts(&b, p->url);
	} else if (ftp_url_is(p->to)) {
		ftp_url_format(&b, &p->ftp);
	} else if (p->hosts.n > 0 && !p->undo) {
		err_set(e, ERR_USAGE,
		    "clients cannot fetch from a folder: give --url URL, where"
		    " they will find it");
		goto out;
	} else if (put_folder(&b, p->to, e) != 0) {
		/* Nobody is told; who takes the document from the folder
		 * finds the package beside it. */
		goto out;
	}
	text = buf_text(&b);
	if (text == NULL) {
		err_set(e, ERR_LOCAL, "out of memory");
		goto out;
	}
	len = strlen(text);
	if (!text_is_clean(text, len)) {
		err_set(e, ERR_USAGE, "--url: it has control characters");
		goto out;
	}
	while (len > 0 && text[len - 1] == '/')
		len--;
	if (len + sizeof "/release" > sizeof p->base_url) {
		err_set(e, ERR_USAGE, "%s: at most %d bytes",
		    p->url != NULL ? "--url" : "the address of the place",
		    URL_MAX);
		goto out;
	}
	snprintf(p->base_url, sizeof p->base_url, "%.*s/release", (int)len,
	    text);
	if (p->url == NULL && !p->undo && p->ftp.user[0] != '\0' &&
	    strcmp(p->ftp.user, "anonymous") != 0 && p->hosts.n > 0)
		say_note(&p->say,
		    "hosts and clients are told this address without the user:"
		    " they come in as their .netrc says, or anonymous (--url"
		    " names another place)");
	ret = 0;
out:
	buf_free(&b);
	return ret;
}

int
publishing_find_place(struct publishing *p, struct err *e)
{
	uint64_t n;

	p->tries = PUBLISH_TRIES;
	if (p->retries != NULL) {
		if (num_parse(p->retries, strlen(p->retries), RETRIES_MAX,
			&n) != NUM_OK)
			return err_set(e, ERR_USAGE,
			    "--retries: a number up to %d", RETRIES_MAX);
		p->tries = (unsigned)n;
	}
	if (!ftp_url_is(p->to)) {
		if (strstr(p->to, "://") != NULL)
			return err_set(e, ERR_USAGE,
			    "--to: ftp://[USER@]HOST[:PORT]/PATH, or a"
			    " folder");
		return 0;
	}
	if (ftp_url_parse(&p->ftp, p->to, e) != 0)
		return -1;
	return ftp_login_find(&p->login, &p->ftp, FTP_GIVEN_HERE, e);
}

/* Whose signatures are believed: those of our key, and those that were named.
 */
int
publishing_load_keys(struct publishing *p, struct err *e)
{
	struct signify_pub own;
	struct buf text = BUF_INIT;
	size_t i;
	int ret = 0;

	if (keys_load(&p->keys, p->pub.items, p->pub.n, p->trust, e) != 0)
		return -1;
	if (p->signer.command != NULL)
		return 0;
	signify_sec_public(&own, &p->signer.sec);
	for (i = 0; i < p->keys.n; i++)
		if (memcmp(&p->keys.keys[i].pub, &own, sizeof own) == 0)
			return 0;
	if (signify_pub_format(&text, &own, "own") != 0)
		ret = err_set(e, ERR_LOCAL, "out of memory");
	else
		ret = keyring_add_pub(&p->keys, "own.pub",
		    (const char *)text.data, text.len, e);
	buf_free(&text);
	return ret;
}

/* The feature is the package's name, as far as features may be called so. */
void
publishing_name(struct publishing *p, const char *name)
{
	size_t i;

	for (i = 0; i < DOC_FEATURE && name[i] != '\0'; i++) {
		p->feature[i] = name[i];
		if (name[i] >= 'A' && name[i] <= 'Z')
			p->feature[i] = (char)(name[i] - 'A' + 'a');
		else if (name[i] == '+')
			p->feature[i] = '-';
	}
	p->feature[i] = '\0';
	if (p->said_feature == NULL)
		p->plan.feature = p->feature;
	p->plan.spec.feature = p->plan.feature;
	snprintf(p->latest_name, sizeof p->latest_name, "%s.latest", name);
}

/* --- the document's fields ---------------------------------------------------
 */

static void
put_package(struct publishing *p, const char *field, const struct parcel *from,
    char *url, size_t size)
{
	struct doc_package d = {.present = 1, .len = from->info.len};

	snprintf(url, size, "%s/%s", p->base_url, from->name);
	strcpy(d.name, from->info.release.name);
	strcpy(d.release, from->info.release.release);
	memcpy(d.md5, from->info.md5, sizeof d.md5);
	memcpy(d.sha512, from->info.sha512, sizeof d.sha512);
	d.url = url;
	document_put_package(&p->fields, field, &d);
}

int
publishing_fields(struct publishing *p, struct err *e)
{
	char url[URL_MAX + sizeof p->package.name];

	buf_reset(&p->fields);
	if (!p->undo) {
		put_package(p, "package", &p->package, url, sizeof url);
		if (p->package.info.release.base[0] != '\0')
			buf_printf(&p->fields, "base: %s\n",
			    p->package.info.release.base);
		if (p->whole.fd >= 0)
			put_package(p, "full", &p->whole, url, sizeof url);
		if (p->spread_ms >= 0)
			buf_printf(&p->fields, "spread: %" PRId64 "ms\n",
			    p->spread_ms);
	}
	if (p->previous[0] != '\0')
		buf_printf(&p->fields, PREVIOUS ": %s\n", p->previous);
	p->plan.package = buf_text(&p->fields);
	return p->plan.package != NULL ? 0
				       : err_set(e, ERR_LOCAL, "out of memory");
}

/* Whether what was said can be signed, before anything is done: with a package
 * that is made up. 0, or -1 with err. */
int
publishing_try(struct publishing *p, struct err *e)
{
	struct parcel kept = p->package;
	int ret;

	if (p->undo)
		return 0;
	strcpy(p->package.info.release.name, "n");
	strcpy(p->package.info.release.release, "r");
	parcel_name(&p->package, 0);
	ret = publishing_fields(p, e) == 0
		  ? plan_try(&p->plan, clock_now_us(&p->clock), e)
		  : -1;
	p->package = kept;
	/* The rest of that field was made up here, and is right. */
	if (ret != 0 && strncmp(e->text, "package: ", 9) == 0)
		err_set(e, ERR_USAGE,
		    "%s: clients cannot be told this address: it is to be"
		    " SCHEME://HOST/PATH, without a user or a blank",
		    p->url != NULL ? "--url" : "--to");
	return ret;
}
