#include "native/reserve.h"

#define TEXT(x)  #x
#define VALUE(x) TEXT(x)

/*
 * Assembler, because C has no way to say what lies in the text. A jump that
 * goes astray must not find anything that runs: int3, or (aarch64) zeros,
 * which are an undefined instruction.
 */
#if defined(__x86_64__)
#define FILL  "0xcc"
#define PROBE ".byte 0xb8, 0, 0, 0, 0, 0xc3\n" /* mov $0, %eax; ret */
#elif defined(__aarch64__)
#define FILL  "0"
#define PROBE ".inst 0x52800000, 0xd65f03c0\n" /* mov w0, 0; ret */
#else
#define FILL "0"
#define PROBE
#endif

__asm__(
    ".pushsection .text.native_reserve, \"ax\", %progbits\n"
    ".balign " VALUE(
	NATIVE_RESERVE_ALIGN) "\n"
			      ".globl native_reserve_probe\n"
			      ".hidden native_reserve_probe\n"
			      ".type native_reserve_probe, %object\n"
			      "native_reserve_probe:\n" PROBE ".balign " VALUE(
				  NATIVE_RESERVE_ALIGN) ", " FILL "\n"
							".size "
							"native_reserve_probe, "
							". - "
							"native_reserve_probe\n"
							".globl "
							"native_reserve_code\n"
							".hidden "
							"native_reserve_code\n"
							".type "
							"native_reserve_code, "
							"%object\n"
							"native_reserve_code:\n"
							".fill " VALUE(
							    HOTFIX_NATIVE_RESERVE) ", 1, " FILL
										   "\n"
										   ".size native_reserve_code, . - native_reserve_code\n"
										   ".balign " VALUE(
										       NATIVE_RESERVE_ALIGN) ", " FILL
													     "\n"
													     ".popsection\n");

uint8_t native_reserve_data[HOTFIX_NATIVE_RESERVE]
    __attribute__((aligned(NATIVE_RESERVE_ALIGN)));
const size_t native_reserve_code_len = HOTFIX_NATIVE_RESERVE;
const size_t native_reserve_data_len = HOTFIX_NATIVE_RESERVE;
