#ifndef NET_SOCK_H
#define NET_SOCK_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/err.h"

/* TCP over IPv4 and IPv6: addresses in numbers, sockets that never block. */

#define SOCK_PORT_DEFAULT 4683
#define SOCK_TEXT         56 /* "[v6 address]:port" and a NUL */

struct sock_addr {
	struct sockaddr_storage ss;
	socklen_t len;
};

/*
 * A host as people write it: [NAME@]ADDRESS[:PORT], ADDRESS a name, IPv4, or
 * IPv6 (in brackets when a port follows), PORT 1 to 65535. A name has letters,
 * digits, '-', '_' and dots; what ends in a number is an IPv4 address of four
 * decimal numbers or nothing, because getaddrinfo reads 127.1 and 0x7f000001
 * as addresses too. NAME is clean text without spaces and '@'. 0 or -1.
 */
#define SOCK_NAME_MAX 255 /* a DNS name, or a host's own name */

struct sock_target {
	char name[SOCK_NAME_MAX + 1];    /* empty: not told */
	char address[SOCK_NAME_MAX + 1]; /* without brackets */
	uint16_t port;
};

int sock_target_parse(struct sock_target *out, const char *text,
    uint16_t default_port);

/*
 * Addresses in numbers, strictly: no names, no zones, no short or octal forms.
 * An IPv4 address mapped into IPv6 (::ffff:192.0.2.1) is IPv4 everywhere: read,
 * shown and compared as such.
 */

/* Address and port, "127.0.0.1:4683", "[::1]:0". 0 or -1. */
int sock_addr_parse(struct sock_addr *out, const char *text,
    uint16_t default_port);
/* An address alone, no port (it is 0). 0 or -1. */
int sock_ip_parse(struct sock_addr *out, const char *text);
/* Return out; "?" for what is no address. */
char *sock_addr_format(char out[SOCK_TEXT], const struct sock_addr *a);
/* Without the port and without brackets. */
char *sock_ip_format(char out[SOCK_TEXT], const struct sock_addr *a);
/* 1 when the address is the same; ports do not matter. */
int sock_ip_equal(const struct sock_addr *a, const struct sock_addr *b);

/* Networks, "192.0.2.0/24", "2001:db8::/32"; an address alone is itself.
 * Bits past the prefix must be zero. An IPv6 network holds no IPv4 address. */
struct sock_net {
	struct sock_addr addr;
	unsigned bits;
};
int sock_net_parse(struct sock_net *out, const char *text);
int sock_net_has(const struct sock_net *net, const struct sock_addr *a);

/* A listening socket, non-blocking, close-on-exec, address reuse; *bound is
 * what it got (port 0 asks for any). The descriptor, or -1 with err. */
int sock_listen(const struct sock_addr *a, struct sock_addr *bound,
    struct err *e);
/* Accept one; -1 with errno (EAGAIN: none waits; EMFILE, ENFILE, ENOMEM,
 * ENOBUFS: one waits on, no use to try again at once). */
int sock_accept(int fd, struct sock_addr *peer);
/* Begin to connect; the descriptor becomes writable when it is decided,
 * then sock_connected is 0 or -1 with errno. -1 with errno at once. */
int sock_connect(const struct sock_addr *a);
int sock_connected(int fd);

/* Liveness by the kernel: keep-alive after 60 s idle, and sent data that
 * stays unacknowledged for 60 s ends the connection. */
void sock_keepalive(int fd);

/*
 * The addresses of a name. Numbers are answered at once. A name is looked up
 * in a child process, because getaddrinfo blocks: the descriptor becomes
 * readable when the answer is there. A start that returned 0 is ended by
 * finish or cancel (unwatch fd before), which may be called again without harm.
 * The owner sets the deadline.
 */
#define SOCK_RESOLVE_MAX 8 /* addresses of one name that are tried */

struct sock_resolve {
	int fd; /* -1: nothing to wait for */
	int pid;
	char address[SOCK_NAME_MAX + 1]; /* as asked for */
	size_t n;
	struct sock_addr addrs[SOCK_RESOLVE_MAX];
};

int sock_resolve_start(struct sock_resolve *r, const char *address,
    uint16_t port, struct err *e);
/* Take the answer (blocks until it is there): 0 with n > 0, or -1. The text of
 * the err names the address that was asked for. */
int sock_resolve_finish(struct sock_resolve *r, struct err *e);
void sock_resolve_cancel(struct sock_resolve *r);

#endif
