/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sockets to nodes. We connect, send, read and wait ourselves, so that nothing waits beyond a deadline or a
 * cancel, and no signal is raised; hiredis's reader takes apart what came.
 */
#include "redis.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define SLICE INT64_C(20000000)	      /* between two looks at what does not wake us */
#define READ_SIZE 16384		      /* bytes, that are read at a time; a record of TLS has no more */
#define BUFFER_MOST ((size_t)1 << 20) /* bytes that a reader keeps for what is to come */

/* --- waiting --- */

static bool is_cancelled(const struct redis_connection *conn)
{
	return __atomic_load_n(&conn->cancelled, __ATOMIC_RELAXED) ||
	       (conn->call && consort_call_cancelled(conn->call));
}

/* The same as consort_poll_until, and looks now and then whether the call was cancelled, which does not wake
 * it. */
static int poll_alone(struct redis_connection *conn, uint32_t count)
{
	int64_t until;
	int code;

	do {
		until = conn->host->clock() + SLICE;
		if (conn->until && conn->until < until)
			until = conn->until;
		code = consort_poll_until(conn->host, conn->polls, count, until);
	} while (!code && until != conn->until && !is_cancelled(conn));
	return !code && until != conn->until ? 1 : code;
}

bool redis_waits_for_ever(const struct redis_connection *conn)
{
	return !conn->until && conn->call && !conn->call->cancelled;
}

uint32_t redis_wait(struct redis_connection *conn, uint32_t count, struct consort_error *error)
{
	uint32_t i, status = CONSORT_ETIMEOUT;
	int code;

	if (CONSORT_UNLIKELY(is_cancelled(conn)))
		return consort_error_set(error, CONSORT_ECANCELLED, "the call was cancelled");
	conn->polls[count] = (struct pollfd){.fd = conn->wake, .events = POLLIN};
	if (CONSORT_UNLIKELY(conn->alone))
		code = poll_alone(conn, count + 1);
	else
		code = consort_poll_until(conn->host, conn->polls, count + 1, conn->until);
	for (i = 0; code > 0 && i < count; i++)
		if (conn->polls[i].revents)
			return CONSORT_OK;
	if (code < 0)
		consort_error_set(error, status = CONSORT_ECONNECTION,
				  "the connection cannot be waited for: %s", strerror(errno));
	else if (code)
		consort_error_set(error, status = CONSORT_ECANCELLED, "the call was cancelled");
	else
		consort_error_set(error, status, "%s passed before Redis answered",
				  conn->until == conn->call->deadline ? "the deadline" : "connect_timeout");
	consort_copy_text(error->origin, sizeof(error->origin), conn->database->name);
	return status;
}

bool redis_make_polls(struct redis_connection *conn)
{
	const struct redis_link *link;
	struct pollfd *polls;
	uint32_t count = 2;

	for (link = conn->links; link; link = link->next)
		count++;
	if (count <= conn->npolls)
		return true;
	polls = realloc(conn->polls, count * sizeof(*polls));
	if (!polls)
		return false;
	conn->polls = polls;
	conn->npolls = count;
	return true;
}

/* --- connecting --- */

static uint32_t wait_connected(struct redis_connection *conn, int fd, int *out_code,
			       struct consort_error *error)
{
	socklen_t size = sizeof(*out_code);
	uint32_t status;

	conn->polls[0] = (struct pollfd){.fd = fd, .events = POLLOUT};
	status = redis_wait(conn, 1, error);
	if (!status && getsockopt(fd, SOL_SOCKET, SO_ERROR, out_code, &size))
		*out_code = errno;
	return status;
}

/* *out_code: errno of what the address answered; a status only ends the whole attempt. */
static uint32_t connect_to(struct redis_connection *conn, const struct sockaddr *address, socklen_t size,
			   int *out_fd, int *out_code, struct consort_error *error)
{
	int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;
	uint32_t status = CONSORT_OK;

	*out_code = fd < 0 || connect(fd, address, size) ? errno : 0;
	if (fd >= 0 && *out_code == EINPROGRESS)
		status = wait_connected(conn, fd, out_code, error);
	if (status || *out_code) {
		if (fd >= 0)
			close(fd);
		return status;
	}
	fcntl(fd, F_SETFL,
	      fcntl(fd, F_GETFL) & ~O_NONBLOCK); /* from here on each call says whether it waits */
	if (address->sa_family != AF_UNIX) {
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
	}
	*out_fd = fd;
	return CONSORT_OK;
}

static uint32_t fail_connect(const char *node, int code, struct consort_error *error)
{
	consort_error_set(error, CONSORT_ECONNECTION, "Redis at %s cannot be reached: %s", node,
			  strerror(code));
	error->flags |= CONSORT_ERROR_RETRYABLE;
	return error->status;
}

static uint32_t connect_unix(struct redis_connection *conn, const char *path, int *out_fd,
			     struct consort_error *error)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	uint32_t status;
	int code = 0;

	if (strlen(path) >= sizeof(address.sun_path))
		return consort_error_set(error, CONSORT_EVALUE, "the socket's path '%s' is too long", path);
	consort_copy_text(address.sun_path, sizeof(address.sun_path), path);
	status = connect_to(conn, (const struct sockaddr *)&address, sizeof(address), out_fd, &code, error);
	return !status && code ? fail_connect(path, code, error) : status;
}

/* The addresses of a host, whose name somebody else looks up. */
static uint32_t look_up(struct redis_connection *conn, const char *host, struct consort_lookup **out_lookup,
			struct consort_error *error)
{
	struct consort_lookup *lookup = NULL;
	uint32_t status = consort_lookup_start(host, &lookup, error);

	if (status)
		return status;
	if (consort_lookup_descriptor(lookup) >= 0) {
		conn->polls[0] = (struct pollfd){.fd = consort_lookup_descriptor(lookup), .events = POLLIN};
		status = redis_wait(conn, 1, error);
	}
	if (status)
		consort_lookup_close(lookup);
	else
		*out_lookup = lookup;
	return status;
}

static uint32_t connect_tcp(struct redis_connection *conn, const char *node, const char *host,
			    const char *port, int *out_fd, struct consort_error *error)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
				       .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
	struct consort_lookup *lookup = NULL;
	const char *const *addresses = NULL;
	uint32_t count = 0, i, status = look_up(conn, host, &lookup, error);
	int code = EADDRNOTAVAIL, fd = -1;

	if (!status)
		status = consort_lookup_answer(lookup, &addresses, &count, error);
	for (i = 0; !status && fd < 0 && i < count; i++) {
		struct addrinfo *info = NULL;
		int failed = getaddrinfo(addresses[i], port, &hints, &info);

		if (failed == EAI_MEMORY)
			status = consort_error_no_memory(error);
		if (failed)
			continue;
		status = connect_to(conn, info->ai_addr, info->ai_addrlen, &fd, &code, error);
		freeaddrinfo(info);
	}
	consort_lookup_close(lookup);
	if (!status && fd < 0)
		status = fail_connect(node, code, error);
	if (!status)
		*out_fd = fd;
	return status;
}

/* "host:port", "[address]:port", or the path of a socket. */
static uint32_t connect_node(struct redis_connection *conn, const char *node, char *host, size_t size,
			     int *out_fd, struct consort_error *error)
{
	const char *port = strrchr(node, ':');
	size_t length = port ? (size_t)(port - node) : 0;

	if (*node == '/')
		return connect_unix(conn, node, out_fd, error);
	if (length >= size || !length)
		return consort_error_set(error, CONSORT_EVALUE, "'%s' is no host and port", node);
	if (*node == '[' && length > 2 && node[length - 1] == ']') {
		node++;
		length -= 2;
	}
	memcpy(host, node, length);
	host[length] = '\0';
	return connect_tcp(conn, node, host, port + 1, out_fd, error);
}

/* What the reader builds are our replies. Its buffer is left as it is, where hiredis 0.14 would abort if
 * there is no memory for another. */
static redisReader *new_reader(struct redis_link *link)
{
	redisReader *reader = redisReaderCreateWithFunctions(&redis_reply_functions);

	if (reader) {
		reader->privdata = &link->sink;
		reader->maxbuf = 0;
	}
	return reader;
}

/* The link has the socket from here on. */
static uint32_t adopt(struct redis_link *link, int fd, struct consort_error *error)
{
	link->reader = new_reader(link);
	if (!link->reader) {
		close(fd);
		return consort_error_no_memory(error);
	}
	link->fd = fd;
	link->sink.too_deep = false;
	return CONSORT_OK;
}

/* Within connect_timeout, and the call's own deadline. Commands of a run that waits for this stay as they
 * are. */
static uint32_t open_link(struct redis_link *link, struct consort_error *error)
{
	struct redis_connection *conn = link->conn;
	int64_t before = conn->until, own = conn->host->clock() + conn->database->connect_timeout;
	struct redis_pipe pipe = conn->pipe;
	bool sent = conn->sent;
	char host[300] = "";
	uint32_t status;
	int fd = -1;

	memset(&conn->pipe, 0, sizeof(conn->pipe));
	if (conn->database->connect_timeout && (!before || own < before))
		conn->until = own;
	status = redis_make_polls(conn) ? CONSORT_OK : consort_error_no_memory(error);
	if (!status)
		status = connect_node(conn, link->node, host, sizeof(host), &fd, error);
	if (!status)
		status = adopt(link, fd, error);
	if (!status && conn->database->tls)
		status = redis_tls_start(link, host, error);
	if (!status)
		status = redis_greet(link, error);
	if (status)
		redis_link_lose(link);
	redis_pipe_free(&conn->pipe);
	conn->pipe = pipe;
	conn->sent = sent;
	conn->until = before;
	return status;
}

uint32_t redis_link_get(struct redis_connection *conn, const char *node, struct redis_link **out_link,
			struct consort_error *error)
{
	struct redis_link *link, **end = &conn->links;
	uint32_t status;

	for (; (link = *end); end = &link->next)
		if (!strcmp(link->node, node))
			break;
	if (!link) {
		link = calloc(1, sizeof(*link));
		if (link)
			link->node = strdup(node);
		if (!link || !link->node) {
			free(link);
			return consort_error_no_memory(error);
		}
		link->conn = conn;
		link->sink.arena = &conn->pipe.replies;
		*end = link;
	}
	if (!link->reader) {
		status = open_link(link, error);
		if (status)
			return status;
	}
	*out_link = link;
	return CONSORT_OK;
}

void redis_link_lose(struct redis_link *link)
{
	if (link->reader) {
		redis_tls_end(link);
		redisReaderFree(link->reader);
		close(link->fd);
	}
	link->reader = NULL;
	link->owed = 0;
	link->watched = false;
}

void redis_links_free(struct redis_connection *conn)
{
	struct redis_link *link, *next;

	for (link = conn->links; link; link = next) {
		next = link->next;
		redis_link_lose(link);
		free(link->node);
		free(link);
	}
	conn->links = NULL;
}

/* --- bytes --- */

static const char *why_lost(const struct redis_link *link)
{
	return link->tls ? redis_tls_why() : strerror(errno);
}

uint32_t redis_link_send(struct redis_link *link, const char *data, size_t size, size_t *out_sent,
			 struct consort_error *error)
{
	ssize_t sent;

	do
		sent = link->tls ? redis_tls_send(link, data, size)
				 : send(link->fd, data, size, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (sent < 0 && errno == EINTR);
	if (sent < 0 && errno != EAGAIN && errno != EWOULDBLOCK)
		return redis_fail_lost(link, why_lost(link), error);
	*out_sent = sent < 0 ? 0 : (size_t)sent;
	return CONSORT_OK;
}

void redis_link_shrink(struct redis_link *link)
{
	redisReader *reader;

	if (!link->reader || link->peak <= BUFFER_MOST || link->reader->len)
		return;
	link->peak = 0;
	reader = new_reader(link);
	if (!reader)
		return;
	redisReaderFree(link->reader);
	link->reader = reader;
}

uint32_t redis_link_receive(struct redis_link *link, bool wait, struct consort_error *error)
{
	char buffer[READ_SIZE];
	ssize_t got;

	do
		got = link->tls ? redis_tls_receive(link, buffer, sizeof(buffer))
				: recv(link->fd, buffer, sizeof(buffer), wait ? 0 : MSG_DONTWAIT);
	while (got < 0 && errno == EINTR);
	if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return CONSORT_OK;
	if (CONSORT_UNLIKELY(got <= 0))
		return redis_fail_lost(link, got ? why_lost(link) : "", error);
	if (CONSORT_UNLIKELY(redisReaderFeed(link->reader, buffer, (size_t)got) != REDIS_OK)) {
		redis_link_lose(link); /* with what was read */
		return consort_error_no_memory(error);
	}
	if (link->reader->len > link->peak)
		link->peak = link->reader->len;
	return CONSORT_OK;
}

uint32_t redis_link_reply(struct redis_link *link, bool *out_whole, struct consort_error *error)
{
	redisReader *reader = link->reader;
	void *reply = NULL;

	if (CONSORT_UNLIKELY(redisReaderGetReply(reader, &reply) != REDIS_OK)) {
		const char *why = link->sink.too_deep ? "arrays in arrays, too deep" : reader->errstr;
		uint32_t status = reader->err == REDIS_ERR_OOM && !link->sink.too_deep
					  ? consort_error_no_memory(error)
					  : redis_fail_protocol(link->conn, why, error);

		redis_link_lose(link);
		return status;
	}
	*out_whole = reply != NULL;
	return CONSORT_OK;
}
