#ifndef NATIVE_SELF_H
#define NATIVE_SELF_H

#include <stddef.h>
#include <stdint.h>

/* What the running executable says about itself, from its own memory. */

struct self {
	uintptr_t base;          /* where its ELF header is */
	const uint8_t *build_id; /* in its memory; NULL: it has none */
	size_t build_id_len;
};

/* 0, or -1: its header is not in memory, or none that this can read. */
int self_read(struct self *s);

/* 1 when all len (not 0) bytes at an offset from the base are code. */
int self_is_code(const struct self *s, uint64_t off, uint64_t len);

#endif
