/* Headers of ustar archives (POSIX.1-2008, pax, "ustar Interchange Format"). */

#include "pack/ustar.h"

#include <stdio.h>
#include <string.h>

/* Where the fields lie, and how long they are. */
#define NAME_AT     0
#define NAME_SIZE   100
#define MODE_AT     100
#define UID_AT      108
#define GID_AT      116
#define ID_SIZE     8
#define SIZE_AT     124
#define SIZE_SIZE   12
#define MTIME_AT    136
#define SUM_AT      148
#define SUM_SIZE    8
#define TYPE_AT     156
#define LINK_AT     157
#define LINK_SIZE   100
#define MAGIC_AT    257
#define MAGIC_SIZE  8 /* with the version */
#define DEVICE_AT   329
#define PREFIX_AT   345
#define PREFIX_SIZE 155
#define REST_AT     500

#define TYPE_FILE   '0'
#define TYPE_OLD    '\0'
#define TYPE_FOLDER '5'

static const char magic[MAGIC_SIZE] = {'u', 's', 't', 'a', 'r', 0, '0', '0'};

int
ustar_is_zero(const uint8_t *bytes, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (bytes[i] != 0)
			return 0;
	return 1;
}

size_t
ustar_padding(uint64_t size)
{
	return (USTAR_BLOCK - (size_t)(size % USTAR_BLOCK)) % USTAR_BLOCK;
}

/* The sum of all bytes, those of the sum itself taken as blanks. */
static unsigned
sum_of(const uint8_t block[USTAR_BLOCK])
{
	unsigned sum = SUM_SIZE * ' ';
	size_t i;

	for (i = 0; i < USTAR_BLOCK; i++)
		if (i < SUM_AT || i >= SUM_AT + SUM_SIZE)
			sum += block[i];
	return sum;
}

/*
 * Octal digits, at least one, then NUL or blanks to the end of the field, at
 * least one. Eleven digits at most, so that nothing can overflow.
 */
static int
octal(uint64_t *out, const uint8_t *field, size_t size)
{
	uint64_t v = 0;
	size_t i;

	for (i = 0; i < size && field[i] >= '0' && field[i] <= '7'; i++)
		v = v << 3 | (uint64_t)(field[i] - '0');
	if (i == 0 || i == size)
		return -1;
	for (; i < size; i++)
		if (field[i] != '\0' && field[i] != ' ')
			return -1;
	*out = v;
	return 0;
}

/* The length of a text field that is zeros behind its end; -1: it is not. */
static int
text_length(const uint8_t *field, size_t size)
{
	const uint8_t *nul = memchr(field, 0, size);
	size_t len = nul != NULL ? (size_t)(nul - field) : size;

	return ustar_is_zero(field + len, size - len) ? (int)len : -1;
}

int
ustar_parse(struct ustar_entry *out, const uint8_t block[USTAR_BLOCK],
    const char **why)
{
	const int name_len = text_length(block + NAME_AT, NAME_SIZE);
	const int prefix_len = text_length(block + PREFIX_AT, PREFIX_SIZE);
	const uint8_t type = block[TYPE_AT];
	size_t len = 0;
	uint64_t sum;

	*why = "its sum is wrong";
	if (octal(&sum, block + SUM_AT, SUM_SIZE) != 0 || sum != sum_of(block))
		return -1;
	*why = "not a header of a ustar archive";
	if (memcmp(block + MAGIC_AT, magic, MAGIC_SIZE) != 0)
		return -1;
	*why = "neither a file nor a folder";
	if (type != TYPE_FILE && type != TYPE_OLD && type != TYPE_FOLDER)
		return -1;
	*why = "bytes where there should be none";
	if (name_len < 0 || prefix_len < 0 ||
	    !ustar_is_zero(block + LINK_AT, LINK_SIZE) ||
	    !ustar_is_zero(block + REST_AT, USTAR_BLOCK - REST_AT))
		return -1;
	*why = "not a size";
	if (octal(&out->size, block + SIZE_AT, SIZE_SIZE) != 0)
		return -1;
	*why = "a folder with content";
	if (type == TYPE_FOLDER && out->size != 0)
		return -1;

	if (prefix_len > 0) {
		memcpy(out->name, block + PREFIX_AT, (size_t)prefix_len);
		len = (size_t)prefix_len;
		out->name[len++] = '/';
	}
	memcpy(out->name + len, block + NAME_AT, (size_t)name_len);
	len += (size_t)name_len;
	/* Some write a folder's '/', some do not. */
	if (type == TYPE_FOLDER && name_len > 0 && out->name[len - 1] == '/')
		len--;
	*why = name_check(out->name, len);
	if (*why != NULL)
		return -1;
	if (type == TYPE_FOLDER)
		out->name[len++] = '/';
	out->name[len] = '\0';
	out->mtime_s = 0;
	return 0;
}

/* Where the name parts into prefix and rest; -1: nowhere. 0: no prefix. */
static int
parting(const char *name, size_t len)
{
	size_t at;

	if (len <= NAME_SIZE)
		return 0;
	/* The longest prefix: what stands behind it is a folder's name with
	 * its '/' at least, never nothing. */
	for (at = len - 2 < PREFIX_SIZE ? len - 2 : PREFIX_SIZE; at > 0; at--)
		if (name[at] == '/')
			return len - at - 1 <= NAME_SIZE ? (int)at : -1;
	return -1;
}

static void
put_octal(uint8_t *field, size_t size, uint64_t v)
{
	size_t i;

	field[size - 1] = '\0';
	for (i = size - 1; i-- > 0; v >>= 3)
		field[i] = (uint8_t)('0' + (v & 7));
}

int
ustar_build(uint8_t block[USTAR_BLOCK], const struct ustar_entry *e)
{
	const size_t len = strlen(e->name);
	const int folder = len > 0 && e->name[len - 1] == '/';
	const int prefix = parting(e->name, len);
	const size_t rest = prefix > 0 ? (size_t)prefix + 1 : 0;

	if (prefix < 0 || e->size > USTAR_SIZE_MAX)
		return -1;
	memset(block, 0, USTAR_BLOCK);
	memcpy(block + PREFIX_AT, e->name, (size_t)prefix);
	memcpy(block + NAME_AT, e->name + rest, len - rest);
	put_octal(block + MODE_AT, ID_SIZE, folder ? 0755 : 0644);
	put_octal(block + UID_AT, ID_SIZE, 0);
	put_octal(block + GID_AT, ID_SIZE, 0);
	put_octal(block + SIZE_AT, SIZE_SIZE, e->size);
	put_octal(block + MTIME_AT, SIZE_SIZE, (uint64_t)e->mtime_s);
	block[TYPE_AT] = folder ? TYPE_FOLDER : TYPE_FILE;
	memcpy(block + MAGIC_AT, magic, MAGIC_SIZE);
	put_octal(block + DEVICE_AT, ID_SIZE, 0);
	put_octal(block + DEVICE_AT + ID_SIZE, ID_SIZE, 0);
	/* Six digits, NUL, blank: as every tar writes it. */
	put_octal(block + SUM_AT, SUM_SIZE - 1, sum_of(block));
	block[SUM_AT + SUM_SIZE - 1] = ' ';
	return 0;
}
