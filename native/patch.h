#ifndef NATIVE_PATCH_H
#define NATIVE_PATCH_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "crypto/sha512.h"

/*
 * The patch file of native code, version 1. Lines of ASCII, each with LF, one
 * blank between words, in this order and nothing else; then bytes:
 *
 *	HOTFIX-NATIVE 1
 *	id ID
 *	arch x86_64|aarch64
 *	module main
 *	build-id HEX
 *	needs ID|-
 *	sizes code N rodata N data N bss N
 *	func NAME off X size X site X pad N sha512 HEX new X	(1 to 16)
 *	rel c|d X KIND c|d|m X SYMBOL				(any number)
 *	relocs N
 *	body-sha512 HEX		of the bytes behind the head
 *	head-sha512 HEX		of every line above
 *	bytes
 *
 * N is decimal, X hex (of a rel's value: with a minus sign in front where it
 * is negative), both without leading zeros. The file ends with the last byte.
 * There are no times and no paths, so the same input gives the same file. Who
 * made it is not said here: that is the business of the signature around it.
 *
 * A patch has two areas in the running program's reserve, each beginning on a
 * page of its own: the code area (readable, executable) holds code, then
 * rodata; the data area holds data, then bss, which is zeros. The bytes of the
 * file are those of code, rodata and data.
 *
 * Addresses in the program are offsets from its base: where its ELF header
 * lies in memory. Pure: bytes in, struct out.
 */

#define NATIVE_ID     64 /* bytes of an id: as other names here */
/* Bytes of a function's or symbol's name: what is left of NATIVE_LINE by the
 * other words of a func. */
#define NATIVE_NAME   255
#define NATIVE_LINE   512   /* bytes of a line with its LF */
#define NATIVE_FUNCS  16    /* they switch at one halt of all threads */
#define NATIVE_RELOCS 65536 /* a function of the largest size has less */
/* Bytes of an area: jumps reach, and a reserve of this size in an executable
 * is the most that anybody may wish for. */
#define NATIVE_AREA   ((size_t)16 << 20)
/* Of a file as a whole: both areas and the longest lines. */
#define NATIVE_FILE        \
	(2 * NATIVE_AREA + \
	    (NATIVE_FUNCS + NATIVE_RELOCS + (size_t)16) * NATIVE_LINE)
#define NATIVE_BUILD_ID     64   /* bytes: the longest digest there is */
#define NATIVE_BUILD_ID_MIN 8    /* of the fast hash of lld; less is no proof */
#define NATIVE_PAGE         4096 /* what areas are aligned to, at least */
/* A value is an offset in an address space, of 47 or 48 bits, so that sums
 * of one with an address never wrap. */
#define NATIVE_VALUE        (INT64_C(1) << 48)

enum native_arch { NATIVE_X86_64, NATIVE_AARCH64 };

/* The bytes of the jump that is written over an entry. */
#define NATIVE_JUMP_X86_64  5
#define NATIVE_JUMP_AARCH64 4

/*
 * What a relocation writes at P, with V the address that base and value give
 * (no addend is left: it is in the value). Instructions keep the bits that
 * are not named. What does not fit is an error at run time.
 */
enum native_kind {
	NATIVE_ABS64,  /* 8 bytes: V */
	NATIVE_ABS32,  /* 4 bytes: V, unsigned */
	NATIVE_ABS32S, /* 4 bytes: V, signed */
	NATIVE_REL32,  /* 4 bytes: V - P, signed */
	NATIVE_REL64,  /* 8 bytes: V - P */
	/* aarch64 alone, an instruction of 4 bytes each: */
	NATIVE_CALL26, /* bits 0-25: (V - P) / 4, signed (b, bl) */
	NATIVE_ADRP,   /* V's page - P's page in pages of 4096, signed 21 bits:
			* low two at bits 29-30, others at 5-23 */
	NATIVE_LO12_0, /* bits 10-21: V's low 12 bits (add, ldrb) */
	NATIVE_LO12_1, /* the same, shifted right by so many; what is */
	NATIVE_LO12_2, /* shifted out must be 0 */
	NATIVE_LO12_3,
	NATIVE_LO12_4
};

#define NATIVE_KINDS (NATIVE_LO12_4 + 1)

struct native_func {
	char name[NATIVE_NAME + 1]; /* for people */
	uint64_t off;  /* of the old function's entry, from the base */
	uint64_t size; /* of what sha512 is of: the function; at least up to
			* the end of the jump at site */
	uint64_t site; /* where the jump is written, from the base: off, or
			* behind an endbr64 or bti of 4 bytes */
	/* Bytes of NOPs at site that the compiler left for this: not less
	 * than the jump, and a thread among them may begin the function anew.
	 * 0: instructions of the function itself are overwritten. */
	unsigned pad;
	uint8_t sha512[SHA512_SIZE]; /* of the old bytes */
	uint64_t new_off;            /* of the new entry, in code */
};

struct native_reloc {
	char where;   /* 'c' code area, 'd' data */
	uint64_t off; /* from where's begin; not in bss */
	enum native_kind kind;
	char base; /* 'c' code area, 'd' data area, 'm' the program's base */
	int64_t value;      /* from base */
	const char *symbol; /* for people; never NULL or empty */
};

struct native_patch {
	char id[NATIVE_ID + 1];
	enum native_arch arch;
	uint8_t build_id[NATIVE_BUILD_ID];
	size_t build_id_len;
	char needs[NATIVE_ID + 1]; /* the id that must be live; "": none */
	size_t code, rodata, data, bss;
	struct native_func funcs[NATIVE_FUNCS]; /* by off, none over another */
	size_t nfuncs;
	/* Those of code first, each by off, none over another. */
	struct native_reloc *relocs;
	size_t nrelocs;
	uint8_t *bytes; /* code + rodata + data */
	/* SHA-512 of the head, which holds that of the bytes: two patches of
	 * one digest are the same. Set by parse; format does not look at it. */
	uint8_t digest[SHA512_SIZE];
	char *names; /* what relocs' symbols point into */
};

/*
 * Parse a whole file; the result is the caller's and does not refer to bytes.
 * 0, or -1 with ERR_NO and one line that tells what is wrong and where
 * (ERR_LOCAL: no memory).
 */
int native_patch_parse(struct native_patch **out, const void *bytes, size_t len,
    struct err *e);

/* Append the file. What native_patch_check refuses is refused. 0 or -1; then
 * out has nothing useful. */
int native_patch_format(struct buf *out, const struct native_patch *p,
    struct err *e);

/* 0 when all that the struct says fits together (what parse gives does), or
 * -1 with ERR_NO. The old bytes and the reserve are not looked at. */
int native_patch_check(const struct native_patch *p, struct err *e);

/* Of one that parse (or native_link) made. */
void native_patch_free(struct native_patch *p);

/* 1 when the text may be an id: letters, digits and "._-", not a minus in
 * front, 1 to NATIVE_ID bytes. */
int native_is_id(const char *s, size_t len);

const char *native_arch_name(enum native_arch arch);
size_t native_jump_size(enum native_arch arch);
const char *native_kind_name(enum native_kind kind);
size_t native_kind_size(enum native_kind kind); /* bytes that it writes */
/* 1 when the kind changes an instruction of aarch64. */
int native_kind_is_code(enum native_kind kind);

#endif
