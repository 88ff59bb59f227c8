/* A place that releases are published to, of either kind. */

#include "pack/store.h"

#include <stdlib.h>

struct store {
	const struct store_ops *ops;
	void *impl;
};

struct store *
store_new(const struct store_ops *ops, void *impl)
{
	struct store *s = malloc(sizeof *s);

	if (s == NULL)
		return NULL;
	s->ops = ops;
	s->impl = impl;
	return s;
}

void
store_close(struct store *s)
{
	if (s == NULL)
		return;
	s->ops->close(s->impl);
	free(s);
}

int
store_reopen(struct store *s, struct err *e)
{
	return s->ops->reopen(s->impl, e);
}

void
store_leave(struct store *s)
{
	s->ops->leave(s->impl);
}

int
store_run(struct store *s, struct store_step *steps, size_t n, struct err *e)
{
	return s->ops->run(s->impl, steps, n, e);
}

void
store_begin(struct store *s)
{
	if (s->ops->begin != NULL)
		s->ops->begin(s->impl);
}

void
store_expect(struct store *s)
{
	if (s->ops->expect != NULL)
		s->ops->expect(s->impl);
}

void
store_hurry(struct store *s, uint64_t len)
{
	if (s->ops->hurry != NULL)
		s->ops->hurry(s->impl, len);
}

int
store_make_base(struct store *s, struct err *e)
{
	return s->ops->make_base(s->impl, e);
}

int
store_put(struct store *s, const char *path, uint64_t from, int fd,
    uint64_t len, int (*moved)(void *arg, uint64_t so_far, struct err *e),
    void *arg, struct err *e)
{
	return s->ops->put(s->impl, path, from, fd, len, moved, arg, e);
}

int
store_get(struct store *s, const char *path, uint64_t max,
    int (*sink)(void *arg, const void *bytes, size_t len, struct err *e),
    void *arg, struct err *e)
{
	return s->ops->get(s->impl, path, max, sink, arg, e);
}

int
store_names(struct store *s, const char *dir,
    int (*each)(void *arg, const char *name), void *arg, struct err *e)
{
	return s->ops->names(s->impl, dir, each, arg, e);
}

int
store_mtime(struct store *s, const char *path, int64_t *us, struct err *e)
{
	return s->ops->mtime(s->impl, path, us, e);
}

int
store_md5(struct store *s, const char *path, uint8_t md5[MD5_SIZE],
    struct err *e)
{
	return s->ops->md5(s->impl, path, md5, e);
}
