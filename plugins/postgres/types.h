/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_POSTGRES_TYPES_H
#define CONSORT_POSTGRES_TYPES_H

/*
 * PostgreSQL's types and their values. What a column is stands in its attribute's engine_type, as
 * introspection wrote it: format_type() of the base type, then " (enum)" or " (domain NAME)", then ' COLLATE
 * "NAME"' unless it is the database's, then " (nondeterministic)". types.c reads it, decode.c and encode.c
 * are both ways of the binary format.
 */

#include <stdbool.h>

#include <consort/arena.h>
#include <consort/batch.h>
#include <consort/buffer.h>
#include <consort/json.h>
#include <consort/resource.h>

/* How values travel. */
enum pg_codec {
	PG_BOOL,
	PG_INT2,
	PG_INT4,
	PG_INT8,
	PG_OID,
	PG_FLOAT4,
	PG_FLOAT8,
	PG_NUMERIC,
	PG_TEXT,   /* text, varchar, name */
	PG_BPCHAR, /* character(n): blanks at the end are no part of the value */
	PG_CITEXT, /* compared without case */
	PG_ENUM,
	PG_BYTEA,
	PG_TIMESTAMP, /* without time zone: UTC */
	PG_TIMESTAMPTZ,
	PG_DATE,
	PG_TIME,
	PG_UUID,
	PG_JSON,
	PG_JSONB,
	PG_ARRAY, /* of `element` */
	PG_OTHER, /* any other type, as the text that it is written as */
	PG_CODECS
};

/* What texts are compared by. */
enum pg_collation {
	PG_COLLATION_DEFAULT, /* the database's */
	PG_COLLATION_C,	      /* by bytes */
	PG_COLLATION_NAMED,   /* another one under which only equal bytes are equal */
	PG_COLLATION_LOOSE    /* one under which other bytes may be, too */
};

/* How one attribute is kept. */
struct pg_storage {
	uint8_t codec;	   /* enum pg_codec; the column's own */
	uint8_t element;   /* of an array */
	uint8_t collation; /* enum pg_collation */
	uint8_t converts;  /* the attribute has another type than the column */
	uint8_t nested;	   /* it is a part of the documents in a column */
	uint8_t unused[3]; /* 0: slots compare storages as bytes, so they have no gaps */
	/* characters of varchar(n) and character(n), digits of a second, the scale of numeric(p,s) and
	 * PG_SCALE_BASE; -1: none */
	int32_t limit;
};

#define PG_SCALE_BASE 1000 /* a scale may be negative, but not more than this */

/* What a codec is. */
struct pg_codec_info {
	const char *name;    /* in SQL */
	uint32_t oid, array; /* types of parameters; 0: none */
	uint16_t type;	     /* whose values it carries */
	uint8_t family;	     /* enum pg_family */
	uint8_t size;	     /* bytes of every value; 0: they differ */
};
extern const struct pg_codec_info pg_codecs[PG_CODECS];

/* Codecs whose values PostgreSQL compares with each other, as the core does. */
enum pg_family {
	PG_NO_FAMILY,
	PG_FAMILY_BOOL,
	PG_FAMILY_INTEGER,
	PG_FAMILY_REAL,
	PG_FAMILY_NUMERIC,
	PG_FAMILY_TEXT,
	PG_FAMILY_BYTES,
	PG_FAMILY_TIMESTAMP,
	PG_FAMILY_DATE,
	PG_FAMILY_TIME,
	PG_FAMILY_UUID
};

/* The type that an engine_type stands for; *out_flags gets UNKNOWN_TYPE. */
struct consort_type pg_type_of(const char *engine_type, uint32_t *out_flags);
/* EVALUE for a codec that there is not, and for a type that the column's values do not become. */
uint32_t pg_storage_of(const struct consort_resource *resource, const struct consort_attribute *attribute,
		       struct pg_storage *out_storage, struct consort_error *error);
/* The attribute of documents that the source of this one leads into ("doc.a.b"), with the keys in *out_path
 * ("a.b"); NULL: the source is a column. */
const struct consort_attribute *pg_document_of(const struct consort_resource *resource,
					       const struct consort_attribute *attribute,
					       const char **out_path);
/* Of values that no column holds, and of those that a result's column of this type (an oid) has. */
struct pg_storage pg_plain_storage(struct consort_type type);
struct consort_type pg_type_of_oid(uint32_t oid, int32_t modifier, struct pg_storage *out_storage);
/* The column type without what introspection wrote behind it; what define makes of an attribute. */
void pg_base_type(const char *engine_type, struct consort_buffer *out);
uint32_t pg_column_type(const struct consort_resource *resource, const struct consort_attribute *attribute,
			struct consort_buffer *out, struct consort_error *error);

/* --- decode.c --- */

/* A column of a result. */
struct pg_column {
	struct pg_storage storage;
	struct consort_type type;
	uint8_t plain;	      /* the codec, if a cursor may copy its values; else PG_CODECS */
	const char *resource; /* for messages; may be "" */
	const char *attribute;
};

/* What decoding needs beside: one for each cursor, made when it is first needed. */
struct pg_decoder {
	struct consort_json_reader *json;
	struct consort_buffer text;
	struct consort_arena arena;
	bool unchecked; /* the server does not see to it that texts are UTF-8 */
};

/* Appends a value that is not NULL. */
uint32_t pg_decode(struct pg_decoder *decoder, const struct pg_column *from, const char *data, size_t size,
		   struct consort_batch *batch, struct consort_column *column, struct consort_error *error);
/* The same of PostgreSQL's text format. */
uint32_t pg_decode_text(struct pg_decoder *decoder, const struct pg_column *from, const char *data,
			size_t size, struct consort_batch *batch, struct consort_column *column,
			struct consort_error *error);
void pg_decoder_clear(struct pg_decoder *decoder);

/* --- encode.c --- */

enum pg_purpose {
	PG_COMPARE, /* a value that the column cannot hold is compared all the same */
	PG_STORE,   /* … is ERANGE, as is one that would come back different */
	PG_LIKE,    /* a pattern: it must not end with a backslash */
	PG_REGEX,   /* an ILIKE pattern, as a regular expression */
	PG_LIMIT,
	PG_OFFSET
};

/* Appends a field as COPY has it: its length in four bytes, -1 for NULL, and its bytes. */
uint32_t pg_encode(const struct pg_storage *storage, enum pg_purpose purpose,
		   const struct consort_value *value, const char *attribute, struct consort_buffer *out,
		   struct consort_error *error);
/* The values of a batch's column as an array that is one field; an error names the row. */
uint32_t pg_encode_array(const struct pg_storage *storage, enum pg_purpose purpose,
			 const struct consort_column *column, int64_t rows, const char *attribute,
			 struct consort_buffer *out, int64_t *out_row, struct consort_error *error);

/* Room for a field of that size behind its length; NULL: no memory. */
char *pg_add_field(struct consort_buffer *out, size_t size);
/* ERANGE: "attribute 'NAME': VALUE why". */
uint32_t pg_refuse(const char *attribute, const struct consort_value *value, const char *why,
		   struct consort_error *error);

/* --- numeric.c --- */

/* A numeric as the server sends it: groups of four decimal digits, the first one worth 10000^weight. */
struct pg_numeric {
	const char *groups;
	int count, weight, scale;
	uint16_t sign;
};

/* False: it is none. */
bool pg_numeric_read(const char *data, size_t size, struct pg_numeric *out);
/* Its text, as SQL writes it. */
void pg_numeric_print(const struct pg_numeric *numeric, struct consort_buffer *out);
/* Its value times 10^scale, if that is an integer of at most `precision` digits. */
bool pg_numeric_scale(const struct pg_numeric *numeric, struct consort_type type,
		      struct consort_decimal *out);
/* Appends a decimal, an integer or a double as a field. ERANGE for digits beyond the limit of a storage. */
uint32_t pg_numeric_encode(const struct consort_value *value, int32_t limit, const char *attribute,
			   struct consort_buffer *out, struct consort_error *error);

/* --- bytes, as the protocol orders them --- */

static inline uint16_t pg_get16(const char *data)
{
	uint16_t value;

	memcpy(&value, data, sizeof(value));
	return __builtin_bswap16(value);
}

static inline uint32_t pg_get32(const char *data)
{
	uint32_t value;

	memcpy(&value, data, sizeof(value));
	return __builtin_bswap32(value);
}

static inline uint64_t pg_get64(const char *data)
{
	uint64_t value;

	memcpy(&value, data, sizeof(value));
	return __builtin_bswap64(value);
}

static inline void pg_set16(char *out, uint16_t value)
{
	value = __builtin_bswap16(value);
	memcpy(out, &value, sizeof(value));
}

static inline void pg_set32(char *out, uint32_t value)
{
	value = __builtin_bswap32(value);
	memcpy(out, &value, sizeof(value));
}

static inline void pg_set64(char *out, uint64_t value)
{
	value = __builtin_bswap64(value);
	memcpy(out, &value, sizeof(value));
}

#define PG_EPOCH_DAYS 10957 /* 2000-01-01 since 1970-01-01 */
#define PG_EPOCH_MICROSECONDS (PG_EPOCH_DAYS * INT64_C(86400000000))
/* On both sides of 2000-01-01 every timestamp is one to both, for some 4,000 years. */
#define PG_MICROSECONDS_PLAIN (INT64_C(1500000) * INT64_C(86400000000))

#endif
