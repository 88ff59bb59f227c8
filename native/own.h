#ifndef NATIVE_OWN_H
#define NATIVE_OWN_H

/*
 * Functions that run while code is being changed or threads are halted. They
 * lie in a section of their own, so that whoever makes a patch can see that it
 * would change what changes it, and have no room at their entry.
 *
 * Such a function may call what makes a system call and what works on memory,
 * and the others of these; never what allocates, prints or takes a lock, for
 * a halted thread may have that lock. Some C libraries lock in mmap, munmap
 * and close.
 */
#define NATIVE_OWN                                     \
	__attribute__((section("hotfix_native_text"))) \
	__attribute__((patchable_function_entry(0, 0)))

#endif
