/* hotfix native: patches of machine code. */

#include "cmd/verbs.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hex.h"
#include "cmd/options.h"
#include "native/elf.h"
#include "native/link.h"
#include "native/patch.h"

#define MODE   0644 /* of a patch: no secret */
#define NUMBER 32   /* room for one in text */
#define FUNCS_TEXT \
	(NATIVE_FUNCS * (NATIVE_NAME + 1) + 1) /* all names, with blanks */

struct native {
	struct say say;
	const char *exe, *out, *id, *needs;
	int unmarked;
};

/* --- what is told ----------------------------------------------------------
 */

static void
on_reason(void *arg, const char *line)
{
	struct native *n = arg;

	say_error(&n->say, "%s", line);
}

static void
on_note(void *arg, const char *line)
{
	struct native *n = arg;

	say_note(&n->say, "%s", line);
}

static void
say_build(struct say *s, enum native_arch arch, const uint8_t *id, size_t len)
{
	char digits[2 * NATIVE_BUILD_ID + 1];

	say_text(s, "arch", native_arch_name(arch));
	say_text(s, "build-id", hex_encode(digits, id, len));
}

static void
say_patch(struct say *s, const char *path, const struct native_patch *p)
{
	char names[FUNCS_TEXT];
	size_t i, at = 0;

	for (i = 0; i < p->nfuncs; i++)
		at += (size_t)snprintf(names + at, sizeof names - at, "%s%s",
		    i > 0 ? " " : "", p->funcs[i].name);
	say_text(s, "path", path);
	say_text(s, "id", p->id);
	say_build(s, p->arch, p->build_id, p->build_id_len);
	say_text(s, "needs", p->needs[0] != '\0' ? p->needs : "-");
	say_text(s, "functions", names);
	say_count(s, "code", p->code);
	say_count(s, "rodata", p->rodata);
	say_count(s, "data", p->data);
	say_count(s, "bss", p->bss);
	say_count(s, "relocations", p->nrelocs);
}

static const char *
offset_text(char out[NUMBER], uint64_t off)
{
	snprintf(out, NUMBER, "+0x%" PRIx64, off);
	return out;
}

static void
say_function(struct say *s, const struct native_func *f)
{
	char digits[2 * SHA512_SIZE + 1], number[NUMBER];

	say_text(s, "function", f->name);
	say_text(s, "offset", offset_text(number, f->off));
	say_count(s, "size", f->size);
	say_text(s, "site", offset_text(number, f->site));
	say_count(s, "pad", f->pad);
	say_text(s, "sha512", hex_encode(digits, f->sha512, SHA512_SIZE));
	say_text(s, "new", offset_text(number, f->new_off));
	say_end(s);
}

static void
say_relocation(struct say *s, const struct native_reloc *r)
{
	const uint64_t size =
	    r->value < 0 ? (uint64_t)-r->value : (uint64_t)r->value;
	char at[NUMBER], value[NUMBER];

	snprintf(at, sizeof at, "%c+0x%" PRIx64, r->where, r->off);
	snprintf(value, sizeof value, "%c%c0x%" PRIx64, r->base,
	    r->value < 0 ? '-' : '+', size);
	if (s->json) {
		say_text(s, "at", at);
		say_text(s, "kind", native_kind_name(r->kind));
		say_text(s, "value", value);
		say_text(s, "symbol", r->symbol);
		say_next(s);
	} else {
		const char *const row[] = {
		    at, native_kind_name(r->kind), value, r->symbol};

		say_row(s, row, sizeof row / sizeof *row);
	}
}

/* --- create ----------------------------------------------------------------
 */

/* A file of these bytes: made, or there already. */
static int
put(const char *path, const struct buf *bytes, struct err *e)
{
	struct buf there = BUF_INIT;
	int ret = -1;

	if (access(path, F_OK) != 0) {
		ret = file_create(path, bytes->data, bytes->len, MODE, e);
		goto out;
	}
	if (file_read(path, NATIVE_FILE, &there, e) != 0)
		goto out;
	if (there.len == bytes->len &&
	    memcmp(there.data, bytes->data, bytes->len) == 0)
		ret = 0;
	else
		err_set(e, ERR_NO,
		    "%s: exists, and is another file: remove it or choose"
		    " another name",
		    path);
out:
	buf_free(&there);
	return ret;
}

/* text is "OLD=NEW": 0, or -1. An OLD with its file may hold a '='. */
static int
split(char *text, struct native_pair *out)
{
	char *eq = strrchr(text, '=');

	if (eq == NULL || eq == text || eq[1] == '\0')
		return -1;
	*eq = '\0';
	out->old_name = text;
	out->new_name = eq + 1;
	return 0;
}

static int
link_files(struct native *n, const struct native_pair *pairs, size_t npairs,
    const char *object, struct native_patch **out, struct err *e)
{
	const struct native_told told = {on_reason, on_note, n};
	struct native_link_spec spec = {.pairs = pairs,
	    .npairs = npairs,
	    .id = n->id,
	    .needs = n->needs,
	    .unmarked = n->unmarked};
	struct buf exe = BUF_INIT, obj = BUF_INIT;
	int ret = -1;

	if (file_read(n->exe, ELF_LEN_MAX, &exe, e) != 0 ||
	    file_read(object, ELF_LEN_MAX, &obj, e) != 0)
		goto out;
	spec.exe = exe.data;
	spec.exe_len = exe.len;
	spec.object = obj.data;
	spec.object_len = obj.len;
	ret = native_link(out, &spec, &told, e);
out:
	buf_free(&exe);
	buf_free(&obj);
	return ret;
}

static int
create(struct native *n, char **operands, size_t count)
{
	struct native_pair pairs[NATIVE_FUNCS];
	struct native_patch *p = NULL;
	struct buf bytes = BUF_INIT;
	struct err e;
	int status = 0;
	size_t i;

	if (n->exe == NULL || n->out == NULL)
		return options_complain(&n->say, "no %s",
		    n->exe == NULL ? "-e EXE" : "-o PATCH");
	if (strcmp(n->out, "-") == 0)
		return options_complain(&n->say,
		    "-o -: a patch goes into a file");
	if (count < 2)
		return options_complain(&n->say,
		    "OLD=NEW and FIX.o are needed");
	if (count - 1 > NATIVE_FUNCS)
		return options_complain(&n->say,
		    "a patch has at most %d functions", NATIVE_FUNCS);
	for (i = 0; i + 1 < count; i++)
		if (split(operands[i], &pairs[i]) != 0)
			return options_complain(&n->say,
			    "operand %zu of create is not OLD=NEW", i + 1);
	if (link_files(n, pairs, count - 1, operands[count - 1], &p, &e) != 0 ||
	    native_patch_format(&bytes, p, &e) != 0 ||
	    put(n->out, &bytes, &e) != 0) {
		status = say_err(&n->say, &e);
	} else {
		say_patch(&n->say, n->out, p);
		say_end(&n->say);
	}
	buf_free(&bytes);
	native_patch_free(p);
	return status;
}

/* --- check, show -----------------------------------------------------------
 */

static int
check(struct native *n, const char *path)
{
	const struct native_told told = {on_reason, on_note, n};
	struct buf exe = BUF_INIT;
	struct native_target t;
	struct say *s = &n->say;
	struct err e, why;
	int status = 0;

	if (file_read(path, ELF_LEN_MAX, &exe, &e) != 0) {
		status = say_err(s, &e);
	} else if (native_check_target(&t, exe.data, exe.len, &told, &why) !=
		   0) {
		err_set(&e, why.kind, "%s: %s", path, why.text);
		status = say_err(s, &e);
	} else {
		say_text(s, "path", path);
		say_build(s, t.arch, t.build_id, t.build_id_len);
		say_count(s, "functions", t.functions);
		say_count(s, "patchable", t.patchable);
		say_count(s, "code-reserve", t.code_reserve);
		say_count(s, "data-reserve", t.data_reserve);
		say_end(s);
	}
	buf_free(&exe);
	return status;
}

/* Functions of it, by their names. */
static int
check_functions(struct native *n, const char *path, char **names, size_t count)
{
	const struct native_told told = {on_reason, on_note, n};
	struct native_pair pairs[NATIVE_FUNCS];
	struct native_link_spec spec = {.pairs = pairs, .npairs = count};
	struct buf exe = BUF_INIT;
	struct err e, why;
	int status = 0;
	size_t i;

	if (count > NATIVE_FUNCS)
		return options_complain(&n->say,
		    "a patch has at most %d functions", NATIVE_FUNCS);
	for (i = 0; i < count; i++)
		pairs[i] = (struct native_pair){names[i], names[i]};
	if (file_read(path, ELF_LEN_MAX, &exe, &e) != 0) {
		status = say_err(&n->say, &e);
		goto out;
	}
	spec.exe = exe.data;
	spec.exe_len = exe.len;
	if (native_check_functions(&spec, &told, &why) != 0) {
		err_set(&e, why.kind, "%s: %s", path, why.text);
		status = say_err(&n->say, &e);
		goto out;
	}
	for (i = 0; i < count; i++) {
		say_text(&n->say, "path", path);
		say_text(&n->say, "function", names[i]);
		say_text(&n->say, "result", "patchable");
		say_end(&n->say);
	}
out:
	buf_free(&exe);
	return status;
}

static int
show(struct native *n, const char *path)
{
	struct native_patch *p = NULL;
	struct buf bytes = BUF_INIT;
	struct err e, why;
	int status = 0;
	size_t i;

	if (file_read(path, NATIVE_FILE, &bytes, &e) != 0) {
		status = say_err(&n->say, &e);
	} else if (native_patch_parse(&p, bytes.data, bytes.len, &why) != 0) {
		err_set(&e, why.kind, "%s: %s", path, why.text);
		status = say_err(&n->say, &e);
	} else {
		say_patch(&n->say, path, p);
		say_end(&n->say);
		for (i = 0; i < p->nfuncs; i++)
			say_function(&n->say, &p->funcs[i]);
		for (i = 0; n->say.verbose && i < p->nrelocs; i++)
			say_relocation(&n->say, &p->relocs[i]);
	}
	buf_free(&bytes);
	native_patch_free(p);
	return status;
}

int
cmd_native(int argc, char **argv)
{
	struct native n = {.exe = NULL};
	const struct option options[] = {
	    {'e', "exe", "FILE", "create: for this executable, not stripped",
		.text = &n.exe},
	    {'o', "output", "FILE", "create: make this patch", .text = &n.out},
	    {0, "id", "ID", "create: the patch's id (of its digest)",
		.text = &n.id},
	    {0, "needs", "ID", "create: only over this patch",
		.text = &n.needs},
	    {'u', "unmarked", NULL, "create: functions without NOPs, too",
		.flag = &n.unmarked},
	};
	const struct usage usage = {
	    "create [-qvh] [--json] -e EXE -o PATCH [OPTION...] OLD=NEW... "
	    "FIX.o\n"
	    "       hotfix native check EXE [OLD...]\n"
	    "       hotfix native show [-v] PATCH",
	    "Make a patch of machine code for a running executable from an"
	    " object file with\nthe new functions; see whether an executable"
	    " can be patched; show a patch.\n",
	    options, sizeof options / sizeof *options, NULL, 0, NULL, 0};
	char **operands;
	size_t count;
	int status, is_check;

	status = options_parse(&n.say, &usage, argc, argv, &operands, &count);
	if (status != OPTIONS_GO_ON)
		return status;
	if (count > 0 && strcmp(operands[0], "create") == 0)
		return create(&n, operands + 1, count - 1);
	if (count == 0 || (strcmp(operands[0], "check") != 0 &&
			      strcmp(operands[0], "show") != 0))
		return options_complain(&n.say,
		    "create, check or show is needed");
	if (n.exe != NULL || n.out != NULL || n.id != NULL || n.needs != NULL ||
	    n.unmarked)
		return options_complain(&n.say, "%s has no such option",
		    operands[0]);
	is_check = strcmp(operands[0], "check") == 0;
	if (count < 2 || (!is_check && count > 2) || *operands[1] == '\0')
		return options_complain(&n.say, "%s needs one %s", operands[0],
		    is_check ? "EXE" : "PATCH");
	if (!is_check)
		return show(&n, operands[1]);
	return count == 2
		   ? check(&n, operands[1])
		   : check_functions(&n, operands[1], operands + 2, count - 2);
}
