/* hotfix publish --undo: the release before the latest is the latest again. */

#include "cmd/publishing.h"

#include <stdio.h>
#include <string.h>

/* The document of the release before the latest: to p->plan.old. */
static int
read_previous(struct publishing *p, struct err *e)
{
	char name[2 * RELEASE_WORD + 16], release[RELEASE_WORD + 1];
	struct buf b = BUF_INIT;
	struct refusal why;
	struct doc *d;
	int ret;

	if (p->latest.doc == NULL)
		return err_set(e, ERR_NO, "%s: nothing was published",
		    p->latest_name);
	if (document_field(&p->latest, PREVIOUS, release, sizeof release) !=
		0 ||
	    !release_is_word(release, strlen(release)))
		return err_set(e, ERR_NO, "%s: there is no release before %s",
		    p->latest_name, p->latest.doc->package.release);
	snprintf(name, sizeof name, "%s-%s.update", p->name, release);
	ret = publish_read(p->place, name, LATEST_MAX, &b, e);
	if (ret == 0)
		ret = document_take(&p->plan.old, name, b.data, b.len, e);
	else if (ret == 1)
		ret = err_set(e, ERR_NO, "%s: it is not there any more", name);
	buf_free(&b);
	if (ret != 0)
		return -1;
	/* What is signed anew must have been signed by somebody to be believed:
	 * a password for the place is not enough to make us sign. */
	if (doc_open(&d, p->plan.old.bytes.data, p->plan.old.head_len, &p->keys,
		&why) != WORD_OK)
		return err_set(e, ERR_NO,
		    "%s: %s: %s; whose key is to be"
		    " believed is said by -p PUB",
		    name, word_name(why.word), why.text);
	doc_free(d);
	d = p->plan.old.doc;
	if (!d->package.present || strcmp(d->package.name, p->name) != 0 ||
	    strcmp(d->package.release, release) != 0)
		return err_set(e, ERR_NO, "%s: not of that release", name);
	if (document_field(&p->plan.old, PREVIOUS, p->previous,
		sizeof p->previous) != 0)
		p->previous[0] = '\0';
	p->plan.again = "the document of the release before";
	return 0;
}

/* 0 when the package of a document is still there, by its digests. */
static int
check_there(struct publishing *p, const struct doc_package *d, struct err *e)
{
	const char *slash = strrchr(d->url, '/');
	struct publish_file f = {
	    .name = slash != NULL ? slash + 1 : d->url, .len = d->len};

	memcpy(f.md5, d->md5, sizeof f.md5);
	memcpy(f.sha512, d->sha512, sizeof f.sha512);
	return publish_check(p->place, &f, e);
}

int
publishing_go_back(struct publishing *p, struct err *e)
{
	const struct doc *d;
	int ret;

	if (read_previous(p, e) != 0)
		return -1;
	d = p->plan.old.doc;
	/* Its package is read back now, which takes long enough for somebody
	 * to see that this is not what was meant. */
	publishing_hide(p);
	say_note(&p->say, "%s goes from release %s back to %s", p->name,
	    p->latest.doc->package.release, d->package.release);
	ret = check_there(p, &d->package, e);
	if (ret == 0 && d->full.present)
		ret = check_there(p, &d->full, e);
	publishing_hide(p);
	if (ret != 0)
		return -1;
	say_text(&p->say, "package", d->package.name);
	say_text(&p->say, "release", d->package.release);
	say_count(&p->say, "bytes", d->package.len);
	publishing_say_digest(&p->say, "md5", d->package.md5, MD5_SIZE);
	publishing_say_digest(&p->say, "sha512", d->package.sha512,
	    SHA512_SIZE);
	say_text(&p->say, "url", d->package.url);
	return 0;
}

void
publishing_override(struct publishing *p)
{
	const struct plan *o = &p->plan;
	struct doc_spec *s = &p->plan.spec;

	if (o->version != NULL)
		s->version = o->version;
	if (o->platform != NULL)
		s->platform = o->platform;
	if (o->program != NULL)
		s->program = o->program;
	if (o->server_version != NULL)
		s->server_version = o->server_version;
	if (o->server_program != NULL)
		s->server_program = o->server_program;
	if (o->zone != NULL)
		s->zone = o->zone;
	if (o->note != NULL)
		s->note = o->note;
}
