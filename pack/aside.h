#ifndef PACK_ASIDE_H
#define PACK_ASIDE_H

#include "base/err.h"

/* A path for something that is made under a name beside it and renamed. */
struct aside {
	char *path;   /* without '/' at its end */
	char *tmp;    /* PATH.new-XXXXXX, the X as mkstemp takes them */
	char *parent; /* the folder of both */
};

#define ASIDE_INIT               \
	{                        \
		NULL, NULL, NULL \
	}

/* 0, or -1 with err: out of memory, or a path that names nothing new. */
int aside_init(struct aside *a, const char *path, struct err *e);
void aside_free(struct aside *a);

/* Random characters in the place of the X. 0, or -1 with err. */
int aside_fill(struct aside *a, struct err *e);

#endif
