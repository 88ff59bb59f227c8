#ifndef NATIVE_LINK_H
#define NATIVE_LINK_H

#include <stddef.h>

#include "base/err.h"
#include "native/patch.h"

/*
 * Make a patch (native/patch.h) for a running executable from one object file
 * with the mended functions: the object's sections are laid out as they will
 * lie in the reserve, and what they refer to is looked up in the executable's
 * own symbols. Pure: bytes in, struct out, so that the same input gives the
 * same patch.
 *
 * exe is the executable with its symbols (not stripped); one without them is
 * the same program when the build-id is the same.
 */

/* What may be changed: OLD=NEW. */
struct native_pair {
	/* NAME, FILE.c:NAME (a static function) or +0xOFFSET from the base */
	const char *old_name;
	const char *new_name; /* in the object */
};

struct native_link_spec {
	const void *exe;
	size_t exe_len;
	const void *object;
	size_t object_len;
	const struct native_pair *pairs;
	size_t npairs;     /* 1 to NATIVE_FUNCS */
	const char *id;    /* native_is_id(); NULL: made of the digest */
	const char *needs; /* native_is_id(), or NULL */
	int unmarked;      /* also functions without NOPs at their entry */
};

/*
 * One line (no LF, escaped) for each reason why there can be no patch, at
 * once, each naming the symbol and what to do about it. What is no reason
 * but worth knowing goes to note, or nowhere when that is NULL.
 */
struct native_told {
	void (*reason)(void *arg, const char *line);
	void (*note)(void *arg, const char *line);
	void *arg;
};

/*
 * 0 with *out, which is the caller's; -1 with err: ERR_NO when reasons were
 * told (their number is in the err), or the input is no ELF file at all;
 * ERR_USAGE for a pair, id or needs that says nothing; ERR_LOCAL for memory.
 */
int native_link(struct native_patch **out, const struct native_link_spec *s,
    const struct native_told *told, struct err *e);

/* What `hotfix native check` says of an executable. */
struct native_target {
	enum native_arch arch;
	uint8_t build_id[NATIVE_BUILD_ID];
	size_t build_id_len;
	size_t functions; /* that it has symbols for, clones not counted */
	size_t patchable; /* of them: room at the entry */
	size_t code_reserve, data_reserve; /* bytes */
};

/* May this executable be patched at all? 0 with out, or -1 as above. */
int native_check_target(struct native_target *out, const void *exe, size_t len,
    const struct native_told *told, struct err *e);

/* May these functions be replaced? All that native_link would tell of the
 * executable and of the pairs' old functions; there is no object, and no new
 * ones. 0, or -1 as above. */
int native_check_functions(const struct native_link_spec *s,
    const struct native_told *told, struct err *e);

#endif
