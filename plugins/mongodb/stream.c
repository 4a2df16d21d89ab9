/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streams of libmongoc's over sockets that never block: a wait ends with the call's deadline, and with a
 * cancel from another thread. Once it has, all streams of the connection fail at once, so that nothing in
 * libmongoc goes on waiting for the same call.
 */
#include "mongodb.h"

#include <consort/errand.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define STREAM_TYPE 0x636f /* none of libmongoc's */
#define BUFFER_SIZE 1024
#define MILLISECOND INT64_C(1000000)
#define POLLS_MOST 64

struct mongo_stream {
	mongoc_stream_t base;
	struct mongo_connection *conn;
	int fd;
	bool asked; /* the last thing was a write: an answer takes its time */
	bool late;  /* the last wait ended by its own timeout */
	struct mongo_stream *next, **link;
};

/* --- waiting --- */

uint32_t mongo_given_up(struct mongo_connection *conn)
{
	if (conn->given_up)
		return conn->given_up;
	if (!conn->heedless && (__atomic_load_n(&conn->cancelled, __ATOMIC_RELAXED) ||
				(conn->call && consort_call_cancelled(conn->call))))
		conn->given_up = CONSORT_ECANCELLED;
	else if (mongo_remaining(conn, 1) < 0)
		conn->given_up = CONSORT_ETIMEOUT;
	return conn->given_up;
}

int64_t mongo_remaining(const struct mongo_connection *conn, int64_t most)
{
	int64_t left;

	if (!conn->call || !conn->call->deadline)
		return most;
	left = conn->call->deadline - conn->host->clock();
	if (left <= 0)
		return -1;
	return left < most ? left : most;
}

/* Polls descriptors, of which there is room for one more, for `most` nanoseconds (negative: for ever). The
 * number of those that are ready; 0: it took too long; -1: the call is given up, or errno says why. */
static int wait_for(struct mongo_connection *conn, struct pollfd *polled, nfds_t count, int64_t most)
{
	const int64_t start = conn->host->clock();
	bool heeds = !conn->heedless;

	for (;;) {
		int64_t left = most < 0 ? INT64_MAX : most - (conn->host->clock() - start);
		struct timespec timeout;
		int ready;

		if (mongo_given_up(conn)) {
			errno = ETIMEDOUT;
			return -1;
		}
		left = mongo_remaining(conn, left < 0 ? 0 : left);
		left = left < 0 ? 0 : left;
		timeout = (struct timespec){(time_t)(left / (1000 * MILLISECOND)),
					    (long)(left % (1000 * MILLISECOND))};
		if (heeds)
			polled[count] = (struct pollfd){.fd = conn->wake, .events = POLLIN};
		ready = ppoll(polled, count + (heeds ? 1 : 0), left == INT64_MAX ? NULL : &timeout, NULL);
		if (ready < 0 && errno != EINTR)
			return -1;
		if (ready > 0 && heeds && polled[count].revents)
			ready--;
		if (ready > 0)
			return ready;
		if (!ready && most >= 0 && conn->host->clock() - start >= most && !mongo_given_up(conn))
			return 0;
	}
}

uint32_t mongo_pause(struct mongo_connection *conn, int64_t nanoseconds)
{
	struct pollfd none[1];

	return wait_for(conn, none, 0, nanoseconds) < 0 ? conn->given_up : CONSORT_OK;
}

static int64_t nanoseconds_of(int32_t milliseconds)
{
	return milliseconds < 0 ? -1 : milliseconds * MILLISECOND;
}

/* False: an error, of which `late` and errno tell. */
static bool wait_until(struct mongo_stream *stream, short events, int32_t timeout)
{
	struct pollfd polled[2] = {{.fd = stream->fd, .events = events}};
	int ready = wait_for(stream->conn, polled, 1, nanoseconds_of(timeout));

	stream->late = !ready;
	if (!ready) /* who does not wait at all comes again, as libmongoc with what TLS says beside the data */
		errno = timeout ? ETIMEDOUT : EAGAIN;
	return ready > 0;
}

/* --- what a stream does --- */

static struct mongo_stream *own(mongoc_stream_t *stream)
{
	return (struct mongo_stream *)stream;
}

static int stream_close(mongoc_stream_t *base)
{
	struct mongo_stream *stream = own(base);

	if (stream->fd >= 0)
		close(stream->fd);
	stream->fd = -1;
	return 0;
}

static void stream_destroy(mongoc_stream_t *base)
{
	struct mongo_stream *stream = own(base);

	stream_close(base);
	*stream->link = stream->next;
	if (stream->next)
		stream->next->link = stream->link;
	bson_free(stream);
}

static int stream_flush(mongoc_stream_t *stream)
{
	(void)stream;
	return 0;
}

/* Takes `size` bytes off the front of what is still to be done. */
static void advance(mongoc_iovec_t **iov, size_t *count, size_t size)
{
	while (*count && size >= (*iov)->iov_len) {
		size -= (*iov)->iov_len;
		(*iov)++;
		(*count)--;
	}
	if (*count) {
		(*iov)->iov_base = (char *)(*iov)->iov_base + size;
		(*iov)->iov_len -= size;
	}
}

static ssize_t stream_writev(mongoc_stream_t *base, mongoc_iovec_t *iov, size_t count, int32_t timeout)
{
	struct mongo_stream *stream = own(base);
	ssize_t total = 0;

	stream->asked = true;
	stream->late = false;
	if (stream->conn->given_up)
		return -1;
	for (advance(&iov, &count, 0); count;) {
		struct msghdr message = {.msg_iov = (struct iovec *)iov, .msg_iovlen = count};
		ssize_t sent = sendmsg(stream->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (sent >= 0) {
			total += sent;
			advance(&iov, &count, (size_t)sent);
		} else if (errno == EAGAIN || errno == EWOULDBLOCK) {
			if (!wait_until(stream, POLLOUT, timeout))
				return -1;
		} else if (errno != EINTR) {
			return -1;
		}
	}
	return total;
}

static ssize_t stream_readv(mongoc_stream_t *base, mongoc_iovec_t *iov, size_t count, size_t least,
			    int32_t timeout)
{
	struct mongo_stream *stream = own(base);
	size_t total = 0;

	stream->late = false;
	if (stream->conn->given_up)
		return -1;
	for (advance(&iov, &count, 0); count;) {
		struct msghdr message = {.msg_iov = (struct iovec *)iov, .msg_iovlen = count};
		ssize_t got;

		if (stream->asked && !wait_until(stream, POLLIN, timeout))
			return -1;
		got = recvmsg(stream->fd, &message, MSG_DONTWAIT);
		stream->asked = got < 0;
		if (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
			return -1;
		if (!got) { /* the peer has closed */
			errno = ECONNRESET;
			return -1;
		}
		if (got < 0)
			continue;
		total += (size_t)got;
		if (total >= least)
			break;
		advance(&iov, &count, (size_t)got);
	}
	return (ssize_t)total;
}

static int stream_setsockopt(mongoc_stream_t *base, int level, int name, void *value, mongoc_socklen_t size)
{
	return setsockopt(own(base)->fd, level, name, value, (socklen_t)size);
}

/* Has the peer closed, or said something that nobody asked for? */
static bool stream_check_closed(mongoc_stream_t *base)
{
	struct pollfd polled = {.fd = own(base)->fd, .events = POLLIN};

	return own(base)->fd < 0 || poll(&polled, 1, 0) != 0;
}

/* libmongoc waits here for several servers at once. When the call is given up, all of them have failed. */
static ssize_t stream_poll(mongoc_stream_poll_t *streams, size_t count, int32_t timeout)
{
	struct pollfd polled[POLLS_MOST + 1];
	struct mongo_connection *conn = own(streams[0].stream)->conn;
	size_t i;
	int ready;

	if (count > POLLS_MOST) {
		errno = EINVAL;
		return -1;
	}
	for (i = 0; i < count; i++)
		polled[i] =
			(struct pollfd){.fd = own(streams[i].stream)->fd, .events = (short)streams[i].events};
	ready = wait_for(conn, polled, count, nanoseconds_of(timeout));
	for (i = 0; i < count; i++)
		streams[i].revents = ready < 0 ? POLLERR | POLLHUP : polled[i].revents;
	return ready < 0 ? (ssize_t)count : ready;
}

static bool stream_timed_out(mongoc_stream_t *base)
{
	return own(base)->late;
}

static bool stream_should_retry(mongoc_stream_t *base)
{
	(void)base;
	return false;
}

static mongoc_stream_t *new_stream(struct mongo_connection *conn, int fd)
{
	struct mongo_stream *stream = bson_malloc0(sizeof(*stream));

	stream->base.type = STREAM_TYPE;
	stream->base.destroy = stream->base.failed = stream_destroy;
	stream->base.close = stream_close;
	stream->base.flush = stream_flush;
	stream->base.writev = stream_writev;
	stream->base.readv = stream_readv;
	stream->base.setsockopt = stream_setsockopt;
	stream->base.check_closed = stream_check_closed;
	stream->base.poll = stream_poll;
	stream->base.timed_out = stream_timed_out;
	stream->base.should_retry = stream_should_retry;
	stream->conn = conn;
	stream->fd = fd;
	stream->next = conn->streams;
	stream->link = &conn->streams;
	if (stream->next)
		stream->next->link = &stream->next;
	conn->streams = stream;
	return &stream->base;
}

void mongo_streams_abandon(struct mongo_connection *conn)
{
	const struct mongo_stream *stream;

	for (stream = conn->streams; stream; stream = stream->next)
		if (stream->fd >= 0)
			close(stream->fd);
}

/* --- connecting --- */

static bool refuse(bson_error_t *error, const mongoc_host_list_t *host, const char *why)
{
	bson_set_error(error, MONGOC_ERROR_STREAM, MONGOC_ERROR_STREAM_CONNECT, "cannot connect to %s: %s",
		       host->host_and_port, why);
	return false;
}

/* A socket that is connected, or still being connected if nobody has to wait for it; -1, and errno. */
static int connect_to(struct mongo_connection *conn, const struct sockaddr *address, socklen_t size,
		      bool waits)
{
	struct pollfd polled[2];
	int one = 1, failure = 0, fd;
	socklen_t length = sizeof(failure);

	fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -1;
	if (address->sa_family != AF_UNIX) {
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
	}
	if (!connect(fd, address, size))
		return fd;
	failure = errno;
	polled[0] = (struct pollfd){.fd = fd, .events = POLLOUT};
	if (failure == EINPROGRESS && !waits)
		return fd;
	if (failure == EINPROGRESS) {
		int ready = wait_for(conn, polled, 1, conn->database->connect_timeout);

		failure = ready < 0 ? errno : ETIMEDOUT;
		if (ready > 0 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &length))
			failure = errno;
		if (ready > 0 && !failure)
			return fd;
	}
	close(fd);
	errno = failure;
	return -1;
}

static int connect_unix(struct mongo_connection *conn, const mongoc_host_list_t *host,
			struct consort_error *error)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = -1;

	errno = ENAMETOOLONG;
	if (strlen(host->host) < sizeof(address.sun_path)) {
		memcpy(address.sun_path, host->host, strlen(host->host) + 1);
		fd = connect_to(conn, (const struct sockaddr *)&address, sizeof(address), false);
	}
	if (fd < 0)
		consort_error_set(error, CONSORT_ECONNECTION, "%s", strerror(errno));
	return fd;
}

/* Waits for the addresses of a host. */
static uint32_t look_up(struct mongo_connection *conn, struct consort_lookup *lookup,
			const char *const **out_addresses, uint32_t *out_count, struct consort_error *error)
{
	struct pollfd polled[2] = {{.fd = consort_lookup_descriptor(lookup), .events = POLLIN}};

	if (polled[0].fd >= 0 && wait_for(conn, polled, 1, conn->database->connect_timeout) <= 0)
		return consort_error_set(error, CONSORT_ETIMEOUT, "looking up its name took too long");
	return consort_lookup_answer(lookup, out_addresses, out_count, error);
}

/* To an address that is written out. */
static int connect_address(struct mongo_connection *conn, const mongoc_host_list_t *host, const char *address,
			   bool waits)
{
	const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
				       .ai_socktype = SOCK_STREAM};
	struct addrinfo *found = NULL;
	char port[8];
	int fd;

	snprintf(port, sizeof(port), "%u", host->port);
	if (getaddrinfo(address, port, &hints, &found)) {
		errno = EADDRNOTAVAIL;
		return -1;
	}
	fd = connect_to(conn, found->ai_addr, found->ai_addrlen, waits);
	freeaddrinfo(found);
	return fd;
}

/* Of several addresses each is tried, so all but the last are waited for; of a server with TLS every one. */
static int connect_tcp(struct mongo_connection *conn, const mongoc_host_list_t *host,
		       struct consort_error *error)
{
	struct consort_lookup *lookup = NULL;
	const char *const *addresses = NULL;
	uint32_t count = 0, i, status = consort_lookup_start(host->host, &lookup, error);
	int fd = -1;

	if (!status)
		status = look_up(conn, lookup, &addresses, &count, error);
	for (i = 0; !status && i < count && fd < 0 && !mongo_given_up(conn); i++)
		fd = connect_address(conn, host, addresses[i], i + 1 < count || conn->database->tls);
	if (!status && fd < 0)
		consort_error_set(error, CONSORT_ECONNECTION, "%s", strerror(errno));
	consort_lookup_close(lookup);
	return fd;
}

static mongoc_stream_t *with_tls(struct mongo_connection *conn, mongoc_stream_t *plain,
				 const mongoc_host_list_t *host, bson_error_t *error)
{
	struct mongo_database *database = conn->database;
	mongoc_stream_t *secure = mongoc_stream_tls_new_with_hostname(plain, host->host, &database->ssl, 1);

	if (!secure) {
		mongoc_stream_destroy(plain);
		refuse(error, host, "TLS could not be set up with these certificates");
		return NULL;
	}
	if (!mongoc_stream_tls_handshake_block(secure, host->host,
					       (int32_t)(database->connect_timeout / MILLISECOND), error)) {
		const bson_error_t why = *error;

		mongoc_stream_destroy(secure);
		refuse(error, host, why.message);
		return NULL;
	}
	return secure;
}

mongoc_stream_t *mongo_stream_open(const mongoc_uri_t *uri, const mongoc_host_list_t *host, void *user_data,
				   bson_error_t *error)
{
	struct mongo_connection *conn = user_data;
	struct consort_error why = CONSORT_ERROR_INIT;
	mongoc_stream_t *stream;
	int fd;

	(void)uri;
	if (mongo_given_up(conn)) {
		refuse(error, host, "the call was given up");
		return NULL;
	}
	fd = host->family == AF_UNIX ? connect_unix(conn, host, &why) : connect_tcp(conn, host, &why);
	if (fd < 0) {
		refuse(error, host, why.message);
		return NULL;
	}
	stream = new_stream(conn, fd);
	if (conn->database->tls)
		stream = with_tls(conn, stream, host, error);
	return stream ? mongoc_stream_buffered_new(stream, BUFFER_SIZE) : NULL;
}
