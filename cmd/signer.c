/* Signing with a key file or through a command. */

#include "cmd/signer.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "crypto/wipe.h"
#include "pack/input.h"

/* NAME of a file NAME.sec, as far as a key's name may be. */
static void
name_from_path(char name[KEYRING_NAME + 1], const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *base = slash != NULL ? slash + 1 : path;
	size_t len = strlen(base);

	if (len > 4 && strcmp(base + len - 4, ".sec") == 0)
		len -= 4;
	if (len == 0 || len > KEYRING_NAME || !text_is_clean(base, len) ||
	    memchr(base, ' ', len) != NULL) {
		strcpy(name, "key");
		return;
	}
	memcpy(name, base, len);
	name[len] = '\0';
}

int
signer_open(struct signer *s, const char *key, const char *command,
    struct err *e)
{
	struct buf text = BUF_INIT;
	enum signify_result r;
	int ret = -1;

	memset(s, 0, sizeof *s);
	s->command = command;
	if (key != NULL && command != NULL)
		return err_set(e, ERR_USAGE,
		    "-k and --sign-with exclude each"
		    " other");
	if (command != NULL)
		return 0;
	if (key == NULL)
		key = getenv("HOTFIX_KEY");
	if (key == NULL || *key == '\0')
		return err_set(e, ERR_USAGE,
		    "no key: give -k FILE or set"
		    " HOTFIX_KEY");
	if (file_read(key, SIGNIFY_FILE, &text, e) != 0)
		goto out;
	r = signify_sec_parse(&s->sec, (const char *)text.data, text.len);
	if (r != SIGNIFY_OK) {
		err_set(e, ERR_LOCAL, "%s: %s", key,
		    r == SIGNIFY_SYNTAX
			? "not a secret key in the format of signify"
			: signify_strerror(r));
		goto out;
	}
	name_from_path(s->name, key);
	ret = 0;
out:
	if (text.data != NULL)
		crypto_wipe(text.data, text.cap);
	buf_free(&text);
	return ret;
}

void
signer_close(struct signer *s)
{
	crypto_wipe(&s->sec, sizeof s->sec);
}

/* The command's side of the pipes; does not return. */
static void
run_command(const char *command, int in, int out)
{
	signal(SIGPIPE, SIG_DFL);
	signal(SIGXFSZ, SIG_DFL);
	unsetenv("HOTFIX_FTP_PASSWORD");
	if (dup2(in, STDIN_FILENO) >= 0 && dup2(out, STDOUT_FILENO) >= 0)
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	_exit(127);
}

/* Feed the text and take the answer, both at once: neither side can make
 * the other wait. fds are closed. 0, or -1 with errno set. */
static int
converse(int to, int from, const char *text, size_t len, struct buf *answer)
{
	struct pollfd p[2] = {{to, POLLOUT, 0}, {from, POLLIN, 0}};
	char piece[512];
	int ret = -1;
	ssize_t n;

	while (p[1].fd >= 0) {
		if (poll(p, 2, -1) < 0) {
			if (errno == EINTR)
				continue;
			goto out;
		}
		if (p[0].fd >= 0 && p[0].revents != 0) {
			/* Pieces that a pipe takes without blocking. A
			 * command that does not read all has its reasons. */
			n = write(to, text,
			    len < sizeof piece ? len : sizeof piece);
			if (n < 0 && errno == EINTR)
				continue;
			text += n > 0 ? n : 0;
			len -= n > 0 ? (size_t)n : 0;
			if (n < 0 || len == 0) {
				close(to);
				to = p[0].fd = -1;
			}
		}
		if (p[1].revents == 0)
			continue;
		n = read(from, piece, sizeof piece);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			goto out;
		if (n == 0)
			break;
		if (answer->len + (size_t)n > SIGNIFY_FILE) {
			errno = EMSGSIZE;
			goto out;
		}
		if (buf_append(answer, piece, (size_t)n) != 0) {
			errno = ENOMEM;
			goto out;
		}
	}
	ret = 0;
out:
	if (to >= 0)
		close(to);
	close(from);
	return ret;
}

/* What a command had appended behind start, and how it ended. */
static int
check_answer(const struct buf *lines, size_t start, int status, struct err *e)
{
	struct signify_sig sig;
	size_t used;

	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return err_set(e, ERR_LOCAL,
		    "--sign-with: the command failed (%s %d)",
		    WIFEXITED(status) ? "exit" : "signal",
		    WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
	if (signify_sig_parse(&sig, (const char *)lines->data + start,
		lines->len - start, &used) != SIGNIFY_OK ||
	    used != lines->len - start)
		return err_set(e, ERR_LOCAL,
		    "--sign-with: it did not answer a signify signature");
	return 0;
}

/* fd: the text is this file; -1: it is text. */
static int
sign_by_command(const char *command, const char *text, size_t len, int fd,
    struct buf *lines, struct err *e)
{
	size_t start = lines->len;
	int to[2] = {-1, -1}, from[2], status, bad;
	pid_t pid;

	if (pipe(from) != 0)
		return err_errno(e, ERR_LOCAL, "--sign-with: pipe");
	if (fd < 0 && pipe(to) != 0) {
		err_errno(e, ERR_LOCAL, "--sign-with: pipe");
		close(from[0]);
		close(from[1]);
		return -1;
	}
	pid = fork();
	if (pid == 0) {
		if (to[1] >= 0)
			close(to[1]);
		close(from[0]);
		run_command(command, fd < 0 ? to[0] : fd, from[1]);
	}
	if (to[0] >= 0)
		close(to[0]);
	close(from[1]);
	if (pid < 0) {
		err_errno(e, ERR_LOCAL, "--sign-with: fork");
		if (to[1] >= 0)
			close(to[1]);
		close(from[0]);
		return -1;
	}
	bad = converse(to[1], from[0], text, len, lines);
	if (bad)
		err_errno(e, ERR_LOCAL, "--sign-with: its answer");
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	return bad ? -1 : check_answer(lines, start, status, e);
}

static int
append(struct buf *lines, const struct signify_sig *sig, const char *name,
    struct err *e)
{
	return signify_sig_format(lines, sig, name) == 0
		   ? 0
		   : err_set(e, ERR_LOCAL, "out of memory");
}

int
signer_sign(const struct signer *s, const void *text, size_t len,
    struct buf *lines, struct err *e)
{
	struct signify_sig sig;

	if (s->command != NULL)
		return sign_by_command(s->command, text, len, -1, lines, e);
	signify_sign(&sig, &s->sec, text, len);
	return append(lines, &sig, s->name, e);
}

void
signer_begin(struct signer_run *r, const struct signer *s)
{
	memset(r, 0, sizeof *r);
	r->signer = s;
	if (s->command == NULL)
		ed25519_sign_init(&r->signing, s->sec.seed);
}

/* The command gets the file itself. */
static void
pass_by(void *run, const void *bytes, size_t len)
{
	(void)run;
	(void)bytes;
	(void)len;
}

struct digests_work
signer_work(struct signer_run *r)
{
	struct digests_work work = {digests_sha512, &r->signing.nonce_hash};

	if (r->signer->command != NULL)
		work.update = pass_by;
	return work;
}

void
signer_drop(struct signer_run *r)
{
	ed25519_sign_drop(&r->signing);
}

/* The whole file for the second time. */
static int
take_again(struct ed25519_signing *signing, int fd, const char *shown,
    struct err *e)
{
	const struct digests_work works[] = {
	    {digests_sha512, &signing->nonce_hash},
	    {digests_sha512, &signing->hash}};
	struct input in;
	int ret = -1;

	ed25519_sign_next(signing);
	if (input_open(&in, fd, shown, 0, works, 2, e) == 0)
		ret = input_skip_to(&in, in.size, e);
	input_close(&in);
	return ret;
}

int
signer_end(struct signer_run *r, int fd, const char *shown, struct buf *lines,
    struct err *e)
{
	const struct signer *s = r->signer;
	struct signify_sig sig;

	if (s->command != NULL) {
		if (lseek(fd, 0, SEEK_SET) != 0)
			return err_errno(e, ERR_LOCAL, "%s", shown);
		return sign_by_command(s->command, NULL, 0, fd, lines, e);
	}
	if (take_again(&r->signing, fd, shown, e) != 0)
		return -1;
	if (signify_sign_final(&sig, &s->sec, &r->signing) != 0)
		return err_set(e, ERR_NO, "%s: changed while it was signed",
		    shown);
	return append(lines, &sig, s->name, e);
}
