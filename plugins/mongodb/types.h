/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_MONGODB_TYPES_H
#define CONSORT_MONGODB_TYPES_H

/*
 * How values are kept in BSON: a codec for each attribute, and the ways in and out.
 *
 *     types.c    codecs, and what type a field seems to have
 *     decode.c   documents to rows     encode.c   values to elements
 *     print.c    BSON to JSON          parse.c    JSON to BSON
 *     decimal.h  decimals
 *
 * JSON of a document keeps all that BSON has: what JSON says by itself, plainly (whole numbers without a
 * point, doubles with one), everything else as canonical extended JSON.
 */

#include <bson/bson.h>
#include <stdbool.h>

#include <consort/arena.h>
#include <consort/batch.h>
#include <consort/buffer.h>
#include <consort/json.h>
#include <consort/resource.h>

enum mongo_codec {
	MONGO_BOOL = 0,
	MONGO_INT64,	/* int or long; written as long */
	MONGO_INT32,	/* the same, written as int */
	MONGO_FLOAT64,	/* double, int, or a long that a double holds */
	MONGO_DECIMAL,	/* decimal128, int or long */
	MONGO_TEXT,	/* string */
	MONGO_BYTES,	/* binary of subtype 0 */
	MONGO_DATE,	/* timestamp: date, milliseconds; a finer one is refused */
	MONGO_MILLIS,	/* the same, a finer one is cut */
	MONGO_MICROS,	/* timestamp: long, microseconds since 1970 */
	MONGO_DAY,	/* date: date at midnight */
	MONGO_TIME,	/* time: long, microseconds since midnight */
	MONGO_UUID,	/* binary of subtype 4 */
	MONGO_OBJECTID, /* ObjectId */
	MONGO_JSON,	/* any value */
	MONGO_LIST,	/* array */
	MONGO_REST,	/* json: the fields that no other attribute is for */
	MONGO_ANY,	/* a type without a counterpart, or several: as text */
	MONGO_CODECS
};

struct mongo_storage {
	uint8_t codec;	 /* enum mongo_codec */
	uint8_t element; /* of a LIST's items */
};

/* What a codec is. */
struct mongo_codec_info {
	uint16_t type;	    /* whose values it keeps */
	const char *schema; /* bsonType in a validator; NULL: any */
	const char *const
		*types; /* what $type may say of a value, with "null" and "missing" besides; NULL: anything */
	uint8_t equality, order; /* MongoDB compares two such values as the core does */
};
extern const struct mongo_codec_info mongo_codecs[MONGO_CODECS];

/* EVALUE for a codec that the type does not have, ENAME for a source that is no path. */
uint32_t mongo_storage_of(const struct consort_resource *resource, const struct consort_attribute *attribute,
			  struct mongo_storage *out_storage, struct consort_error *error);
/* Is the document's field of that name what an attribute is for, or MongoDB's own? */
bool mongo_is_field(const struct consort_resource *resource, const char *name, size_t size);
/* Of values that no attribute is for. */
struct mongo_storage mongo_plain_storage(struct consort_type type);

/* --- decode.c --- */

/* A column of a result. */
struct mongo_column {
	const char *key; /* of the document's element */
	size_t key_size;
	const char *path; /* what follows in documents inside of it, with dots; NULL: nothing */
	uint32_t next;	  /* the next column of the same key, or UINT32_MAX */
	struct mongo_storage storage;
	bool first;    /* of the columns of that key */
	bool strict;   /* what the server computed: a double is no integer, and 0 has no sign */
	bool zero;     /* no value is 0: a count of nothing */
	bool required; /* there is always a value */
	struct consort_type type;
	const char *resource, *attribute; /* for messages */
	uint32_t place; /* in the batch; UINT32_MAX: its type is looked at, and that is all */
};

/* What reads documents into rows. */
struct mongo_reader {
	const struct mongo_column *columns;
	uint32_t ncolumns;
	uint32_t rest;				 /* the column of codec REST, or UINT32_MAX */
	const struct consort_resource *resource; /* whose fields that leaves out */
	uint64_t *seen;				 /* [ncolumns] the number of the row that it was met in */
	uint64_t row;
	struct consort_arena scratch; /* of one value */
	struct consort_buffer text;   /* likewise */
};

/* Appends a document as a row. */
uint32_t mongo_read_row(struct mongo_reader *reader, const uint8_t *data, size_t size,
			struct consort_batch *batch, struct consort_error *error);
/* The value of one column in a document, as it is: NULL if it is not *out_found. It lasts as long as the
 * document and the reader's scratch memory. */
uint32_t mongo_read_field(struct mongo_reader *reader, const struct mongo_column *column,
			  const bson_t *document, bool *out_found, struct consort_value *out_value,
			  struct consort_error *error);
/* A column by an attribute's source, which is split at its first dot. */
void mongo_column_set(struct mongo_column *column, const char *source, struct mongo_storage storage,
		      struct consort_type type);
/* Links columns of one key. */
void mongo_columns_link(struct mongo_column *columns, uint32_t count);
bool mongo_reader_init(struct mongo_reader *reader, const struct mongo_column *columns, uint32_t count);
void mongo_reader_clear(struct mongo_reader *reader);

/* --- encode.c --- */

enum mongo_purpose {
	MONGO_STORE, /* a value that the codec cannot hold is ERANGE */
	MONGO_BELOW, /* …, or becomes the next one below that it can */
	MONGO_ABOVE, /* …, above */
	MONGO_EQUAL  /* …, or is told to be none: *out_none */
};

/* Appends the value, which is not NULL, under that key. `name`: the attribute's, for messages. */
uint32_t mongo_encode(const struct mongo_storage *storage, enum mongo_purpose purpose,
		      const struct consort_value *value, const char *name, bson_t *out, const char *key,
		      size_t key_size, bool *out_none, struct consort_error *error);
/* A column's value likewise; also of a list. NULL is appended as BSON's null. */
uint32_t mongo_encode_cell(const struct mongo_storage *storage, const struct consort_column *column,
			   int64_t row, const char *name, bson_t *out, const char *key, size_t key_size,
			   struct consort_error *error);

/* --- print.c, parse.c --- */

/* Appends a value as JSON. ERANGE, with a message about the value alone, for one that no JSON text can hold.
 */
uint32_t mongo_print(const bson_iter_t *value, struct consort_buffer *out, struct consort_error *error);
/* Appends a document's members that `leaves` does not hold back, as an object. */
uint32_t mongo_print_rest(const uint8_t *data, size_t size,
			  bool (*leaves)(const void *context, const char *key), const void *context,
			  struct consort_buffer *out, struct consort_error *error);
/* Appends what a JSON text says under that key. */
uint32_t mongo_parse(struct consort_view json, bson_t *out, const char *key, size_t key_size,
		     struct consort_error *error);
/* Appends the members of a JSON object. `parameters`: what {"$param": n} stands for, or NULL. */
struct consort_run;
uint32_t mongo_parse_members(struct consort_view json, const struct consort_run *parameters, bson_t *out,
			     struct consort_error *error);
/* The same of an array. */
uint32_t mongo_parse_elements(struct consort_view json, const struct consort_run *parameters, bson_t *out,
			      struct consort_error *error);

/* --- checks on the server --- */

/* Around what an expression of the server's says of a value that an attribute's type does not have. */
#define MONGO_CHECK_MARK "consort: "
#define MONGO_CHECK_END " (consort)"

#endif
