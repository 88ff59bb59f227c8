/* The archive of a package that is made. */

#include "pack/making.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "pack/listing.h"
#include "pack/sums.h"
#include "pack/tree.h"

#define END_ZEROS (2 * USTAR_BLOCK)

struct writing {
	struct making *making;
	struct output *out;
};

static int
write_piece(void *arg, struct md5 *hash, const void *bytes, size_t len)
{
	struct writing *w = arg;

	return output_write_of(w->out, bytes, len, hash, w->making->err);
}

static int
write_header(struct making *m, struct output *o, const char *name, uint64_t len)
{
	uint8_t block[USTAR_BLOCK];

	return making_header(m, name, len, block) == 0
		   ? output_write(o, block, sizeof block, m->err)
		   : -1;
}

static int
write_line(struct making *m, struct output *o, const char *name,
    const uint8_t digest[MD5_SIZE])
{
	char prefix[SUMS_PREFIX];

	sums_prefix(prefix, digest);
	if (output_write(o, prefix, sizeof prefix, m->err) != 0 ||
	    output_write(o, name, strlen(name), m->err) != 0)
		return -1;
	return output_write(o, "\n", 1, m->err);
}

/* The length of MD5SUMS. */
static uint64_t
sums_length(const struct making *m)
{
	uint64_t len = SUMS_PREFIX + strlen(PACKAGE_RELEASE) + 1;
	const struct entry *it;
	size_t i;

	for (i = 0; (it = making_next_file(m, &i)) != NULL; i++)
		if (making_is_held(it))
			len += SUMS_PREFIX + strlen(it->name) + 1;
	return len;
}

static int
write_sums(struct making *m, struct output *o)
{
	const uint64_t len = sums_length(m);
	const struct entry *it;
	int told = 0;
	size_t i;

	if (write_header(m, o, PACKAGE_SUMS, len) != 0)
		return -1;
	for (i = 0; (it = making_next_file(m, &i)) != NULL; i++) {
		if (!told && strcmp(it->name, PACKAGE_RELEASE) > 0) {
			told = 1;
			if (write_line(m, o, PACKAGE_RELEASE, m->release_md5) !=
			    0)
				return -1;
		}
		if (making_is_held(it) &&
		    write_line(m, o, it->name, it->md5) != 0)
			return -1;
	}
	if (!told && write_line(m, o, PACKAGE_RELEASE, m->release_md5) != 0)
		return -1;
	return output_zeros(o, ustar_padding(len), m->err);
}

static int
write_again(struct making *m, struct output *o, const struct entry *it)
{
	struct writing w = {m, o};
	uint8_t digest[MD5_SIZE];

	if (making_read_file(m, it, digest, write_piece, &w) != 0)
		return -1;
	return memcmp(digest, it->md5, sizeof digest) == 0
		   ? 0
		   : making_fail_changed(m, it);
}

/* What was digested is what is written; but who changes files meanwhile has
 * others that do not fit to this one. */
static int
write_kept(struct making *m, struct output *o, const struct entry *it,
    const uint8_t *bytes)
{
	const char *last;
	int dir = dirs_parent(&m->dirs, it->name, &last);
	struct stat st;

	if (dir < 0 || fstatat(dir, last, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
	    !S_ISREG(st.st_mode) || !tree_is_as_seen(it, &st))
		return making_fail_changed(m, it);
	if (output_write(o, bytes, (size_t)it->len, m->err) != 0)
		return -1;
	if (it->len > 0)
		making_moved(m, it->len);
	return 0;
}

static int
write_entry(struct making *m, struct output *o, size_t i)
{
	const struct entry *it = &m->all.items[i];
	int r;

	if (entry_is_folder(it))
		return write_header(m, o, it->name, 0);
	if (write_header(m, o, it->name, it->len) != 0)
		return -1;
	r = m->kept.bytes[i] != NULL ? write_kept(m, o, it, m->kept.bytes[i])
				     : write_again(m, o, it);
	return r == 0 ? output_zeros(o, ustar_padding(it->len), m->err) : -1;
}

/* A header, and so many bytes in whole blocks. */
static uint64_t
member_length(uint64_t len)
{
	return USTAR_BLOCK + len + ustar_padding(len);
}

uint64_t
making_length(const struct making *m)
{
	uint64_t len = member_length(sums_length(m)) +
		       member_length(m->release.len) + END_ZEROS;
	size_t i;

	for (i = 0; i < m->all.n; i++)
		if (making_is_held(&m->all.items[i]))
			len += member_length(m->all.items[i].len);
	return len;
}

int
making_write(struct making *m, struct output *o)
{
	size_t i;

	if (write_sums(m, o) != 0 ||
	    write_header(m, o, PACKAGE_RELEASE, m->release.len) != 0 ||
	    output_write(o, m->release.data, m->release.len, m->err) != 0 ||
	    output_zeros(o, ustar_padding(m->release.len), m->err) != 0)
		return -1;
	for (i = 0; i < m->all.n; i++)
		if (making_go_on(m) != 0 || (making_is_held(&m->all.items[i]) &&
						write_entry(m, o, i) != 0))
			return -1;
	if (output_zeros(o, END_ZEROS, m->err) != 0)
		return -1;
	if (output_finish(o, m->err) != 0)
		return -1;
	md5_final(m->info->md5, &m->md5);
	sha512_final(m->info->sha512, &m->sha512);
	return 0;
}
