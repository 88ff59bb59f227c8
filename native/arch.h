#ifndef NATIVE_ARCH_H
#define NATIVE_ARCH_H

#include <stddef.h>
#include <stdint.h>

#include "native/patch.h"

/* What differs between machines in the process itself. One of x86_64.c,
 * aarch64.c and arch_none.c (anything else: no patches) is compiled. */

/* 1 with the machine's patches in *arch; 0: none run here. */
int arch_own(enum native_arch *arch);

/* Where the thread goes on that a signal has stopped: context is the third
 * argument of its handler. */
uintptr_t arch_pc(const void *context);
void arch_set_pc(void *context, uintptr_t pc);
uintptr_t arch_sp(const void *context); /* and its stack pointer */

#define ARCH_PROBE 8

/* The code of "int f(void) { return number; }", number below 32768; its
 * length. */
size_t arch_probe(uint8_t out[ARCH_PROBE], unsigned number);

#endif
