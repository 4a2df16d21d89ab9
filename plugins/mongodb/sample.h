/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_MONGODB_SAMPLE_H
#define CONSORT_MONGODB_SAMPLE_H

/* What fields documents have, told from some of them. */

#include "types.h"

#define MONGO_TYPES 20 /* kinds of values that are told apart */

/* A field that was met. */
struct mongo_seen {
	char *name;
	uint32_t counts[MONGO_TYPES];
	uint32_t total;
	uint32_t items[MONGO_TYPES]; /* of lists */
	uint8_t whole, scale;	     /* most digits of decimals in front of and behind the point */
	bool odd;		     /* a binary or a number that no type of ours has */
	struct consort_type type;    /* stated by a validator; id NULL: it is not */
	const char *codec;
	bool required;
};

struct mongo_sample {
	struct consort_arena arena;
	struct mongo_seen *fields;
	uint32_t nfields, room;
	uint32_t nstated; /* of them by a validator */
	uint32_t documents;
};

/* The field of that name, added if it is new; NULL: no memory. */
struct mongo_seen *mongo_sample_field(struct mongo_sample *sample, const char *name);
/* Takes a document into account; false: no memory. */
bool mongo_sample_add(struct mongo_sample *sample, const uint8_t *data, size_t size);
/* What the validator of a collection says; false: no memory. */
bool mongo_sample_validator(struct mongo_sample *sample, const bson_iter_t *schema);
/* The attribute of a field: its type, and in engine_type what was met how often. NULL: no memory. */
struct consort_attribute *mongo_sample_attribute(struct mongo_sample *sample, const struct mongo_seen *field);

#endif
