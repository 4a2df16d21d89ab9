/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_SQLITE_STORAGE_H
#define CONSORT_SQLITE_STORAGE_H

/*
 * How values are kept in a store that takes any type in any column: a codec for each attribute, and the ways
 * in and out. types.c chooses, decode.c reads, encode.c binds, check.c has SQLite check.
 */

#include <sqlite3.h>
#include <stdbool.h>

#include <consort/arena.h>
#include <consort/batch.h>
#include <consort/buffer.h>
#include <consort/json.h>
#include <consort/resource.h>

struct lite_connection;
struct lite_statement;

enum lite_codec {
	LITE_ADOPT = 0,	    /* of a literal or parameter: as what it is compared with */
	LITE_INT64,	    /* INTEGER */
	LITE_FLOAT64,	    /* REAL, or INTEGER that a double holds exactly */
	LITE_TEXT,	    /* TEXT */
	LITE_BYTES,	    /* BLOB */
	LITE_MICROS,	    /* timestamp: INTEGER, microseconds since 1970 */
	LITE_BOOL,	    /* INTEGER 0 or 1 */
	LITE_MILLIS,	    /* timestamp: INTEGER, milliseconds since 1970 */
	LITE_SECONDS,	    /* timestamp: INTEGER, seconds since 1970 */
	LITE_ISO,	    /* timestamp: TEXT */
	LITE_DAYS,	    /* date: INTEGER, days since 1970 */
	LITE_DATE,	    /* date: TEXT, YYYY-MM-DD and nothing else */
	LITE_TIME_MICROS,   /* time: INTEGER, microseconds since midnight */
	LITE_UUID,	    /* uuid: BLOB of 16 bytes */
	LITE_UUID_TEXT,	    /* uuid: TEXT, lower case with hyphens */
	LITE_OBJECTID,	    /* objectid: BLOB of 12 bytes */
	LITE_OBJECTID_TEXT, /* objectid: TEXT, 24 digits in lower case */
	LITE_JSON, /* json: TEXT; a number also as INTEGER or REAL, which numeric columns make of it */
	LITE_SUM,  /* an aggregate of doubles: REAL, or for NaN, which SQLite has not, a BLOB: greater, as NaN
		      is */
	LITE_CONVERT, /* what is there, converted where nothing is lost; never compared by SQLite */
	LITE_CODECS
};

enum lite_affinity {
	LITE_AFFINITY_NONE,
	LITE_AFFINITY_TEXT,
	LITE_AFFINITY_NUMERIC,
	LITE_AFFINITY_INTEGER,
	LITE_AFFINITY_REAL
};

/* How one attribute is kept. */
struct lite_storage {
	uint8_t codec;	  /* enum lite_codec */
	uint8_t affinity; /* enum lite_affinity */
	uint8_t checked;  /* SQLite does not see to it that every value has this form */
	uint8_t equality; /* SQLite's = is ours */
	uint8_t order;	  /* SQLite's < is ours */
	uint8_t pinned;	  /* = with a value of this form finds no value of another */
	uint8_t unique;	  /* = finds one row at most */
	uint8_t collated; /* the column may have a collation other than BINARY */
};

/* What a codec is: properties by enum lite_codec. */
struct lite_codec_info {
	const char *name; /* of its check function, consort_NAME */
	uint16_t type;	  /* whose values it keeps */
	uint8_t storage;  /* SQLITE_INTEGER, SQLITE_FLOAT, SQLITE_TEXT, SQLITE_BLOB; 0: any */
	uint8_t loose;	  /* even a STRICT column may hold values that are not of this form */
	uint8_t equality, order;
	uint8_t never_numeric; /* TEXT that numeric affinity leaves alone */
};
extern const struct lite_codec_info lite_codecs[LITE_CODECS];

enum lite_affinity lite_affinity_of(const char *declared);
/* The type that a declared column type stands for; *out_flags gets UNKNOWN_TYPE. */
struct consort_type lite_type_of(const char *declared, bool strict, uint32_t *out_flags);
/* EVALUE for a codec that the type does not have. */
uint32_t lite_storage_of(const struct consort_resource *resource, const struct consort_attribute *attribute,
			 struct lite_storage *out_storage, struct consort_error *error);
/* Of values that no column holds. */
enum lite_codec lite_default_codec(struct consort_type type);

/* A column of a result. */
struct lite_column {
	uint8_t codec;
	uint8_t plain; /* the storage class whose values a batch keeps as they are; 0: none */
	struct consort_type type;
	const char *resource; /* for messages; may be "" */
	const char *attribute;
};

void lite_column_set(struct lite_column *column, enum lite_codec codec, struct consort_type type);
/* Appends the value of the cursor's column that is not one of `plain`, or tells why it cannot. */
uint32_t lite_decode(struct lite_statement *cursor, int i, sqlite3_value *value, struct consort_batch *batch,
		     struct consort_error *error);
/* Does the value have the codec's form? NULL has any. */
bool lite_has_form(enum lite_codec codec, sqlite3_value *value);
/* "…holds the text 'abc', which is not an integer" */
uint32_t lite_wrong_value(const struct lite_column *from, sqlite3_value *value, struct consort_error *error);

/* What is bound. Texts and blobs are borrowed. */
struct lite_cell {
	int kind;      /* SQLITE_INTEGER, … */
	bool stand_in; /* for a value that the column cannot hold */
	union {
		int64_t integer;
		double real;
		struct consort_view view;
	} as;
};

enum lite_purpose {
	LITE_COMPARE, /* a value that the column cannot hold becomes one that compares as it does */
	LITE_STORE,   /* … is ERANGE */
	LITE_GLOB,    /* a LIKE pattern, as GLOB's */
	LITE_DAY_FROM,
	LITE_DAY_TO, /* a timestamp as a day two days before, behind */
	LITE_LIMIT,
	LITE_OFFSET
};

/* Memory of values on their way in. */
struct lite_memory {
	struct consort_arena arena;
	struct consort_buffer text; /* of one value */
};

/* A value as it is bound; what it needs is put into memory, texts are copied there if `copy`. */
uint32_t lite_encode(const struct lite_storage *storage, enum lite_purpose purpose,
		     const struct consort_value *value, const char *attribute, bool copy,
		     struct lite_memory *memory, struct lite_cell *out_cell, struct consort_error *error);
int lite_bind(sqlite3_stmt *stmt, int position, const struct lite_cell *cell);

#endif
