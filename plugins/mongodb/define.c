/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Define: a collection with a validator that holds each field to its attribute's type, a unique index for a
 * key that is not _id, and the other indexes, also one that ends documents by their age. Fields without an
 * attribute stay allowed.
 */
#include "define.h"

#include "types.h"

#include <stdio.h>
#include <string.h>

#define KNOWN_FLAGS (CONSORT_SCHEMA_DRY_RUN | CONSORT_SCHEMA_IF_NEEDED)
#define SECOND INT64_C(1000000000)
#define NAMESPACE_NOT_FOUND 26
#define NAMESPACE_EXISTS 48

struct define {
	struct mongo_connection *conn;
	const struct consort_resource *resource;
	const struct consort_text_sink *sink;
	struct consort_error *error;
	bool dry, if_needed;
};

/* Runs the command, and says so; `ignored` is a code of the server's that is no failure, or 0. */
static uint32_t run(const struct define *define, const bson_t *command, int32_t ignored)
{
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	uint32_t status = CONSORT_OK;
	bson_t reply;

	if (define->sink) {
		status = mongo_print_rest(bson_get_data(command), command->len, NULL, NULL, &text,
					  define->error);
		consort_buffer_text(&text, "\n");
		if (!status && text.failed)
			status = consort_error_no_memory(define->error);
		if (!status) {
			status = define->sink->write(define->sink->context, text.data, text.size);
			if (status)
				consort_error_set(define->error, status,
						  "what would be run could not be written");
		}
		consort_buffer_clear(&text);
	}
	if (status || define->dry)
		return status;
	status = mongo_run(define->conn, MONGO_WRITE, command, 0, define->resource, &reply, define->error);
	bson_destroy(&reply);
	return status && ignored && define->error->code == ignored ? CONSORT_OK : status;
}

/* --- the validator --- */

static bool must_be_there(const struct consort_resource *resource, uint32_t at)
{
	return consort_resource_is_key(resource, at) ||
	       (resource->attributes[at]->flags & CONSORT_ATTRIBUTE_NOT_NULL);
}

/* {bsonType: [types…, "null"], description: "int64"} */
static uint32_t append_property(const struct define *define, uint32_t at, bson_t *out)
{
	const struct consort_attribute *attribute = define->resource->attributes[at];
	struct consort_buffer stated = CONSORT_BUFFER_INIT;
	const char *const *types;
	struct mongo_storage storage;
	bson_t property, list;
	uint32_t status = mongo_storage_of(define->resource, attribute, &storage, define->error), i;
	char digits[16];
	const char *number;

	if (status || strchr(attribute->source, '.') || storage.codec == MONGO_REST)
		return status;
	types = mongo_codecs[storage.codec].types;
	bson_append_document_begin(out, attribute->source, -1, &property);
	if (types) {
		BSON_APPEND_ARRAY_BEGIN(&property, "bsonType", &list);
		for (i = 0; types[i]; i++) {
			bson_uint32_to_string(i, &number, digits, sizeof(digits));
			BSON_APPEND_UTF8(&list, number, types[i]);
		}
		bson_uint32_to_string(i, &number, digits, sizeof(digits));
		if (!must_be_there(define->resource, at))
			BSON_APPEND_UTF8(&list, number, "null");
		bson_append_array_end(&property, &list);
	}
	consort_type_print(attribute->type, &stated);
	if (*attribute->codec)
		consort_buffer_printf(&stated, " codec %s", attribute->codec);
	if (!stated.failed)
		BSON_APPEND_UTF8(&property, "description", stated.data);
	else
		status = consort_error_no_memory(define->error);
	consort_buffer_clear(&stated);
	bson_append_document_end(out, &property);
	return status;
}

static void append_required(const struct consort_resource *resource, bson_t *out)
{
	uint32_t count = 0, i;
	bson_t list = BSON_INITIALIZER;
	char digits[16];
	const char *number;

	for (i = 0; i < resource->nattributes; i++) {
		if (!must_be_there(resource, i) || strchr(resource->attributes[i]->source, '.'))
			continue;
		bson_uint32_to_string(count++, &number, digits, sizeof(digits));
		BSON_APPEND_UTF8(&list, number, resource->attributes[i]->source);
	}
	if (count)
		BSON_APPEND_ARRAY(out, "required", &list);
	bson_destroy(&list);
}

static uint32_t create_collection(const struct define *define)
{
	bson_t command = BSON_INITIALIZER, validator, schema, properties;
	uint32_t status = CONSORT_OK, i;

	BSON_APPEND_UTF8(&command, "create", define->resource->source);
	BSON_APPEND_DOCUMENT_BEGIN(&command, "validator", &validator);
	BSON_APPEND_DOCUMENT_BEGIN(&validator, "$jsonSchema", &schema);
	BSON_APPEND_UTF8(&schema, "bsonType", "object");
	append_required(define->resource, &schema);
	BSON_APPEND_DOCUMENT_BEGIN(&schema, "properties", &properties);
	for (i = 0; !status && i < define->resource->nattributes; i++)
		status = append_property(define, i, &properties);
	bson_append_document_end(&schema, &properties);
	bson_append_document_end(&validator, &schema);
	bson_append_document_end(&command, &validator);
	if (!status)
		status = run(define, &command, define->if_needed ? NAMESPACE_EXISTS : 0);
	bson_destroy(&command);
	return status;
}

/* --- indexes --- */

static void append_keys(const struct consort_resource *resource, const uint32_t *attributes, uint32_t count,
			bson_t *out, struct consort_buffer *name)
{
	bson_t keys;
	uint32_t i;

	BSON_APPEND_DOCUMENT_BEGIN(out, "key", &keys);
	for (i = 0; i < count; i++) {
		const char *source = resource->attributes[attributes[i]]->source;

		BSON_APPEND_INT32(&keys, source, 1);
		consort_buffer_printf(name, "%s%s_1", i ? "_" : "", source);
	}
	bson_append_document_end(out, &keys);
}

/* seconds: of a document's life, negative: for ever */
static uint32_t create_index(const struct define *define, const char *name, const uint32_t *attributes,
			     uint32_t count, bool unique, int64_t seconds)
{
	struct consort_buffer made = CONSORT_BUFFER_INIT;
	bson_t command = BSON_INITIALIZER, list, index;
	uint32_t status;

	BSON_APPEND_UTF8(&command, "createIndexes", define->resource->source);
	BSON_APPEND_ARRAY_BEGIN(&command, "indexes", &list);
	BSON_APPEND_DOCUMENT_BEGIN(&list, "0", &index);
	append_keys(define->resource, attributes, count, &index, &made);
	BSON_APPEND_UTF8(&index, "name", *name ? name : made.data ? made.data : "");
	if (unique)
		BSON_APPEND_BOOL(&index, "unique", true);
	if (seconds >= 0)
		BSON_APPEND_INT64(&index, "expireAfterSeconds", seconds);
	bson_append_document_end(&list, &index);
	bson_append_array_end(&command, &list);
	status = made.failed ? consort_error_no_memory(define->error) : run(define, &command, 0);
	consort_buffer_clear(&made);
	bson_destroy(&command);
	return status;
}

static bool is_id(const struct consort_resource *resource)
{
	return resource->nkeys == 1 && !strcmp(resource->attributes[resource->keys[0]]->source, "_id");
}

static uint32_t create_indexes(const struct define *define)
{
	const struct consort_resource *resource = define->resource;
	uint32_t status = CONSORT_OK, i;

	if (resource->nkeys && !is_id(resource))
		status = create_index(define, MONGO_NAME_KEY, resource->keys, resource->nkeys, true, -1);
	for (i = 0; !status && i < resource->nindexes; i++) {
		const struct consort_index *index = resource->indexes[i];

		status = create_index(define, index->name, index->attributes, index->nattributes,
				      index->flags & CONSORT_INDEX_UNIQUE, -1);
	}
	return status;
}

/* expire.attribute and expire.after */
static uint32_t create_expiry(const struct define *define)
{
	const struct consort_resource *resource = define->resource;
	const struct consort_value *name =
		consort_setting_find(resource->settings, resource->nsettings, "expire.attribute");
	const struct consort_value *after =
		consort_setting_find(resource->settings, resource->nsettings, "expire.after");
	uint32_t i;

	if (!name || consort_value_is_null(name))
		return CONSORT_OK;
	for (i = 0; i < resource->nattributes; i++)
		if (strlen(resource->attributes[i]->name) == name->as.view.size &&
		    !memcmp(resource->attributes[i]->name, name->as.view.data, (size_t)name->as.view.size))
			break;
	if (i == resource->nattributes || resource->attributes[i]->type.id != CONSORT_TYPE_TIMESTAMP)
		return consort_error_set(
			define->error, CONSORT_EVALUE,
			"resource '%s': expire.attribute names no attribute of type timestamp",
			resource->name);
	return create_index(define, "consort_expiry", &i, 1, false,
			    after && !consort_value_is_null(after) ? after->as.int64 / SECOND : 0);
}

/* --- the operations --- */

static uint32_t begin(struct define *define, const struct consort_call *call, uint32_t flags)
{
	uint32_t status = mongo_enter(define->conn, call, define->error);

	define->dry = flags & CONSORT_SCHEMA_DRY_RUN;
	define->if_needed = flags & CONSORT_SCHEMA_IF_NEEDED;
	if (!status && flags & ~KNOWN_FLAGS) {
		status = consort_error_set(define->error, CONSORT_EUNSUPPORTED,
					   "unknown flags %#x of define or drop", (unsigned)flags);
	} else if (!status && define->conn->transaction != MONGO_TX_NONE && !define->dry) {
		consort_error_set(define->error, CONSORT_EUNSUPPORTED,
				  "MongoDB defines and drops outside of transactions");
		status = CONSORT_EUNSUPPORTED;
	}
	if (status)
		mongo_leave(define->conn);
	return status;
}

uint32_t mongo_define(void *connection, const struct consort_call *call,
		      const struct consort_resource *resource, uint32_t flags,
		      const struct consort_text_sink *sink, struct consort_error *error)
{
	struct define define = {.conn = connection, .resource = resource, .sink = sink, .error = error};
	uint32_t status = begin(&define, call, flags);

	if (status)
		return status;
	status = create_collection(&define);
	if (!status)
		status = create_indexes(&define);
	if (!status)
		status = create_expiry(&define);
	mongo_leave(define.conn);
	return status;
}

uint32_t mongo_drop(void *connection, const struct consort_call *call,
		    const struct consort_resource *resource, uint32_t flags,
		    const struct consort_text_sink *sink, struct consort_error *error)
{
	struct define define = {.conn = connection, .resource = resource, .sink = sink, .error = error};
	bson_t command = BSON_INITIALIZER;
	uint32_t status = begin(&define, call, flags);

	if (!status) {
		BSON_APPEND_UTF8(&command, "drop", resource->source);
		status = run(&define, &command, define.if_needed ? NAMESPACE_NOT_FOUND : 0);
		if (status && error->code == NAMESPACE_NOT_FOUND)
			status = error->status = CONSORT_ENOTFOUND;
		mongo_leave(define.conn);
	}
	bson_destroy(&command);
	return status;
}
