#ifndef PEER_JOURNAL_H
#define PEER_JOURNAL_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "update/doc.h"
#include "update/ledger.h"

/*
 * The state folder of a host:
 *
 *	ledger		what happened (update/ledger.h)
 *	updates/ID	the documents as they came
 *	time		the latest time that was seen (peer/seen.h)
 *	results		a line per client's result; not synced, at most
 *			JOURNAL_RESULTS bytes, then it begins anew and the
 *			old one is results.1
 */

/* No document that was taken in is longer. */
#define JOURNAL_DOC_MAX \
	((size_t)DOC_HEAD_MAX + DOC_NPARTS * DOC_PART_MAX + DOC_NATIVE_MAX)
#define JOURNAL_RESULTS ((size_t)64 << 20)

struct journal;

/* dir NULL: nothing is kept, everything succeeds. What is in the folder is
 * believed, so it must be its owner's alone to write: one that is another
 * user's, or writable for others, is refused, and so is that of a client, who
 * removes what it does not know. */
struct journal *journal_open(const char *dir,
    int (*replay)(void *arg, const struct ledger_event *ev, struct err *e),
    void *arg, size_t *torn, struct err *e);
void journal_close(struct journal *j);

int journal_put_doc(struct journal *j, uint64_t id, const void *doc, size_t len,
    struct err *e);
/* Append the document to out. */
int journal_get_doc(struct journal *j, uint64_t id, struct buf *out,
    struct err *e);
/* Best effort: what is left behind is never read again. */
void journal_remove_doc(struct journal *j, uint64_t id);

/* Remove what a crash left in updates/: names that are no id, and ids that
 * needed(arg, id) knows nothing of. */
void journal_sweep(struct journal *j, int (*needed)(void *arg, uint64_t id),
    void *arg);

int journal_event(struct journal *j, const struct ledger_event *ev,
    struct err *e);
int journal_tail(struct journal *j, size_t n, struct buf *out, struct err *e);
void journal_result(struct journal *j, const char *line); /* best effort */

#endif
