/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_MONGODB_WRITE_H
#define CONSORT_MONGODB_WRITE_H

/*
 * Records by key and in bulk: write.c has the commands, and what becomes of each record; document.c makes a
 * record's document, or what sets its fields.
 */

#include "mongodb.h"

#include "types.h"

enum mongo_write_kind { MONGO_INSERT, MONGO_UPDATE, MONGO_REMOVE, MONGO_UPSERT };

/* A column of the rows. */
struct mongo_field {
	const struct consort_attribute *attribute;
	struct mongo_storage storage;
	bool key;      /* of the record */
	uint32_t done; /* document.c's */
};

struct mongo_writing {
	struct mongo_connection *conn;
	enum mongo_write_kind kind;
	const struct consort_write *write;
	const struct consort_batch *rows;
	struct consort_write_result *result;
	struct consort_error *error;
	struct mongo_field *fields;
	struct mongo_reader reader; /* of what is returned */
	bool texts;		    /* in the key, so that collation matters */
	bool *refused;		    /* [nrows] told already */
	int64_t affected;
	uint32_t run; /* document.c's */
};

/* The whole document of a row. */
uint32_t mongo_make_document(struct mongo_writing *writing, int64_t row, bson_t *out);
/* {key: value, …} */
uint32_t mongo_make_query(struct mongo_writing *writing, int64_t row, bson_t *out);
/* {$set: {…}, $unset: {…}}, never empty */
uint32_t mongo_make_sets(struct mongo_writing *writing, int64_t row, bson_t *out);

#endif
