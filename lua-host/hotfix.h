#ifndef HOTFIX_H
#define HOTFIX_H

/*
 * libhotfix: both ends of a running Lua program, changed by signed updates.
 *
 * The one public header. A host serves updates to clients and applies their
 * server parts to its own program; a client applies client parts. Several of
 * both may live in one process; nothing is global. One thread per loop.
 *
 * Options are copied. Functions that can fail fill a struct hotfix_error and
 * return NULL or -1.
 */

#include <stddef.h>
#include <stdint.h>

struct lua_State;

#define HOTFIX_ERROR_TEXT 512

struct hotfix_error {
	int status; /* an exit status of hotfix(1): 1 no, 2 usage, 3 peer,
		       4 denied, 5 local trouble */
	char text[HOTFIX_ERROR_TEXT];
};

/* A loop that hosts and clients run in. backend: "epoll", "poll", or NULL
 * for the best there is. */
struct hotfix_loop;
struct hotfix_loop *hotfix_loop_new(const char *backend,
    struct hotfix_error *e);
void hotfix_loop_free(struct hotfix_loop *l); /* after its parties */
/* Wait at most wait_ms (-1: for ever) and do what is to be done. 0, or -1
 * with errno set (EINTR: a signal came). */
int hotfix_loop_step(struct hotfix_loop *l, int wait_ms);
/* Call ready(arg) when fd can be read; NULL ready: no longer. 0 or -1. */
int hotfix_loop_read(struct hotfix_loop *l, int fd, void (*ready)(void *arg),
    void *arg, struct hotfix_error *e);

/* --- hosts ------------------------------------------------------------- */

struct hotfix_host;

struct hotfix_host_options {
	const char *name, *program, *version, *zone; /* NULL: not told; name
							NULL: the machine's */
	const char *const *listen; /* "ADDR:PORT"; none: 127.0.0.1:4683 */
	size_t nlisten;
	const char *const *allow; /* addresses, networks, or "none" */
	size_t nallow;
	const char *const *pub; /* public key files */
	size_t npub;
	const char *trust;                /* a trust file, or NULL */
	const char *state_dir, *seed_dir; /* or NULL */
	const uint64_t *skip; /* updates whose server part is left out */
	size_t nskip;
	/*
	 * 1: a server part is first tried in a forked child, on a copy of the
	 * program, so that one that would crash, hang or eat memory is refused.
	 * 0, the default: it is not. An embedding program decides: threads do
	 * not live on in the child, memory that is mapped shared is no copy,
	 * and C functions of its own do there what they do.
	 */
	int rehearse;
	/*
	 * 1: the packages of updates are fetched and verified before anybody
	 * hears of them, in forked children, and kept for clients in mirror_dir
	 * (NULL: in the folder "packages" of state_dir; without either they are
	 * thrown away). 0: they are passed on unseen.
	 */
	int fetch;
	const char *mirror_dir;
	/* "FROM=TO": an address of a package that begins with FROM is
	 * announced with TO in its place. */
	const char *const *public_urls;
	size_t npublic_urls;
	int64_t fetch_timeout_ms; /* of a try; 0: 10 minutes */
	unsigned fetch_tries;     /* 0: 6 */
	/* Run by sh as "COMMAND URL FILE", must make FILE. NULL: ftp alone. */
	const char *fetch_with;
	const char *script; /* NULL: no program, receive and pass on only */
	int argc;
	char *const *argv; /* the script's arguments */
	/* One line, clean, without LF. NULL: standard error. */
	void (*log)(void *arg, const char *line);
	void *arg;
};

struct hotfix_host *hotfix_host_start(struct hotfix_loop *l,
    const struct hotfix_host_options *o, struct hotfix_error *e);
/* The i-th address that is listened on, "127.0.0.1:4683"; NULL past the
 * last. Lives as long as the host. */
const char *hotfix_host_address(const struct hotfix_host *h, size_t i);
/* The program's state, NULL without one. Between steps of the loop an
 * embedding program may use it. */
struct lua_State *hotfix_host_lua(struct hotfix_host *h);
/* 1 when the program called hotfix.stop, with its status. */
int hotfix_host_stopped(const struct hotfix_host *h, int *status);
/* Tell every client, wait at most wait_ms for the farewells to go out. */
void hotfix_host_stop(struct hotfix_host *h, int wait_ms);

/* --- clients ----------------------------------------------------------- */

struct hotfix_client;

struct hotfix_client_options {
	const char *host;                         /* [NAME@]ADDRESS[:PORT] */
	const char *id;                           /* NULL: a random one */
	const char *program, *version, *platform; /* NULL: not told; platform
						     NULL: this machine's */
	const char *token_file; /* or NULL; a final LF does not count */
	const char *const *pub;
	size_t npub;
	const char *trust;
	/* What was applied is kept here and applied at the next start, before a
	 * host is reached; made when it is not there, one client a folder.
	 * NULL: nothing is kept. */
	const char *state_dir;
	/* 1: in a dry run the part is tried in a forked child, see above. 0: it
	 * is only compiled. */
	int rehearse;
	/* 1: a thread of its own tells the host "hung" when an update does not
	 * come back, which nothing in this thread could. 0: nobody does. */
	int watchdog;
	/*
	 * 1: updates with packages are taken: fetched and unpacked in forked
	 * children, below the folder "packages" of state_dir (NULL: a folder
	 * that lives as long as the client). 0: they are refused as
	 * unsupported.
	 */
	int fetch;
	int64_t fetch_timeout_ms; /* of a try; 0: 1 minute */
	unsigned fetch_tries;     /* 0: 6 */
	const char *fetch_with;   /* as of hosts */
	const char *script;
	int argc;
	char *const *argv;
	void (*log)(void *arg, const char *line);
	void *arg;
};

struct hotfix_client *hotfix_client_start(struct hotfix_loop *l,
    const struct hotfix_client_options *o, struct hotfix_error *e);
struct lua_State *hotfix_client_lua(struct hotfix_client *c);
/* A line of input: the program's event "line". */
void hotfix_client_line(struct hotfix_client *c, const char *text, size_t len);
int hotfix_client_stopped(const struct hotfix_client *c, int *status);
/* 1 when it is logged in and the updates that waited have their results. */
int hotfix_client_is_welcome(const struct hotfix_client *c);
/* 1 when no new connection will be tried, with the reason. */
int hotfix_client_failed(const struct hotfix_client *c, const char **why);
/* The ids that run, ascending: at most max are stored, all are counted. */
size_t hotfix_client_have(const struct hotfix_client *c, uint64_t *ids,
    size_t max);
/* Break the connection (tests, and engines that go to sleep); it is tried
 * again after the usual wait. */
void hotfix_client_disconnect(struct hotfix_client *c);
void hotfix_client_stop(struct hotfix_client *c);

/* --- native patches ---------------------------------------------------- */

/*
 * The functions of the running executable are replaced by others, without a
 * stop: hotfix-native(7). This is of the process, not of a host; when it was
 * initialised, the hosts in the process take native parts of updates.
 *
 * HOTFIX_PATCHABLE in front of a function's definition lets it be replaced
 * whatever the flags are that its file is compiled with: it has room for a jump
 * at its entry, and its callers know nothing of what is in it. hotfix native
 * create knows such functions by their section. With clang it cannot be
 * static: nothing keeps clang from knowing its callees.
 */
#if defined(__aarch64__)
#define HOTFIX_ENTRY 2 /* instructions of 4 bytes each; one is needed */
#else
#define HOTFIX_ENTRY 5 /* bytes of a jump */
#endif
#if defined(__clang__)
#define HOTFIX_PATCHABLE                                                  \
	__attribute__((noinline, used, weak, section("hotfix_patchable"), \
	    patchable_function_entry(HOTFIX_ENTRY)))
#elif defined(__GNUC__)
#define HOTFIX_PATCHABLE                                         \
	__attribute__((noipa, used, section("hotfix_patchable"), \
	    patchable_function_entry(HOTFIX_ENTRY)))
#else
#define HOTFIX_PATCHABLE
#endif

enum hotfix_native_code {
	HOTFIX_NATIVE_OK,
	HOTFIX_NATIVE_IO,       /* the file could not be read */
	HOTFIX_NATIVE_FORMAT,   /* it is no patch file, or a damaged one */
	HOTFIX_NATIVE_ARCH,     /* for another machine */
	HOTFIX_NATIVE_BUILD,    /* for another build of the executable */
	HOTFIX_NATIVE_MODULE,   /* an address that is not in its code */
	HOTFIX_NATIVE_DUP,      /* live already: no failure */
	HOTFIX_NATIVE_NEEDS,    /* the patch that it needs is not live */
	HOTFIX_NATIVE_SPACE,    /* the reserve, or memory, is full */
	HOTFIX_NATIVE_MISMATCH, /* the old function is not what it was */
	HOTFIX_NATIVE_RANGE,    /* something is too far away */
	HOTFIX_NATIVE_PERM,     /* the system does not let code be written */
	HOTFIX_NATIVE_BUSY,     /* a thread did not halt; try again */
	HOTFIX_NATIVE_ORDER,    /* a later patch lies over it, or needs it; or
				 * another patch of its id is live */
	HOTFIX_NATIVE_NOTFOUND, /* no such patch is live */
	HOTFIX_NATIVE_DISABLED  /* not initialised, or not possible here */
};

struct hotfix_native_options {
	int signal;       /* that halts threads; 0: SIGRTMAX - 3 */
	int64_t bound_ns; /* of waiting for all threads; 0: 1 s */
	/* 1: where nothing else works, code may be writable and executable for
	 * a moment. */
	int allow_rwx;
	/* 1: no other thread is ever near, none is looked for. */
	int no_threads;
};

struct hotfix_native_report {
	enum hotfix_native_code code;
	char id[65];
	char text[256];     /* one line for people */
	unsigned functions; /* replaced */
	unsigned threads;   /* others that were halted */
	unsigned inside;    /* of all, in the old code just then */
	int64_t load_ns, pause_ns;
	size_t code_left, data_left; /* of the reserve, bytes */
};

/*
 * All of these return the code, which stands in the report too (NULL: nobody
 * wants one). With any but OK the program runs as before. From any thread,
 * never from a signal handler.
 */

/* Early in main, as the user that the program will run as; options NULL: the
 * defaults. Text: "patchable: yes (proc-mem)", or why not. */
enum hotfix_native_code hotfix_native_init(const struct hotfix_native_options
					       *o,
    struct hotfix_native_report *r);
/* A patch file that hotfix native create made. Blocks: a file is read, and
 * threads are halted for some microseconds. */
enum hotfix_native_code hotfix_native_apply(const char *path,
    struct hotfix_native_report *r);
/* Whether that would go well; nothing changes. */
enum hotfix_native_code hotfix_native_check(const char *path,
    struct hotfix_native_report *r);
/* Back to the code of before, by the patch's id. */
enum hotfix_native_code hotfix_native_revert(const char *id,
    struct hotfix_native_report *r);
/* A line for each patch that is live, the oldest first; their number. */
size_t hotfix_native_list(void (*each)(void *arg, const char *line), void *arg);
/* For threads that block the signal: call it often. */
void hotfix_native_safepoint(void);

#endif
