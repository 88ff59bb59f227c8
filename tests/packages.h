#ifndef TESTS_PACKAGES_H
#define TESTS_PACKAGES_H

/* Archives made by hand, good and bad. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/hex.h"
#include "crypto/md5.h"
#include "crypto/sha512.h"
#include "pack/release.h"
#include "pack/sums.h"

#define BLOCK 512

struct item {
	const char *name; /* a folder's ends with '/' */
	const char *text;
	int unlisted;       /* not in MD5SUMS */
	int absent;         /* there alone */
	const char *listed; /* its digest is that of this text */
	char type;          /* 0: '0' or '5' */
};

__attribute__((unused)) static void
resum(uint8_t *block)
{
	unsigned sum = 0;
	size_t i;

	memset(block + 148, ' ', 8);
	for (i = 0; i < BLOCK; i++)
		sum += block[i];
	snprintf((char *)block + 148, 7, "%06o", sum);
	block[155] = ' ';
}

__attribute__((unused)) static void
put_header(struct buf *b, const char *name, char type, size_t size)
{
	uint8_t block[BLOCK] = {0};

	memcpy(block, name, strlen(name));
	memcpy(block + 100, "0004755", 7); /* set-id, and it does not matter */
	memcpy(block + 108, "0001750", 7);
	memcpy(block + 116, "0001750", 7);
	snprintf((char *)block + 124, 12, "%011zo", size);
	memcpy(block + 136, "77777777777", 11);
	block[156] = (uint8_t)type;
	memcpy(block + 257,
	    "ustar\0"
	    "00",
	    8);
	resum(block);
	buf_append(b, block, sizeof block);
}

__attribute__((unused)) static void
put_content(struct buf *b, const void *bytes, size_t len)
{
	static const uint8_t zeros[BLOCK];

	buf_append(b, bytes, len);
	buf_append(b, zeros, (BLOCK - len % BLOCK) % BLOCK);
}

__attribute__((unused)) static void
put_line(struct buf *b, const char *name, const void *text, size_t len)
{
	uint8_t digest[MD5_SIZE];
	char prefix[SUMS_PREFIX];

	md5(digest, text, len);
	sums_prefix(prefix, digest);
	buf_append(b, prefix, sizeof prefix);
	buf_printf(b, "%s\n", name);
}

__attribute__((unused)) static int
is_listed(const struct item *it)
{
	return !it->unlisted && it->name[strlen(it->name) - 1] != '/';
}

/* MD5SUMS of the items, which stand in order, with RELEASE among them unless
 * that is NULL. */
__attribute__((unused)) static void
put_sums(struct buf *b, const struct item *items, size_t n,
    const struct buf *release)
{
	const char *text;
	int told = release == NULL;
	size_t i;

	for (i = 0; i <= n; i++) {
		if (!told && (i == n || strcmp(items[i].name, "RELEASE") > 0)) {
			put_line(b, "RELEASE", release->data, release->len);
			told = 1;
		}
		if (i == n || !is_listed(&items[i]))
			continue;
		text =
		    items[i].listed != NULL ? items[i].listed : items[i].text;
		put_line(b, items[i].name, text, strlen(text));
	}
}

/* A package "game" of release 1 with these items, its end too. base: what
 * stands behind "tree" in RELEASE, or "". */
__attribute__((unused)) static void
build(struct buf *b, const struct item *items, size_t n, const char *base)
{
	struct buf sums = BUF_INIT, release = BUF_INIT;
	struct release r = {.name = "game", .release = "1", .created_us = 0};
	static const uint8_t zeros[2 * BLOCK];
	size_t i;

	put_sums(&sums, items, n, NULL);
	sha512(r.tree, sums.len > 0 ? (const void *)sums.data : "", sums.len);
	for (i = 0; i < n; i++) {
		if (!is_listed(&items[i]))
			continue;
		r.files++;
		r.bytes += strlen(items[i].text);
	}
	release_format(&release, &r);
	buf_puts(&release, base);
	buf_reset(&sums);
	put_sums(&sums, items, n, &release);

	buf_reset(b);
	put_header(b, "MD5SUMS", '0', sums.len);
	put_content(b, sums.data, sums.len);
	put_header(b, "RELEASE", '0', release.len);
	put_content(b, release.data, release.len);
	for (i = 0; i < n; i++) {
		const char *text = items[i].text != NULL ? items[i].text : "";
		int folder = items[i].name[strlen(items[i].name) - 1] == '/';

		if (items[i].absent)
			continue;
		put_header(b, items[i].name,
		    items[i].type != 0 ? items[i].type
		    : folder           ? '5'
				       : '0',
		    strlen(text));
		put_content(b, text, strlen(text));
	}
	buf_append(b, zeros, sizeof zeros);
	buf_free(&sums);
	buf_free(&release);
}

/* The header of this name, or NULL. */
__attribute__((unused)) static uint8_t *
header_of(const struct buf *b, const char *name)
{
	size_t at;

	for (at = 0; at + BLOCK <= b->len; at += BLOCK)
		if (memcmp(b->data + at + 257, "ustar", 6) == 0 &&
		    strcmp((char *)b->data + at, name) == 0)
			return b->data + at;
	return NULL;
}

#endif
