#include "native/arch.h"

#if !defined(__x86_64__) && !defined(__aarch64__)

int
arch_own(enum native_arch *arch)
{
	(void)arch;
	return 0;
}

uintptr_t
arch_pc(const void *context)
{
	(void)context;
	return 0;
}

uintptr_t
arch_sp(const void *context)
{
	(void)context;
	return 0;
}

void
arch_set_pc(void *context, uintptr_t pc)
{
	(void)context;
	(void)pc;
}

size_t
arch_probe(uint8_t out[ARCH_PROBE], unsigned number)
{
	(void)out;
	(void)number;
	return 0;
}

#endif
