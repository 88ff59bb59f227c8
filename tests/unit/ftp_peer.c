/*
 * Where the data connection of an FTP client ends. What goes out to 127.0.0.1
 * comes to 127.0.0.2 here, as by a rule for packets: that machine may have
 * nothing, and nothing of it may be taken.
 */

#include "net/ftp.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "tests/tap.h"

#define LIMIT_NS INT64_C(10000000000) /* which nobody should ever see */
#define TEXT     "the file"

/* The linker leads our code's calls to these (Makefile). */
int __real_connect(int fd, const struct sockaddr *a, socklen_t len);
int __wrap_connect(int fd, const struct sockaddr *a, socklen_t len);

static uint16_t led_away; /* the port, in the order of bytes of a network */

int
__wrap_connect(int fd, const struct sockaddr *a, socklen_t len)
{
	struct sockaddr_in in;

	if (a->sa_family != AF_INET || len != sizeof in)
		return __real_connect(fd, a, len);
	memcpy(&in, a, sizeof in);
	if (in.sin_port == led_away)
		in.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
	return __real_connect(fd, (struct sockaddr *)&in, sizeof in);
}

static int
listen_on(uint32_t ip, uint16_t *port)
{
	struct sockaddr_in in;
	socklen_t len = sizeof in;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	memset(&in, 0, sizeof in);
	in.sin_family = AF_INET;
	in.sin_addr.s_addr = htonl(ip);
	if (fd < 0 || bind(fd, (struct sockaddr *)&in, sizeof in) != 0 ||
	    listen(fd, 4) != 0 ||
	    getsockname(fd, (struct sockaddr *)&in, &len) != 0)
		exit(1);
	*port = in.sin_port;
	return fd;
}

/* Who has left already cannot be told. */
static void
say(int fd, const char *text)
{
	send(fd, text, strlen(text), MSG_NOSIGNAL);
}

/* Up to the end of a command with this word in it. */
static void
await(int fd, const char *word)
{
	char said[1024];
	size_t len = 0;
	ssize_t n;

	do {
		n = read(fd, said + len, sizeof said - 1 - len);
		if (n <= 0)
			_exit(101);
		len += (size_t)n;
		said[len] = '\0';
	} while (strstr(said, word) == NULL || said[len - 1] != '\n');
}

/* A server with one file, which may be read and written once. Exits with how
 * many bytes were written. */
static void
serve(int listener, int data_listener, uint16_t data_port, const char *verb)
{
	int control = accept(listener, NULL, NULL), data;
	char line[64], bytes[64];
	size_t len = 0;
	ssize_t n;

	say(control, "220 ready\r\n");
	await(control, "USER ");
	say(control, "230 in\r\n");
	await(control, "EPSV");
	snprintf(line, sizeof line, "200 binary\r\n229 data (|||%u|)\r\n",
	    ntohs(data_port));
	say(control, line);
	await(control, verb);
	say(control, "150 now\r\n");
	data = accept(data_listener, NULL, NULL);
	if (strcmp(verb, "RETR") == 0)
		say(data, TEXT);
	else
		while ((n = read(data, bytes, sizeof bytes)) > 0)
			len += (size_t)n;
	close(data);
	say(control, "226 done\r\n");
	while (read(control, bytes, sizeof bytes) > 0)
		continue;
	_exit((int)len);
}

static int
take(void *arg, const void *bytes, size_t len, struct err *e)
{
	size_t *taken = arg;

	(void)bytes;
	(void)e;
	*taken += len;
	return 0;
}

struct played {
	int ret, stored;
	size_t taken;
	struct err err;
};

static struct played
play(const char *verb, uint32_t data_ip)
{
	struct ftp_url url = {.host = "127.0.0.1"};
	const struct ftp_config c = {.url = &url,
	    .user = "somebody",
	    .deadline_ns = clock_mono_ns() + LIMIT_NS};
	struct played p = {-1, -1, 0, {ERR_NONE, ""}};
	uint16_t port, data_port;
	int listener = listen_on(INADDR_LOOPBACK, &port);
	int data_listener = listen_on(data_ip, &data_port);
	FILE *file = tmpfile();
	struct ftp *f;
	pid_t pid = fork();

	if (pid == 0)
		serve(listener, data_listener, data_port, verb);
	close(listener);
	close(data_listener);
	led_away = data_ip == INADDR_LOOPBACK ? 0 : data_port;
	url.port = ntohs(port);
	if (file == NULL ||
	    file_write_all(fileno(file), TEXT, strlen(TEXT)) != 0)
		exit(1);
	f = ftp_open(&c, &p.err);
	if (f != NULL && strcmp(verb, "RETR") == 0)
		p.ret = ftp_get(f, "file", 0, 64, take, &p.taken, &p.err);
	else if (f != NULL)
		p.ret = ftp_put(f, "file", 0, fileno(file), strlen(TEXT), NULL,
		    NULL, &p.err);
	ftp_close(f);
	fclose(file);
	waitpid(pid, &p.stored, 0);
	p.stored = WIFEXITED(p.stored) ? WEXITSTATUS(p.stored) : -1;
	return p;
}

int
main(void)
{
	struct played p = play("RETR", INADDR_LOOPBACK);

	OK(p.ret == 0 && p.taken == strlen(TEXT), "a file comes");
	p = play("STOR", INADDR_LOOPBACK);
	OK(p.ret == 0 && p.stored == (int)strlen(TEXT), "one goes");

	p = play("RETR", INADDR_LOOPBACK + 1);
	OK(p.ret == -1 && p.taken == 0,
	    "F17 nothing is taken from another machine");
	OK(strstr(p.err.text, "the data connection goes to another machine") !=
		NULL,
	    "it is told so: %s", p.err.text);
	IS(p.err.kind, ERR_PEER, "as a peer's fault");
	p = play("STOR", INADDR_LOOPBACK + 1);
	OK(p.ret == -1 && p.stored == 0, "F17 nor is anything sent there");
	return tap_done();
}
