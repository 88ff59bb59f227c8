#define _GNU_SOURCE /* REG_RIP: POSIX does not say what is in a context */

#include "native/arch.h"

#if defined(__x86_64__)

#include <ucontext.h>

#include "native/own.h"

int
arch_own(enum native_arch *arch)
{
	*arch = NATIVE_X86_64;
	return 1;
}

NATIVE_OWN uintptr_t
arch_pc(const void *context)
{
	const ucontext_t *u = context;

	return (uintptr_t)u->uc_mcontext.gregs[REG_RIP];
}

NATIVE_OWN uintptr_t
arch_sp(const void *context)
{
	const ucontext_t *u = context;

	return (uintptr_t)u->uc_mcontext.gregs[REG_RSP];
}

NATIVE_OWN void
arch_set_pc(void *context, uintptr_t pc)
{
	ucontext_t *u = context;

	u->uc_mcontext.gregs[REG_RIP] = (greg_t)pc;
}

size_t
arch_probe(uint8_t out[ARCH_PROBE], unsigned number)
{
	out[0] = 0xb8; /* mov $number, %eax */
	out[1] = (uint8_t)number;
	out[2] = (uint8_t)(number >> 8);
	out[3] = 0;
	out[4] = 0;
	out[5] = 0xc3; /* ret */
	return 6;
}

#endif
