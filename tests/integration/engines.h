/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_TESTS_ENGINES_H
#define CONSORT_TESTS_ENGINES_H

/*
 * Tests that are written once and run with each engine: a case "commit" runs as "sqlite-commit", and as
 * "postgres-commit" if CONSORT_TEST_POSTGRES_DSN says where there is a server. Each run has a table of its
 * own.
 */

#include <stdbool.h>

#include "api.h"

/* testing_main with these cases for each engine. */
int engines_main(const char *topic, const struct testing_case *cases, int argc, char **argv);

/* What not every engine has. */
#define ENGINES_SAVEPOINTS 1u
#define ENGINES_SERIALIZABLE 2u /* transactions that are as if one came after the other */
#define ENGINES_DEFINES 4u	/* in a transaction */
#define ENGINES_DEFERS 8u	/* constraints to the commit */
#define ENGINES_REPEATS 16u	/* what a transaction has read, where it asks for that */
#define ENGINES_READS_OWN 32u	/* what a transaction has written, it reads */
/* Has this run's engine all of that? */
bool engines_have(uint32_t what);

/* Opens "[database db]" of this run's engine, with more keys for it and more sections behind it (both may be
 * ""), and the empty resource `account`: id int64 key, owner text not null, balance int64. Skips the case
 * without a server. */
struct consort *engines_open(const char *keys, const char *sections);
/* The same for a case that needs what not every engine has, and is skipped without it. */
struct consort *engines_open_with(uint32_t what, const char *keys, const char *sections);
/* The same again, as another program would. */
struct consort *engines_open_again(const char *keys, const char *sections);
/* Closes it and drops what was made. */
void engines_close(struct consort *c);

/* A new account; NULL is no owner, which the database refuses. */
enum consort_status account_create(struct consort *c, int64_t id, const char *owner, int64_t balance,
				   struct consort_error *error);
enum consort_status account_set(struct consort *c, int64_t id, int64_t balance, struct consort_error *error);
/* "1,2,…": the ids that this handle sees. */
const char *account_ids(struct consort *c);
/* What a transaction sees: of its own writes too, where the engine has that. */
static inline const char *engines_own(const char *with, const char *without)
{
	return engines_have(ENGINES_READS_OWN) ? with : without;
}

#endif
