/* Relocations of x86-64 objects (System V psABI, chapter 4). */

#include "native/link_impl.h"

#define LARGE                                                           \
	"is reached as position independent code of a large model does" \
	" it: compile with -mcmodel=small -fPIE"
#define TLS                                                             \
	"is thread-local: a patch has no thread-local variables; reach" \
	" it through a function of the program"

struct link_how
link_how_x86_64(uint32_t type)
{
	static const struct {
		uint32_t type;
		struct link_how how;
	} rows[] = {
	    {0, {LINK_SKIP, NATIVE_ABS64, NULL, 0}},
	    {1, {LINK_VALUE, NATIVE_ABS64, NULL, 0}},     /* 64 */
	    {2, {LINK_VALUE, NATIVE_REL32, NULL, 0}},     /* PC32 */
	    {4, {LINK_CALL, NATIVE_REL32, NULL, 0}},      /* PLT32 */
	    {9, {LINK_CELL, NATIVE_REL32, NULL, 0}},      /* GOTPCREL */
	    {10, {LINK_VALUE, NATIVE_ABS32, NULL, 0}},    /* 32 */
	    {11, {LINK_VALUE, NATIVE_ABS32S, NULL, 0}},   /* 32S */
	    {16, {LINK_REFUSED, NATIVE_ABS64, TLS, 0}},   /* DTPMOD64 */
	    {17, {LINK_REFUSED, NATIVE_ABS64, TLS, 0}},   /* DTPOFF64 */
	    {18, {LINK_REFUSED, NATIVE_ABS64, TLS, 0}},   /* TPOFF64 */
	    {19, {LINK_REFUSED, NATIVE_ABS64, TLS, 0}},   /* TLSGD */
	    {20, {LINK_REFUSED, NATIVE_ABS64, TLS, 0}},   /* TLSLD */
	    {21, {LINK_REFUSED, NATIVE_ABS64, TLS, 0}},   /* DTPOFF32 */
	    {22, {LINK_REFUSED, NATIVE_ABS64, TLS, 0}},   /* GOTTPOFF */
	    {23, {LINK_REFUSED, NATIVE_ABS64, TLS, 0}},   /* TPOFF32 */
	    {24, {LINK_VALUE, NATIVE_REL64, NULL, 0}},    /* PC64 */
	    {25, {LINK_REFUSED, NATIVE_ABS64, LARGE, 1}}, /* GOTOFF64 */
	    {26, {LINK_REFUSED, NATIVE_ABS64, LARGE, 1}}, /* GOTPC32 */
	    {27, {LINK_REFUSED, NATIVE_ABS64, LARGE, 1}}, /* GOT64 */
	    {28, {LINK_REFUSED, NATIVE_ABS64, LARGE, 1}}, /* GOTPCREL64 */
	    {29, {LINK_REFUSED, NATIVE_ABS64, LARGE, 1}}, /* GOTPC64 */
	    {30, {LINK_REFUSED, NATIVE_ABS64, LARGE, 1}}, /* GOTPLT64 */
	    {31, {LINK_REFUSED, NATIVE_ABS64, LARGE, 1}}, /* PLTOFF64 */
	    {34, {LINK_REFUSED, NATIVE_ABS64, TLS, 0}},   /* GOTPC32_TLSDESC */
	    {35, {LINK_REFUSED, NATIVE_ABS64, TLS, 0}},   /* TLSDESC_CALL */
	    {36, {LINK_REFUSED, NATIVE_ABS64, TLS, 0}},   /* TLSDESC */
	    {41, {LINK_CELL, NATIVE_REL32, NULL, 0}},     /* GOTPCRELX */
	    {42, {LINK_CELL, NATIVE_REL32, NULL, 0}},     /* REX_GOTPCRELX */
	};
	const struct link_how unknown = {LINK_REFUSED, NATIVE_ABS64, NULL, 0};
	size_t i;

	for (i = 0; i < sizeof rows / sizeof *rows; i++)
		if (rows[i].type == type)
			return rows[i].how;
	return unknown;
}

const struct link_stub *
link_stub_x86_64(void)
{
	/* jmp *slot(%rip); two bytes that are never reached. The distance is
	 * counted from behind the jump. */
	static const struct link_stub stub = {
	    {0xff, 0x25, 0, 0, 0, 0, 0xcc, 0xcc},
	    8,
	    1,
	    {{2, NATIVE_REL32, -4}},
	};

	return &stub;
}
