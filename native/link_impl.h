#ifndef NATIVE_LINK_IMPL_H
#define NATIVE_LINK_IMPL_H

/*
 * What the files of the linker share (native/link*.c, native/reloc_*.c).
 *
 * The steps of native_link, each telling all its reasons before the next one
 * begins: the executable (link_target.c), the old functions (link_old.c), the
 * object and what of it is needed (link_object.c), where that refers to
 * (link_symbol.c), its places (link_layout.c), the patch (link.c).
 */

#include "base/buf.h"
#include "native/dwarf.h"
#include "native/elf.h"
#include "native/link.h"

#define LINK_SHOWN 200 /* bytes of a name in a line for people */

/* An old function and its new one. */
struct link_pair {
	const struct elf_symbol *old_symbol; /* NULL: none was found */
	const struct elf_symbol *new_symbol;
	struct native_func func; /* but for new_off */
};

/* One of the object's sections. */
struct link_place {
	int needed;
	char area;    /* 'c' or 'd' */
	uint64_t off; /* in the area */
};

enum link_found {
	LINK_UNASKED = 0,
	LINK_OWN,    /* in the object itself */
	LINK_TARGET, /* in the executable: value from its base */
	LINK_SLOT,   /* in a slot of the executable, value from its base */
	LINK_NOWHERE /* and it was told */
};

/* One of the object's symbols. */
struct link_symbol {
	enum link_found found;
	uint64_t value;
	int is_data; /* of a slot: known to be no function */
	int told;    /* why it cannot be had in another way */
	/* What is made for it in the patch, or LINK_NONE; while the object is
	 * looked through, an offset among all of a kind. */
	uint64_t stub;   /* in the code area: jumps to what is in the slot */
	uint64_t cell;   /* in the data area: holds its address */
	uint64_t common; /* in the data area: a tentative variable */
};

#define LINK_NONE UINT64_MAX

struct linker {
	const struct native_link_spec *spec; /* NULL: only the executable */
	const struct native_told *told;
	struct err *e;
	size_t nreasons;
	const char *told_once; /* of what holds for the object as a whole */
	int failed;            /* memory ran out somewhere: e says so */

	struct elf *exe, *object;
	struct dwarf *dwarf;
	enum native_arch arch;
	uint64_t base;

	struct link_pair pairs[NATIVE_FUNCS];
	size_t npairs;
	struct link_place *places;   /* by index of the section */
	struct link_symbol *symbols; /* by index of the symbol */
	size_t nstubs, ncells;
	uint64_t stubs_at, cells_at; /* in their areas */

	struct native_patch *p;
	size_t room; /* of p->relocs */
	struct buf code, data;
	struct buf names; /* of relocations, each with its NUL */
};

/* Tell a reason or a note; texts from files need no care. */
void link_reason(struct linker *l, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void link_note(struct linker *l, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
int link_no_memory(struct linker *l); /* -1 */

/* --- link_target.c ---------------------------------------------------------
 * All of these return 0, also after reasons, or -1 where one cannot go on.
 */

/* Open the executable and see whether it can be patched at all. */
int link_open_target(struct linker *l, const void *exe, size_t len);
/* The flags that it was compiled with. */
void link_check_flags(struct linker *l);
/* 1 when a compiler of this kind has left a command line. */
int link_has_gcc(const struct linker *l);
int link_has_clang(const struct linker *l);
/* Bytes of the reserve's symbol, 0 when there is none. */
uint64_t link_reserve(const struct linker *l, const char *name);

#define LINK_RESERVE_CODE "native_reserve_code"
#define LINK_RESERVE_DATA "native_reserve_data"
/* Sections of the executable: functions of the side that applies patches, and
 * functions that were marked as patchable one by one. */
#define LINK_APPLY_TEXT   "hotfix_native_text"
#define LINK_MARKED_TEXT  "hotfix_patchable"

/* --- link_old.c ------------------------------------------------------------
 */
int link_find_old(struct linker *l);
/* 1 when the function lies in the executable's section of this name. */
int link_is_in(const struct linker *l, const struct elf_symbol *s,
    const char *section);
/* 1 when the name is that of a clone of what the first len bytes name. */
int link_is_clone(const char *name, const char *of, size_t len);

/* --- link_object.c ---------------------------------------------------------
 */
int link_open_object(struct linker *l);
/* Find the new functions and, from them on, all that they need. */
int link_find_needed(struct linker *l);
/* What a symbol is called in a line: its name, or its section's. */
const char *link_symbol_name(const struct linker *l,
    const struct elf_symbol *s);

/* --- link_symbol.c ---------------------------------------------------------
 */
/* Where the object's symbol of this index is. */
enum link_found link_resolve(struct linker *l, size_t index);

/* --- link_layout.c ---------------------------------------------------------
 */
int link_lay_out(struct linker *l);
/* Write the relocations of all that was laid out. */
int link_relocate(struct linker *l);

/* --- reloc_x86_64.c, reloc_aarch64.c ---------------------------------------
 */

enum link_way {
	LINK_SKIP,   /* nothing to do */
	LINK_VALUE,  /* the symbol's address */
	LINK_CALL,   /* the same, and it is a function */
	LINK_CELL,   /* the address of a cell that holds it */
	LINK_REFUSED /* why: a sentence behind the symbol's name */
};

struct link_how {
	enum link_way way;
	enum native_kind kind;
	const char *why;
	int of_all; /* why holds for the object as a whole: told once */
};

struct link_how link_how_x86_64(uint32_t type);
struct link_how link_how_aarch64(uint32_t type);

/* A stub is an indirect jump through a slot of the executable. */
#define LINK_STUB_MAX    12
#define LINK_STUB_RELOCS 2

struct link_stub {
	uint8_t bytes[LINK_STUB_MAX];
	size_t len;
	size_t nrelocs;
	struct {
		size_t off;
		enum native_kind kind;
		int64_t addend;
	} relocs[LINK_STUB_RELOCS];
};

const struct link_stub *link_stub_x86_64(void);
const struct link_stub *link_stub_aarch64(void);

#endif
