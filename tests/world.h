#ifndef TESTS_WORLD_H
#define TESTS_WORLD_H

/*
 * A host and its clients in one process, without sockets: bytes are carried
 * from link to link by hand, the clocks are ours, documents are signed with
 * keys made from fixed seeds.
 */

#include "peer/client.h"
#include "peer/host.h"
#include "update/doc.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define WORLD_START_US INT64_C(1795342500000000) /* 2026-11-22 */

struct world_clock {
	int64_t mono_ns, wall_us;
};

__attribute__((unused)) static int64_t
world_mono(void *arg)
{
	return ((struct world_clock *)arg)->mono_ns;
}

__attribute__((unused)) static int64_t
world_wall(void *arg)
{
	return ((struct world_clock *)arg)->wall_us;
}

__attribute__((unused)) static void
world_pass(struct world_clock *w, int64_t us)
{
	w->mono_ns += us * 1000;
	w->wall_us += us;
}

__attribute__((unused)) static struct signify_sec
world_key(uint8_t which)
{
	struct signify_sec sec;

	memset(sec.keynum, which, sizeof sec.keynum);
	memset(sec.seed, which + 1, sizeof sec.seed);
	return sec;
}

/* Trust the keys 1 to n, named dev1 ...; limits: appended to each line. */
__attribute__((unused)) static int
world_trust(struct keyring *ring, int n, const char *limits)
{
	char line[512], b64[SIGNIFY_PUB_BASE64];
	struct signify_sec sec;
	struct signify_pub pub;
	struct err e;
	int i;

	for (i = 1; i <= n; i++) {
		sec = world_key((uint8_t)i);
		signify_sec_public(&pub, &sec);
		snprintf(line, sizeof line, "%s dev%d%s\n",
		    signify_pub_encode(b64, &pub), i, limits);
		if (keyring_parse(ring, "trust", line, strlen(line), &e) != 0) {
			printf("# %s\n", e.text);
			return -1;
		}
	}
	return 0;
}

/* The whole document of the spec, signed; *head_len is its head's. 0 or -1. */
__attribute__((unused)) static int
world_document(struct buf *out, size_t *head_len, const struct doc_spec *spec,
    uint8_t key)
{
	struct signify_sec sec = world_key(key);
	struct buf text = BUF_INIT;
	struct signify_sig sig;
	char name[16];
	struct err e;
	int ret = -1;

	if (doc_build(&text, spec, &e) != 0) {
		printf("# %s\n", e.text);
		goto out;
	}
	signify_sign(&sig, &sec, text.data, text.len);
	snprintf(name, sizeof name, "dev%d", key);
	ret = signify_sig_format(out, &sig, name) != 0
		  ? -1
		  : doc_assemble(out, text.data, text.len, spec);
	*head_len = doc_head_length(out->data, out->len);
out:
	buf_free(&text);
	return ret;
}

/* "PUSH" of a document as a frame. */
__attribute__((unused)) static void
world_push_frame(struct buf *out, const struct buf *doc, size_t head_len)
{
	frame_begin(out, "PUSH");
	frame_put(out, "head", "%zu", head_len);
	frame_body(out, doc->data, doc->len);
}

/* Carry what one link wants to send into another (or into a buf when to is
 * NULL), at most max bytes. Returns how many. */
__attribute__((unused)) static size_t
world_carry(struct link *from, struct link *to, struct buf *into, size_t max)
{
	struct iovec iov;
	size_t n, all = 0;
	uint8_t *copy;

	while (all < max && from->state != LINK_DEAD &&
	       link_output(from, &iov, 1) == 1) {
		n = iov.iov_len < max - all ? iov.iov_len : max - all;
		copy = malloc(n);
		if (copy == NULL)
			break;
		memcpy(copy, iov.iov_base, n);
		link_sent(from, n);
		if (to != NULL)
			link_input(to, copy, n);
		if (into != NULL)
			buf_append(into, copy, n);
		free(copy);
		all += n;
	}
	return all;
}

#endif
