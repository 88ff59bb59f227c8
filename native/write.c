#define _GNU_SOURCE /* syscall: no C library but glibc has memfd_create */

#include "native/write.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "native/own.h"

/* Of linux/memfd.h, which musl's compiler does not find. Kernels from 6.3 on
 * may be told to refuse a file that does not say that it is executed; those
 * before do not know the flag. */
#define MEMFD_CLOEXEC 0x1U
#define MEMFD_EXEC    0x10U

static int
open_memfd(void)
{
	int fd = (int)syscall(SYS_memfd_create, "hotfix",
	    MEMFD_CLOEXEC | MEMFD_EXEC);

	if (fd < 0 && errno == EINVAL)
		fd = (int)syscall(SYS_memfd_create, "hotfix", MEMFD_CLOEXEC);
	return fd;
}

/* Bytes go from and to addresses: what is there is no object of C's. */
static const void *
memory_at(uintptr_t at)
{
	return (const void *)at;
}

static NATIVE_OWN int
write_all(int fd, const uint8_t *bytes, size_t len, off_t at)
{
	ssize_t n;

	while (len > 0) {
		n = pwrite(fd, bytes, len, at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		bytes += n;
		len -= (size_t)n;
		at += n;
	}
	return 0;
}

/* Runs of whole pages in the order of addresses: jobs may share pages. */
static void
find_runs(struct writer *w)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), from, to;
	struct write_run *r;
	size_t i, k;

	for (i = 0; i < w->njobs; i++) {
		from = w->jobs[i].at & ~(page - 1);
		to = (w->jobs[i].at + w->jobs[i].len + page - 1) & ~(page - 1);
		for (k = w->nruns++; k > 0 && w->runs[k - 1].at > from; k--)
			w->runs[k] = w->runs[k - 1];
		w->runs[k].at = from;
		w->runs[k].len = to - from;
	}
	for (i = k = 0; i < w->nruns; i++) {
		r = &w->runs[k];
		if (i > 0 && w->runs[i].at <= r->at + r->len) {
			to = w->runs[i].at + w->runs[i].len;
			if (to > r->at + r->len)
				r->len = to - r->at;
			continue;
		}
		if (i > 0)
			w->runs[++k] = w->runs[i];
	}
	w->nruns = w->njobs > 0 ? k + 1 : 0;
}

/* The changed pages, ready to be mapped in place of those that are there. */
static int
fill_memfd(struct writer *w)
{
	const struct write_job *j;
	struct write_run *r;
	size_t at = 0;

	for (r = w->runs; r < w->runs + w->nruns; r++) {
		r->file_at = at;
		if (write_all(w->fd, memory_at(r->at), r->len, (off_t)at) != 0)
			return -1;
		for (j = w->jobs; j < w->jobs + w->njobs; j++) {
			if (j->at < r->at || j->at >= r->at + r->len)
				continue;
			if (write_all(w->fd, j->bytes, j->len,
				(off_t)(at + (j->at - r->at))) != 0)
				return -1;
		}
		at += r->len;
	}
	return 0;
}

int
writer_open(struct writer *w, enum native_method method,
    const struct write_job *jobs, size_t n)
{
	int cause;

	memset(w, 0, sizeof *w);
	w->method = method;
	w->fd = -1;
	w->jobs = jobs;
	w->njobs = n;
	find_runs(w);
	if (method == NATIVE_MPROTECT)
		return 0;
	/* Not kept open for next time: a forked child would write into its
	 * parent. */
	w->fd = method == NATIVE_PROC_MEM
		    ? open("/proc/self/mem", O_RDWR | O_CLOEXEC)
		    : open_memfd();
	if (w->fd < 0)
		return -1;
	if (method == NATIVE_PAGE_SWAP && fill_memfd(w) != 0) {
		cause = errno;
		writer_close(w);
		errno = cause;
		return -1;
	}
	return 0;
}

static NATIVE_OWN int
run_proc_mem(struct writer *w)
{
	const struct write_job *j;

	for (j = w->jobs; j < w->jobs + w->njobs; j++)
		if (write_all(w->fd, j->bytes, j->len, (off_t)j->at) != 0)
			return -1;
	return 0;
}

/* The system's own: a C library's mmap may wait for a lock (musl's does),
 * which a halted thread may have. */
static NATIVE_OWN int
run_page_swap(struct writer *w)
{
	struct write_run *r;

	for (r = w->runs; r < w->runs + w->nruns; r++)
		if (syscall(SYS_mmap, r->at, r->len, PROT_READ | PROT_EXEC,
			MAP_PRIVATE | MAP_FIXED, w->fd, r->file_at) == -1)
			return -1;
	return 0;
}

static NATIVE_OWN int
run_mprotect(struct writer *w)
{
	const struct write_job *j;
	struct write_run *r;
	int result = 0;

	for (r = w->runs; r < w->runs + w->nruns && result == 0; r++) {
		if (mprotect((void *)r->at, r->len,
			PROT_READ | PROT_WRITE | PROT_EXEC) != 0)
			return -1;
		for (j = w->jobs; j < w->jobs + w->njobs; j++)
			if (j->at >= r->at && j->at < r->at + r->len)
				memcpy((void *)j->at, j->bytes, j->len);
		if (mprotect((void *)r->at, r->len, PROT_READ | PROT_EXEC) != 0)
			result = -1;
	}
	return result;
}

NATIVE_OWN int
writer_run(struct writer *w)
{
	const struct write_job *j;
	int result = -1;

	switch (w->method) {
	case NATIVE_PROC_MEM:
		result = run_proc_mem(w);
		break;
	case NATIVE_PAGE_SWAP:
		result = run_page_swap(w);
		break;
	case NATIVE_MPROTECT:
		result = run_mprotect(w);
		break;
	case NATIVE_METHODS:
		break;
	}
	for (j = w->jobs; j < w->jobs + w->njobs; j++)
		__builtin___clear_cache((char *)j->at, (char *)j->at + j->len);
	return result;
}

void
writer_close(struct writer *w)
{
	if (w->fd >= 0)
		close(w->fd);
	w->fd = -1;
}
