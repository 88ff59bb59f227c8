#ifndef NATIVE_RESERVE_H
#define NATIVE_RESERVE_H

#include <stddef.h>
#include <stdint.h>

/*
 * Room for patches in the executable itself, so that it is as near to
 * everything as the program's own code and data are. Code: in the text, full
 * of instructions that trap. Data: zeros.
 *
 * HOTFIX_NATIVE_RESERVE bytes each. A program that wants another size compiles
 * native/reserve.c itself, with that macro set, and links it in front of the
 * library: the library's own is not taken then.
 */

/* A patch takes whole pages: as many small ones as anybody needs before the
 * next regular restart. */
#ifndef HOTFIX_NATIVE_RESERVE
#define HOTFIX_NATIVE_RESERVE 65536
#endif

/* The largest page that kernels for the machine have. */
#ifdef __aarch64__
#define NATIVE_RESERVE_ALIGN 65536
#else
#define NATIVE_RESERVE_ALIGN 4096
#endif

/* Not const, although it cannot be written like this: it does change. */
extern uint8_t native_reserve_code[];
extern uint8_t native_reserve_data[];
extern const size_t native_reserve_code_len;
extern const size_t native_reserve_data_len;

/*
 * A page that begins with a function "int f(void) { return 0; }", for trying
 * how code can be written. Nothing else is on that page.
 */
extern uint8_t native_reserve_probe[];

#endif
