/* Relocations of aarch64 objects (ELF for the Arm 64-bit Architecture, 5.7). */

#include "native/link_impl.h"

#define TLS_FIRST  512 /* all that is thread-local */
#define TLS_LAST   573
#define MOVW_FIRST 263 /* addresses in pieces of 16 bits */
#define MOVW_LAST  272

struct link_how
link_how_aarch64(uint32_t type)
{
	static const struct {
		uint32_t type;
		struct link_how how;
	} rows[] = {
	    {0, {LINK_SKIP, NATIVE_ABS64, NULL, 0}},
	    {256, {LINK_SKIP, NATIVE_ABS64, NULL, 0}},   /* NONE, withdrawn */
	    {257, {LINK_VALUE, NATIVE_ABS64, NULL, 0}},  /* ABS64 */
	    {260, {LINK_VALUE, NATIVE_REL64, NULL, 0}},  /* PREL64 */
	    {261, {LINK_VALUE, NATIVE_REL32, NULL, 0}},  /* PREL32 */
	    {275, {LINK_VALUE, NATIVE_ADRP, NULL, 0}},   /* ADR_PREL_PG_HI21 */
	    {276, {LINK_VALUE, NATIVE_ADRP, NULL, 0}},   /* the same, _NC */
	    {277, {LINK_VALUE, NATIVE_LO12_0, NULL, 0}}, /* ADD_ABS_LO12_NC */
	    {278, {LINK_VALUE, NATIVE_LO12_0, NULL, 0}}, /* LDST8_ABS_LO12_NC */
	    {282, {LINK_CALL, NATIVE_CALL26, NULL, 0}},  /* JUMP26 */
	    {283, {LINK_CALL, NATIVE_CALL26, NULL, 0}},  /* CALL26 */
	    {284,
		{LINK_VALUE, NATIVE_LO12_1, NULL, 0}}, /* LDST16_ABS_LO12_NC */
	    {285,
		{LINK_VALUE, NATIVE_LO12_2, NULL, 0}}, /* LDST32_ABS_LO12_NC */
	    {286,
		{LINK_VALUE, NATIVE_LO12_3, NULL, 0}}, /* LDST64_ABS_LO12_NC */
	    {299,
		{LINK_VALUE, NATIVE_LO12_4, NULL, 0}}, /* LDST128_ABS_LO12_NC */
	    {311, {LINK_CELL, NATIVE_ADRP, NULL, 0}},  /* ADR_GOT_PAGE */
	    {312, {LINK_CELL, NATIVE_LO12_3, NULL, 0}}, /* LD64_GOT_LO12_NC */
	    {314, {LINK_CALL, NATIVE_REL32, NULL, 0}},  /* PLT32 */
	};
	const struct link_how tls = {LINK_REFUSED, NATIVE_ABS64,
	    "is thread-local: a patch has no thread-local variables; reach"
	    " it through a function of the program",
	    0};
	const struct link_how movw = {LINK_REFUSED, NATIVE_ABS64,
	    "is reached as code of a large model does it: compile with"
	    " -mcmodel=small -fPIE",
	    1};
	const struct link_how unknown = {LINK_REFUSED, NATIVE_ABS64, NULL, 0};
	size_t i;

	for (i = 0; i < sizeof rows / sizeof *rows; i++)
		if (rows[i].type == type)
			return rows[i].how;
	if (type >= TLS_FIRST && type <= TLS_LAST)
		return tls;
	return type >= MOVW_FIRST && type <= MOVW_LAST ? movw : unknown;
}

const struct link_stub *
link_stub_aarch64(void)
{
	/* adrp x16, slot; ldr x17, [x16, slot]; br x17: registers that a call
	 * may change. One instruction that is never reached. */
	static const struct link_stub stub = {
	    {0x10, 0, 0, 0x90, 0x11, 0x02, 0x40, 0xf9, 0x20, 0x02, 0x1f, 0xd6},
	    12,
	    2,
	    {{0, NATIVE_ADRP, 0}, {4, NATIVE_LO12_3, 0}},
	};

	return &stub;
}
