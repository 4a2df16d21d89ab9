/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_RESOURCE_H
#define CONSORT_RESOURCE_H

/*
 * What a resource is: the table, collection, key space or file behind a name, with its attributes, key,
 * relationships and indexes. The core makes these from declarations and introspection; adapters read them in
 * plans, writes and define, and make them (with the engine's names) in introspect.
 */

#include <consort/types.h>

CONSORT_BEGIN

/* Bits of consort_attribute.flags */
#define CONSORT_ATTRIBUTE_NOT_NULL 1u    /* the engine guarantees it */
#define CONSORT_ATTRIBUTE_GENERATED 2u   /* the engine may give a value when a create names none */
#define CONSORT_ATTRIBUTE_READ_ONLY 4u   /* the engine refuses a value */
#define CONSORT_ATTRIBUTE_STRICT 8u      /* the engine guarantees that stored values have exactly this type */
#define CONSORT_ATTRIBUTE_UNKNOWN_TYPE 16u /* the engine's type has no counterpart; read as text */
#define CONSORT_ATTRIBUTE_DECLARED 32u   /* the manifest states this type: the adapter converts to it or errs */
/* From introspection: there only if the manifest declares it (a row's number, a system column). */
#define CONSORT_ATTRIBUTE_HIDDEN 64u

/* One attribute of a resource. Growing. */
struct consort_attribute {
	uint32_t struct_size;
	uint32_t flags;
	struct consort_type type;
	const char *name;        /* as queries name it */
	const char *source;      /* column, field or dotted path in the engine */
	const char *engine_type; /* the engine's own word for the type, for people; may be empty */
	const char *codec;       /* how an engine without types stores it; empty: the adapter's default */
};

/* A link from attributes of this resource to the same number of attributes of another. Growing. */
struct consort_relationship {
	uint32_t struct_size;
	uint32_t flags;
	const char *name;
	const char *target;        /* resource (from introspection: its source) */
	uint32_t nattributes;
	uint32_t reserved;
	const char *const *from;   /* attributes here */
	const char *const *to;     /* attributes there */
};

/* Bits of consort_index.flags */
#define CONSORT_INDEX_UNIQUE 1u

/* An index that define makes, or that introspection found. Growing. */
struct consort_index {
	uint32_t struct_size;
	uint32_t flags;
	const char *name;               /* empty: the engine's or adapter's choice */
	uint32_t nattributes;
	uint32_t reserved;
	const uint32_t *attributes;     /* positions in the resource's attributes */
};

/* A resource's option, as listed by the plugin with scope RESOURCE. Frozen. */
struct consort_setting {
	const char *name;
	struct consort_value value;
};

/* Bits of consort_resource.flags */
#define CONSORT_RESOURCE_READ_ONLY 1u /* a view, or a file: writes are refused */
/* From introspection: records may have attributes that it has not met. Clear, in a database without the feature
 * SCHEMALESS: one that is declared and not told is a mistake. */
#define CONSORT_RESOURCE_OPEN 2u

/* Growing. Immutable while anyone can see it; text and arrays live as long as the struct. */
struct consort_resource {
	uint32_t struct_size;
	uint32_t flags;
	uint64_t id;               /* given by the core, never used again in the process; 0 from introspection */
	const char *name;          /* as queries name it (from introspection: the same as source) */
	const char *database;      /* the database's name; NULL from introspection */
	const char *source;        /* table, schema.table, collection, key prefix, file or glob */
	uint32_t nattributes;
	uint32_t nkeys;
	const struct consort_attribute *const *attributes;
	const uint32_t *keys;      /* positions in attributes, in the key's order */
	uint32_t nrelationships;
	uint32_t nindexes;
	const struct consort_relationship *const *relationships;
	const struct consort_index *const *indexes;
	uint32_t nsettings;
	uint32_t reserved;
	const struct consort_setting *settings;
};

CONSORT_END

#endif
