#ifndef TESTS_ELF_WALK_H
#define TESTS_ELF_WALK_H

#include <stdlib.h>
#include <string.h>

#include "native/elf.h"

/* Ask for everything; the sanitizers see what is read. Returns a sum, so that
 * nothing is left out. */
static uint64_t
elf_walk(const struct elf *elf)
{
	const struct elf_symbol *s, *t;
	const struct elf_segment *g;
	const struct elf_section *c;
	const struct elf_slot *l;
	const char *text = NULL;
	const uint8_t *p;
	uint64_t sum = 0, base = 0;
	size_t i, j, len;

	for (i = 0; (c = elf_section(elf, i)) != NULL; i++) {
		sum += strlen(c->name);
		for (j = 0; c->bytes != NULL && j < c->size; j++)
			sum += c->bytes[j];
		for (j = 0; j < elf_reloc_count(elf, i); j++) {
			struct elf_reloc r = elf_reloc(elf, i, j);

			if (r.offset >= c->size ||
			    elf_symbol(elf, r.symbol) == NULL)
				abort();
		}
	}
	for (i = 0; (s = elf_symbol(elf, i)) != NULL; i++) {
		t = NULL;
		sum += strlen(s->name);
		if (s->file != NULL)
			sum += strlen(s->file);
		if (s->section < 0xff00 && elf_section_count(elf) != 0 &&
		    elf_section(elf, s->section) == NULL)
			abort();
		t = elf_symbol_named(elf, s->name, NULL);
		if (t != NULL && strcspn(t->name, "@") == 0)
			abort();
		t = elf_symbol_at(elf, s->section, s->value, NULL);
		if (t != NULL && t->value != s->value)
			abort();
		t = elf_symbol_above(elf, s->section, s->value);
		if (t != NULL && t->value <= s->value)
			abort();
		l = elf_slot_named(elf, s->name, NULL);
		while (l != NULL) {
			sum += strlen(l->name);
			l = elf_slot_named(elf, s->name, l);
		}
		l = elf_slot_ifunc(elf, s->value);
		sum += l != NULL;
	}
	for (i = 0; (g = elf_segment(elf, i)) != NULL; i++) {
		p = g->type == ELF_SEGMENT_LOAD
			? elf_bytes(elf, g->addr, (size_t)g->file_len)
			: NULL;
		for (j = 0; p != NULL && j < g->file_len; j++)
			sum += p[j];
	}
	while ((text = elf_command_line(elf, text)) != NULL)
		sum += strlen(text);
	p = elf_build_id(elf, &len);
	for (i = 0; p != NULL && i < len; i++)
		sum += p[i];
	if (elf_interp(elf) != NULL)
		sum += strlen(elf_interp(elf));
	if (elf_base(elf, &base) == 0)
		sum += elf_bytes(elf, base, 4)[1];
	return sum + (uint64_t)elf_is_program(elf);
}

#endif
