/* Modules of a release, made ready to be swapped. */

#include "lua-host/package_modules.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "lua-host/wrap.h"

/* A module that the program has loaded. */
struct source {
	char *name;
	int here; /* the release has it */
	uint8_t digest[SHA512_SIZE];
	int differs; /* it is to be swapped, as it was seen last: */
	int read;    /* its text is here */
	struct buf text;
	int compiling; /* that was tried */
	lua_Integer compiled;
};

struct package_modules {
	struct modules *modules;
	struct engine *engine;
	char *dir;
	struct source *sources; /* in the order of names */
	size_t len, cap;
	struct engine_module *list;
	size_t nlist, loaded;
	/* Of the call that is under way. */
	int all, listing, worked;
	int64_t deadline_ns;
	size_t bytes;
	struct err *e;
};

struct package_modules *
package_modules_new(struct modules *m, struct engine *e, const char *dir)
{
	struct package_modules *p = calloc(1, sizeof *p);

	if (p == NULL)
		return NULL;
	p->modules = m;
	p->engine = e;
	p->dir = strdup(dir);
	if (p->dir == NULL) {
		free(p);
		return NULL;
	}
	return p;
}

void
package_modules_free(struct package_modules *p)
{
	size_t i;

	if (p == NULL)
		return;
	for (i = 0; i < p->len; i++) {
		engine_forget(p->engine, p->sources[i].compiled);
		buf_free(&p->sources[i].text);
		free(p->sources[i].name);
	}
	free(p->sources);
	free(p->list);
	free(p->dir);
	free(p);
}

int
package_modules_read(const char *dir, const char *name, struct buf *out,
    struct err *e)
{
	struct buf file = BUF_INIT;
	struct stat st;
	char *path = NULL;
	int init, rc = 0;

	for (init = 0; init < 2 && rc == 0; init++) {
		buf_reset(&file);
		modules_file_name(&file, name, init);
		path = buf_text(&file) != NULL ? file_join(dir, buf_text(&file))
					       : NULL;
		if (path == NULL)
			rc = err_set(e, ERR_LOCAL, "out of memory");
		else if (stat(path, &st) == 0 && S_ISREG(st.st_mode))
			rc = file_read(path, PACKAGE_MODULES_MAX, out, e) == 0
				 ? 1
				 : -1;
		free(path);
	}
	buf_free(&file);
	return rc;
}

/* --- sources -------------------------------------------------------------- */

/* Where the module of this name is, or belongs; *is: it is there. */
static size_t
place_of(const struct package_modules *p, const char *name, int *is)
{
	size_t low = 0, high = p->len, mid;
	int order;

	*is = 0;
	while (low < high) {
		mid = low + (high - low) / 2;
		order = strcmp(p->sources[mid].name, name);
		*is |= order == 0;
		if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* NULL: out of memory. */
static struct source *
add_source(struct package_modules *p, size_t at, const char *name)
{
	size_t cap = p->cap > 0 ? 2 * p->cap : 64;
	struct source *s = p->sources;
	char *copy = strdup(name);

	if (copy == NULL)
		return NULL;
	if (p->len == p->cap) {
		s = realloc(s, cap * sizeof *s);
		if (s == NULL) {
			free(copy);
			return NULL;
		}
		p->sources = s;
		p->cap = cap;
	}
	s += at;
	memmove(s + 1, s, (p->len - at) * sizeof *s);
	memset(s, 0, sizeof *s);
	buf_init(&s->text);
	s->name = copy;
	p->len++;
	return s;
}

/* Read it, unless it is here. 0 or -1. */
static int
bring(struct package_modules *p, struct source *s)
{
	int rc;

	if (s->read)
		return 0;
	p->worked = 1;
	rc = package_modules_read(p->dir, s->name, &s->text, p->e);
	if (rc == 1)
		sha512(s->digest, s->text.data, s->text.len);
	s->here = s->read = rc == 1;
	return rc < 0 ? -1 : 0;
}

static struct source *
find(struct package_modules *p, const char *name)
{
	size_t at;
	struct source *s;
	int is;

	at = place_of(p, name, &is);
	if (is)
		return &p->sources[at];
	s = add_source(p, at, name);
	if (s == NULL) {
		err_set(p->e, ERR_LOCAL, "out of memory");
		return NULL;
	}
	return bring(p, s) == 0 ? s : NULL;
}

/* --- one module after the other ------------------------------------------- */

static int
put_in_list(struct package_modules *p, const struct source *s)
{
	struct engine_module *more, *m;

	/* As many as sources, in the end. */
	if (p->nlist == 0 || (p->nlist & (p->nlist - 1)) == 0) {
		more = realloc(p->list, (2 * p->nlist + 1) * sizeof *more);
		if (more == NULL)
			return err_set(p->e, ERR_LOCAL, "out of memory");
		p->list = more;
	}
	m = &p->list[p->nlist++];
	m->name = s->name;
	m->source = s->text.data != NULL ? (const void *)s->text.data : "";
	m->len = s->text.len;
	m->compiled = s->compiled;
	return 0;
}

/* The time is over, and something was done in it. */
static int
is_over(const struct package_modules *p)
{
	return p->worked && clock_mono_ns() >= p->deadline_ns;
}

static int
each(void *arg, const char *name, const uint8_t loaded[SHA512_SIZE])
{
	struct package_modules *p = arg;
	struct source *s;

	if (!wrap_name_is_valid(name, strlen(name)))
		return 0;
	if (!p->listing && is_over(p))
		return 1;
	s = find(p, name);
	if (s == NULL)
		return -1;
	if (!s->here)
		return 0;
	p->loaded++;
	s->differs = p->all || loaded == NULL ||
		     memcmp(s->digest, loaded, sizeof s->digest) != 0;
	if (!s->differs) {
		buf_free(&s->text);
		s->read = 0;
		return 0;
	}
	if (bring(p, s) != 0)
		return -1;
	p->bytes += strlen(name) + 1 + s->text.len;
	if (p->bytes > PACKAGE_MODULES_MAX)
		return err_set(p->e, ERR_NO,
		    "the modules that changed have more than %zu bytes in all",
		    PACKAGE_MODULES_MAX);
	return p->listing ? put_in_list(p, s) : 0;
}

/* Not while names of Lua's are gone through: it may collect garbage, and a
 * finalizer may do anything. 1 when there is more. */
static int
compile(struct package_modules *p)
{
	struct source *s;
	size_t i;
	int any = 0;

	for (i = 0; i < p->len; i++) {
		s = &p->sources[i];
		any |= s->differs && s->read;
		if (!s->differs || !s->read || s->compiling)
			continue;
		if (is_over(p))
			return 1;
		s->compiling = p->worked = 1;
		s->compiled = engine_prepare(p->engine, s->name,
		    s->text.data != NULL ? (const void *)s->text.data : "",
		    s->text.len);
	}
	if (!any)
		return 0;
	return is_over(p) || engine_survey(p->engine, p->deadline_ns);
}

static int
go(struct package_modules *p, int all, int listing, struct err *e)
{
	p->all = all;
	p->listing = listing;
	p->e = e;
	p->nlist = p->loaded = p->bytes = 0;
	p->worked = 0;
	err_set(e, ERR_LOCAL, "out of memory");
	return modules_each(p->modules, each, p);
}

int
package_modules_prepare(struct package_modules *p, int all, int64_t deadline_ns)
{
	struct err ignored;
	int rc;

	p->deadline_ns = deadline_ns;
	rc = go(p, all, 0, &ignored);
	return rc == 0 ? compile(p) : rc == 1;
}

int
package_modules_list(struct package_modules *p, int all,
    struct engine_text *out, struct err *e)
{
	static const struct engine_module none;

	memset(out, 0, sizeof *out);
	if (go(p, all, 1, e) != 0)
		return -1;
	out->modules = p->nlist > 0 ? p->list : &none;
	out->nmodules = p->nlist;
	return 0;
}

size_t
package_modules_loaded(const struct package_modules *p)
{
	return p->loaded;
}
