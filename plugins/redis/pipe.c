/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands and their replies. What is to be asked is written behind each other and sent at once; in a cluster
 * to the node that has each command's slot. Replies are read while the rest is still being sent, so that
 * neither side waits for the other to take what it has to say. A node that sends us elsewhere (MOVED, ASK),
 * or does not know a script, is done so: these commands go out once more.
 */
#include "redis.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ROUNDS_MOST 64		/* in which commands are sent again */
#define PAUSE INT64_C(20000000) /* before a cluster that is changing is asked again */

/* --- writing commands --- */

void redis_begin(struct redis_connection *conn)
{
	consort_buffer_reset(&conn->pipe.bytes);
	consort_arena_reset(&conn->pipe.replies);
	conn->pipe.count = 0;
	conn->pipe.failed = false;
}

void redis_pipe_free(struct redis_pipe *pipe)
{
	consort_buffer_clear(&pipe->bytes);
	consort_arena_clear(&pipe->replies);
	free(pipe->commands);
	memset(pipe, 0, sizeof(*pipe));
}

/* "*12\r\n" */
static void append_count(struct consort_buffer *out, char sign, uint64_t count)
{
	char text[24], *end = text + sizeof(text), *at;

	memcpy(end - 2, "\r\n", 2);
	at = redis_digits(count, end - 2);
	*--at = sign;
	consort_buffer_append(out, at, (size_t)(end - at));
}

void redis_add(struct redis_connection *conn, int32_t slot, uint32_t nargs)
{
	struct redis_pipe *pipe = &conn->pipe;
	struct redis_command *command;

	if (pipe->count == pipe->room) {
		uint32_t room = pipe->room ? 2 * pipe->room : 16;

		command = realloc(pipe->commands, room * sizeof(*command));
		if (!command) {
			pipe->failed = true;
			return;
		}
		pipe->commands = command;
		pipe->room = room;
	}
	command = &pipe->commands[pipe->count++];
	command->at = pipe->bytes.size;
	command->slot = slot;
	command->done = command->skip = 0;
	command->script = -1;
	command->node = NULL;
	append_count(&pipe->bytes, '*', nargs);
}

void redis_add_at(struct redis_connection *conn, const char *node, uint32_t nargs)
{
	redis_add(conn, REDIS_ANY, nargs);
	if (!conn->pipe.failed)
		conn->pipe.commands[conn->pipe.count - 1].node = node;
}

void redis_append_arg(struct consort_buffer *out, const void *data, size_t size)
{
	append_count(out, '$', size);
	if (!consort_buffer_reserve(out, size + 2))
		return;
	if (size)
		memcpy(out->data + out->size, data, size);
	memcpy(out->data + out->size + size, "\r\n", 2);
	out->size += size + 2;
}

void redis_arg(struct redis_connection *conn, const void *data, size_t size)
{
	redis_append_arg(&conn->pipe.bytes, data, size);
}

void redis_arg_int(struct redis_connection *conn, int64_t integer)
{
	char text[24];

	redis_arg(conn, text, (size_t)snprintf(text, sizeof(text), "%lld", (long long)integer));
}

void redis_add_script(struct redis_connection *conn, int32_t slot, uint32_t nargs, enum redis_script script,
		      uint32_t nkeys)
{
	redis_add(conn, slot, nargs);
	redis_arg_text(conn, "EVALSHA");
	redis_arg_text(conn, conn->database->scripts[script]);
	redis_arg_int(conn, nkeys);
	if (!conn->pipe.failed)
		conn->pipe.commands[conn->pipe.count - 1].script = (int8_t)script;
}

/* --- sending and reading --- */

/* The next command of the link, from that position on; count if there is none. */
static uint32_t next_of(const struct redis_pipe *pipe, const struct redis_link *link, uint32_t at)
{
	while (at < pipe->count && (pipe->commands[at].link != link || pipe->commands[at].done))
		at++;
	return at;
}

/* Sends until the socket takes no more: what lies together goes together. */
static uint32_t send_some(struct redis_link *link, struct consort_error *error)
{
	struct redis_pipe *pipe = &link->conn->pipe;
	uint32_t status = CONSORT_OK;

	while (link->sending < pipe->count) {
		const struct redis_command *first = &pipe->commands[link->sending], *last = first;
		uint32_t next = next_of(pipe, link, link->sending + 1);
		size_t size, sent = 0;

		while (next < pipe->count && pipe->commands[next].at == last->at + last->size) {
			last = &pipe->commands[next];
			next = next_of(pipe, link, next + 1);
		}
		size = last->at + last->size - first->at - link->sent;
		status = redis_link_send(link, pipe->bytes.data + first->at + link->sent, size, &sent, error);
		if (status)
			break;
		link->conn->sent |= sent > 0;
		if (sent < size) {
			link->sent += sent;
			break;
		}
		link->sending = next;
		link->sent = 0;
	}
	return status;
}

/* Takes the replies that have come. */
static uint32_t take_replies(struct redis_link *link, struct consort_error *error)
{
	struct redis_pipe *pipe = &link->conn->pipe;
	uint32_t status = CONSORT_OK;

	while (link->reading < pipe->count) {
		bool whole = false;

		link->sink.root = link->skip ? &link->dropped : &pipe->commands[link->reading].reply;
		status = redis_link_reply(link, &whole, error);
		if (status || !whole)
			break;
		if (link->skip) {
			link->skip--;
			continue;
		}
		link->reading = next_of(pipe, link, link->reading + 1);
		if (link->reading < pipe->count)
			link->skip = pipe->commands[link->reading].skip;
	}
	return status;
}

static bool is_busy(const struct redis_link *link)
{
	return link->reader && link->reading < link->conn->pipe.count;
}

/* What links that did not finish leave: one is lost if it has half of a command, else it owes replies. */
static void give_up(struct redis_connection *conn)
{
	const struct redis_pipe *pipe = &conn->pipe;
	struct redis_link *link;
	uint32_t at;

	for (link = conn->links; link; link = link->next) {
		if (!is_busy(link))
			continue;
		if (link->sent || (link->tls && link->sending < pipe->count)) {
			redis_link_lose(link);
			continue;
		}
		for (at = link->reading; at < link->sending; at = next_of(pipe, link, at + 1))
			link->owed += 1u + (at == link->reading ? link->skip : pipe->commands[at].skip);
		conn->unsettled |= link->owed > 0;
	}
}

/* Waits until something can be done, and does it. */
static uint32_t turn(struct redis_connection *conn, struct consort_error *error)
{
	struct redis_link *link, *last = NULL;
	uint32_t status, count = 0, i = 0;

	for (link = conn->links; link; link = link->next) {
		if (!is_busy(link))
			continue;
		last = link;
		conn->polls[count++] = (struct pollfd){
			.fd = link->fd,
			.events = link->sending < conn->pipe.count ? POLLIN | POLLOUT : POLLIN};
	}
	if (count == 1 && last->sending == conn->pipe.count && !last->tls && redis_waits_for_ever(conn)) {
		status = redis_link_receive(last, true, error);
		return status ? status : take_replies(last, error);
	}
	status = redis_wait(conn, count, error);
	for (link = conn->links; !status && link && i < count; link = link->next) {
		short events;

		if (!is_busy(link))
			continue;
		events = conn->polls[i++].revents;
		if (events & POLLOUT)
			status = send_some(link, error);
		if (!status && events & ~POLLOUT)
			status = redis_link_receive(link, false, error);
		if (!status && events & ~POLLOUT)
			status = take_replies(link, error);
	}
	return status;
}

static bool any_busy(const struct redis_connection *conn)
{
	const struct redis_link *link;

	for (link = conn->links; link; link = link->next)
		if (is_busy(link))
			return true;
	return false;
}

/* Sends all that is not done, each to its link, and reads the replies. */
static uint32_t exchange(struct redis_connection *conn, struct consort_error *error)
{
	struct redis_pipe *pipe = &conn->pipe;
	struct redis_link *link;
	uint32_t status = CONSORT_OK;

	for (link = conn->links; link; link = link->next) {
		link->sending = link->reading = next_of(pipe, link, 0);
		link->sent = 0;
		link->skip = link->reading < pipe->count ? pipe->commands[link->reading].skip : 0;
	}
	for (link = conn->links; link && !status; link = link->next)
		if (is_busy(link))
			status = send_some(link, error);
	while (!status && any_busy(conn))
		status = turn(conn, error);
	for (link = conn->links; link && !status; link = link->next)
		if (CONSORT_UNLIKELY(redis_link_has_more(link))) {
			status = redis_fail_protocol(conn, "it says more than it was asked", error);
			redis_link_lose(link);
		}
	if (status)
		give_up(conn);
	for (link = conn->links; link; link = link->next)
		redis_link_shrink(link);
	return status;
}

/* --- sending again --- */

/* A copy of the command behind all others, with something in front of it that has a reply of its own. */
static void send_again(struct redis_pipe *pipe, struct redis_command *command,
		       const struct consort_buffer *front)
{
	size_t at = pipe->bytes.size, size = command->size;

	consort_buffer_append(&pipe->bytes, front->data, front->size);
	if (!consort_buffer_reserve(&pipe->bytes, size))
		return;
	memcpy(pipe->bytes.data + pipe->bytes.size, pipe->bytes.data + command->at, size);
	pipe->bytes.size += size;
	command->at = at;
	command->size = pipe->bytes.size - at;
	command->skip = (uint8_t)(command->skip + (front->size > 0));
}

/* "MOVED 3999 127.0.0.1:6381": the node; one without a host is where the answer came from. */
static uint32_t node_in(const struct redis_command *command, char *node, size_t size,
			struct consort_error *error)
{
	const char *at = strrchr(command->reply.as.text, ' ');
	const char *port = strrchr(command->link->node, ':');

	if (!at || !strchr(at, ':'))
		return redis_fail_protocol(command->link->conn, "a redirection without a node", error);
	if (at[1] == ':' && port)
		snprintf(node, size, "%.*s%s", (int)(port - command->link->node), command->link->node,
			 at + 1);
	else
		consort_copy_text(node, size, at + 1);
	return CONSORT_OK;
}

static uint32_t redirect(struct redis_connection *conn, struct redis_command *command, bool asking,
			 bool *learn, struct consort_error *error)
{
	static char words[] = "*1\r\n$6\r\nASKING\r\n";
	const struct consort_buffer front = {.data = words, .size = asking ? sizeof(words) - 1 : 0};
	char node[300];
	uint32_t status = node_in(command, node, sizeof(node), error);

	if (!status)
		status = redis_link_get(conn, node, &command->link, error);
	if (status)
		return status;
	command->done = 0;
	if (asking)
		send_again(&conn->pipe, command, &front);
	*learn |= !asking;
	return CONSORT_OK;
}

/* What has to be sent once more, and where; *out_pause: the node wants some time. */
static uint32_t look(struct redis_connection *conn, uint32_t at, bool *again, bool *learn, bool *pause,
		     struct consort_error *error)
{
	struct redis_command *command = &conn->pipe.commands[at];
	struct consort_buffer front = CONSORT_BUFFER_INIT;
	const struct redis_reply *reply = &command->reply;

	if (reply->kind != REDIS_REPLY_ERROR)
		return CONSORT_OK;
	if (conn->map && (redis_is_error(reply, "MOVED") || redis_is_error(reply, "ASK"))) {
		*again = true;
		return redirect(conn, command, redis_is_error(reply, "ASK"), learn, error);
	}
	if (conn->map && redis_is_error(reply, "TRYAGAIN")) {
		*again = *pause = true;
		command->done = 0;
	}
	if (command->script >= 0 && redis_is_error(reply, "NOSCRIPT") && !command->skip) {
		const char *text = redis_script_text((enum redis_script)command->script);

		*again = true;
		command->done = 0;
		consort_buffer_printf(&front, "*3\r\n$6\r\nSCRIPT\r\n$4\r\nLOAD\r\n$%zu\r\n%s\r\n",
				      strlen(text), text);
		send_again(&conn->pipe, command, &front);
		conn->pipe.failed |= front.failed;
		consort_buffer_clear(&front);
	}
	return CONSORT_OK;
}

static uint32_t pause_a_while(struct redis_connection *conn, struct consort_error *error)
{
	int64_t before = conn->until, until = conn->host->clock() + PAUSE;
	uint32_t status;

	if (before && before < until)
		until = before;
	conn->until = until;
	status = redis_wait(conn, 0, error);
	conn->until = before;
	return status == CONSORT_ETIMEOUT && until != before ? CONSORT_OK : status;
}

/* Rounds until every command has an answer of its own. */
static uint32_t run_rounds(struct redis_connection *conn, bool follow, struct consort_error *error)
{
	uint32_t status = CONSORT_OK, round, i;
	bool again = true;

	for (round = 0; !status && again && round < ROUNDS_MOST; round++) {
		bool learn = false, pause = false;

		again = false;
		status = exchange(conn, error);
		for (i = 0; !status && i < conn->pipe.count; i++) {
			struct redis_command *command = &conn->pipe.commands[i];

			if (command->done)
				continue;
			command->done = 1;
			if (follow)
				status = look(conn, i, &again, &learn, &pause, error);
		}
		if (!status && (conn->pipe.failed || conn->pipe.bytes.failed))
			status = consort_error_no_memory(error);
		if (!status && learn)
			status = redis_map_refresh(conn, NULL, error);
		if (!status && pause)
			status = pause_a_while(conn, error);
	}
	return status;
}

static uint32_t finish(struct redis_connection *conn, struct consort_error *error)
{
	struct redis_pipe *pipe = &conn->pipe;
	uint32_t i;

	conn->sent = false;
	if (pipe->failed || pipe->bytes.failed)
		return consort_error_no_memory(error);
	for (i = 0; i < pipe->count; i++) {
		size_t end = i + 1 < pipe->count ? pipe->commands[i + 1].at : pipe->bytes.size;

		pipe->commands[i].size = end - pipe->commands[i].at;
	}
	return CONSORT_OK;
}

uint32_t redis_run(struct redis_connection *conn, struct consort_error *error)
{
	uint32_t status = finish(conn, error), i;

	for (i = 0; !status && i < conn->pipe.count; i++) {
		struct redis_command *command = &conn->pipe.commands[i];
		const char *node = command->slot >= 0 ? redis_node_of(conn, command->slot) : command->node;

		command->link = conn->links;
		if (node)
			status = redis_link_get(conn, node, &command->link, error);
		else if (CONSORT_UNLIKELY(!command->link->reader))
			status = redis_fail_lost(command->link, "it was given up", error);
	}
	return status ? status : run_rounds(conn, true, error);
}

uint32_t redis_run_on(struct redis_connection *conn, struct redis_link *link, struct consort_error *error)
{
	uint32_t status = finish(conn, error), i;

	for (i = 0; i < conn->pipe.count; i++)
		conn->pipe.commands[i].link = link;
	return status ? status : run_rounds(conn, false, error);
}

uint32_t redis_run_well(struct redis_connection *conn, struct consort_error *error)
{
	uint32_t status = redis_run(conn, error), i;

	for (i = 0; !status && i < conn->pipe.count; i++)
		if (conn->pipe.commands[i].reply.kind == REDIS_REPLY_ERROR)
			status = redis_fail(conn, &conn->pipe.commands[i].reply, NULL, error);
	return status;
}

/* --- what nobody waits for any more --- */

static uint32_t settle_link(struct redis_link *link, struct consort_error *error)
{
	struct redis_connection *conn = link->conn;
	uint32_t status = CONSORT_OK;

	while (!status && link->owed) {
		bool whole = false;

		link->sink.root = &link->dropped;
		status = redis_link_reply(link, &whole, error);
		if (status)
			break;
		if (whole) {
			link->owed--;
			continue;
		}
		conn->polls[0] = (struct pollfd){.fd = link->fd, .events = POLLIN};
		status = redis_wait(conn, 1, error);
		if (!status)
			status = redis_link_receive(link, false, error);
	}
	return status;
}

uint32_t redis_settle(struct redis_connection *conn, struct consort_error *error)
{
	struct redis_link *link;
	uint32_t status = CONSORT_OK;

	for (link = conn->links; link && !status; link = link->next)
		if (link->reader)
			status = settle_link(link, error);
	if (!status && !conn->links->reader)
		status = redis_link_get(conn, conn->links->node, &link, error);
	if (!status)
		conn->unsettled = false;
	return status;
}
