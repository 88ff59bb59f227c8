/*
 * Functions without room at their entry, byte by byte. What stands behind
 * them decides whether a jump fits.
 */

#include "tests/native/rules.h"

#if defined(__x86_64__)
__asm__(".text\n"
	".balign 16\n"
	".globl rules_short\n"
	".type rules_short, @function\n"
	"rules_short:\n"
	"	lea (%rdi,%rdi), %eax\n"
	"	ret\n"
	".size rules_short, . - rules_short\n"
	".balign 16, 0xcc\n"
	".globl rules_tight\n"
	".type rules_tight, @function\n"
	"rules_tight:\n"
	"	lea (%rdi,%rdi,2), %eax\n"
	"	ret\n"
	".size rules_tight, . - rules_tight\n"
	".globl rules_loop\n"
	".type rules_loop, @function\n"
	"rules_loop:\n"
	"	mov %edi, %eax\n"
	"1:	test %eax, %eax\n"
	"	jz 2f\n"
	"	dec %eax\n"
	"	jmp 1b\n"
	"2:	ret\n"
	".size rules_loop, . - rules_loop\n"
	".balign 16, 0xcc\n"
	".globl rules_long\n"
	".type rules_long, @function\n"
	"rules_long:\n"
	"	push %rbx\n"
	"	mov %edi, %ebx\n"
	"	imul $7, %ebx, %eax\n"
	"	add $3, %eax\n"
	"	pop %rbx\n"
	"	ret\n"
	".size rules_long, . - rules_long\n"
	".balign 16, 0xcc\n");
#else
/* Instructions have one length there, and a jump is one. */
typedef int rules_entry_nothing;
#endif
