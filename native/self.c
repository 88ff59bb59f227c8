#include "native/self.h"

#include <elf.h>
#include <string.h>

/*
 * Made by the linker where a segment holds the header. With weak a program
 * linked in another way gets NULL. Asking the dynamic loader instead would
 * take its lock, and does not exist in POSIX.
 */
extern const uint8_t __ehdr_start[] __attribute__((weak, visibility("hidden")));

#define NOTE_HEAD 12 /* three words: sizes of name and content, type */

static const Elf64_Phdr *
headers(uintptr_t base, size_t *n)
{
	const Elf64_Ehdr *e = (const void *)base;

	*n = e->e_phnum;
	return (const void *)(base + e->e_phoff);
}

static size_t
round4(size_t n)
{
	return (n + 3) & ~(size_t)3;
}

static void
find_build_id(struct self *s, const uint8_t *note, size_t len)
{
	Elf64_Nhdr n;
	size_t at;

	while (len >= NOTE_HEAD) {
		memcpy(&n, note, NOTE_HEAD);
		if (n.n_namesz > len || n.n_descsz > len ||
		    NOTE_HEAD + round4(n.n_namesz) + round4(n.n_descsz) > len)
			return;
		at = NOTE_HEAD + round4(n.n_namesz);
		if (n.n_type == NT_GNU_BUILD_ID && n.n_namesz == 4 &&
		    memcmp(note + NOTE_HEAD, "GNU", 4) == 0) {
			s->build_id = note + at;
			s->build_id_len = n.n_descsz;
			return;
		}
		at += round4(n.n_descsz);
		note += at;
		len -= at;
	}
}

/* How far the program is from the addresses that its headers tell. */
static int
find_bias(uintptr_t base, uint64_t *bias)
{
	const Elf64_Phdr *ph;
	size_t i, n;

	ph = headers(base, &n);
	for (i = 0; i < n; i++) {
		if (ph[i].p_type == PT_LOAD && ph[i].p_offset == 0) {
			*bias = base - ph[i].p_vaddr;
			return 0;
		}
	}
	return -1;
}

int
self_read(struct self *s)
{
	const Elf64_Phdr *ph;
	uint64_t bias;
	size_t i, n;

	memset(s, 0, sizeof *s);
	s->base = (uintptr_t)__ehdr_start;
	if (s->base == 0 || memcmp(__ehdr_start, ELFMAG, SELFMAG) != 0 ||
	    __ehdr_start[EI_CLASS] != ELFCLASS64 ||
	    find_bias(s->base, &bias) != 0)
		return -1;
	ph = headers(s->base, &n);
	for (i = 0; i < n && s->build_id == NULL; i++)
		if (ph[i].p_type == PT_NOTE)
			find_build_id(s,
			    (const uint8_t *)(uintptr_t)(ph[i].p_vaddr + bias),
			    ph[i].p_filesz);
	return 0;
}

int
self_is_code(const struct self *s, uint64_t off, uint64_t len)
{
	const Elf64_Phdr *ph;
	uint64_t bias, from;
	size_t i, n;

	if (find_bias(s->base, &bias) != 0)
		return 0;
	ph = headers(s->base, &n);
	for (i = 0; i < n; i++) {
		if (ph[i].p_type != PT_LOAD || (ph[i].p_flags & PF_X) == 0)
			continue;
		from = ph[i].p_vaddr + bias - s->base;
		if (off >= from && off - from < ph[i].p_filesz &&
		    len <= ph[i].p_filesz - (off - from))
			return 1;
	}
	return 0;
}
