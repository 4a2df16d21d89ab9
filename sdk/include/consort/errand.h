/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_ERRAND_H
#define CONSORT_ERRAND_H

/*
 * For adapters: work that may block for as long as it likes, done by a thread of its own for a caller who must not
 * block; and of that kind, looking up the name of a host. Part of the static SDK library. The file that this is linked
 * into must stay mapped for as long as the process runs, as the core leaves every adapter.
 *
 *     status = consort_lookup_start(host, &lookup, error);
 *     … poll consort_lookup_descriptor(lookup), together with what else ends the wait …
 *     if (!status)
 *             status = consort_lookup_answer(lookup, &addresses, &count, error);
 *     … use them …
 *     consort_lookup_close(lookup);
 */

#include <consort/error.h>

CONSORT_BEGIN

/* --- errands --- */

/* How many of one kind may run in the process at the same time: a static variable of who starts them. */
struct consort_errands {
	uint32_t most;
	uint32_t running; /* atomic */
};

struct consort_errand;

/*
 * Has a thread call run(context), with all signals blocked. When it is done, and the caller has dropped the errand,
 * whichever comes last calls clear(context), on its own thread. Returns NULL if no memory, descriptor or thread is
 * left, or as many run as may: then neither is called. From any thread.
 */
struct consort_errand *consort_errand_start(struct consort_errands *kind, void (*run)(void *context),
					    void (*clear)(void *context), void *context);
/* Can be read once it is done. */
int consort_errand_descriptor(const struct consort_errand *errand);
/* Is it done? Then what it wrote can be looked at. */
int consort_errand_is_done(const struct consort_errand *errand);
/* Its caller does not wait for it any longer, done or not. NULL is legal. */
void consort_errand_drop(struct consort_errand *errand);

/* --- names of hosts --- */

struct consort_lookup;

/* Begins to look up a name. An address is its own answer, without a thread. ENOMEM; ECONNECTION if too many lookups
 * wait for a resolver that does not answer. */
uint32_t consort_lookup_start(const char *host, struct consort_lookup **out_lookup, struct consort_error *error);
/* Can be read once the answer is there; -1: it is there. */
int consort_lookup_descriptor(const struct consort_lookup *lookup);
/*
 * The addresses of the host as texts, in the order in which they are to be tried; at least one. They live as long as
 * the lookup. EINVAL if the answer is not there. ECONNECTION, retryable, with what the resolver says if there is none.
 */
uint32_t consort_lookup_answer(const struct consort_lookup *lookup, const char *const **out_addresses,
			       uint32_t *out_count, struct consort_error *error);
/* Gives it up if the answer is not there. NULL is legal. */
void consort_lookup_close(struct consort_lookup *lookup);

CONSORT_END

#endif
