/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_RESOLVER_H
#define CONSORT_RESOLVER_H

/*
 * A resolver that answers as a test tells it: getaddrinfo of the process, for names that end with ".test"; all others
 * are looked up as ever. The program is linked with -export-dynamic, so that adapters find it, too. From any thread.
 */

#include <stdbool.h>

/* The name has these addresses, "127.0.0.2 127.0.0.1" in this order, which lives as long as it is used. */
void resolver_set(const char *name, const char *addresses);
/* Who asks for a name gets no answer, or again one; a name without addresses is unknown. */
void resolver_silent(bool silent);
/* How many wait for one; waits until there is one, false after a minute. */
unsigned resolver_waiting(void);
bool resolver_wait(void);

#endif
