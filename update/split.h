#ifndef UPDATE_SPLIT_H
#define UPDATE_SPLIT_H

#include <stddef.h>

/* A run of text that is somebody else's. */
struct span {
	const char *p;
	size_t n;
};

/*
 * Take the next piece of *rest, which is parted by single separators: 1 with
 * *piece, which is empty where two separators meet or one stands at an end;
 * 0 when nothing is left. Text with n separators has n + 1 pieces.
 */
int split_next(struct span *rest, char separator, struct span *piece);

/* 1 when the text is the piece's whole content, else 0. */
int span_is(struct span s, const char *text);

#endif
