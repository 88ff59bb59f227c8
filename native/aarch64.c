#define _GNU_SOURCE /* mcontext_t's members: POSIX does not name them */

#include "native/arch.h"

#if defined(__aarch64__)

#include <ucontext.h>

#include "native/own.h"

int
arch_own(enum native_arch *arch)
{
	*arch = NATIVE_AARCH64;
	return 1;
}

NATIVE_OWN uintptr_t
arch_pc(const void *context)
{
	const ucontext_t *u = context;

	return (uintptr_t)u->uc_mcontext.pc;
}

NATIVE_OWN uintptr_t
arch_sp(const void *context)
{
	const ucontext_t *u = context;

	return (uintptr_t)u->uc_mcontext.sp;
}

NATIVE_OWN void
arch_set_pc(void *context, uintptr_t pc)
{
	ucontext_t *u = context;

	u->uc_mcontext.pc = pc;
}

size_t
arch_probe(uint8_t out[ARCH_PROBE], unsigned number)
{
	uint32_t mov = UINT32_C(0x52800000) | (uint32_t)number << 5;

	out[0] = (uint8_t)mov; /* mov w0, number */
	out[1] = (uint8_t)(mov >> 8);
	out[2] = (uint8_t)(mov >> 16);
	out[3] = (uint8_t)(mov >> 24);
	out[4] = 0xc0; /* ret */
	out[5] = 0x03;
	out[6] = 0x5f;
	out[7] = 0xd6;
	return 8;
}

#endif
