/* Native patches as hotfix.h has them. */

#include "lua-host/hotfix.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "native/apply.h"

static const enum hotfix_native_code codes[NATIVE_CODES] = {
    [NATIVE_OK] = HOTFIX_NATIVE_OK,
    [NATIVE_IO] = HOTFIX_NATIVE_IO,
    [NATIVE_FORMAT] = HOTFIX_NATIVE_FORMAT,
    [NATIVE_CHECKSUM] = HOTFIX_NATIVE_FORMAT,
    [NATIVE_ARCH] = HOTFIX_NATIVE_ARCH,
    [NATIVE_BUILD] = HOTFIX_NATIVE_BUILD,
    [NATIVE_MODULE] = HOTFIX_NATIVE_MODULE,
    [NATIVE_DUP] = HOTFIX_NATIVE_DUP,
    [NATIVE_NEEDS] = HOTFIX_NATIVE_NEEDS,
    [NATIVE_SPACE] = HOTFIX_NATIVE_SPACE,
    [NATIVE_MISMATCH] = HOTFIX_NATIVE_MISMATCH,
    [NATIVE_RANGE] = HOTFIX_NATIVE_RANGE,
    [NATIVE_PERM] = HOTFIX_NATIVE_PERM,
    [NATIVE_BUSY] = HOTFIX_NATIVE_BUSY,
    [NATIVE_ORDER] = HOTFIX_NATIVE_ORDER,
    [NATIVE_NOTFOUND] = HOTFIX_NATIVE_NOTFOUND,
    [NATIVE_DISABLED] = HOTFIX_NATIVE_DISABLED,
};

static enum hotfix_native_code
tell(struct hotfix_native_report *out, enum native_code code,
    const struct native_report *r)
{
	const enum hotfix_native_code told = codes[code];

	if (out == NULL)
		return told;
	memset(out, 0, sizeof *out);
	out->code = told;
	snprintf(out->id, sizeof out->id, "%s", r->id);
	snprintf(out->text, sizeof out->text, "%s", r->text);
	out->functions = r->funcs;
	out->threads = r->threads;
	out->inside = r->inside;
	out->load_ns = r->load_ns;
	out->pause_ns = r->pause_ns;
	out->code_left = r->code_left;
	out->data_left = r->data_left;
	return told;
}

enum hotfix_native_code
hotfix_native_init(const struct hotfix_native_options *o,
    struct hotfix_native_report *r)
{
	struct native_options options = {0};
	struct native_report report;
	enum native_code code;

	if (o != NULL) {
		options.signal = o->signal;
		options.bound_ns = o->bound_ns;
		options.allow_rwx = o->allow_rwx;
		options.park =
		    o->no_threads ? NATIVE_PARK_OFF : NATIVE_PARK_AUTO;
	}
	code = native_init(&options, &report);
	return tell(r, code, &report);
}

/* What a file comes to; act is native_apply or native_try. */
static enum hotfix_native_code
with_file(const char *path,
    enum native_code (*act)(const struct native_patch *p,
	struct native_report *r),
    struct hotfix_native_report *out)
{
	struct native_report r;
	struct native_patch *p = NULL;
	struct buf b = BUF_INIT;
	enum native_code code;
	struct err e;

	memset(&r, 0, sizeof r);
	if (file_read(path, NATIVE_FILE, &b, &e) != 0) {
		code = NATIVE_IO;
		snprintf(r.text, sizeof r.text, "%.*s", NATIVE_TEXT - 1,
		    e.text);
	} else if (native_patch_parse(&p, b.data, b.len, &e) != 0) {
		code = e.kind == ERR_LOCAL ? NATIVE_SPACE : NATIVE_FORMAT;
		snprintf(r.text, sizeof r.text, "%.100s: %.150s", path, e.text);
	} else {
		code = act(p, &r);
	}
	native_patch_free(p);
	buf_free(&b);
	return tell(out, code, &r);
}

enum hotfix_native_code
hotfix_native_apply(const char *path, struct hotfix_native_report *r)
{
	return with_file(path, native_apply, r);
}

enum hotfix_native_code
hotfix_native_check(const char *path, struct hotfix_native_report *r)
{
	return with_file(path, native_try, r);
}

enum hotfix_native_code
hotfix_native_revert(const char *id, struct hotfix_native_report *r)
{
	struct native_report report;
	enum native_code code = native_revert(id, &report);

	return tell(r, code, &report);
}

size_t
hotfix_native_list(void (*each)(void *arg, const char *line), void *arg)
{
	return native_list(each, arg);
}

void
hotfix_native_safepoint(void)
{
	native_safepoint();
}
