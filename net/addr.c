/* Addresses, hosts and networks as text: strict to read, one form to show. */

#include "net/sock.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "base/text.h"

#define PORT_MAX    65535
#define V6_BITS     128
#define MAPPED_BITS 96 /* of ::ffff:0:0/96, before the IPv4 address */

static const uint8_t mapped[MAPPED_BITS / 8] = {
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static int
is_mapped(const uint8_t ip[16])
{
	return memcmp(ip, mapped, sizeof mapped) == 0;
}

/* The address as 16 bytes, IPv4 mapped. 0, or -1: it is neither. */
static int
ip_bytes(const struct sock_addr *a, uint8_t ip[16])
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	/* The storage is aligned, but it is of another type. */
	if (a->ss.ss_family == AF_INET) {
		memcpy(&in, &a->ss, sizeof in);
		memcpy(ip, mapped, sizeof mapped);
		memcpy(ip + sizeof mapped, &in.sin_addr, 4);
		return 0;
	}
	if (a->ss.ss_family == AF_INET6) {
		memcpy(&in6, &a->ss, sizeof in6);
		memcpy(ip, &in6.sin6_addr, 16);
		return 0;
	}
	return -1;
}

/* The address of these bytes, IPv4 when mapped. */
static void
set_addr(struct sock_addr *out, const uint8_t ip[16], uint16_t port)
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	memset(out, 0, sizeof *out);
	if (is_mapped(ip)) {
		memset(&in, 0, sizeof in);
		in.sin_family = AF_INET;
		in.sin_port = htons(port);
		memcpy(&in.sin_addr, ip + sizeof mapped, 4);
		memcpy(&out->ss, &in, sizeof in);
		out->len = sizeof in;
	} else {
		memset(&in6, 0, sizeof in6);
		in6.sin6_family = AF_INET6;
		in6.sin6_port = htons(port);
		memcpy(&in6.sin6_addr, ip, 16);
		memcpy(&out->ss, &in6, sizeof in6);
		out->len = sizeof in6;
	}
}

static uint16_t
port_of(const struct sock_addr *a)
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	if (a->ss.ss_family == AF_INET) {
		memcpy(&in, &a->ss, sizeof in);
		return ntohs(in.sin_port);
	}
	memcpy(&in6, &a->ss, sizeof in6);
	return ntohs(in6.sin6_port);
}

/* --- addresses ------------------------------------------------------------ */

/* An address in numbers; family is how it was written. 0 or -1. */
static int
parse_ip(const char *text, size_t len, uint8_t ip[16], int *family)
{
	char copy[INET6_ADDRSTRLEN];

	if (len >= sizeof copy)
		return -1;
	memcpy(copy, text, len);
	copy[len] = '\0';
	if (inet_pton(AF_INET, copy, ip + sizeof mapped) == 1) {
		memcpy(ip, mapped, sizeof mapped);
		*family = AF_INET;
		return 0;
	}
	*family = AF_INET6;
	return inet_pton(AF_INET6, copy, ip) == 1 ? 0 : -1;
}

/* ADDRESS[:PORT] in its pieces, not looked at yet. 0 or -1. */
struct pieces {
	const char *address, *port; /* port NULL: not told */
	size_t address_len, port_len;
	int brackets; /* so the address must be IPv6 */
};

static int
cut(struct pieces *p, const char *text)
{
	const char *colon = strchr(text, ':');
	const char *end;

	memset(p, 0, sizeof *p);
	if (text[0] == '[') {
		end = strchr(text, ']');
		if (end == NULL || (end[1] != '\0' && end[1] != ':'))
			return -1;
		p->brackets = 1;
		p->address = text + 1;
		p->address_len = (size_t)(end - text) - 1;
		if (end[1] == ':')
			p->port = end + 2;
	} else {
		p->address = text;
		p->address_len = strlen(text);
		/* Two colons and more are IPv6, all of it. */
		if (colon != NULL && strchr(colon + 1, ':') == NULL) {
			p->address_len = (size_t)(colon - text);
			p->port = colon + 1;
		}
	}
	if (p->port != NULL)
		p->port_len = strlen(p->port);
	return 0;
}

static int
parse_port(const struct pieces *p, uint16_t default_port, uint16_t *port)
{
	uint64_t n = default_port;

	if (p->port != NULL &&
	    num_parse(p->port, p->port_len, PORT_MAX, &n) != NUM_OK)
		return -1;
	*port = (uint16_t)n;
	return 0;
}

int
sock_addr_parse(struct sock_addr *out, const char *text, uint16_t default_port)
{
	struct pieces p;
	uint8_t ip[16];
	uint16_t port;
	int family;

	if (cut(&p, text) != 0 || parse_port(&p, default_port, &port) != 0 ||
	    parse_ip(p.address, p.address_len, ip, &family) != 0 ||
	    (p.brackets && family != AF_INET6))
		return -1;
	set_addr(out, ip, port);
	return 0;
}

int
sock_ip_parse(struct sock_addr *out, const char *text)
{
	uint8_t ip[16];
	int family;

	if (parse_ip(text, strlen(text), ip, &family) != 0)
		return -1;
	set_addr(out, ip, 0);
	return 0;
}

char *
sock_ip_format(char out[SOCK_TEXT], const struct sock_addr *a)
{
	uint8_t ip[16];
	int v4;

	if (ip_bytes(a, ip) != 0) {
		snprintf(out, SOCK_TEXT, "?");
		return out;
	}
	v4 = is_mapped(ip);
	inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? ip + sizeof mapped : ip, out,
	    SOCK_TEXT);
	return out;
}

char *
sock_addr_format(char out[SOCK_TEXT], const struct sock_addr *a)
{
	char ip[SOCK_TEXT];

	sock_ip_format(ip, a);
	if (ip[0] == '?')
		snprintf(out, SOCK_TEXT, "?");
	else
		snprintf(out, SOCK_TEXT,
		    strchr(ip, ':') != NULL ? "[%.45s]:%u" : "%.45s:%u", ip,
		    (unsigned)port_of(a));
	return out;
}

int
sock_ip_equal(const struct sock_addr *a, const struct sock_addr *b)
{
	uint8_t x[16], y[16];

	return ip_bytes(a, x) == 0 && ip_bytes(b, y) == 0 &&
	       memcmp(x, y, sizeof x) == 0;
}

/* --- hosts ---------------------------------------------------------------- */

static int
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static int
is_label_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       is_digit(c) || c == '-' || c == '_';
}

/* A name that getaddrinfo cannot take for an address. */
static int
is_host_name(const char *s, size_t len)
{
	size_t i, label = 0, digits = 0;

	/* One dot at the end says that the name is complete. */
	if (len > 0 && s[len - 1] == '.')
		len--;
	if (len == 0 || s[0] == '-')
		return 0;
	for (i = 0; i < len; i++) {
		if (s[i] == '.') {
			if (i == label || i + 1 == len)
				return 0;
			label = i + 1;
		} else if (!is_label_char(s[i])) {
			return 0;
		}
	}
	while (label + digits < len && is_digit(s[label + digits]))
		digits++;
	if (label + digits == len)
		return 0;
	return !(s[label] == '0' &&
		 (s[label + 1] == 'x' || s[label + 1] == 'X'));
}

int
sock_target_parse(struct sock_target *out, const char *text,
    uint16_t default_port)
{
	const char *at = strchr(text, '@');
	size_t name_len = 0;
	struct pieces p;
	uint8_t ip[16];
	int family;

	memset(out, 0, sizeof *out);
	if (at != NULL) {
		name_len = (size_t)(at - text);
		if (name_len == 0 || name_len > SOCK_NAME_MAX ||
		    memchr(text, ' ', name_len) != NULL ||
		    !text_is_clean(text, name_len))
			return -1;
		memcpy(out->name, text, name_len);
		text = at + 1;
	}
	if (cut(&p, text) != 0 || p.address_len > SOCK_NAME_MAX ||
	    parse_port(&p, default_port, &out->port) != 0 || out->port == 0)
		return -1;
	if (parse_ip(p.address, p.address_len, ip, &family) == 0) {
		if (p.brackets && family != AF_INET6)
			return -1;
	} else if (p.brackets || !is_host_name(p.address, p.address_len)) {
		return -1;
	}
	memcpy(out->address, p.address, p.address_len);
	return 0;
}

/* --- networks ------------------------------------------------------------- */

/* 1 when the bytes agree in the first bits. */
static int
has_prefix(const uint8_t ip[16], const uint8_t net[16], unsigned bits)
{
	unsigned bytes = bits / 8, rest = bits % 8;

	if (memcmp(ip, net, bytes) != 0)
		return 0;
	return rest == 0 || (ip[bytes] ^ net[bytes]) >> (8 - rest) == 0;
}

static int
is_zero_from(const uint8_t ip[16], unsigned bits)
{
	unsigned i;

	for (i = bits; i < V6_BITS; i++)
		if (ip[i / 8] & (0x80 >> i % 8))
			return 0;
	return 1;
}

int
sock_net_parse(struct sock_net *out, const char *text)
{
	const char *slash = strchr(text, '/');
	size_t len = slash != NULL ? (size_t)(slash - text) : strlen(text);
	unsigned before;
	uint8_t ip[16];
	uint64_t bits;
	int family;

	if (parse_ip(text, len, ip, &family) != 0)
		return -1;
	before = family == AF_INET ? MAPPED_BITS : 0;
	bits = V6_BITS - before;
	if (slash != NULL &&
	    num_parse(slash + 1, strlen(slash + 1), bits, &bits) != NUM_OK)
		return -1;
	bits += before;
	if (!is_zero_from(ip, (unsigned)bits))
		return -1;
	/* What begins as mapped addresses do has more than 96 bits, or some
	 * would be left over: it is a network of IPv4. */
	set_addr(&out->addr, ip, 0);
	out->bits = (unsigned)bits - (is_mapped(ip) ? MAPPED_BITS : 0);
	return 0;
}

int
sock_net_has(const struct sock_net *net, const struct sock_addr *a)
{
	uint8_t x[16], y[16];
	unsigned bits = net->bits;

	if (ip_bytes(&net->addr, x) != 0 || ip_bytes(a, y) != 0 ||
	    is_mapped(x) != is_mapped(y))
		return 0;
	return has_prefix(y, x, bits + (is_mapped(x) ? MAPPED_BITS : 0));
}
