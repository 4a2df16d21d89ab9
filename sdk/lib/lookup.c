/* SPDX-License-Identifier: Apache-2.0 */
/* Names of hosts, looked up by a thread: getaddrinfo blocks for as long as a resolver does not answer. */
#include <consort/convert.h>
#include <consort/errand.h>

#include <errno.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define LOOKUPS_MOST 32	 /* that wait for a resolver which does not answer */
#define ADDRESS_SIZE 128 /* of an IPv6 address with the name of an interface, and more */

/* What the thread works on. */
struct question {
	char *host;
	int code, reason; /* getaddrinfo's, and its errno */
	uint32_t count;
	const char **addresses; /* [count] */
};

struct consort_lookup {
	struct consort_errand *errand; /* NULL: there was nothing to look up */
	struct question *question;
};

static struct consort_errands lookups = {.most = LOOKUPS_MOST};

static void free_question(void *context)
{
	struct question *question = context;
	uint32_t i;

	for (i = 0; i < question->count; i++)
		free((void *)(uintptr_t)question->addresses[i]);
	free(question->addresses);
	free(question->host);
	free(question);
}

/* Appends an address that is not there yet. */
static int add_address(struct question *question, const struct addrinfo *info)
{
	char text[ADDRESS_SIZE], *copy;
	uint32_t i;
	int code = getnameinfo(info->ai_addr, info->ai_addrlen, text, sizeof(text), NULL, 0, NI_NUMERICHOST);

	if (code)
		return code;
	for (i = 0; i < question->count; i++)
		if (!strcmp(question->addresses[i], text))
			return 0;
	copy = strdup(text);
	if (!copy)
		return EAI_MEMORY;
	question->addresses[question->count++] = copy;
	return 0;
}

static void ask(struct question *question, int flags)
{
	const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = flags};
	struct addrinfo *list = NULL, *at;
	size_t most = 0;

	errno = 0;
	question->code = getaddrinfo(question->host, NULL, &hints, &list);
	question->reason = errno;
	if (question->code)
		return;
	for (at = list; at; at = at->ai_next)
		most++;
	question->addresses = calloc(most, sizeof(*question->addresses));
	if (!question->addresses)
		question->code = EAI_MEMORY;
	for (at = list; at && !question->code; at = at->ai_next)
		question->code = add_address(question, at);
	freeaddrinfo(list);
}

static void look_up(void *context)
{
	ask(context, 0);
}

static struct question *new_question(const char *host)
{
	struct question *question = calloc(1, sizeof(*question));

	if (question)
		question->host = strdup(host);
	if (!question || question->host)
		return question;
	free(question);
	return NULL;
}

uint32_t consort_lookup_start(const char *host, struct consort_lookup **out_lookup,
			      struct consort_error *error)
{
	struct consort_lookup *lookup = calloc(1, sizeof(*lookup));
	struct question *question = new_question(host);
	bool known;

	if (question)
		ask(question, AI_NUMERICHOST);
	if (!lookup || !question || question->code == EAI_MEMORY) {
		consort_error_no_memory(error);
		goto failed;
	}
	lookup->question = question;
	known = !question->code; /* from here on it may be the thread's */
	if (!known)
		lookup->errand = consort_errand_start(&lookups, look_up, free_question, question);
	if (!known && !lookup->errand) {
		consort_error_set(
			error, CONSORT_ECONNECTION,
			"host '%s' cannot be looked up now: no thread is left, or %d of them wait for a "
			"resolver that does not answer",
			host, LOOKUPS_MOST);
		error->flags |= CONSORT_ERROR_RETRYABLE;
		goto failed;
	}
	*out_lookup = lookup;
	return CONSORT_OK;
failed:
	if (question)
		free_question(question);
	free(lookup);
	return error->status;
}

int consort_lookup_descriptor(const struct consort_lookup *lookup)
{
	return lookup->errand ? consort_errand_descriptor(lookup->errand) : -1;
}

uint32_t consort_lookup_answer(const struct consort_lookup *lookup, const char *const **out_addresses,
			       uint32_t *out_count, struct consort_error *error)
{
	const struct question *question = lookup->question;

	if (lookup->errand && !consort_errand_is_done(lookup->errand))
		return consort_error_set(error, CONSORT_EINVAL, "the answer is not there yet");
	if (question->code == EAI_MEMORY)
		return consort_error_no_memory(error);
	if (question->code || !question->count) {
		consort_error_set(error, CONSORT_ECONNECTION, "host '%s' cannot be looked up: %s",
				  question->host,
				  question->code == EAI_SYSTEM ? strerror(question->reason)
				  : question->code	       ? gai_strerror(question->code)
							       : "it has no address");
		error->flags |= CONSORT_ERROR_RETRYABLE;
		return error->status;
	}
	*out_addresses = question->addresses;
	*out_count = question->count;
	return CONSORT_OK;
}

void consort_lookup_close(struct consort_lookup *lookup)
{
	if (!lookup)
		return;
	if (lookup->errand)
		consort_errand_drop(lookup->errand);
	else
		free_question(lookup->question);
	free(lookup);
}
